"""scikit-learn, and every estimator that is built on its `BaseEstimator`, one's own too.

`fit`, `fit_predict` and `fit_transform` are wrapped where classes define them: of those that are there, and of others as
soon as they are defined. The outermost call is logged, once. Encoders, scalers and others that only prepare data are not
logged by themselves; as steps of a pipeline they stand in its params. Estimators of libraries with an autologger of their
own are left to it.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Generator
from typing import Any

from modelyard.base import plugins
from modelyard.yard.autologgers import _estimators as told
from modelyard.yard.autologging.calls import Call, caller_name
from modelyard.yard.autologging.interface import Patcher

NAME = "sklearn"
EXTRA = "sklearn"
LIBRARIES = ("sklearn", "sklearn.model_selection")

RESULTS = "cv_results.csv"
CONFUSION = "training_confusion_matrix.json"
_TRAINS = ("fit", "fit_predict", "fit_transform")
_PREPARES = ("preprocessing", "impute", "feature_extraction", "feature_selection", "compose")
_QUIET = (
    "_fit_and_score",
    "_fit_and_predict",
    "_incremental_fit_estimator",
    "_permutation_test_score",
)
"""What scikit-learn's own functions train folds with. They are found on the stack and not wrapped: other modules have them by
name, and a worker process could not be given what is no longer the module's own."""
_FOLDS = "sklearn.model_selection._validation"
_runs: weakref.WeakKeyDictionary[Any, tuple[Any, str]] = weakref.WeakKeyDictionary()
"""Estimator -> the run that its fit was logged to, and the prefix of its keys."""


def install(patcher: Patcher) -> None:
    """Wrap what is there, and what comes."""
    from sklearn.base import BaseEstimator

    others = frozenset(plugins.names("autologgers")) - {NAME}
    for cls in [BaseEstimator, *_below(BaseEstimator)]:
        _wrap(patcher, cls, (*_TRAINS, "score"), others)
    for mixin in _mixins():
        _wrap(patcher, mixin, ("score",), others)
    _follow(patcher, BaseEstimator, ("fit", "fit_predict", "score"), others)
    setters = getattr(sys.modules.get("sklearn.utils._set_output"), "_SetOutputMixin", None)
    if setters is not None:  # it wraps fit_transform of new classes itself: ours goes around that
        _follow(patcher, setters, ("fit_transform",), others)
    if "sklearn.model_selection" in sys.modules:
        _wrap_validation(patcher)


def _wrap(patcher: Patcher, cls: type, names: tuple[str, ...], others: frozenset[str]) -> None:
    if any(base.__module__.partition(".")[0] in others for base in cls.__mro__):
        return
    for name in names:
        if callable(vars(cls).get(name)) or hasattr(vars(cls).get(name), "__get__"):
            patcher.wrap(cls, name, score if name == "score" else fit)


def _below(cls: type) -> list[type]:
    found: dict[type, None] = {}
    todo = list(cls.__subclasses__())
    while todo:
        one = todo.pop()
        if one not in found:
            found[one] = None
            todo.extend(one.__subclasses__())
    return list(found)


def _mixins() -> list[type]:
    from sklearn import base

    return [c for c in vars(base).values() if isinstance(c, type) and c.__name__.endswith("Mixin")]


def _follow(patcher: Patcher, base: type, names: tuple[str, ...], others: frozenset[str]) -> None:
    """Wrap methods of classes that are defined from now on below ``base``."""
    before = vars(base).get("__init_subclass__")
    if getattr(before, "__module__", "") == __name__:
        return  # it is followed already

    def __init_subclass__(cls: type, **kwargs: Any) -> None:  # noqa: N807
        if before is not None:
            before.__get__(None, cls)(**kwargs)
        else:
            super(base, cls).__init_subclass__(**kwargs)
        try:
            _wrap(patcher, cls, names, others)
        except Exception:  # noqa: BLE001  a class that lets nobody set attributes is not logged
            return

    patcher.replace(base, "__init_subclass__", classmethod(__init_subclass__))


def _wrap_validation(patcher: Patcher) -> None:
    """`cross_validate` is one run."""
    from sklearn import model_selection
    from sklearn.model_selection import _validation

    for owner in (model_selection, _validation):
        patcher.wrap(owner, "cross_validate", cross_validate)


# Hooks


