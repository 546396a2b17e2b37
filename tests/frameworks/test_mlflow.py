"""Both ways with MLflow's own client: it writes what we read, and reads what we wrote. It runs as a process of its own, that
does not see modelyard."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import modelyard as my
from frameworks import mlflow_functions as functions
from frameworks.environments import ROOT, core_libraries, environment_of, python_of
from frameworks.mlflow_process import answers_of, client, mlflow_serving
from modelyard.objects.importers import open_path
from modelyard.objects.load import load_model
from serving_cases.server import serving

READ_AS = {
    "sklearn_skops": ("sklearn", "skops", 1),
    "sklearn_pickle": ("sklearn", "checked_pickle", 1),
    "sklearn_cloudpickle": ("sklearn", "checked_pickle", 1),
    "pipeline": ("sklearn", "checked_pickle", 1),
    "xgboost_estimator": ("xgboost", "ubj", 0),
    "xgboost_booster": ("xgboost", "ubj", 0),
    "lightgbm_booster": ("lightgbm", "lightgbm_text", 0),
    "lightgbm_skops": ("lightgbm", "trusted_skops", 2),
    "lightgbm_pickle": ("lightgbm", "pickle", 2),
    "catboost_classifier": ("catboost", "cbm", 0),
    "catboost_regressor": ("catboost", "cbm", 0),
    "catboost_json": ("catboost", "cbm", 0),
    "statsmodels": ("statsmodels", "pickle", 2),
    "onnx": ("onnx", "onnx", 0),
    "class": ("callable", "mlflow_pyfunc", 2),
    "function": ("callable", "mlflow_pyfunc", 2),
    "unhinted": ("callable", "mlflow_pyfunc", 2),
    "nested": ("callable", "mlflow_pyfunc", 2),
    "pydantic": ("callable", "mlflow_pyfunc", 2),
    "code": ("callable", "mlflow_pyfunc", 2),
    "loader": ("callable", "mlflow_pyfunc", 2),
}
"""What the client writes -> how it is read here: flavor, format, tier."""
TENSORS = ("onnx",)
RECORDS = ("nested", "pydantic")
"""Of which each row is a dict."""
WITHOUT_MLFLOW = ("class", "function", "unhinted", "nested", "pydantic", "loader")
"""Python functions that need MLflow for nothing but having been written by it."""


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder of each kind, and what MLflow answers."""
    folder = tmp_path_factory.mktemp("written")
    client("write", str(folder), *READ_AS)
    return folder


@pytest.fixture(scope="session")
def expected(written: Path) -> dict[str, dict[str, Any]]:
    return json.loads((written / "expected.json").read_text())


def asked(name: str, question: Any) -> Any:
    """A question as users have it."""
    if name in TENSORS:
        return pd.DataFrame(question).to_numpy(np.float32)
    return (
        pd.DataFrame(question)
        if isinstance(question[0], dict) and name not in RECORDS
        else question
    )


def plain(answer: Any) -> Any:
    return answer.tolist() if hasattr(answer, "tolist") else answer


# What the client wrote


