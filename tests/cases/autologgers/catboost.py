"""Trainings of CatBoost, and all of it logged by hand."""

from __future__ import annotations

from typing import Any

import catboost

from cases.autologgers.sklearn import A, B, C, D, by_hand
from modelyard.testing.autologgers import AutologgerCase, Training, Wrong
from modelyard.yard.active_run import ActiveRun
from modelyard.yard.autologging.data import container_input

PARAMS = {
    "iterations": 6, "depth": 2, "random_seed": 0, "thread_count": 1, "verbose": 0,
    "allow_writing_files": False,
}  # fmt: skip


def case() -> AutologgerCase:
    return AutologgerCase(
        "catboost",
        {
            "estimator": Training(
                estimator, estimator_by_hand, outputs=lambda m: m.predict_proba(A)
            ),
            "pool": Training(pool, pool_by_hand, outputs=lambda m: m.predict(C)),
            "folds": Training(folds, folds_by_hand, model=None),
        },
        failing=failing,
        raises=catboost.CatBoostError,
    )


def _estimator() -> Any:
    model = catboost.CatBoostClassifier(**PARAMS)
    return model.fit(A, B, eval_set=(A[::2], 1 - B[::2]), early_stopping_rounds=2)


def estimator() -> Any:
    return _estimator().predict_proba(A)


def estimator_by_hand(run: ActiveRun) -> Any:
    model = _estimator()
    run.log_params(PARAMS | {"early_stopping_rounds": 2})
    run.log_input(A)
    _log_history(run, model)
    best = model.get_best_score()
    run.log_metrics(
        {
            "best_iteration": model.get_best_iteration(),
            "best_learn-Logloss": best["learn"]["Logloss"],
            "best_validation-Logloss": best["validation"]["Logloss"],
        }
    )
    run.log_metrics(by_hand(model, A, B))
    return model.predict_proba(A)


def _log_history(run: ActiveRun, model: Any) -> None:
    for data, found in model.get_evals_result().items():
        for metric, values in found.items():
            for step, value in enumerate(values):
                run.log_metric(f"{data}-{metric}", value, step=step)


def _pool() -> Any:
    return catboost.train(catboost.Pool(C, D), PARAMS | {"loss_function": "RMSE"})


def pool() -> Any:
    return _pool().predict(C)


def pool_by_hand(run: ActiveRun) -> Any:
    model = _pool()
    run.log_params(model.get_params())
    data = catboost.Pool(C, D)
    run.log_input(container_input("Pool", *C.shape, data.get_feature_names(), data.get_label()))
    _log_history(run, model)
    return model.predict(C)


def _folds() -> Any:
    params = {k: v for k, v in PARAMS.items() if k != "verbose"} | {"loss_function": "Logloss"}
    return catboost.cv(
        catboost.Pool(A, B), params, fold_count=2, as_pandas=False, logging_level="Silent"
    )


def folds() -> Any:
    return _folds()


def folds_by_hand(run: ActiveRun) -> Any:
    found = _folds()
    params = {k: v for k, v in PARAMS.items() if k != "verbose"} | {"loss_function": "Logloss"}
    run.log_params(params | {"fold_count": 2})
    data = catboost.Pool(A, B)
    run.log_input(container_input("Pool", *A.shape, data.get_feature_names(), data.get_label()))
    for key, values in found.items():
        if key != "iterations":
            for step, value in enumerate(values):
                run.log_metric(key, value, step=step)
    return found


class _Refusing:
    def after_iteration(self, info: Any) -> bool:
        raise Wrong("no more")


def failing() -> Any:
    catboost.CatBoostRegressor(**PARAMS).fit(C, D, callbacks=[_Refusing()])
