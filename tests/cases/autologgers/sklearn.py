"""Trainings of scikit-learn, and all of it logged by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn import metrics
from sklearn.cluster import KMeans
from sklearn.datasets import make_classification, make_regression
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from modelyard.testing.autologgers import AutologgerCase, Training, Wrong
from modelyard.yard.active_run import ActiveRun

A, B = make_classification(120, 4, random_state=0)
FRAME = pd.DataFrame(A, columns=["a", "b", "c", "d"])
C, D = make_regression(80, 3, noise=2.0, random_state=0)


def case() -> AutologgerCase:
    return AutologgerCase(
        "sklearn",
        {
            "pipeline": Training(
                pipeline, pipeline_by_hand, outputs=lambda m: m.predict_proba(FRAME)
            ),
            "regressor": Training(regressor, regressor_by_hand, outputs=lambda m: m.predict(C)),
            "clusters": Training(clusters, clusters_by_hand, outputs=lambda m: m.predict(A)),
            "search": Training(
                search, search_by_hand, children=2, outputs=lambda m: m.predict_proba(A)
            ),
        },
        failing=failing,
    )


def pipeline() -> Any:
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.5))
    return model.fit(FRAME, B).predict_proba(FRAME)


def pipeline_by_hand(run: ActiveRun) -> Any:
    scale, line = StandardScaler(), LogisticRegression(C=0.5)
    model = make_pipeline(scale, line).fit(FRAME, B)
    run.log_params(
        {
            "memory": None,
            "steps": "['standardscaler=StandardScaler', 'logisticregression=LogisticRegression']",
            "transform_input": None,
            "verbose": False,
            "standardscaler": "StandardScaler",
            "logisticregression": "LogisticRegression",
        }
    )
    run.log_params({f"standardscaler__{k}": v for k, v in scale.get_params().items()})
    run.log_params({f"logisticregression__{k}": v for k, v in line.get_params().items()})
    run.log_input(FRAME)
    run.log_metrics(by_hand(model, FRAME, B))
    return model.predict_proba(FRAME)


def by_hand(model: Any, X: Any, y: Any) -> dict[str, float]:
    guess, p = model.predict(X), model.predict_proba(X)
    return {
        "training_accuracy": float((guess == y).mean()),
        "training_precision": metrics.precision_score(y, guess, average="weighted"),
        "training_recall": metrics.recall_score(y, guess, average="weighted"),
        "training_f1": metrics.f1_score(y, guess, average="weighted"),
        "training_log_loss": metrics.log_loss(y, p),
        "training_roc_auc": metrics.roc_auc_score(y, p[:, 1]),
    }


def regressor() -> Any:
    return Ridge(alpha=2.0).fit(C, D).predict(C)


def regressor_by_hand(run: ActiveRun) -> Any:
    model = Ridge(alpha=2.0).fit(C, D)
    guess = model.predict(C)
    run.log_params(model.get_params())
    run.log_input(C)
    mse = float(np.mean((guess - D) ** 2))
    r2 = metrics.r2_score(D, guess)
    mae = metrics.mean_absolute_error(D, guess)
    run.log_metrics(
        {"training_mse": mse, "training_rmse": mse**0.5, "training_mae": mae, "training_r2": r2}
    )
    return guess


def clusters() -> Any:
    return KMeans(3, random_state=1, n_init=1).fit_predict(A)


def clusters_by_hand(run: ActiveRun) -> Any:
    model = KMeans(3, random_state=1, n_init=1)
    labels = model.fit_predict(A)
    run.log_params(model.get_params())
    run.log_input(A)
    run.log_metrics(
        {
            "training_inertia": model.inertia_,
            "clusters_found": 3,
            "training_silhouette": metrics.silhouette_score(A, labels),
        }
    )
    return labels


def _search() -> GridSearchCV:
    tree = DecisionTreeClassifier(random_state=3)
    return GridSearchCV(tree, {"max_depth": [1, 3]}, cv=3)


def search() -> Any:
    return _search().fit(A, B).predict_proba(A)


def search_by_hand(run: ActiveRun) -> Any:
    model = _search().fit(A, B)
    run.log_params(model.get_params() | {"estimator": "DecisionTreeClassifier"})
    run.log_params({f"best_{k}": v for k, v in model.best_params_.items()})
    run.log_input(A)
    run.log_metric("best_cv_score", model.best_score_)
    run.log_metrics(by_hand(model.best_estimator_, A, B))
    return model.predict_proba(A)


class Refusing(Ridge):
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        super().fit(X, y, sample_weight)
        raise Wrong("not this data")


def failing() -> Any:
    Refusing().fit(C, D)
