"""XGBoost: boosters and estimators, on tables, arrays and sparse rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import xgboost as xgb

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
    quietly,
)
from modelyard.objects.flavors import xgboost
from modelyard.testing.flavors import Example, FlavorCase

CLASSIFIER = ("predict", "predict_proba", "apply")
REGRESSOR = ("predict", "apply")


class Bolder(xgb.XGBRegressor):
    """A class of one's own: code."""

    def predict(self, X: Any, **options: Any) -> Any:
        return 2 * super().predict(X, **options)


def squared_error(labels: Any, predictions: Any) -> tuple[Any, Any]:
    return predictions - labels, np.ones_like(predictions)


def booster(params: dict[str, Any], rounds: int = 4) -> Any:
    data = xgb.DMatrix(TABLE, label=CODES, weight=WEIGHTS, enable_categorical=True)
    return xgb.train(params, data, rounds, evals=[(data, "seen")], verbose_eval=False)


def early_stopped() -> Any:
    model = xgb.XGBRegressor(n_estimators=60, early_stopping_rounds=2, learning_rate=0.9)
    noise = AMOUNT[40:] * -1
    return model.fit(NUMBERS[:40], AMOUNT[:40], eval_set=[(NUMBERS[40:], noise)], verbose=False)


def models() -> dict[str, Example]:
    return {
        "classifier of a table": Example(
            quietly(
                lambda: xgb.XGBClassifier(n_estimators=4, enable_categorical=True).fit(
                    TABLE, CODES, sample_weight=WEIGHTS
                )
            ),
            TABLE,
            CLASSIFIER,
            ["gradient-boosting"],
            "ubj",
        ),
        "two classes of sparse rows": Example(
            quietly(lambda: xgb.XGBClassifier(n_estimators=4, missing=0).fit(SPARSE, CODES > 0)),
            SPARSE,
            CLASSIFIER,
            format="ubj",
        ),
        "early stopping": Example(quietly(early_stopped), NUMBERS, REGRESSOR, format="ubj"),
        "constrained": Example(
            quietly(
                lambda: xgb.XGBRegressor(
                    n_estimators=3,
                    monotone_constraints={"age": 1},
                    interaction_constraints=[["age", "pay"], ["visits"]],
                    eval_metric=["rmse", "mae"],
                    base_score=np.float64(0.25),
                    random_state=np.int64(3),
                ).fit(NUMERIC, AMOUNT)
            ),
            NUMERIC,
            REGRESSOR,
            format="ubj",
        ),
        "several outputs": Example(
            quietly(lambda: xgb.XGBRegressor(n_estimators=3).fit(NUMBERS, np.c_[AMOUNT, -AMOUNT])),
            NUMBERS,
            REGRESSOR,
            format="ubj",
        ),
        "dropping trees": Example(
            quietly(
                lambda: xgb.XGBClassifier(n_estimators=4, booster="dart", rate_drop=0.5).fit(
                    NUMBERS, CODES
                )
            ),
            NUMBERS,
            CLASSIFIER,
            ["gradient-boosting", "dart"],
            "ubj",
        ),
        "linear": Example(
            quietly(
                lambda: xgb.XGBRegressor(n_estimators=3, booster="gblinear").fit(
                    np.nan_to_num(NUMBERS), AMOUNT
                )
            ),
            np.nan_to_num(NUMBERS),
            ("predict",),
            ["linear"],
            "ubj",
        ),
        "forest": Example(
            quietly(lambda: xgb.XGBRFClassifier(n_estimators=4).fit(NUMBERS, CODES)),
            NUMBERS,
            CLASSIFIER,
            ["random-forest"],
            "ubj",
        ),
        "forest of a table": Example(
            quietly(lambda: xgb.XGBRFRegressor(n_estimators=4).fit(NUMERIC, AMOUNT)),
            NUMERIC,
            REGRESSOR,
            format="ubj",
        ),
        "ranker": Example(
            quietly(lambda: xgb.XGBRanker(n_estimators=3).fit(NUMBERS, GRADES, qid=GROUPS)),
            NUMBERS,
            REGRESSOR,
            ["gradient-boosting", "ranking"],
            "ubj",
        ),
        "booster of a table": Example(
            quietly(lambda: booster({"objective": "multi:softprob", "num_class": 3})),
            TABLE,
            ("predict",),
            ["gradient-boosting"],
            "ubj",
        ),
        "booster of arrays": Example(
            quietly(lambda: xgb.train({"max_depth": 2}, xgb.DMatrix(NUMBERS, label=AMOUNT), 3)),
            NUMBERS,
            ("predict",),
            format="ubj",
        ),
        "booster of an objective of one's own": Example(
            quietly(
                lambda: xgb.train(
                    {},
                    xgb.DMatrix(NUMBERS, label=AMOUNT),
                    3,
                    obj=lambda p, d: squared_error(d.get_label(), p),
                )
            ),
            NUMBERS,
            ("predict",),
            format="ubj",
        ),
        "a function among the parameters": Example(
            quietly(
                lambda: xgb.XGBRegressor(n_estimators=3, objective=squared_error).fit(
                    NUMBERS, AMOUNT
                )
            ),
            NUMBERS,
            REGRESSOR,
        ),
        "a class of one's own": Example(
            quietly(lambda: Bolder(n_estimators=3).fit(NUMBERS, AMOUNT)), NUMBERS, REGRESSOR
        ),
    }


def case() -> FlavorCase:
    return FlavorCase(
        flavor=xgboost,
        models=models(),
        strangers={
            "matrix": xgb.DMatrix(NUMBERS),
            "class": xgb.XGBClassifier,
            "function": xgb.train,
            "callback": xgb.callback.EarlyStopping(rounds=2),
        },
        unready={"estimator": xgb.XGBClassifier(), "booster": xgb.Booster()},
    )
