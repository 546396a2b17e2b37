"""scikit-learn's estimators log themselves, and are the same otherwise."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin, clone
from sklearn.datasets import make_classification
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import LabelEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from modelyard.testing.autologgers import parents, told
from modelyard.testing.told import MemoryRecorder
from modelyard.yard.autologging import trouble
from modelyard.yard.autologging.installing import autolog

__all__ = ["told"]  # a fixture

X, y = make_classification(90, 4, random_state=0)


@pytest.fixture(autouse=True)
def logged(told: MemoryRecorder) -> Generator[None]:
    autolog("sklearn", log_models=False)
    yield
    autolog("sklearn", disable=True)


def test_what_only_prepares_data_is_not_logged(told: MemoryRecorder) -> None:
    StandardScaler().fit_transform(X)
    LabelEncoder().fit(y)
    assert not told.runs()
    PCA(2).fit_transform(X)
    assert told.runs()[0].params["n_components"] == "2"


def test_a_class_of_ones_own_that_is_defined_later_is_logged(told: MemoryRecorder) -> None:
    class Constant(ClassifierMixin, BaseEstimator):
        def __init__(self, answer: int = 1) -> None:
            self.answer = answer

        def fit(self, X: Any, y: Any) -> Constant:
            self.classes_ = np.unique(y)
            return self

        def predict(self, X: Any) -> Any:
            return np.full(len(X), self.answer)

    class Own(TransformerMixin, BaseEstimator):
        def fit_transform(self, X: Any, y: Any = None) -> Any:
            return X

    fit, fit_transform = vars(Constant)["fit"], vars(Own)["fit_transform"]
    Constant(0).fit(X, y)
    assert told.runs()[0].params == {"answer": "0"}
    assert told.runs()[0].metrics["training_accuracy"] == (y == 0).mean()
    autolog("sklearn", disable=True)
    assert vars(Constant)["fit"] is fit.__wrapped__
    assert vars(Own)["fit_transform"] is fit_transform.__wrapped__
    assert "__init_subclass__" not in vars(BaseEstimator)


def test_estimators_are_cloned_and_pickled_as_before(told: MemoryRecorder) -> None:
    model = LogisticRegression(C=3.0).fit(X, y)
    assert clone(model).get_params() == model.get_params()
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    assert b"modelyard" not in pickle.dumps(model)


def test_metadata_is_routed_as_before(told: MemoryRecorder) -> None:
    with config_context(enable_metadata_routing=True):
        request = LogisticRegression().set_fit_request(sample_weight=True).get_metadata_routing()
    assert request.fit.requests == {"sample_weight": True}


def test_models_in_models_are_logged_once_in_threads_too(told: MemoryRecorder) -> None:
    models = [("a", LogisticRegression()), ("b", DecisionTreeClassifier())]
    with joblib.parallel_config("threading"):
        VotingClassifier(models, n_jobs=2).fit(X, y)
        RandomForestClassifier(4, n_jobs=2, random_state=0).fit(X, y)
    assert [run.tags["estimator"] for run in told.runs()] == [
        "VotingClassifier",
        "RandomForestClassifier",
    ]


def test_workers_of_a_search_do_not_log(told: MemoryRecorder, tmp_path: Path) -> None:
    seen = tmp_path / "processes"

    def note_process(_place: str) -> None:
        with seen.open("a") as file:
            file.write(f"{os.getpid()}\n")

    trouble.probes.append(note_process)  # the workers are forked, and take it along
    with joblib.parallel_config("multiprocessing"):
        GridSearchCV(LogisticRegression(), {"C": [0.1, 1, 10]}, cv=2, n_jobs=2).fit(X, y)
    assert set(seen.read_text().split()) == {str(os.getpid())}
    assert len(told.runs()) == 4


def test_candidates_of_a_search_are_runs_below_it(told: MemoryRecorder) -> None:
    search = GridSearchCV(DecisionTreeClassifier(), {"max_depth": [1, 2, 3]}, cv=2)
    search.fit(X, y)
    (parent,) = parents(told)
    children = [run for run in told.runs() if run.parent == parent.run_id]
    assert len(children) == len(told.runs()) - 1 == 3
    best = children[0]
    assert best.params == {"max_depth": str(search.best_params_["max_depth"])}
    assert best.metrics["mean_test_score"] == search.best_score_
    assert best.metrics["rank_test_score"] == 1
    assert parent.params["best_max_depth"] == best.params["max_depth"]
    lines = parent.text("cv_results.csv").splitlines()
    assert len(lines) == 4
    assert "mean_test_score" in lines[0]


def test_only_the_best_candidates_have_runs(told: MemoryRecorder) -> None:
    autolog("sklearn", log_models=False, max_child_runs=2)
    RandomizedSearchCV(
        LogisticRegression(), {"C": np.logspace(-2, 2, 9)}, n_iter=6, cv=2, random_state=0
    ).fit(X, y)
    assert len(told.runs()) == 3
    ranks = [run.metrics["rank_test_score"] for run in told.runs()[1:]]
    assert ranks == sorted(ranks)
    assert ranks[0] == 1


def test_a_halving_search_shows_those_that_lasted(told: MemoryRecorder) -> None:
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401
    from sklearn.model_selection import HalvingGridSearchCV

    search = HalvingGridSearchCV(
        DecisionTreeClassifier(random_state=0), {"max_depth": [1, 2, 3, 4]}, cv=2, random_state=0
    )
    search.fit(X, y)
    best = told.runs()[1]
    assert best.params == {"max_depth": str(search.best_params_["max_depth"])}


def test_a_search_without_a_best_estimator_logs_what_there_is(told: MemoryRecorder) -> None:
    GridSearchCV(
        LogisticRegression(),
        {"C": [0.1, 1]},
        cv=2,
        refit=False,
        scoring=["accuracy", "roc_auc"],
    ).fit(X, y)
    (parent,) = parents(told)
    assert len(told.runs()) == 3
    assert "best_C" not in parent.params
    assert "cv_results.csv" in parent.files
    assert "training_confusion_matrix.json" not in parent.files


def test_cross_validation_is_one_run(told: MemoryRecorder) -> None:
    scores = cross_val_score(LogisticRegression(C=2.0), X, y, cv=3)
    (run,) = told.runs()
    assert run.points["test_score"] == list(enumerate(scores))
    assert run.metrics["test_score_mean"] == scores.mean()
    assert (run.params["C"], run.params["cv"]) == ("2.0", "3")


def test_a_score_goes_to_the_run_of_the_fit_by_the_name_of_the_data(told: MemoryRecorder) -> None:
    held_out, truth = X[:30], y[:30]
    model = LogisticRegression().fit(X, y)
    value = model.score(held_out, truth)
    make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y).score(held_out, truth)
    first, second = told.runs()
    assert first.metrics["score_held_out"] == value
    assert "score_held_out" in second.metrics
    assert clone(model).fit(X, y).score(held_out, truth) == value


def test_weights_count_in_training_metrics(told: MemoryRecorder) -> None:
    weights = np.where(y == 1, 5.0, 1.0)
    model = LogisticRegression().fit(X, y, sample_weight=weights)
    expected = np.average(model.predict(X) == y, weights=weights)
    assert told.runs()[0].metrics["training_accuracy"] == pytest.approx(expected, abs=1e-12)


def test_training_metrics_of_many_rows_are_those_of_some(told: MemoryRecorder) -> None:
    many, targets = np.tile(X, (300, 1)), np.tile(y, 300)
    DecisionTreeClassifier(max_depth=2).fit(many, targets)
    matrix = told.runs()[0].text("training_confusion_matrix.json")
    assert np.sum(json.loads(matrix)["matrix"]) == 9000


def test_random_numbers_of_numpy_are_not_taken(told: MemoryRecorder) -> None:
    np.random.seed(3)
    expected = np.random.rand()
    np.random.seed(3)
    LogisticRegression().fit(X, y)
    assert np.random.rand() == expected


KINDS: dict[str, Callable[[], tuple[Any, Any]]] = {
    "frame": lambda: (pd.DataFrame(X), pd.Series(np.array(["no", "yes"])[y])),
    "lists": lambda: (X.tolist(), y.tolist()),
    "sparse": lambda: (sparse.csr_matrix(X), y > 0),
    "coordinates": lambda: (sparse.coo_matrix(X), y),
    "several": lambda: (X, np.c_[y, 1 - y]),
    "one": lambda: (X, np.zeros(len(X), int)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_data_of_any_kind_is_logged_without_a_word(kind: str, told: MemoryRecorder) -> None:
    data, targets = KINDS[kind]()
    autolog("sklearn")
    DecisionTreeClassifier(max_depth=2).fit(data, targets)
    (run,) = told.runs()
    assert not trouble.counts
    assert run.inputs
    assert 0 < run.metrics["training_accuracy"] <= 1
    assert run.models["model"].status == "READY"
