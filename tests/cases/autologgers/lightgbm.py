"""Trainings of LightGBM, and all of it logged by hand."""

from __future__ import annotations

from typing import Any

import lightgbm

from cases.autologgers.sklearn import A, B, C, D, by_hand
from modelyard.testing.autologgers import AutologgerCase, Training, Wrong
from modelyard.yard.active_run import ActiveRun
from modelyard.yard.autologging.data import container_input

PARAMS = {
    "num_leaves": 4, "objective": "binary", "num_threads": 1, "seed": 0, "verbosity": -1,
    "deterministic": True,
}  # fmt: skip


def case() -> AutologgerCase:
    return AutologgerCase(
        "lightgbm",
        {
            "booster": Training(booster, booster_by_hand, outputs=lambda m: m.predict(A)),
            "estimator": Training(
                estimator, estimator_by_hand, outputs=lambda m: m.predict_proba(A)
            ),
            "folds": Training(folds, folds_by_hand, model=None),
        },
        failing=failing,
    )


def _data() -> Any:
    return lightgbm.Dataset(A, B, params={"verbosity": -1})


def _input() -> Any:
    names = [f"Column_{i}" for i in range(4)]
    return container_input("Dataset", *A.shape, names, _data().construct().get_label())


def _train(history: dict[str, Any]) -> Any:
    data = _data()
    odd = lightgbm.Dataset(A[::2], 1 - B[::2], reference=data)
    return lightgbm.train(
        PARAMS,
        data,
        8,
        valid_sets=[odd],
        valid_names=["odd"],
        callbacks=[
            lightgbm.early_stopping(2, verbose=False),
            lightgbm.record_evaluation(history),
        ],
    )


def booster() -> Any:
    return _train({}).predict(A)


def booster_by_hand(run: ActiveRun) -> Any:
    history: dict[str, Any] = {}
    model = _train(history)
    run.log_params(PARAMS | {"num_boost_round": 8})
    run.log_input(_input())
    losses = history["odd"]["binary_logloss"]
    assert len(losses) < 8, "it stopped early"
    _log(run, "odd-binary_logloss", losses)
    run.log_metrics(
        {
            "best_iteration": model.best_iteration - 1,
            "best_odd-binary_logloss": min(losses),
            "stopped_iteration": len(losses) - 1,
        }
    )
    return model.predict(A)


def _log(run: ActiveRun, key: str, values: Any) -> None:
    for step, value in enumerate(values):
        run.log_metric(key, value, step=step)


def _estimator() -> Any:
    model = lightgbm.LGBMClassifier(
        n_estimators=4, num_leaves=4, n_jobs=1, random_state=0, verbosity=-1, deterministic=True
    )
    return model.fit(A, B, eval_X=A[:50], eval_y=B[:50])


def estimator() -> Any:
    return _estimator().predict_proba(A)


def estimator_by_hand(run: ActiveRun) -> Any:
    model = _estimator()
    run.log_params({k: v for k, v in model.get_params().items() if v is not None})
    run.log_input(A)
    _log(run, "valid_0-binary_logloss", model.evals_result_["valid_0"]["binary_logloss"])
    run.log_metrics(by_hand(model, A, B))
    return model.predict_proba(A)


def _folds() -> Any:
    return lightgbm.cv(PARAMS, _data(), 3, nfold=2, seed=0)


def folds() -> Any:
    return _folds()


def folds_by_hand(run: ActiveRun) -> Any:
    found = _folds()
    run.log_params(PARAMS | {"num_boost_round": 3, "nfold": 2, "seed": 0})
    run.log_input(_input())
    for key, values in found.items():
        _log(run, key, values)
    return found


def failing() -> Any:
    def refuse(env: Any) -> None:
        raise Wrong("no more")

    lightgbm.train({"verbosity": -1}, lightgbm.Dataset(C, D), 3, callbacks=[refuse])
