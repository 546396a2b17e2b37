"""Estimators of many kinds, each on one of scikit-learn's bundled data sets, with what it is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn import (
    compose,
    datasets,
    decomposition,
    discriminant_analysis,
    ensemble,
    feature_extraction,
    gaussian_process,
    impute,
    kernel_ridge,
    linear_model,
    model_selection,
    naive_bayes,
    neighbors,
    neural_network,
    pipeline,
    preprocessing,
    svm,
    tree,
)


@dataclass(frozen=True)
class Kind:
    """A fitted estimator and rows it has not seen."""

    name: str
    make: Callable[[], Any]
    data: str
    frame: bool = True


def load(name: str) -> tuple[pd.DataFrame, pd.Series]:
    """A bundled data set as features and target; ``mixed`` adds text, categories and missing values to iris."""
    if name == "mixed":
        X, y = datasets.load_iris(return_X_y=True, as_frame=True)
        rng = np.random.default_rng(0)
        X["color"] = pd.Categorical(rng.choice(["red", "green", "blue"], len(X)))
        X["note"] = rng.choice(["small and round", "long petals", "a wet spring", "dry"], len(X))
        X.loc[::7, "petal length (cm)"] = np.nan
        return X, y
    loader = getattr(datasets, f"load_{name}")
    return loader(return_X_y=True, as_frame=True)


def mixed_pipeline() -> Any:
    """Text, categories and numbers with gaps through a column transformer."""
    numbers = pipeline.make_pipeline(impute.SimpleImputer(), preprocessing.StandardScaler())
    columns = compose.ColumnTransformer([
        ("numbers", numbers, ["sepal length (cm)", "petal length (cm)"]),
        ("color", preprocessing.OneHotEncoder(handle_unknown="ignore"), ["color"]),
        ("note", feature_extraction.text.TfidfVectorizer(), "note"),
    ])  # fmt: skip
    return pipeline.make_pipeline(columns, linear_model.LogisticRegression(max_iter=500))


def grid() -> Any:
    """A small grid search."""
    return model_selection.GridSearchCV(svm.SVC(), {"C": [0.5, 1.0]}, cv=2)


KINDS = [
    Kind("logistic", lambda: linear_model.LogisticRegression(max_iter=5000), "iris"),
    Kind("scaled_logistic", lambda: pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.LogisticRegression()), "breast_cancer"),
    Kind("forest", lambda: ensemble.RandomForestClassifier(15, random_state=0), "iris"),
    Kind("forest_regressor", lambda: ensemble.RandomForestRegressor(10, random_state=0), "diabetes"),
    Kind("extra_trees", lambda: ensemble.ExtraTreesClassifier(10, random_state=0), "digits"),
    Kind("boosting", lambda: ensemble.GradientBoostingClassifier(n_estimators=8, random_state=0), "breast_cancer"),
    Kind("hist_boosting", lambda: ensemble.HistGradientBoostingRegressor(max_iter=10, random_state=0), "diabetes"),
    Kind("ada_boost", lambda: ensemble.AdaBoostClassifier(n_estimators=8, random_state=0), "iris"),
    Kind("bagging", lambda: ensemble.BaggingRegressor(n_estimators=4, random_state=0), "diabetes"),
    Kind("isolation_forest", lambda: ensemble.IsolationForest(n_estimators=8, random_state=0), "iris"),
    Kind("decision_tree", lambda: tree.DecisionTreeClassifier(random_state=0), "digits"),
    Kind("svc", lambda: svm.SVC(probability=False), "iris"),
    Kind("svr", lambda: svm.SVR(), "diabetes"),
    Kind("linear_svc", lambda: svm.LinearSVC(), "iris"),
    Kind("knn", lambda: neighbors.KNeighborsClassifier(), "digits"),
    Kind("knn_regressor", lambda: neighbors.KNeighborsRegressor(algorithm="ball_tree"), "diabetes"),
    Kind("gaussian_process", lambda: gaussian_process.GaussianProcessRegressor(), "diabetes"),
    Kind("naive_bayes", lambda: naive_bayes.GaussianNB(), "iris"),
    Kind("mlp", lambda: neural_network.MLPClassifier((8,), max_iter=30, random_state=0), "iris"),
    Kind("sgd", lambda: linear_model.SGDClassifier(random_state=0), "breast_cancer"),
    Kind("ridge", lambda: linear_model.Ridge(), "diabetes"),
    Kind("kernel_ridge", lambda: kernel_ridge.KernelRidge(), "diabetes"),
    Kind("lda", lambda: discriminant_analysis.LinearDiscriminantAnalysis(), "iris"),
    Kind("grid_search", grid, "iris"),
    Kind("voting", lambda: ensemble.VotingClassifier([("a", naive_bayes.GaussianNB()), ("b", tree.DecisionTreeClassifier(random_state=0))]), "iris"),
    Kind("pca", lambda: decomposition.PCA(2), "digits"),
    Kind("column_transformer", mixed_pipeline, "mixed"),
    Kind("array_forest", lambda: ensemble.RandomForestClassifier(8, random_state=0), "breast_cancer", frame=False),
]  # fmt: skip
