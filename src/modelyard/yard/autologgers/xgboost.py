"""XGBoost: `train`, `cv`, and the estimators with scikit-learn's methods."""

from __future__ import annotations

import sys
from collections.abc import Generator, Mapping
from typing import Any

from modelyard.yard.autologgers import _boosting as boosting
from modelyard.yard.autologging.calls import Call
from modelyard.yard.autologging.data import container_input
from modelyard.yard.autologging.interface import Patcher

NAME = "xgboost"
EXTRA = "xgboost"
LIBRARIES = ("xgboost",)

IMPORTANCE = "feature_importance.json"
_ASKED = ("num_boost_round", "early_stopping_rounds", "maximize")
_ASKED_OF_FOLDS = ("num_boost_round", "nfold", "stratified", "early_stopping_rounds", "seed")


def install(patcher: Patcher) -> None:
    """Wrap `train` and `cv` wherever the library keeps them, and `fit` of its estimators."""
    import xgboost
    from xgboost import sklearn, training

    for owner in (xgboost, training):
        patcher.wrap(owner, "train", train)
        patcher.wrap(owner, "cv", cv)
    boosting.wrap_estimators(patcher, sklearn, sklearn.XGBModel, fit, rounds)


def train(call: Call) -> Generator[None, Any, None]:
    """Around `xgboost.train`."""
    given = call.arguments
    with call.step("params"):
        asked = {k: given[k] for k in _ASKED if given.get(k) is not None}
        call.log_params({**dict(given["params"]), **asked})
    data, iterations = given["dtrain"], boosting.Iterations(call)
    with call.step("dataset"):
        call.log_data(_described(data))
    with call.step("callback"):
        call.replace("callbacks", [_callback(call, iterations), *(given.get("callbacks") or ())])
    model = yield
    _log_end(call, model, iterations)
    with call.step("model"):
        if call.options.log_models:
            call.log_model(model, _sample(data))


def fit(call: Call) -> Generator[None, Any, None]:
    """Around `fit` of an estimator."""
    return boosting.around_fit(call, lambda estimator: estimator.get_booster(), _log_end)


def rounds(call: Call) -> Generator[None, Any, None]:
    """Around the `train` that an estimator calls: only its rounds are told."""
    iterations = boosting.iterations_of_fit(call)
    with call.step("callback"):
        before = call.arguments.get("callbacks") or ()
        call.replace("callbacks", [_callback(call, iterations), *before])
    yield


def cv(call: Call) -> Generator[None, Any, None]:
    """Around `xgboost.cv`."""
    given = call.arguments
    with call.step("params"):
        asked = {k: given[k] for k in _ASKED_OF_FOLDS if given.get(k) is not None}
        call.log_params({**dict(given["params"]), **asked})
    with call.step("dataset"):
        call.log_data(_described(given["dtrain"]))
    results = yield
    with call.step("metrics"):
        call.log_series({k: list(results[k]) for k in results})


def _callback(call: Call, iterations: boosting.Iterations) -> Any:
    """The first in the list: one that stops the training keeps those after it from being called."""
    from xgboost.callback import TrainingCallback

    def after_iteration(_model: Any, epoch: int, log: Mapping[str, Any]) -> None:
        iterations.add(
            epoch, {f"{d}-{m}": v[-1] for d, each in log.items() for m, v in each.items()}
        )

    told = call.guard(after_iteration)

    class Rounds(TrainingCallback):
        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            told(model, epoch, evals_log)
            return False

    return Rounds()


def _log_end(call: Call, booster: Any, iterations: boosting.Iterations | None) -> None:
    with call.step("last"):
        if iterations is not None:
            iterations.tell()
        _log_best(call, booster)
    with call.step("importance"):
        kinds = ("weight",) if _is_linear(booster) else ("weight", "gain")
        call.log_dict({kind: booster.get_score(importance_type=kind) for kind in kinds}, IMPORTANCE)


def _log_best(call: Call, booster: Any) -> None:
    best = booster.attr("best_iteration")
    if best is not None:
        score = {"best_iteration": int(best), "best_score": float(booster.attr("best_score"))}
        call.log_metrics({**score, "stopped_iteration": booster.num_boosted_rounds() - 1})


def _is_linear(booster: Any) -> bool:
    return '"name":"gblinear"' in booster.save_config().replace(" ", "")


def _described(data: Any) -> Any:
    labels = data.get_label() if data.num_row() else None
    return container_input("DMatrix", data.num_row(), data.num_col(), data.feature_names, labels)


def _sample(data: Any) -> Any:
    """A few rows as an array, or as a table when columns have names; None when the library gives none back."""
    if any(kind == "c" for kind in data.feature_types or ()):
        return None
    try:
        few = data.slice(list(range(min(boosting.SAMPLE_ROWS, data.num_row())))).get_data()
    except Exception:  # noqa: BLE001  a matrix for histograms or from files cannot be sliced
        return None
    import numpy

    dense = numpy.full(few.shape, numpy.nan, dtype="float32")
    coo = few.tocoo()
    dense[coo.row, coo.col] = coo.data
    if data.feature_names is None:
        return dense
    pandas = sys.modules.get("pandas")
    return None if pandas is None else pandas.DataFrame(dense, columns=data.feature_names)