@pytest.mark.parametrize("name", READ_AS)
def test_a_model_that_mlflow_wrote_answers_the_same_here(
    name: str, written: Path, expected: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = open_path(written / name)
    assert source.card.format is not None
    assert (source.card.flavor, source.card.format.name, source.card.format.tier) == READ_AS[name]
    monkeypatch.setenv("MODELYARD_TRUST", source.card.digest)
    question, answer = expected[name]["question"], expected[name]["answer"]
    if name == "onnx":  # a dict by output there
        answer = np.ravel(answer["variable"]).tolist()
    found = np.ravel(my.apply(written / name, asked(name, question))).tolist()
    assert found == (pytest.approx(answer, rel=1e-6) if isinstance(answer[0], float) else answer)


@pytest.mark.parametrize("name", ["sklearn_skops", "xgboost_estimator", "class", "nested"])
def test_and_served_it_answers_the_same(
    name: str, written: Path, expected: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = open_path(written / name)
    monkeypatch.setenv("MODELYARD_TRUST", source.card.digest)
    with serving([load_model(source, check_env="off")]) as http:
        answer = http.post("/predict", json=expected[name]["question"])
    assert answer.status_code == 200, answer.text
    assert answer.json() == pytest.approx(expected[name]["answer"], rel=1e-6)


def test_the_sample_is_one_that_the_model_takes(
    written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in READ_AS:
        source = open_path(written / name)
        if source.card.sample is None:
            continue
        monkeypatch.setenv("MODELYARD_TRUST", source.card.digest)
        model = load_model(source, check_env="off")
        first, argument = next(iter(model.signature("predict").args.items()))
        sample = source.card.sample
        rows = sample[first] if isinstance(sample, dict) else sample
        assert len(model.call("predict", **{first: argument.type.decode(rows)})) == len(rows), name


def test_python_functions_run_where_mlflow_is_not(written: Path, expected: Any) -> None:
    python = python_of(environment_of(["pandas", "numpy"]))
    script = (
        "import importlib.util, json, os, sys\n"
        "import modelyard as my, pandas\n"
        "assert importlib.util.find_spec('mlflow') is None\n"
        "answers = {}\n"
        "for name, question in json.load(sys.stdin).items():\n"
        f"    path = os.path.join({str(written)!r}, name)\n"
        "    os.environ['MODELYARD_TRUST'] = my.load_card(path).digest\n"
        f"    table = isinstance(question[0], dict) and name not in {RECORDS!r}\n"
        "    answer = my.apply(path, pandas.DataFrame(question) if table else question)\n"
        "    answers[name] = answer.tolist() if hasattr(answer, 'tolist') else answer\n"
        "print(json.dumps(answers))\n"
    )
    done = subprocess.run(
        [str(python), "-c", script],
        input=json.dumps({name: expected[name]["question"] for name in WITHOUT_MLFLOW}),
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(core_libraries())]),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    answers = json.loads(done.stdout)
    for name in WITHOUT_MLFLOW:
        assert answers[name] == pytest.approx(expected[name]["answer"]), name


# What we wrote


FRAME = pd.DataFrame({"age": [30, 41, 52, 23], "pay": [2.5, 3.5, 1.0, 4.0], "city": ["x", "y", "x", "y"]})  # fmt: skip
NUMBERS = FRAME[["age", "pay"]]
TARGET = [0, 1, 0, 1]


def models() -> dict[str, tuple[Any, Any, Any, dict[str, Any]]]:
    """Name -> model, sample, what is asked, and what `mlflow_client.ask` has to know."""
    import catboost
    import lightgbm
    import xgboost
    from skl2onnx import to_onnx
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    numbers = NUMBERS.to_numpy()
    table = {"as": "frame"}
    moments = pd.DataFrame({"begun": pd.to_datetime(["2024-01-01"]), "until": pd.to_datetime(["2024-01-02"])})  # fmt: skip
    days = pd.DataFrame({"begun": ["2024-01-01T00:00:00"], "until": ["2024-01-01T00:01:00"]})
    quiet = {"iterations": 3, "verbose": False, "allow_writing_files": False}
    booster = xgboost.train({"max_depth": 2}, xgboost.DMatrix(NUMBERS, TARGET), 2)
    leaves = lightgbm.train({"verbose": -1, "min_data": 1}, lightgbm.Dataset(NUMBERS, TARGET), 2)
    forest = RandomForestClassifier(3, random_state=0).fit(NUMBERS, TARGET)
    return {
        "forest": (forest, NUMBERS, NUMBERS, {**table, "native": "sklearn"}),
        "array": (Ridge().fit(numbers, TARGET), numbers, numbers, {"as": "array", "dtype": "float64", "native": "sklearn"}),
        "encoded": (make_pipeline(OneHotEncoder(), Ridge()).fit(FRAME[["city"]], TARGET), FRAME[["city"]], FRAME[["city"]], table),
        "xgboost": (xgboost.XGBClassifier(n_estimators=2).fit(NUMBERS, TARGET), NUMBERS, NUMBERS, {**table, "native": "xgboost"}),
        "booster": (booster, NUMBERS, NUMBERS, {**table, "native": "xgboost"}),
        "lightgbm": (lightgbm.LGBMRegressor(n_estimators=2, verbose=-1, min_child_samples=1).fit(NUMBERS, TARGET), NUMBERS, NUMBERS, table),
        "leaves": (leaves, NUMBERS, NUMBERS, {**table, "native": "lightgbm"}),
        "catboost": (catboost.CatBoostClassifier(**quiet).fit(NUMBERS, TARGET), NUMBERS, NUMBERS, {**table, "native": "catboost"}),
        "rule": (functions.rule, FRAME, FRAME, table),
        "area": (functions.area, (2.0, 3.0), pd.DataFrame({"width": [2.0, 0.5], "height": [3.0, 4.0]}), table),
        "lengths": (functions.lengths, ["a"], ["abc", ""], {"as": "value"}),
        "onnx": (to_onnx(Ridge().fit(numbers, TARGET), numbers.astype(np.float32)), numbers.astype(np.float32), numbers.astype(np.float32), {"as": "array", "dtype": "float32"}),
        "tagged": (functions.tagged, [{"name": "a", "tags": ["x"]}], [{"name": "b", "tags": []}, {"name": "c", "tags": ["y", "z"]}], {"as": "value"}),
        "since": (functions.since, moments, days, {**table, "times": ["begun", "until"]}),
    }  # fmt: skip


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("built")
    found = {}
    for name, (model, sample, _, _) in models().items():
        my.save(model, folder / name, sample_data=sample)
        found[name] = my.build(folder / name, "mlflow", output=folder / f"{name}-mlflow").path
    return found


def ours(name: str, path: Path, **options: Any) -> Any:
    """What the saved model says to the question: once a row for functions of single values."""
    _, _, question, _ = models()[name]
    path = path.with_name(name)
    if name == "area":
        return [my.load(path)(**row) for row in question.to_dict("records")]
    return plain(my.apply(path, question, **options))


def test_mlflow_answers_what_we_answer(built: dict[str, Path]) -> None:
    """By ``mlflow.pyfunc``, and where there is a reader of the model's own file by ``mlflow.<flavor>`` too."""
    questions, expecting = [], []
    for name, (_, _, question, about) in models().items():
        value = question.to_dict("list") if about["as"] == "frame" else plain(question)
        one = {**about, "path": str(built[name]), "value": value}
        questions.append(one)
        expecting.append((name, ours(name, built[name])))
        if native := about.get("native"):
            questions.append({**one, "flavor": native})
            expecting.append((f"{name} by mlflow.{native}", ours(name, built[name])))
    forest = {"as": "frame", "value": NUMBERS.to_dict("list"), "path": str(built["forest"])}
    questions.append({**forest, "params": {"method": "predict_proba"}})
    expecting.append(("probabilities", ours("forest", built["forest"], method="predict_proba")))
    found = answers_of(questions, built["forest"].parent)
    for (name, expect), answer in zip(expecting, found, strict=True):
        numbers = np.asarray(expect).dtype.kind in "fiu"
        assert np.allclose(answer, expect, rtol=1e-5) if numbers else answer == expect, name


@pytest.mark.parametrize("name", ["forest", "array", "area", "tagged"])
def test_mlflow_serves_it_with_the_answers_that_we_serve(name: str, built: dict[str, Path]) -> None:
    path = built[name]
    request = json.loads((path / "serving_input_example.json").read_text())
    card = my.load_card(path.with_name(name))
    with mlflow_serving(path) as http:
        answer = http.post("/invocations", json=request)
        assert answer.status_code == 200, answer.text
        if name == "forest":
            chosen = {**request, "params": {"method": "predict_proba"}}
            shares = http.post("/invocations", json=chosen).json()["predictions"]
            wrong = http.post("/invocations", json={"dataframe_records": [{"age": 3}]})
            assert wrong.status_code == 400
    with serving([load_model(open_path(path.with_name(name)))]) as http:
        own = http.post("/predict", json=card.sample)
        assert own.status_code == 200, own.text
        if name == "forest":
            assert np.allclose(shares, http.post("/predict_proba", json=card.sample).json())
    expect = [own.json()] if name == "area" else own.json()
    assert answer.json()["predictions"] == expect
