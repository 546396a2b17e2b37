"""CatBoost: classifiers, regressors, rankers and plain models, with categories, texts and weights."""

from __future__ import annotations

from typing import Any

import catboost as cb
import numpy as np
import pandas as pd

from cases.flavors.boosting_data import (
    AMOUNT,
    CODES,
    GRADES,
    GROUPS,
    NUMBERS,
    NUMERIC,
    TABLE,
    WEIGHTS,
    WORDS,
    quietly,
)
from modelyard.objects.flavors import catboost
from modelyard.testing.flavors import Example, FlavorCase

SMALL: dict[str, Any] = {
    "iterations": 4,
    "verbose": 0,
    "allow_writing_files": False,
    "thread_count": 1,
}
CLASSIFIER = ("predict", "predict_proba", "predict_log_proba")
TOWNS = TABLE.assign(
    town=TABLE["town"].astype(object), said=pd.Series([f"{w} we go" for w in WORDS], dtype=object)
)


class Bolder(cb.CatBoostRegressor):
    """A class of one's own: code."""


class SquaredError:
    """An objective of one's own."""

    def calc_ders_range(self, approxes: Any, targets: Any, weights: Any) -> Any:
        return [(t - a, -1.0) for a, t in zip(approxes, targets, strict=True)]


def models() -> dict[str, Example]:
    return {
        "classifier of a table with categories": Example(
            quietly(
                lambda: cb.CatBoostClassifier(**SMALL, cat_features=["town"]).fit(
                    TOWNS.drop(columns="said"), WORDS, sample_weight=WEIGHTS
                )
            ),
            TOWNS.drop(columns="said"),
            CLASSIFIER,
            ["gradient-boosting"],
            "cbm",
        ),
        "texts": Example(
            quietly(
                lambda: cb.CatBoostClassifier(**SMALL, text_features=["said"]).fit(
                    TOWNS[["age", "said"]], CODES > 0
                )
            ),
            TOWNS[["age", "said"]],
            CLASSIFIER,
            format="cbm",
        ),
        "early stopping": Example(
            quietly(
                lambda: cb.CatBoostRegressor(
                    **SMALL | {"iterations": 40}, early_stopping_rounds=2
                ).fit(NUMERIC[:40], AMOUNT[:40], eval_set=(NUMERIC[40:], -AMOUNT[40:]))
            ),
            NUMERIC,
            ("predict",),
            format="cbm",
        ),
        "classes that are numbers, of arrays": Example(
            quietly(
                lambda: cb.CatBoostClassifier(**SMALL, class_weights=[1, 2, 1]).fit(
                    NUMBERS, CODES + 5
                )
            ),
            NUMBERS,
            CLASSIFIER,
            format="cbm",
        ),
        "several outputs": Example(
            quietly(
                lambda: cb.CatBoostRegressor(**SMALL, loss_function="MultiRMSE").fit(
                    NUMBERS, np.c_[AMOUNT, -AMOUNT]
                )
            ),
            NUMBERS,
            ("predict",),
            format="cbm",
        ),
        "ranker": Example(
            quietly(lambda: cb.CatBoostRanker(**SMALL).fit(NUMERIC, GRADES, group_id=GROUPS)),
            NUMERIC,
            ("predict",),
            ["gradient-boosting", "ranking"],
            "cbm",
        ),
        "plain": Example(
            quietly(lambda: cb.CatBoost({**SMALL, "loss_function": "MAE"}).fit(NUMERIC, AMOUNT)),
            NUMERIC,
            ("predict",),
            ["gradient-boosting"],
            "cbm",
        ),
        "an object among the parameters": Example(
            quietly(
                lambda: cb.CatBoostRegressor(
                    **SMALL, loss_function=SquaredError(), eval_metric="RMSE"
                ).fit(NUMERIC, AMOUNT)
            ),
            NUMERIC,
            ("predict",),
        ),
        "a class of one's own": Example(
            quietly(lambda: Bolder(**SMALL).fit(NUMERIC, AMOUNT)), NUMERIC, ("predict",)
        ),
    }


def case() -> FlavorCase:
    return FlavorCase(
        flavor=catboost,
        models=models(),
        strangers={
            "pool": cb.Pool(NUMBERS),
            "class": cb.CatBoostClassifier,
            "function": cb.cv,
        },
        unready={"classifier": cb.CatBoostClassifier(), "plain": cb.CatBoost()},
    )