def fit(call: Call) -> Generator[None, Any, None]:
    """Around `fit`, `fit_predict` and `fit_transform` of the outermost estimator."""
    given = call.arguments
    estimator = given["self"]
    if only_prepares(estimator) or _in_folds():
        return
    X, y = _data(given)
    with call.step("params"):
        call.log_tags({"estimator": type(estimator).__name__, "class": _class_name(estimator)})
        call.log_params(told.params_of(estimator))
    with call.step("dataset"):
        call.log_data(told.input_of(X))
    yield
    if hasattr(estimator, "cv_results_") and hasattr(estimator, "refit"):
        _search(call, estimator, X, y)
    else:
        _trained(call, estimator, X, y)
    with call.step("remember"):
        _runs[estimator] = (call.run, call.prefix)


def only_prepares(estimator: Any) -> bool:
    """Whether it prepares data for what trains: an encoder, a scaler, a selector; a class of one's own that transforms."""
    if hasattr(estimator, "predict") or hasattr(estimator, "fit_predict"):
        return False
    package, _, rest = type(estimator).__module__.partition(".")
    return package != "sklearn" or rest.partition(".")[0] in _PREPARES


def _in_folds() -> bool:
    """Whether a function of scikit-learn tries the estimator on parts of the data."""
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_name in _QUIET and frame.f_globals.get("__name__") == _FOLDS:
            return True
        frame = frame.f_back
    return False


def _trained(call: Call, estimator: Any, X: Any, y: Any) -> None:
    weights = call.arguments.get("sample_weight")
    report = told.Report()
    with call.step("predictions"):
        report = told.training_report(estimator, X, y, weights)
    with call.step("metrics"):
        if report.metrics:
            call.log_metrics(report.metrics)
    with call.step("confusion"):
        if report.confusion is not None:
            call.log_dict(report.confusion, CONFUSION)
    with call.step("model"):
        if any(hasattr(estimator, m) for m in ("predict", "transform", "score_samples")):
            call.log_model(estimator, told.head_of(X))


def _search(call: Call, search: Any, X: Any, y: Any) -> None:
    with call.step("best"):
        if hasattr(search, "best_params_"):
            best = {f"best_{k}": told.shown(v) for k, v in search.best_params_.items()}
            call.log_params(best)
        if hasattr(search, "best_score_"):
            call.log_metrics({"best_cv_score": search.best_score_})
    with call.step("results"):
        call.run.log_table(told.search_results(search), call.prefix + RESULTS)
    with call.step("candidates"):
        for place in told.best_candidates(search, call.options.max_child_runs):
            params = {k: told.shown(v) for k, v in search.cv_results_["params"][place].items()}
            name = f"candidate {place + 1}"
            call.log_child(name, params, told.candidate_metrics(search, place))
    if hasattr(search, "best_estimator_"):
        _trained(call, search.best_estimator_, X, y)


def cross_validate(call: Call) -> Generator[None, Any, None]:
    """Around `cross_validate`, which `cross_val_score` calls: scores of folds as points, and their means."""
    given = call.arguments
    with call.step("params"):
        call.log_tags({"estimator": type(given["estimator"]).__name__})
        call.log_params(told.params_of(given["estimator"]) | {"cv": given.get("cv")})
    with call.step("dataset"):
        call.log_data(told.input_of(given.get("X")))
    results = yield
    with call.step("metrics"):
        for key in [k for k in results if k.endswith("_time") or k.startswith(("test_", "train_"))]:
            for fold, value in enumerate(results[key].tolist()):
                call.log_metrics({key: value}, step=fold)
            spread = {f"{key}_mean": results[key].mean(), f"{key}_std": results[key].std()}
            call.log_metrics(spread)


def score(call: Call) -> Generator[None, Any, None]:
    """Around `score` of an estimator whose fit was logged: the score goes to that run, by the name of the data."""
    given = call.arguments
    found = _runs.get(given["self"])
    if found is None:
        return
    X, _ = _data(given)
    name = caller_name(X)
    result = yield
    with call.step("score"):
        run, prefix = found
        run.log_metrics({f"{prefix}score_{name}": float(result)})


def _data(given: dict[str, Any]) -> tuple[Any, Any]:
    """The first argument after self, whatever it is called, and the targets."""
    X = given["X"] if "X" in given else next((v for k, v in given.items() if k != "self"), None)
    return X, given.get("y")


def _class_name(estimator: Any) -> str:
    return f"{type(estimator).__module__}.{type(estimator).__qualname__}"
