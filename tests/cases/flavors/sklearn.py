"""scikit-learn: pipelines as people build them, on tables, texts and sparse rows."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse
import scipy.special
import scipy.stats
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import Birch
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.feature_selection import SelectKBest, mutual_info_classif
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.metrics import f1_score, make_scorer
from sklearn.model_selection import GridSearchCV, KFold, RandomizedSearchCV
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
    TargetEncoder,
)
from sklearn.svm import SVC, SVR
from sklearn.utils import Bunch

from modelyard.objects.flavors import sklearn
from modelyard.testing.flavors import Example, FlavorCase

ROWS = 48
_random = np.random.default_rng(3)
NUMBERS = np.round(_random.normal(size=(ROWS, 3)), 2)
TARGET = np.array(["no", "perhaps", "yes"])[(NUMBERS[:, 0] > 0) + 1 * (NUMBERS[:, 1] > 0.5)]
AMOUNT = NUMBERS @ [1.0, 2.0, -1.0]
TEXTS = [
    f"{a} {b} {c}" for a in ("red", "green") for b in ("big", "old", "odd") for c in "abcdefgh"
]
TABLE = pd.DataFrame(
    {
        "age": NUMBERS[:, 0],
        "pay": NUMBERS[:, 1],
        "town": ["Rome", "Oslo", "Bern", "Rome"] * 12,
        "plan": pd.Categorical(["a", "b"] * 24),
        "said": TEXTS,
        "visits": range(ROWS),
        "left": [True, False] * 24,
    }
)
TABLE.loc[3, "age"] = np.nan
SPARSE = scipy.sparse.csr_matrix(np.where(NUMBERS > 0, NUMBERS, 0))
CLASSIFIER = ("predict", "predict_proba", "predict_log_proba")
LINEAR = (*CLASSIFIER, "decision_function")


class Doubled(TransformerMixin, BaseEstimator):
    """A user's own transformer: code."""

    def fit(self, X: Any, y: Any = None) -> Doubled:
        self.fitted_ = True
        return self

    def transform(self, X: Any) -> Any:
        return 2 * np.asarray(X)


def fitted(make: Callable[[], Any], X: Any = NUMBERS, y: Any = TARGET) -> Callable[[], Any]:
    """A model that is fitted when it is first asked for."""
    return cache(lambda: make().fit(X, y))


def columns() -> ColumnTransformer:
    return ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["age", "pay"]),
            (
                "words",
                OneHotEncoder(min_frequency=15, handle_unknown="infrequent_if_exist"),
                ["town"],
            ),
            ("text", TfidfVectorizer(), "said"),
            ("yes or no", OrdinalEncoder(), make_column_selector(dtype_include=bool)),
        ],
        remainder="drop",
    )


