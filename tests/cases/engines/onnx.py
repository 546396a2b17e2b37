"""Models that compile, and models that do not, with the reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import catboost
import lightgbm
import numpy as np
import pandas as pd
import xgboost
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

RNG = np.random.default_rng(5)
X = RNG.normal(size=(200, 4)).round(3)
FRAME = pd.DataFrame(X, columns=["a", "b", "c", "d"])
BINARY = (X[:, 0] + X[:, 1] * X[:, 2] > 0).astype(int)
COLOURS = np.array(["red", "green", "blue"])[np.digitize(X[:, 0] + X[:, 3], [-0.7, 0.7])]
AMOUNT = X @ [1.0, 2.0, -1.0, 0.5] + np.sin(3 * X[:, 0])
SPARSE = FRAME.mask(RNG.random(FRAME.shape) < 0.1)
TABLE = pd.DataFrame(
    {
        "age": RNG.integers(18, 90, 200),
        "income": RNG.normal(3e4, 1e4, 200).round(2),
        "town": RNG.choice(["Rome", "Oslo", "Bern", "Zürich"], 200),
        "plan": RNG.choice(["basic", "pro"], 200),
    }
)
STAYS = np.where((TABLE["age"] > 40) ^ (TABLE["town"] == "Oslo"), "stays", "leaves")
WORDS = [
    "good",
    "bad",
    "fine",
    "awful",
    "great",
    "the",
    "a",
    "movie",
    "film",
    "plot",
    "actor",
    "scene",
    "not",
    "very",
    "really",
    "it's",
    "10",
]
TEXTS = [" ".join(RNG.choice(WORDS, RNG.integers(3, 12))) for _ in range(200)]
LIKED = np.array([("good" in text) + ("great" in text) > ("bad" in text) for text in TEXTS])

PROBABLE = ("predict", "predict_proba")
DECIDED = (*PROBABLE, "decision_function")


def encoded(*, missing: bool = False, unknown: str = "ignore") -> Any:
    numbers = make_pipeline(SimpleImputer(), StandardScaler()) if missing else StandardScaler()
    return ColumnTransformer(
        [
            ("numbers", numbers, ["age", "income"]),
            ("words", OneHotEncoder(handle_unknown=unknown), ["town", "plan"]),
        ]
    )


@dataclass(frozen=True)
class Case:
    """A model with its data: the methods that compile, and why others do not."""

    make: Callable[[], Any]
    data: Any
    target: Any = None
    compiled: tuple[str, ...] = ("predict",)
    reasons: Mapping[str, str] = field(default_factory=dict[str, str])
    """Method -> part of the reason. Of methods that no graph has, nothing need be said."""


def forest(**options: Any) -> Any:
    return RandomForestClassifier(12, random_state=0, **options)


def scaled(last: Any) -> Any:
    return make_pipeline(StandardScaler(), last)


def boosted(kind: Any, **options: Any) -> Any:
    if kind.__module__.startswith("catboost"):
        return kind(iterations=8, verbose=0, allow_writing_files=False, **options)
    quiet = {"verbose": -1} if kind.__module__.startswith("lightgbm") else {}
    return kind(n_estimators=8, n_jobs=1, **quiet, **options)


CASES: Mapping[str, Case] = {
    "scaler and logistic": Case(lambda: scaled(LogisticRegression()), FRAME, BINARY, DECIDED),
    "logistic, classes are texts": Case(lambda: scaled(LogisticRegression()), FRAME, COLOURS, DECIDED),
    "an array": Case(lambda: scaled(LogisticRegression()), X, BINARY, DECIDED),
    "an array in float32": Case(lambda: scaled(LogisticRegression()), X.astype(np.float32), BINARY, DECIDED),
    "whole numbers": Case(lambda: scaled(LogisticRegression()), (FRAME * 1000).astype(int), BINARY, DECIDED),
    "a search": Case(lambda: GridSearchCV(scaled(LogisticRegression()), {"logisticregression__C": [1.0]}, cv=2), FRAME, BINARY, DECIDED),
    "linear": Case(LinearRegression, FRAME, AMOUNT),
    "ridge of two": Case(Ridge, FRAME, np.c_[AMOUNT, -AMOUNT]),
    "hinge": Case(lambda: SGDClassifier(random_state=0), FRAME, COLOURS, ("predict", "decision_function")),
    "svm": Case(lambda: scaled(SVC()), FRAME, COLOURS, ("predict", "decision_function")),
    "neighbours": Case(KNeighborsClassifier, FRAME, COLOURS, PROBABLE),
    "clusters": Case(lambda: KMeans(3, n_init=1, random_state=0), FRAME, None, ("predict", "transform")),
    "components": Case(lambda: scaled(PCA(2)), FRAME, None, ("transform",)),
    "tree": Case(lambda: DecisionTreeClassifier(random_state=0), FRAME, BINARY, PROBABLE),
    "forest": Case(forest, FRAME, BINARY, PROBABLE),
    "forest of shares": Case(lambda: forest(min_samples_leaf=7), FRAME, COLOURS, PROBABLE),
    "forest, missing numbers": Case(forest, SPARSE, BINARY.astype(bool), PROBABLE),
    "forest behind a scaler": Case(lambda: scaled(forest()), FRAME, COLOURS, PROBABLE),
    "forest in float32": Case(forest, X.astype(np.float32), BINARY, PROBABLE),
    "forest that knows nothing": Case(forest, FRAME * 0, BINARY, PROBABLE),
    "forest of two": Case(lambda: RandomForestRegressor(8, random_state=0), FRAME, np.c_[AMOUNT, -AMOUNT]),
    "extra trees": Case(lambda: ExtraTreesClassifier(8, random_state=0), FRAME, COLOURS, PROBABLE),
    "boosting": Case(lambda: GradientBoostingClassifier(n_estimators=8, random_state=0), FRAME, BINARY, DECIDED),
    "boosting of three": Case(lambda: GradientBoostingClassifier(n_estimators=8, random_state=0), FRAME, COLOURS, DECIDED),
    "boosted amounts": Case(lambda: GradientBoostingRegressor(n_estimators=8, random_state=0), FRAME, AMOUNT),
    "histograms, missing numbers": Case(lambda: HistGradientBoostingClassifier(max_iter=3), SPARSE, BINARY, DECIDED),
    "histograms of three": Case(lambda: HistGradientBoostingClassifier(max_iter=3), FRAME, COLOURS, DECIDED),
    "histograms, counts": Case(lambda: HistGradientBoostingRegressor(loss="poisson", max_iter=3), FRAME, abs(AMOUNT)),
    "table of numbers and texts": Case(lambda: make_pipeline(encoded(), LogisticRegression()), TABLE, STAYS, DECIDED),
    "table, forest": Case(lambda: make_pipeline(encoded(), forest()), TABLE, STAYS, PROBABLE),
    "table, missing numbers": Case(lambda: make_pipeline(encoded(missing=True), LogisticRegression()), TABLE.assign(income=TABLE["income"].mask(TABLE["age"] % 7 == 0)), STAYS, DECIDED),
    "table, unknown texts refused": Case(lambda: make_pipeline(encoded(unknown="error"), LogisticRegression()), TABLE, STAYS, DECIDED),
    "texts": Case(lambda: make_pipeline(TfidfVectorizer(), LogisticRegression()), TEXTS, LIKED, DECIDED),
    "texts in a table": Case(lambda: make_pipeline(ColumnTransformer([("words", TfidfVectorizer(), "text")]), LogisticRegression()), pd.DataFrame({"text": TEXTS}), LIKED, DECIDED),
    "texts in a series": Case(lambda: make_pipeline(CountVectorizer(), MultinomialNB()), pd.Series(TEXTS), LIKED, PROBABLE),
    "xgboost": Case(lambda: boosted(xgboost.XGBClassifier), SPARSE, BINARY, PROBABLE),
    "xgboost of three": Case(lambda: boosted(xgboost.XGBClassifier), FRAME, np.digitize(X[:, 0], [-0.5, 0.5]), PROBABLE),
    "xgboost, amounts": Case(lambda: boosted(xgboost.XGBRegressor), FRAME, AMOUNT),
    "lightgbm": Case(lambda: boosted(lightgbm.LGBMClassifier), SPARSE, BINARY, PROBABLE),
    "lightgbm of three": Case(lambda: boosted(lightgbm.LGBMClassifier), FRAME, COLOURS, PROBABLE),
    "lightgbm, amounts": Case(lambda: boosted(lightgbm.LGBMRegressor), FRAME, AMOUNT),
    "catboost": Case(lambda: boosted(catboost.CatBoostClassifier), FRAME, BINARY, PROBABLE),
    "catboost, classes are texts": Case(lambda: boosted(catboost.CatBoostClassifier), FRAME, COLOURS, PROBABLE),
    "catboost, amounts": Case(lambda: boosted(catboost.CatBoostRegressor), FRAME, AMOUNT),
    "a function of somebody's": Case(
        lambda: make_pipeline(FunctionTransformer(np.abs), LogisticRegression()), FRAME, BINARY, (),
        dict.fromkeys(DECIDED, "FunctionTransformer is not supported"),
    ),
    "several targets of classes": Case(
        forest, FRAME, np.c_[BINARY, 1 - BINARY], (),
        {"predict": "answers are others", "predict_proba": "it answers with a list"},
    ),
    "characters": Case(
        lambda: make_pipeline(TfidfVectorizer(analyzer="char_wb"), LogisticRegression()), TEXTS, LIKED, (),
        dict.fromkeys(DECIDED, "only tokenizer='word'"),
    ),
    "a table as answer": Case(
        lambda: StandardScaler().set_output(transform="pandas"), FRAME, None, (),
        {"transform": "it answers with a DataFrame"},
    ),
    "a sparse answer": Case(
        lambda: OneHotEncoder(), TABLE[["town"]], None, (), {"transform": "it answers with a csr_"},
    ),
    "dates": Case(
        lambda: ColumnTransformer([("numbers", StandardScaler(), ["a", "b"])]), FRAME.assign(at=pd.Timestamp("2026-01-01")), None, (),
        {"transform": "column 'at' is datetime64"},
    ),
}  # fmt: skip
