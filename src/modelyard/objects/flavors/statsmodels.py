"""statsmodels: what ``fit()`` returns, of regressions, of formulas and of time series.

The library's own way to save a result is pickle, and a result holds its model, its data and its formula: so it is code
(tier 2). A formula's names (``np`` in ``y ~ np.log(x)``) are kept with it, for its own pickles look for them in whatever
code happens to load them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from modelyard.base.errors import InvalidInput
from modelyard.objects.flavors import sklearn
from modelyard.objects.formats import cloudpickle
from modelyard.objects.native import NativeFormat

NAME = "statsmodels"
EXTRA = "statsmodels"
FORMATS = ("cloudpickle",)

METHODS = ("predict", "forecast")


def claims(obj: Any) -> bool:
    """Results, and models without one (which are told what is missing); not their parts and reports."""
    from statsmodels.base.model import Model, Results
    from statsmodels.base.wrapper import ResultsWrapper

    return isinstance(obj, (ResultsWrapper, Results, Model))


def methods(obj: Any) -> Mapping[str, Callable[..., Any]]:
    """`InvalidInput` for a model that was not fitted."""
    from statsmodels.base.model import Model

    if isinstance(obj, Model):
        raise InvalidInput(
            f"this {type(obj).__name__} is not fitted", hint="save what its fit() returns"
        )
    found = {name: getattr(obj, name, None) for name in METHODS}
    return {name: _by_name(method) for name, method in found.items() if callable(method)}


def _by_name(method: Callable[..., Any]) -> Callable[..., Any]:
    """The method without its ``*args``, which nobody could name in a request."""
    signature = inspect.signature(method)
    kept = [p for p in signature.parameters.values() if p.kind is not p.VAR_POSITIONAL]

    def call(*args: Any, **named: Any) -> Any:
        return method(*args, **named)

    call.__name__ = method.__name__
    call.__signature__ = signature.replace(parameters=kept)  # type: ignore[attr-defined]
    return call


def labels(obj: Any) -> Sequence[str]:
    """The model's class in words: ``ols``, ``glm``, ``exponential-smoothing``."""
    return [sklearn.label(getattr(obj, "model", obj))]


def system(obj: Any) -> Sequence[str]:
    """None: its wheels carry what they need."""
    return ()


def _dump(obj: Any, folder: Path) -> None:
    from statsmodels.base.data import ModelData

    cloudpickle.dump(obj, folder, reduced={ModelData: _reduced})


def _reduced(data: Any) -> Any:
    """How the data of a formula's model are pickled: its description cannot be, and is made again."""
    for attribute in ("model_spec", "design_info"):  # the second before version 0.15
        factors = getattr(getattr(data, attribute, None), "factor_infos", None)
        if factors is None:
            continue
        state = {name: value for name, value in vars(data).items() if name != attribute}
        return _described_again, (type(data), state, attribute, _names_of(factors.values()))
    return NotImplemented


def _names_of(factors: Any) -> dict[str, Any]:
    """What the names in a formula stood for when it was fitted, its columns apart."""
    found: dict[str, Any] = {}
    for factor in factors:
        for names in getattr(factor.state.get("eval_env"), "_namespaces", ()):
            found.update(names)
    return found


def _described_again(
    cls: type, state: dict[str, Any], attribute: str, names: dict[str, Any]
) -> Any:
    import patsy

    table = state["frame"] if "frame" in state else state["orig_endog"].join(state["orig_exog"])
    _, design = patsy.dmatrices(
        state["formula"], table, patsy.EvalEnvironment([names]), return_type="dataframe"
    )
    data = cls.__new__(cls)
    vars(data).update(state, **{attribute: design.design_info})
    return data


NATIVE = (
    NativeFormat(
        "cloudpickle",
        cloudpickle.TIER,
        cloudpickle.SUFFIX,
        _dump,
        cloudpickle.load,
        cloudpickle.inspect,
        cloudpickle.LIBRARIES,
    ),
)
