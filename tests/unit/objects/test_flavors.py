"""Which flavor an object has."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from modelyard.base.errors import InvalidInput, UnsupportedType
from modelyard.objects import flavors
from modelyard.objects.flavors import callable as callables
from modelyard.objects.flavors import sklearn


class Mine(ClassifierMixin, BaseEstimator):
    """A user's estimator that follows no convention of names."""

    def fit(self, X: Any, y: Any) -> Mine:
        self.most = 1
        return self

    def predict(self, X: Any) -> Any:
        return np.full(len(X), self.most)


class Scorer:
    def predict(self, X: Any) -> Any:
        return X

    def explain(self, X: Any) -> Any:
        return X


class Settings:
    def save(self) -> None: ...


class Nothing:
    value = 3


def test_a_subclass_of_a_library_has_its_flavor() -> None:
    assert flavors.find(Mine()) is sklearn
    assert flavors.find(Scorer()) is callables
    assert flavors.find(np.sin) is callables


@pytest.mark.parametrize(
    "data",
    [
        [1],
        {"predict": 1},
        "text",
        None,
        3.5,
        np.zeros(3),
        pd.DataFrame({"a": [1]}),
        pd.Series([1]),
        pl.DataFrame({"a": [1]}),
    ],
    ids=lambda d: type(d).__name__,
)
def test_data_is_no_model(data: Any) -> None:
    assert flavors.claiming(data) is None
    assert not flavors.has_prediction_methods(data)


def test_a_model_of_ones_own_has_prediction_methods() -> None:
    assert flavors.has_prediction_methods(Scorer())
    assert not flavors.has_prediction_methods(Settings())
    assert not flavors.has_prediction_methods(len)


def test_an_object_whose_methods_are_named_is_taken() -> None:
    assert flavors.find(Settings()) is callables
    assert callables.methods(Settings()) == {}


@pytest.mark.parametrize("obj", [3, [1], "text", Nothing()])
def test_what_can_be_asked_nothing_is_refused_with_what_would_do(obj: Any) -> None:
    with pytest.raises(UnsupportedType) as caught:
        flavors.find(obj)
    assert type(obj).__name__ in caught.value.message
    assert "fitted estimator, a function" in str(caught.value.hint)


def test_a_class_is_refused_with_a_hint() -> None:
    with pytest.raises(UnsupportedType, match="Ridge is a class, not a model") as caught:
        flavors.find(Ridge)
    assert caught.value.hint == "save an instance of it: Ridge(…)"
    assert flavors.claiming(Ridge) is None


def test_an_unfitted_estimator_is_named() -> None:
    with pytest.raises(InvalidInput) as caught:
        sklearn.methods(make_pipeline(StandardScaler(), Ridge()))
    assert str(caught.value) == "this Pipeline is not fitted\nHint: call fit() before you save it"


def test_a_users_estimator_is_taken_at_its_word() -> None:
    X, y = np.eye(2), [0, 1]
    assert list(sklearn.methods(Mine().fit(X, y))) == ["predict"]


def test_only_methods_that_can_be_called_are_listed() -> None:
    X, y = np.arange(8.0).reshape(4, 2), [0, 1, 0, 1]
    assert list(sklearn.methods(SVC().fit(X, y))) == ["predict", "decision_function"]
    assert "predict_proba" in sklearn.methods(LogisticRegression().fit(X, y))
    assert list(sklearn.methods(StandardScaler().fit(X))) == ["transform", "inverse_transform"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("RandomForestClassifier", "random-forest"),
        ("SVC", "svc"),
        ("LinearSVR", "linear-svr"),
        ("KNeighborsRegressor", "k-neighbors"),
        ("SGDOneClassSVM", "sgd-one-class-svm"),
        ("HistGradientBoostingRegressor", "hist-gradient-boosting"),
        ("TfidfVectorizer", "tfidf"),
        ("PCA", "pca"),
        ("Classifier", "classifier"),
    ],
)
def test_labels_are_class_names_in_words(name: str, expected: str) -> None:
    assert sklearn.label(type(name, (), {})()) == expected


def test_finding_a_flavor_imports_no_library() -> None:
    script = (
        "import sys; from modelyard.objects import flavors\n"
        "assert flavors.find(len).NAME == 'callable'\n"
        "assert not {'numpy', 'sklearn', 'pandas'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
