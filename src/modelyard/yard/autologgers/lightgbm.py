"""LightGBM: `train`, `cv`, and the estimators with scikit-learn's methods."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from modelyard.yard.autologgers import _boosting as boosting
from modelyard.yard.autologging.calls import Call
from modelyard.yard.autologging.data import container_input
from modelyard.yard.autologging.interface import Patcher

NAME = "lightgbm"
EXTRA = "lightgbm"
LIBRARIES = ("lightgbm",)

IMPORTANCE = "feature_importance.json"
BEFORE_STOPPING = 15
"""Callbacks are called by their order; early stopping has 30 and ends the round."""


def install(patcher: Patcher) -> None:
    """Wrap `train` and `cv` wherever the library keeps them, and `fit` of its estimators."""
    import lightgbm
    from lightgbm import engine, sklearn

    for owner in (lightgbm, engine):
        patcher.wrap(owner, "train", train)
        patcher.wrap(owner, "cv", cv)
    boosting.wrap_estimators(patcher, sklearn, sklearn.LGBMModel, fit, rounds)


def train(call: Call) -> Generator[None, Any, None]:
    """Around `lightgbm.train`."""
    given = call.arguments
    _log_asked(call, given, ("num_boost_round",))
    raw, iterations = given["train_set"].data, boosting.Iterations(call)
    few = boosting.rows(raw)  # the raw data is let go of when the training begins
    with call.step("callback"):
        call.replace("callbacks", [*(given.get("callbacks") or ()), _callback(call, iterations)])
    model = yield
    _log_data(call, given["train_set"])
    _log_end(call, model, iterations)
    with call.step("model"):
        call.log_model(model, few)


def fit(call: Call) -> Generator[None, Any, None]:
    """Around `fit` of an estimator."""
    return boosting.around_fit(call, lambda estimator: estimator.booster_, _log_end)


def rounds(call: Call) -> Generator[None, Any, None]:
    """Around the `train` that an estimator calls: only its rounds are told."""
    iterations = boosting.iterations_of_fit(call)
    with call.step("callback"):
        before = call.arguments.get("callbacks") or ()
        call.replace("callbacks", [*before, _callback(call, iterations)])
    yield


def cv(call: Call) -> Generator[None, Any, None]:
    """Around `lightgbm.cv`."""
    given = call.arguments
    _log_asked(call, given, ("num_boost_round", "nfold", "stratified", "seed"))
    results = yield
    _log_data(call, given["train_set"])
    with call.step("metrics"):
        call.log_series({k: v for k, v in results.items() if isinstance(v, list)})


def _log_asked(call: Call, given: dict[str, Any], more: tuple[str, ...]) -> None:
    with call.step("params"):
        asked = {k: given[k] for k in more if given.get(k) is not None}
        call.log_params({**given["params"], **asked})


def _callback(call: Call, iterations: boosting.Iterations) -> Any:
    def after_iteration(env: Any) -> None:
        found = env.evaluation_result_list or ()
        iterations.add(env.iteration, {f"{one[0]}-{one[1]}": one[2] for one in found})

    told = call.guard(after_iteration)
    told.order = BEFORE_STOPPING
    return told


def _log_data(call: Call, data: Any) -> None:
    with call.step("dataset"):
        size = data.num_data(), data.num_feature()
        call.log_data(container_input("Dataset", *size, data.get_feature_name(), data.get_label()))


def _log_end(call: Call, booster: Any, iterations: boosting.Iterations | None) -> None:
    with call.step("last"):
        if iterations is not None:
            iterations.tell()
        best = booster.best_iteration
        if best and best > 0:
            scores = booster.best_score.items()
            found = {f"best_{d}-{m}": v for d, each in scores for m, v in each.items()}
            call.log_metrics({"best_iteration": best - 1, **found})
        if best and best > 0 and iterations is not None and iterations.last is not None:
            call.log_metrics({"stopped_iteration": iterations.last[0]})
    with call.step("importance"):
        names = booster.feature_name()
        kinds = {
            kind: dict(zip(names, booster.feature_importance(kind).tolist(), strict=True))
            for kind in ("split", "gain")
        }
        call.log_dict(kinds, IMPORTANCE)
