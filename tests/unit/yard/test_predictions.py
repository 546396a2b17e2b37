"""Predictions of a yard's models: mlops-lite's shape, kept with their lineage, told the truth later, erased for good."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.svm import LinearSVC

from modelyard import Yard
from modelyard.base.errors import InvalidInput, ModelFailed, SchemaMismatch, UnknownMethod
from modelyard.yard.versions import ModelVersion


@pytest.fixture
def version(yard: Yard, iris, classifier) -> ModelVersion:
    data = yard.datasets.add(iris, "iris")
    return yard.models.add(classifier, "churn", dataset=data, target="kind")


@pytest.fixture
def rows(iris) -> pd.DataFrame:
    return iris.drop(columns=["kind"])[::40]


def test_a_classifier_answers_probabilities(version, rows, classifier) -> None:
    expected = [
        dict(zip("012", map(float, p), strict=True)) for p in classifier.predict_proba(rows)
    ]
    for data in (rows, rows.to_dict("records"), rows[rows.columns[::-1]]):
        answer = version.predict(data)
        assert [set(a) for a in answer] == [{"reference_id", "results"}] * len(rows)
        for got, wanted in zip(answer, expected, strict=True):
            assert got["results"] == pytest.approx(wanted)
    chosen = version.predict(rows, method="predict")
    assert [a["results"] for a in chosen] == classifier.predict(rows).tolist()
    with pytest.raises(UnknownMethod, match="predcit"):
        version.predict(rows, method="predcit")


def test_others_answer_what_their_method_gives(file_yard: Yard, iris) -> None:
    X = iris.drop(columns=["kind"])
    regressor = LinearRegression().fit(X, iris["kind"])
    found = file_yard.models.add(regressor, "r", sample_data=X).predict(X[:2])
    assert [a["results"] for a in found] == pytest.approx(regressor.predict(X[:2]).tolist())
    hinge = LinearSVC().fit(X, iris["kind"].map({0: "a", 1: "b", 2: "c"}))
    found = file_yard.models.add(hinge, "h", sample_data=X).predict(X[:2])
    assert [a["results"] for a in found] == hinge.predict(X[:2]).tolist()

    def total(frame: pd.DataFrame) -> pd.Series:
        return frame.sum(axis=1)

    found = file_yard.models.add(total, "t", sample_data=X).predict(X[:2])
    assert [a["results"] for a in found] == pytest.approx(X[:2].sum(axis=1).tolist())
    assert found[0]["reference_id"] is None

    def pair(x: float) -> tuple[float, float]:
        return x, 2 * x

    assert file_yard.models.add(pair, "p", sample_data=1.0).predict(2.0) == [
        {"reference_id": None, "results": [2.0, 4.0]}
    ]


def test_what_is_logged(yard: Yard, version, rows) -> None:
    version.predict(rows)
    assert len(yard.predictions.list()) == 0, "nothing unless asked"
    records = [{**r, "reference_id": f"r{i}"} for i, r in enumerate(rows.to_dict("records"))]
    answer = version.predict(records, log=True)
    assert [a["reference_id"] for a in answer] == ["r0", "r1", "r2", "r3"]
    kept = sorted(yard.predictions.list(records=True), key=lambda p: p["row"])
    assert [p["inputs"] for p in kept] == rows.to_dict("records")
    assert [p["outputs"] for p in kept] == [a["results"] for a in answer]
    first = kept[0]
    assert (first["model"], first["method"]) == ("churn@1", "predict_proba")
    assert (first["model_version_id"], first["dataset_id"]) == (version.id, version.dataset.id)
    assert first["digest"] == version.digest.removeprefix("sha256:")
    assert len({p["request_id"] for p in kept}) == 1
    assert first["latency_ms"] >= 0
    by_frame = version.predict(rows.assign(reference_id=[7, 8, 9, 10]), log=True)
    assert [a["reference_id"] for a in by_frame] == ["7", "8", "9", "10"]


def test_references_are_given_where_there_are_none(yard: Yard, version, rows) -> None:
    answer = version.predict(rows, log=True)
    given = [a["reference_id"] for a in answer]
    assert len(set(given)) == len(rows)
    assert {p["reference_id"] for p in yard.predictions.list(records=True)} == set(given)
    answer = version.predict(rows, log=True, reference_id="all")
    assert {a["reference_id"] for a in answer} == {"all"}
    assert yard.predictions.count(reference_id="all") == len(rows)


def test_a_model_that_fails_is_logged_and_told(yard: Yard) -> None:
    def picky(x: float) -> float:
        if x < 0:
            raise ArithmeticError("negative")
        return x

    version = yard.models.add(picky, "picky", sample_data=1.0)
    with pytest.raises(ModelFailed, match="picky@1: predict raised ArithmeticError: negative"):
        version.predict(-1.0, log=True, reference_id="r1")
    [kept] = yard.predictions.list(records=True)
    assert (kept["error"], kept["outputs"]) == ("ArithmeticError: negative", None)
    assert (kept["inputs"], kept["reference_id"]) == ({"x": -1.0}, "r1")


def test_what_does_not_fit_is_refused_and_not_logged(yard: Yard, version, rows) -> None:
    with pytest.raises(SchemaMismatch, match="pw"):
        version.predict(rows.drop(columns=["pw"]), log=True)
    with pytest.raises(SchemaMismatch, match="colour"):
        version.predict([{**rows.to_dict("records")[0], "colour": 1}], log=True)
    with pytest.raises(InvalidInput, match="no records"):
        version.predict([], log=True)
    assert yard.predictions.count() == 0


def test_listing_by_what_one_knows(yard: Yard, version, rows) -> None:
    version.predict(rows, log=True)
    version.predict(rows[:1], log=True, reference_id="last")
    newest = yard.predictions.list(records=True)[0]
    assert newest["reference_id"] == "last"
    assert yard.predictions.count(model="churn") == yard.predictions.count(model="churn@1") == 5
    assert yard.predictions.count(model="churn@2") == yard.predictions.count(model="chur") == 0
    assert yard.predictions.count(since="2001-01-01T00:00:00Z") == 5
    assert yard.predictions.count(until="2001-01-01T00:00:00Z") == 0
    assert len(yard.predictions.list(limit=2)) == 2
    assert list(yard.predictions.list(model="absent").columns)[:5] == ["id", "at", "model", "method", "reference_id"]  # fmt: skip


def test_feedback_and_erasing(yard: Yard, version, rows) -> None:
    version.predict(rows, log=True, reference_id="ana")
    version.predict(rows, log=True, reference_id="bob")
    assert yard.predictions.feedback("ana", {"kind": 2}) == len(rows)
    assert yard.predictions.feedback("nobody", 1) == 0
    told = yard.predictions.list(reference_id="ana", records=True)
    assert [p["actual"] for p in told] == [{"kind": 2}] * len(rows)
    with pytest.raises(InvalidInput, match="condition"):
        yard.predictions.erase()
    assert yard.predictions.erase(reference_id="ana") == len(rows)
    assert yard.predictions.count() == len(rows)
    assert yard.predictions.list(reference_id="ana", records=True) == []


def test_a_rename_keeps_the_link(yard: Yard, version, rows) -> None:
    version.predict(rows, log=True)
    yard.models.rename("churn", "leavers")
    renamed = yard.models.get("leavers@1")
    assert {p["model_version_id"] for p in yard.predictions.list(records=True)} == {renamed.id}


def test_export(yard: Yard, version, rows, tmp_path: Path) -> None:
    version.predict(rows, log=True)
    assert yard.predictions.export(tmp_path / "p.jsonl", model="churn") == len(rows)
    lines = [json.loads(line) for line in (tmp_path / "p.jsonl").read_text().splitlines()]
    listed: Any = yard.predictions.list(records=True)
    assert lines == listed
    assert yard.predictions.export(tmp_path / "p.csv") == len(rows)
    with (tmp_path / "p.csv").open(newline="") as stream:
        read = list(csv.DictReader(stream))
    assert [json.loads(r["outputs"]) for r in read] == [p["outputs"] for p in listed]
