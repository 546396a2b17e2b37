"""statsmodels: time series take no rows, and formulas bring the names they use."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from statsmodels.tsa.api import VAR, AutoReg, ExponentialSmoothing
from statsmodels.tsa.arima.model import ARIMA
from statsmodels.tsa.statespace.sarimax import SARIMAX

import modelyard as my
from cases.flavors import statsmodels as statsmodels_cases
from modelyard.objects.equality import same_output
from modelyard.yard.verbs import open_model
from serving_cases.server import serving

_random = np.random.default_rng(2)
SALES = pd.Series(
    20 + _random.normal(size=40).cumsum(),
    pd.date_range("2020-01-01", periods=40, freq="MS"),
    name="sales",
)
PROMOTED = np.arange(40.0) % 2


@pytest.mark.parametrize(
    "make",
    [
        lambda: ARIMA(SALES, order=(1, 1, 0)).fit(),
        lambda: AutoReg(SALES, 2).fit(),
        lambda: ExponentialSmoothing(SALES, trend="add", seasonal="add").fit(),
        lambda: SARIMAX(SALES, order=(1, 0, 0)).fit(disp=False),
    ],
    ids=["arima", "autoregression", "exponential smoothing", "sarimax"],
)
@pytest.mark.filterwarnings("ignore")
def test_time_series_are_predicted_from_a_date_and_forecast_some_steps(
    make: Any, tmp_path: Path
) -> None:
    model = make()
    card = my.save(model, tmp_path / "model", sample_data=("2023-05-01", "2023-08-01"))
    assert list(card.methods) == ["predict", "forecast"]
    assert card.methods["forecast"].args["steps"].default == 1
    found = my.load(tmp_path / "model")
    assert same_output(found.forecast(3), model.forecast(3))
    expected = model.predict("2023-05-01", "2023-08-01")
    assert same_output(found.predict("2023-05-01", "2023-08-01"), expected)
    with serving([open_model(tmp_path / "model")]) as http:
        answer = http.post("/forecast", json={"steps": 3})
        assert answer.json() == pytest.approx(model.forecast(3).tolist())
        answer = http.post("/predict", json={"start": "2023-05-01", "end": "2023-08-01"})
        assert answer.json() == pytest.approx(expected.tolist())


def test_further_regressors_of_a_time_series_have_a_name(tmp_path: Path) -> None:
    model = SARIMAX(SALES, exog=PROMOTED, order=(1, 0, 0)).fit(disp=False)
    sample = {"start": 40, "end": 41, "exog": np.array([[1.0], [0.0]])}
    card = my.save(model, tmp_path / "model", sample_data=sample)
    assert card.methods["predict"].args["exog"].type.to_dict()["type"] == "optional"
    assert "kwargs" not in card.methods["predict"].args
    with serving([open_model(tmp_path / "model")]) as http:
        body = {"start": 40, "end": 41, "exog": [[1.0], [0.0]]}
        answer = http.post("/predict", json=body).json()
    assert answer == pytest.approx(model.predict(**sample).tolist())


def test_several_series_are_forecast_together(tmp_path: Path) -> None:
    values = _random.normal(size=(40, 2))
    model = VAR(values).fit(1)
    card = my.save(model, tmp_path / "model", sample_data=(values[-1:], 2))
    assert list(card.methods) == ["forecast"]
    assert np.array_equal(
        my.load(tmp_path / "model").forecast(values[-1:], 2), model.forecast(values[-1:], 2)
    )


IN_A_NEW_PROCESS = """
import sys
import pandas as pd
import modelyard as my
from modelyard.objects.equality import same_output
rows, expected = pd.read_pickle(sys.argv[1] + ".rows"), pd.read_pickle(sys.argv[1] + ".expected")
assert same_output(my.apply(sys.argv[1], rows, trust=sys.argv[2]), expected)
"""


def test_a_formula_finds_its_names_wherever_it_is_loaded(tmp_path: Path) -> None:
    """Also from the top of a script, and inside a function that holds it."""
    example = statsmodels_cases.models()["a formula with functions"]
    model = example.make()

    def predict(rows: pd.DataFrame) -> Any:
        return model.predict(rows)

    for number, saved in enumerate((model, predict)):
        path = tmp_path / str(number)
        card = my.save(saved, path, sample_data=example.rows)
        pd.to_pickle(example.rows, f"{path}.rows")
        pd.to_pickle(model.predict(example.rows), f"{path}.expected")
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", IN_A_NEW_PROCESS, str(path), card.digest],
            capture_output=True,
            text=True,
            check=False,
            env={"PYTHONPATH": str(Path(my.__file__).parents[1])},
        )
        assert done.returncode == 0, done.stderr


def test_what_a_pickle_keeps_in_the_memory_of_arrow_is_required(tmp_path: Path) -> None:
    """Labels of columns are such, where pandas finds pyarrow; nothing else of the model says so."""
    frame = pd.DataFrame({"x": [1.0, 2.0, 3.0], "y": [2.0, 4.1, 6.0]})
    card = my.save(smf.ols("y ~ x", frame).fit(), tmp_path / "model", sample_data=frame)
    assert "pyarrow" in [p.split("==")[0] for p in card.requirements.packages]
    plain = my.save(lambda x: x, tmp_path / "plain", sample_data=frame)
    assert "pyarrow" not in [p.split("==")[0] for p in plain.requirements.packages]
