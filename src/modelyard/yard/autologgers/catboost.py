"""CatBoost: `fit` of its classes (`catboost.train` calls it), `cv`, and its own searches.

Metrics of iterations are told when the training is over, from its own history: a callback would be refused on a GPU.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

from modelyard.yard.autologgers import _boosting as boosting
from modelyard.yard.autologging.calls import Call
from modelyard.yard.autologging.data import container_input
from modelyard.yard.autologging.interface import Patcher

NAME = "catboost"
EXTRA = "catboost"
LIBRARIES = ("catboost",)

IMPORTANCE = "feature_importance.json"
RESULTS = "cv_results.csv"
_SEARCHES = ("grid_search", "randomized_search")


def install(patcher: Patcher) -> None:
    """Wrap `fit` where a class defines it, the searches, and `cv` wherever the library keeps it."""
    import catboost
    from catboost import core

    for owner in (catboost, core):
        patcher.wrap(owner, "cv", cv)
    for cls in vars(core).values():
        if isinstance(cls, type) and issubclass(cls, core.CatBoost) and "fit" in vars(cls):
            patcher.wrap(cls, "fit", fit)
    for name in _SEARCHES:
        patcher.wrap(core.CatBoost, name, search)


def fit(call: Call) -> Generator[None, Any, None]:
    """Around `fit`."""
    given = call.arguments
    model, X = given["self"], given.get("X")
    with call.step("params"):
        call.log_tags({"estimator": type(model).__name__})
        asked = ("early_stopping_rounds", "use_best_model")
        call.log_params(model.get_params() | {k: given[k] for k in asked if given.get(k)})
    _log_data(call, X)
    yield
    _log_trained(call, model, X, given.get("y"))


def search(call: Call) -> Generator[None, Any, None]:
    """Around `grid_search` and `randomized_search`."""
    given = call.arguments
    model, X = given["self"], given.get("X")
    with call.step("params"):
        call.log_tags({"estimator": type(model).__name__})
        asked = ("cv", "n_iter", "partition_random_seed", "search_by_train_test_split")
        call.log_params(model.get_params() | {k: given[k] for k in asked if k in given})
    _log_data(call, X)
    found = yield
    with call.step("best"):
        call.log_params({f"best_{k}": v for k, v in found["params"].items()})
    with call.step("results"):
        _log_folds(call, found["cv_results"])
    if given.get("refit", True):
        _log_trained(call, model, X, given.get("y"))


def cv(call: Call) -> Generator[None, Any, None]:
    """Around `catboost.cv`."""
    given = call.arguments
    with call.step("params"):
        asked = ("iterations", "num_boost_round", "fold_count", "nfold", "type")
        call.log_params(
            {**(given.get("params") or {}), **{k: given[k] for k in asked if given.get(k)}}
        )
    _log_data(call, given.get("pool", given.get("dtrain")))
    found = yield
    with call.step("metrics"):
        _log_folds(call, found[0] if isinstance(found, tuple) else found)


def _log_folds(call: Call, results: Any) -> None:
    columns = {k: list(results[k]) for k in results if k != "iterations"}
    call.log_series(columns)


def _log_data(call: Call, X: Any) -> None:
    with call.step("dataset"):
        call.log_data(_described(X) if _is_pool(X) else X)


def _is_pool(data: Any) -> bool:
    return hasattr(data, "num_row") and hasattr(data, "get_feature_names")


def _described(pool: Any) -> Any:
    labels = pool.get_label() if pool.has_label() else None
    names = pool.get_feature_names()
    return container_input("Pool", pool.num_row(), pool.num_col(), names, labels)


def _log_trained(call: Call, model: Any, X: Any, y: Any) -> None:
    with call.step("iterations"):
        call.log_series(_history(model.get_evals_result()))
    with call.step("last"):
        best = model.get_best_iteration()
        if best is not None and len(model.get_evals_result() or ()) > 1:
            call.log_metrics({"best_iteration": best, **_best(model.get_best_score())})
    with call.step("importance"):
        if model.tree_count_:
            values = model.get_feature_importance(type="PredictionValuesChange").tolist()
            names = [str(name) for name in model.feature_names_]
            call.log_dict(dict(zip(names, values, strict=False)), IMPORTANCE)
    if _is_pool(X):
        with call.step("model"):
            call.log_model(model)
    else:
        boosting.log_estimator(call, model, X, y)


def _history(results: Mapping[str, Mapping[str, list[float]]]) -> dict[str, list[float]]:
    return {f"{d}-{m}": v for d, each in (results or {}).items() for m, v in each.items()}


def _best(scores: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    return {f"best_{d}-{m}": v for d, each in scores.items() for m, v in each.items()}
