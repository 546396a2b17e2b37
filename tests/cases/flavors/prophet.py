"""Prophet: trends, seasons, holidays, regressors, and bounds drawn by lot."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pandas as pd
import prophet as library

from cases.flavors.boosting_data import quietly
from modelyard.objects.flavors import prophet
from modelyard.testing.flavors import Example, FlavorCase

logging.getLogger("cmdstanpy").disabled = True
logging.getLogger("prophet.plot").disabled = True

DAYS = 90
_random = np.random.default_rng(5)
SALES = pd.DataFrame(
    {
        "ds": pd.date_range("2023-01-01", periods=DAYS),
        "y": np.arange(DAYS) / 9 + np.sin(np.arange(DAYS)) + _random.normal(size=DAYS) / 9,
        "promotion": _random.integers(0, 2, DAYS),
        "cap": 20.0,
        "floor": -5.0,
    }
)
AHEAD = SALES.assign(ds=SALES["ds"] + pd.Timedelta(days=60)).drop(columns="y")[:12]
FAIRS = pd.DataFrame(
    {
        "holiday": ["fair", "fair", "sale"],
        "ds": pd.to_datetime(["2023-01-20", "2023-03-10", "2023-02-02"]),
        "lower_window": 0,
        "upper_window": 1,
    }
)
EXACT: dict[str, Any] = {"uncertainty_samples": 0, "yearly_seasonality": False}


def full() -> Any:
    model = library.Prophet(**EXACT, holidays=FAIRS, seasonality_mode="multiplicative")
    model.add_country_holidays("US")
    model.add_regressor("promotion", mode="additive")
    model.add_seasonality("monthly", period=30.5, fourier_order=3, mode="additive")
    return model.fit(SALES)


class Cautious(library.Prophet):
    """A class of one's own: code."""


class Always:
    """Predicts a regressor."""

    def predict(self, frame: Any) -> Any:
        return frame


def predicted_regressor() -> Any:
    model = full()
    model.extra_regressors["promotion"]["predictor"] = Always()
    return model


def models() -> dict[str, Example]:
    dates = AHEAD[["ds"]]
    return {
        "holidays, seasons and a regressor": Example(
            quietly(full),
            AHEAD[["ds", "promotion"]],
            labels=["forecast", "linear-growth"],
            format="prophet_json",
        ),
        "logistic growth": Example(
            quietly(lambda: library.Prophet(**EXACT, growth="logistic").fit(SALES)),
            AHEAD[["ds", "cap", "floor"]],
            labels=["forecast", "logistic-growth"],
            format="prophet_json",
        ),
        "flat, with places to change given": Example(
            quietly(lambda: library.Prophet(**EXACT, changepoints=["2023-02-01"]).fit(SALES)),
            dates,
            format="prophet_json",
        ),
        "bounds": Example(
            quietly(lambda: library.Prophet().fit(SALES)),
            dates,
            format="prophet_json",
            equal=prophet.same_output,
        ),
        "a class of one's own": Example(quietly(lambda: Cautious(**EXACT).fit(SALES)), dates),
    }


def case() -> FlavorCase:
    return FlavorCase(
        flavor=prophet,
        models=models(),
        strangers={"class": library.Prophet, "module": library, "table": SALES},
        unready={"prophet": library.Prophet()},
    )
