"""Metrics are scikit-learn's own, chosen by the task, and kept where the model is kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as m
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import modelyard as my
from modelyard.base.errors import InvalidInput, SchemaMismatch
from modelyard.objects.card_file import read_card


def frame(load: object) -> pd.DataFrame:
    return load(as_frame=True).frame  # type: ignore[operator]  # a loader of scikit-learn


@pytest.fixture(scope="module")
def iris() -> pd.DataFrame:
    return frame(load_iris)


@pytest.fixture(scope="module")
def fitted(iris) -> LogisticRegression:
    return LogisticRegression(C=0.05).fit(iris.drop(columns=["target"]), iris["target"])


def test_many_classes(iris, fitted) -> None:
    X, y = iris.drop(columns=["target"]), iris["target"]
    predicted, scores = fitted.predict(X), fitted.predict_proba(X)
    assert my.evaluate(fitted, iris, target="target") == pytest.approx(
        {
            "accuracy": m.accuracy_score(y, predicted),
            "balanced_accuracy": m.balanced_accuracy_score(y, predicted),
            "f1": m.f1_score(y, predicted, average="macro"),
            "precision": m.precision_score(y, predicted, average="macro"),
            "recall": m.recall_score(y, predicted, average="macro"),
            "roc_auc": m.roc_auc_score(y, scores, multi_class="ovr"),
            "log_loss": m.log_loss(y, scores),
        }
    )


def test_two_classes_with_names() -> None:
    data = frame(load_breast_cancer)
    data["target"] = np.where(data["target"] == 1, "benign", "malignant")
    X, y = data.drop(columns=["target"]), data["target"]
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.001)).fit(X, y)
    found = my.evaluate(model, data, target="target", metrics=["roc_auc", "log_loss", "f1"])
    scores = model.predict_proba(X)
    assert found == pytest.approx(
        {
            "roc_auc": m.roc_auc_score(y, scores[:, 1]),
            "log_loss": m.log_loss(y, scores),
            "f1": m.f1_score(y, model.predict(X), average="macro"),
        }
    )


def test_numbers() -> None:
    data = frame(load_diabetes)
    X, y = data.drop(columns=["target"]), data["target"]
    model = LinearRegression().fit(X, y)
    predicted = model.predict(X)
    assert my.evaluate(model, data, target="target") == pytest.approx(
        {
            "r2": m.r2_score(y, predicted),
            "mae": m.mean_absolute_error(y, predicted),
            "rmse": m.root_mean_squared_error(y, predicted),
            "mape": m.mean_absolute_percentage_error(y, predicted),
            "median_ae": m.median_absolute_error(y, predicted),
        }
    )


def test_a_classifier_without_probabilities_and_a_function(iris) -> None:
    X = iris.drop(columns=["target"])
    ridge = RidgeClassifier().fit(X, iris["target"])
    found = my.evaluate(ridge, iris, target="target")
    assert found["accuracy"] == ridge.score(X, iris["target"])
    assert "log_loss" not in found

    def double(table: pd.DataFrame) -> pd.Series:
        return table["x"] * 2

    data = pd.DataFrame({"x": [1.0, 2.0, 3.0], "y": [2.0, 4.0, 7.0]})
    assert my.evaluate(double, data, target="y", metrics=["mae"]) == pytest.approx({"mae": 1 / 3})

    def says(table: pd.DataFrame) -> pd.Series:
        return table["x"].map(lambda x: "big" if x > 1.5 else "small")

    data["y"] = ["small", "big", "small"]
    found = my.evaluate(says, data, target="y")
    assert found["accuracy"] == pytest.approx(2 / 3)


def test_a_target_that_is_not_there_or_has_holes(iris, fitted) -> None:
    with pytest.raises(SchemaMismatch, match="no column 'tarjet'") as caught:
        my.evaluate(fitted, iris, target="tarjet")
    assert "did you mean 'target'" in str(caught.value)
    holes = iris.astype({"target": float})
    holes.loc[[3, 5], "target"] = np.nan
    with pytest.raises(SchemaMismatch, match="'target' has 2 missing values"):
        my.evaluate(fitted, holes, target="target")
    with pytest.raises(InvalidInput, match="no rows"):
        my.evaluate(fitted, iris[:0], target="target")
    with pytest.raises(InvalidInput, match="table with named columns"):
        my.evaluate(fitted, [1, 2], target="target")


def test_one_class_alone(iris, fitted) -> None:
    one = iris[iris["target"] == 0]
    found = my.evaluate(fitted, one, target="target")
    assert found["accuracy"] == 1.0
    assert "roc_auc" not in found
    with pytest.raises(InvalidInput, match="roc_auc cannot be computed"):
        my.evaluate(fitted, one, target="target", metrics=["roc_auc"])


def test_some_of_the_classes(iris, fitted) -> None:
    two = iris[iris["target"] != 1]
    X, y = two.drop(columns=["target"]), two["target"]
    found = my.evaluate(fitted, two, target="target")
    assert found["log_loss"] == pytest.approx(
        m.log_loss(y, fitted.predict_proba(X), labels=[0, 1, 2])
    )


def test_metrics_asked_for_by_name(iris, fitted) -> None:
    assert list(my.evaluate(fitted, iris, target="target", metrics=["recall"])) == ["recall"]
    with pytest.raises(InvalidInput, match="'acuracy' is not a metric") as caught:
        my.evaluate(fitted, iris, target="target", metrics=["acuracy"])
    assert "did you mean 'accuracy'" in str(caught.value)
    with pytest.raises(InvalidInput, match="'rmse' is not a metric of a classification"):
        my.evaluate(fitted, iris, target="target", metrics=["rmse"])


def test_against_a_baseline(iris, fitted) -> None:
    X, y = iris.drop(columns=["target"]), iris["target"]
    dummy = DummyClassifier().fit(X, y)
    found = my.evaluate(fitted, iris, target="target", baseline=dummy)
    versus = found["baseline"]
    assert versus["accuracy"]["baseline"] == dummy.score(X, y)
    assert versus["accuracy"]["value"] == found["accuracy"]
    assert versus["accuracy"]["better"] is True
    assert versus["log_loss"]["difference"] < 0
    assert versus["log_loss"]["better"] is True, "lower is better"
    same = my.evaluate(fitted, iris, target="target", baseline=fitted)["baseline"]["accuracy"]
    assert (same["difference"], same["better"]) == (0, False)


def test_a_baseline_that_is_saved(iris, fitted, tmp_path: Path) -> None:
    data = frame(load_diabetes)
    X, y = data.drop(columns=["target"]), data["target"]
    my.save(DummyRegressor().fit(X, y), tmp_path / "dummy", sample_data=X[:5])
    before = (tmp_path / "dummy.yard.yaml").read_bytes()
    found = my.evaluate(
        LinearRegression().fit(X, y), data, target="target", baseline=tmp_path / "dummy"
    )
    assert found["baseline"]["rmse"]["better"] is True
    assert (tmp_path / "dummy.yard.yaml").read_bytes() == before, "it is measured, not changed"


def test_metrics_are_written_to_the_card(iris, fitted, tmp_path: Path) -> None:
    X = iris.drop(columns=["target"])
    my.save(fitted, tmp_path / "m", sample_data=X, metrics={"latency": 3.0, "accuracy": 0.1})
    card = tmp_path / "m.yard.yaml"
    card.write_text(card.read_text().replace("flavor:", "# chosen by ana\nflavor:"))
    iris.to_csv(tmp_path / "iris.csv", index=False)
    before = read_card(card)
    found = my.evaluate(tmp_path / "m", tmp_path / "iris.csv", target="target")
    after = read_card(card)
    assert after.metrics == {"latency": 3.0, **found}
    assert "# chosen by ana" in card.read_text()
    assert after.but(metrics={}) == before.but(metrics={})
    assert my.load(tmp_path / "m").predict(X).tolist() == fitted.predict(X).tolist()


def test_metrics_are_written_to_a_version(iris, fitted, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with my.Yard() as yard:
        data = yard.datasets.add(iris, "iris")
        version = yard.models.add(fitted, "m", dataset=data, target="target")
        found = my.evaluate(version, "iris@1", target="target")
        again = yard.models.get("m@1")
        assert again.metrics == found
        assert again.card.metrics == found
        assert again.digest == version.digest
        assert yard.check() == []
        row = yard.models.list(records=True)[0]
        assert row["metrics"] == found
    more = my.evaluate("m@1", iris[::2], target="target", metrics=["recall"])
    assert my.load_card("m").metrics == {**found, **more}
    with my.Yard() as yard:
        assert [r["version"] for r in yard.models.versions("m", records=True)] == [1]
