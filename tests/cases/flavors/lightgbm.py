"""LightGBM: boosters and estimators, on tables, arrays and sparse rows."""

from __future__ import annotations

from typing import Any

import lightgbm as lgb
import numpy as np

from cases.flavors.boosting_data import (
    AMOUNT,
    CODES,
    GRADES,
    GROUPS,
    NUMBERS,
    NUMERIC,
    SPARSE,
    TABLE,
    WEIGHTS,
    WORDS,
    quietly,
)
from modelyard.objects.flavors import lightgbm
from modelyard.testing.flavors import Example, FlavorCase

SMALL: dict[str, Any] = {"n_estimators": 4, "min_child_samples": 3, "verbose": -1}
PARAMS: dict[str, Any] = {"min_data_in_leaf": 3, "verbose": -1}
CLASSIFIER = ("predict", "predict_proba")


class Bolder(lgb.LGBMRegressor):
    """A class of one's own: code."""


def squared_error(labels: Any, predictions: Any) -> tuple[Any, Any]:
    return predictions - labels, np.ones_like(predictions)


def early_stopped() -> Any:
    """More trees than the best round: the text of all of them is kept, and the best round too."""
    model = lgb.LGBMClassifier(**SMALL | {"n_estimators": 40, "learning_rate": 0.9})
    return model.fit(
        TABLE[:40],
        WORDS[:40],
        eval_set=[(TABLE[40:], WORDS[40:][::-1])],
        callbacks=[lgb.early_stopping(3, verbose=False)],
    )


def booster_stopped_early() -> Any:
    seen = lgb.Dataset(NUMERIC[:40], label=AMOUNT[:40])
    unseen = lgb.Dataset(NUMERIC[40:], label=-AMOUNT[40:], reference=seen)
    stop = lgb.early_stopping(3, verbose=False)
    return lgb.train(
        PARAMS, seen, 40, valid_sets=[unseen], callbacks=[stop], keep_training_booster=True
    )


def models() -> dict[str, Example]:
    return {
        "classifier of a table": Example(
            quietly(
                lambda: lgb.LGBMClassifier(**SMALL, class_weight={"no": 1, "yes": 2.5}).fit(
                    TABLE, WORDS, sample_weight=WEIGHTS
                )
            ),
            TABLE,
            CLASSIFIER,
            ["gradient-boosting"],
            "lightgbm_text",
        ),
        "classes that are booleans, of sparse rows": Example(
            quietly(lambda: lgb.LGBMClassifier(**SMALL).fit(SPARSE, CODES > 0)),
            SPARSE,
            CLASSIFIER,
            format="lightgbm_text",
        ),
        "early stopping": Example(
            quietly(early_stopped), TABLE, CLASSIFIER, format="lightgbm_text"
        ),
        "regressor": Example(
            quietly(
                lambda: lgb.LGBMRegressor(**SMALL, importance_type="gain").fit(
                    NUMERIC, AMOUNT, categorical_feature=["visits"]
                )
            ),
            NUMERIC,
            ("predict",),
            format="lightgbm_text",
        ),
        "dropping trees": Example(
            quietly(lambda: lgb.LGBMRegressor(**SMALL, boosting_type="dart").fit(NUMERIC, AMOUNT)),
            NUMERIC,
            ("predict",),
            ["gradient-boosting", "dart"],
            "lightgbm_text",
        ),
        "forest": Example(
            quietly(
                lambda: lgb.LGBMClassifier(
                    **SMALL, boosting_type="rf", subsample=0.7, subsample_freq=1
                ).fit(TABLE, WORDS)
            ),
            TABLE,
            CLASSIFIER,
            ["random-forest"],
            "lightgbm_text",
        ),
        "linear leaves": Example(
            quietly(
                lambda: lgb.LGBMRegressor(**SMALL, linear_tree=True).fit(NUMERIC.fillna(0), AMOUNT)
            ),
            NUMERIC.fillna(0),
            ("predict",),
            format="lightgbm_text",
        ),
        "ranker": Example(
            quietly(
                lambda: lgb.LGBMRanker(**SMALL).fit(
                    NUMERIC, GRADES, group=np.bincount(GROUPS).tolist()
                )
            ),
            NUMERIC,
            ("predict",),
            ["gradient-boosting", "ranking"],
            "lightgbm_text",
        ),
        "booster of a table": Example(
            quietly(
                lambda: lgb.train(
                    {**PARAMS, "objective": "multiclass", "num_class": 3},
                    lgb.Dataset(TABLE, label=CODES),
                    4,
                )
            ),
            TABLE,
            ("predict",),
            ["gradient-boosting"],
            "lightgbm_text",
        ),
        "booster that stopped early": Example(
            quietly(booster_stopped_early), NUMERIC, ("predict",), format="lightgbm_text"
        ),
        "booster of arrays and an objective of one's own": Example(
            quietly(
                lambda: lgb.train(
                    {**PARAMS, "objective": lambda p, d: squared_error(d.get_label(), p)},
                    lgb.Dataset(NUMBERS, label=AMOUNT),
                    3,
                )
            ),
            NUMBERS,
            ("predict",),
            format="lightgbm_text",
        ),
        "a function among the parameters": Example(
            quietly(
                lambda: lgb.LGBMRegressor(**SMALL, objective=squared_error).fit(NUMERIC, AMOUNT)
            ),
            NUMERIC,
            ("predict",),
        ),
        "a class of one's own": Example(
            quietly(lambda: Bolder(**SMALL).fit(NUMERIC, AMOUNT)), NUMERIC, ("predict",)
        ),
    }


def case() -> FlavorCase:
    return FlavorCase(
        flavor=lightgbm,
        models=models(),
        strangers={
            "dataset": lgb.Dataset(NUMBERS),
            "class": lgb.LGBMClassifier,
            "function": lgb.train,
        },
        unready={"estimator": lgb.LGBMClassifier()},
    )
