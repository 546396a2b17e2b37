"""Trainings of XGBoost, and all of it logged by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import xgboost

from cases.autologgers.sklearn import A, B, C, D, by_hand
from modelyard.testing.autologgers import AutologgerCase, Training, Wrong
from modelyard.yard.active_run import ActiveRun
from modelyard.yard.autologging.data import container_input

PARAMS = {"max_depth": 2, "objective": "binary:logistic", "nthread": 1, "seed": 0}


def case() -> AutologgerCase:
    return AutologgerCase(
        "xgboost",
        {
            "booster": Training(booster, booster_by_hand, outputs=lambda m: m.predict(_matrix())),
            "estimator": Training(
                estimator, estimator_by_hand, outputs=lambda m: m.predict_proba(A)
            ),
            "folds": Training(folds, folds_by_hand, model=None),
        },
        failing=failing,
    )


def _matrix() -> xgboost.DMatrix:
    return xgboost.DMatrix(A, B)


def _train(history: Any = None) -> Any:
    data = _matrix()
    return xgboost.train(
        PARAMS,
        data,
        8,
        evals=[(data, "train"), (xgboost.DMatrix(A[::2], 1 - B[::2]), "odd")],
        early_stopping_rounds=2,
        evals_result=history,
        verbose_eval=False,
    )


def booster() -> Any:
    return _train().predict(_matrix())


def booster_by_hand(run: ActiveRun) -> Any:
    history: dict[str, Any] = {}
    model = _train(history)
    run.log_params({**PARAMS, "num_boost_round": 8, "early_stopping_rounds": 2})
    run.log_input(container_input("DMatrix", *A.shape, None, B.astype("float32")))
    _log_history(run, history)
    rounds = len(history["odd"]["logloss"])
    assert rounds < 8, "it stopped early"
    run.log_metrics(
        {
            "best_iteration": model.best_iteration,
            "best_score": model.best_score,
            "stopped_iteration": rounds - 1,
        }
    )
    return model.predict(_matrix())


def _log_history(run: ActiveRun, history: Any) -> None:
    for data, found in history.items():
        for metric, values in found.items():
            for step, value in enumerate(values):
                run.log_metric(f"{data}-{metric}", value, step=step)


def _estimator() -> Any:
    model = xgboost.XGBClassifier(n_estimators=4, max_depth=2, n_jobs=1, random_state=0)
    return model.fit(A, B, eval_set=[(A[:50], B[:50])], verbose=False)


def estimator() -> Any:
    return _estimator().predict_proba(A)


def estimator_by_hand(run: ActiveRun) -> Any:
    model = _estimator()
    run.log_params({k: v for k, v in model.get_params().items() if v is not None})
    run.log_input(A)
    _log_history(run, model.evals_result())
    run.log_metrics(by_hand(model, A, B))
    return model.predict_proba(A)


def _folds() -> Any:
    return xgboost.cv(PARAMS, _matrix(), 3, nfold=2, as_pandas=False, seed=0)


def folds() -> Any:
    return _folds()


def folds_by_hand(run: ActiveRun) -> Any:
    found = _folds()
    run.log_params(PARAMS | {"num_boost_round": 3, "nfold": 2, "seed": 0})
    run.log_input(container_input("DMatrix", *A.shape, None, B.astype("float32")))
    for key, values in found.items():
        for step, value in enumerate(values):
            run.log_metric(key, value, step=step)
    return found


class _Refusing(xgboost.callback.TrainingCallback):
    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        raise Wrong("no more")


def failing() -> Any:
    xgboost.train({"nthread": 1}, xgboost.DMatrix(C, np.asarray(D)), 3, callbacks=[_Refusing()])
