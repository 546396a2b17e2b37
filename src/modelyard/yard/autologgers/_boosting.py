"""What boosting libraries have in common: metrics by iteration, a few rows as a sample, and how an estimator is fitted."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from types import ModuleType
from typing import Any

from modelyard.yard.autologging.calls import Call
from modelyard.yard.autologging.interface import Hook, Patcher

SAMPLE_ROWS = 5


class Iterations:
    """Metrics of iterations as they come: every so many are told, and the last."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self.last: tuple[int, dict[str, float]] | None = None
        self._told = -1

    def add(self, step: int, metrics: Mapping[str, float]) -> None:
        """One iteration is over."""
        self.last = (step, dict(metrics))
        if step % self._call.options.every == 0:
            self.tell()

    def tell(self) -> None:
        """The last that came, if it was not told."""
        if self.last is not None and self.last[0] != self._told and self.last[1]:
            self._told = self.last[0]
            self._call.log_metrics(self.last[1], step=self.last[0])


def wrap_estimators(
    patcher: Patcher, module: ModuleType, base: type, fit: Hook, rounds: Hook
) -> None:
    """Wrap `fit` of the estimators in a module, and the `train` of the library that they call for it."""
    patcher.wrap(module, "train", rounds, within=[fit])
    for cls in vars(module).values():
        if isinstance(cls, type) and issubclass(cls, base) and "fit" in vars(cls):
            patcher.wrap(cls, "fit", fit)


def around_fit(
    call: Call,
    booster_of: Callable[[Any], Any],
    log_end: Callable[[Call, Any, Iterations | None], None],
) -> Generator[None, Any, None]:
    """Around `fit` of an estimator, in which `rounds` told its iterations."""
    given = call.arguments
    estimator, X = given["self"], given.get("X")
    with call.step("params"):
        call.log_tags({"estimator": type(estimator).__name__})
        call.log_params(given_params(estimator))
    with call.step("dataset"):
        call.log_data(X)
    yield
    log_end(call, booster_of(estimator), call.kept.get("iterations"))
    log_estimator(call, estimator, X, given.get("y"))


def iterations_of_fit(call: Call) -> Iterations:
    """Those of the `train` that an estimator calls: its `fit` tells the last."""
    iterations = Iterations(call)
    if call.outer is not None:
        call.outer.kept["iterations"] = iterations
    return iterations


def given_params(estimator: Any) -> dict[str, Any]:
    """Params of an estimator that are not left to the library."""
    return {k: v for k, v in estimator.get_params().items() if v is not None}


def rows(data: Any) -> Any:
    """The first rows of a table or an array, as a copy; None of anything else."""
    if hasattr(data, "iloc"):
        return data.iloc[:SAMPLE_ROWS].copy()
    if hasattr(data, "shape") and hasattr(data, "dtype") and len(data.shape) == 2:
        return data[:SAMPLE_ROWS]
    return None


def log_estimator(call: Call, estimator: Any, X: Any, y: Any) -> None:
    """Training metrics by the names that scikit-learn's estimators have, and the model."""
    from modelyard.yard.autologgers import _estimators as told

    with call.step("metrics"):
        weights = call.arguments.get("sample_weight")
        known = rows(X) is not None and "Ranker" not in type(estimator).__name__  # its scores rank
        found = told.training_report(estimator, X, y, weights).metrics if known else {}
        if found:
            call.log_metrics(found)
    with call.step("model"):
        call.log_model(estimator, rows(X))