def models() -> dict[str, Example]:
    return {
        "forest": Example(
            fitted(lambda: RandomForestClassifier(5, random_state=0)),
            NUMBERS,
            (*CLASSIFIER, "apply"),
            ["random-forest"],
            "skops",
        ),
        "forest of two outputs": Example(
            fitted(lambda: RandomForestRegressor(3), y=NUMBERS[:, :2]),
            NUMBERS,
            ("predict", "apply"),
            format="skops",
        ),
        "pruned trees": Example(
            fitted(lambda: ExtraTreesClassifier(3, max_leaf_nodes=4, ccp_alpha=0.01)),
            NUMBERS,
            (*CLASSIFIER, "apply"),
            ["extra-trees"],
            "skops",
        ),
        "boosting over an estimator": Example(
            fitted(lambda: GradientBoostingClassifier(n_estimators=3, init=LogisticRegression())),
            NUMBERS,
            (*LINEAR, "apply"),
            format="skops",
        ),
        "boosting on sparse rows": Example(
            fitted(lambda: GradientBoostingRegressor(n_estimators=3, loss="huber"), SPARSE, AMOUNT),
            SPARSE,
            ("predict", "apply"),
            format="skops",
        ),
        "boosting with categories": Example(
            fitted(
                lambda: HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=3),
                TABLE[["age", "plan", "visits"]],
            ),
            TABLE[["age", "plan", "visits"]],
            ("predict", "predict_proba", "decision_function"),
            ["hist-gradient-boosting"],
            "skops",
        ),
        "boosting with numbered categories": Example(
            fitted(
                lambda: HistGradientBoostingRegressor(max_iter=3, categorical_features=[0]),
                np.abs(NUMBERS).round(),
                AMOUNT,
            ),
            np.abs(NUMBERS).round(),
            ("predict",),
            format="skops",
        ),
        "isolation forest": Example(
            fitted(lambda: IsolationForest(n_estimators=3, max_features=2), y=None),
            NUMBERS,
            ("predict", "decision_function", "score_samples"),
            format="skops",
        ),
        "neighbours": Example(
            fitted(KNeighborsClassifier),
            NUMBERS,
            ("predict", "predict_proba", "kneighbors"),
            ["k-neighbors"],
            "skops",
        ),
        "neighbours by brute force": Example(
            fitted(lambda: KNeighborsClassifier(algorithm="brute")),
            NUMBERS,
            ("predict", "predict_proba", "kneighbors"),
            format="skops",
        ),
        "neighbours by another distance": Example(
            fitted(
                lambda: KNeighborsRegressor(
                    algorithm="ball_tree",
                    metric="mahalanobis",
                    metric_params={"V": np.cov(NUMBERS.T)},
                    weights="distance",
                ),
                y=AMOUNT,
            ),
            NUMBERS,
            ("predict", "kneighbors"),
            format="skops",
        ),
        "support vectors of sparse rows": Example(
            fitted(lambda: SVC(kernel="poly"), SPARSE),
            SPARSE,
            ("predict", "decision_function"),
            ["svc"],
            "skops",
        ),
        "support vector regression": Example(
            fitted(SVR, y=AMOUNT), NUMBERS, ("predict",), ["svr"], "skops"
        ),
        "gaussian process": Example(
            fitted(GaussianProcessClassifier), NUMBERS, CLASSIFIER[:2], format="skops"
        ),
        "grid search": Example(
            fitted(
                lambda: GridSearchCV(
                    make_pipeline(StandardScaler(), SVC()),
                    {"svc__C": [1, 2], "svc__kernel": ["linear", "rbf"]},
                    scoring={"f": make_scorer(f1_score, average="macro"), "a": "accuracy"},
                    refit="a",
                    cv=KFold(2),
                )
            ),
            NUMBERS,
            ("predict", "decision_function"),
            ["grid-search-cv", "pipeline", "svc"],
            "skops",
        ),
        "random search": Example(
            fitted(
                lambda: RandomizedSearchCV(
                    SVC(),
                    {"C": scipy.stats.loguniform(0.1, 10), "degree": scipy.stats.randint(2, 4)},
                    n_iter=2,
                    cv=2,
                    random_state=np.random.RandomState(0),
                )
            ),
            NUMBERS,
            ("predict", "decision_function"),
            format="skops",
        ),
        "columns of a table": Example(
            fitted(lambda: make_pipeline(columns(), LogisticRegression()), TABLE),
            TABLE,
            LINEAR,
            ["pipeline", "logistic-regression"],
            "skops",
        ),
        "columns by an index": Example(
            fitted(
                lambda: make_pipeline(
                    ColumnTransformer([("a", "passthrough", TABLE.columns[[1, 5]])]), Ridge()
                ),
                TABLE,
                AMOUNT,
            ),
            TABLE,
            ("predict",),
            format="skops",
        ),
        "words": Example(
            fitted(
                lambda: make_pipeline(
                    CountVectorizer(ngram_range=(1, 2), stop_words="english"),
                    SGDClassifier(loss="log_loss", random_state=0),
                ),
                TEXTS,
            ),
            TEXTS,
            LINEAR,
            ["pipeline", "sgd"],
            "skops",
        ),
        "hashed words": Example(
            fitted(lambda: make_pipeline(HashingVectorizer(n_features=32), Ridge()), TEXTS, AMOUNT),
            TEXTS,
            ("predict",),
            format="skops",
        ),
        "functions of numpy and scipy": Example(
            fitted(
                lambda: make_pipeline(
                    FunctionTransformer(np.exp), FunctionTransformer(scipy.special.expit), Ridge()
                ),
                y=AMOUNT,
            ),
            NUMBERS,
            ("predict",),
            format="skops",
        ),
        "targets of categories": Example(
            fitted(
                lambda: make_pipeline(
                    ColumnTransformer([("a", TargetEncoder(cv=2), ["town", "plan"])]), Ridge()
                ),
                TABLE,
                AMOUNT,
            ),
            TABLE,
            ("predict",),
            format="skops",
        ),
        "weights of classes that are numbers and booleans": Example(
            fitted(
                lambda: VotingClassifier(
                    [
                        ("a", LogisticRegression(class_weight={False: 1, True: 5})),
                        ("b", StackingClassifier([("c", KNeighborsClassifier())], cv=2)),
                        (
                            "d",
                            CalibratedClassifierCV(
                                RandomForestClassifier(3), method="isotonic", cv=2
                            ),
                        ),
                    ],
                    voting="soft",
                ),
                y=TARGET == "yes",
            ),
            NUMBERS,
            (*CLASSIFIER[:2], "transform"),
            ["voting"],
            "skops",
        ),
        "dates": Example(
            fitted(
                OneHotEncoder,
                np.array([[datetime.date(2020, 1, 1 + i % 9)] for i in range(ROWS)], object),
                None,
            ),
            np.array([[datetime.date(2020, 1, 1 + i % 9)] for i in range(ROWS)], object),
            ("transform", "inverse_transform"),
            ["one-hot-encoder"],
            "skops",
        ),
        "selected columns, pandas out": Example(
            fitted(
                lambda: make_pipeline(
                    StandardScaler(), SelectKBest(mutual_info_classif, k=2), SVC()
                ).set_output(transform="pandas")
            ),
            NUMBERS,
            ("predict", "decision_function"),
            format="skops",
        ),
        "a step with a user's function": Example(
            fitted(
                lambda: make_pipeline(FunctionTransformer(lambda X: X + 1), Ridge()),
                y=AMOUNT,
            ),
            NUMBERS,
            ("predict",),
            ["pipeline", "ridge"],
        ),
        "a user's own step": Example(
            fitted(lambda: make_pipeline(Doubled(), Ridge()), y=AMOUNT), NUMBERS, ("predict",)
        ),
        "a user's tokenizer": Example(
            fitted(
                lambda: make_pipeline(
                    CountVectorizer(tokenizer=str.split, token_pattern=None), Ridge()
                ),
                TEXTS,
                AMOUNT,
            ),
            TEXTS,
            ("predict",),
        ),
        "clusters linked in circles": Example(
            fitted(lambda: Birch(n_clusters=2), y=None),
            NUMBERS,
            ("predict", "transform"),
            ["birch"],
        ),
    }


def case() -> FlavorCase:
    return FlavorCase(
        flavor=sklearn,
        models=models(),
        strangers={
            "bunch": Bunch(data=[1]),
            "function": len,
            "class": Ridge,
            "splitter": KFold(),
            "number": 3,
        },
        unready={"ridge": Ridge(), "pipeline": make_pipeline(StandardScaler(), Ridge())},
    )
