"""statsmodels: what ``fit()`` returns, of regressions, of formulas and of time series.

The library's own way to save a result is pickle, and a result holds its model, its data and its formula: so it is code
(tier 2). A formula's names (``np`` in ``y ~ np.log(x)``) are kept with it, for its own pickles look for them in whatever
code happens to load them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from modelyard.base.errors import InvalidInput
from modelyard.objects.flavors import sklearn

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
    series = hasattr(getattr(obj, "model", None), "k_exog") and "forecast" in dir(obj)
    return {n: _by_name(m, obj, series) for n, m in found.items() if callable(m)}


def _by_name(method: Callable[..., Any], obj: Any, series: bool) -> Callable[..., Any]:
    """The method without its ``*args``, which nobody could name in a request. The further regressors of a time series,
    which hide in its ``**kwargs``, get their name."""
    signature = inspect.signature(method)
    kept = [p for p in signature.parameters.values() if p.kind is not p.VAR_POSITIONAL]
    if series and kept[-1].kind is inspect.Parameter.VAR_KEYWORD:
        kept.pop()
        if obj.model.k_exog:
            kept.append(inspect.Parameter("exog", inspect.Parameter.KEYWORD_ONLY, default=None))

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


def reduced(obj: Any) -> Any:
    """How the data of a formula's model are pickled: their description cannot be, and is made again."""
    for attribute in ("model_spec", "design_info"):  # the second before version 0.15
        factors = getattr(getattr(obj, attribute, None), "factor_infos", None)
        if factors is None or not hasattr(obj, "formula"):
            continue
        state = {name: value for name, value in vars(obj).items() if name != attribute}
        return _described_again, (type(obj), state, attribute, _names_of(factors.values()))
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
    import patsy as library

    patsy: Any = library  # it exports its names by stars
    table = state["frame"] if "frame" in state else state["orig_endog"].join(state["orig_exog"])
    _, design = patsy.dmatrices(
        state["formula"], table, patsy.EvalEnvironment([names]), return_type="dataframe"
    )
    data = object.__new__(cls)
    vars(data).update(state, **{attribute: design.design_info})
    return data
