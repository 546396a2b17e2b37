"""A module's methods as modelyard calls them: in evaluation mode, without gradients, on tensors or on arrays.

What is given as an array, a table or nested lists of numbers goes in as a tensor, and what comes out then is an array; tensors give
tensors. An argument with a type hint that is no tensor gets what was given.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from modelyard.base.errors import InvalidInput
from modelyard.objects.flavors.callable import PREDICTION_METHODS


def module_methods(module: Any) -> Mapping[str, Callable[..., Any]]:
    """``predict``, which is the module's forward pass unless its class has a method of that name, and what else the
    class defines under a prediction method's name. A bare container of modules has none."""
    import torch

    refuse_unready(module)
    own = {name: getattr(type(module), name, None) for name in PREDICTION_METHODS}
    found = {
        name: wrapped(getattr(module, name), module)
        for name, method in own.items()
        if callable(method) and method is not getattr(torch.nn.Module, name, None)
    }
    if type(module).forward is torch.nn.Module.forward or "predict" in found:
        return found
    return {"predict": wrapped(module, module, like=module.forward), **found}


def refuse_unready(module: Any) -> None:
    """`InvalidInput` for a module whose lazy layers do not know their sizes yet."""
    from torch.nn.parameter import is_lazy

    lazy = [name for name, p in module.named_parameters() if is_lazy(p)]
    if lazy:
        raise InvalidInput(
            f"this {type(module).__name__} has not seen data yet: {lazy[0]} has no size",
            hint="call it once on a batch before you save it",
        )


def program_methods(program: Any) -> Mapping[str, Callable[..., Any]]:
    """The one method of an exported program."""
    module = program.module()
    signature = inspect.signature(module.forward)
    shape = program.call_spec.in_spec
    # Older versions have no other word for it, newer ones warn of that word.
    by_place = (shape.child(0) if hasattr(shape, "child") else shape.children_specs[0]).num_children

    def run(*args: Any, **named: Any) -> Any:
        """As it was exported: what was given by place then has to be now."""
        given = dict(signature.bind(*args, **named).arguments)
        placed = [given.pop(name) for name in list(given)[:by_place]]
        return module(*placed, **given)

    return {"predict": wrapped(run, module, like=module.forward, modes=False)}


def script_methods(module: Any) -> Mapping[str, Callable[..., Any]]:
    """``predict`` and the prediction methods that a TorchScript module was compiled with."""
    names = [n for n in PREDICTION_METHODS if n != "apply" and module._c._has_method(n)]
    found = {name: _scripted(getattr(module, name), module) for name in names}
    if "predict" in found or not module._c._has_method("forward"):
        return found
    return {"predict": _scripted(module.forward, module), **found}


def _scripted(method: Any, module: Any) -> Callable[..., Any]:
    """A compiled method with the signature that its own schema tells."""
    kinds = inspect.Parameter
    parameters = [
        kinds(
            argument.name,
            kinds.KEYWORD_ONLY if argument.kwarg_only else kinds.POSITIONAL_OR_KEYWORD,
            default=argument.default_value if argument.has_default_value() else kinds.empty,
        )
        for argument in method.schema.arguments[1:]
    ]

    def call(*args: Any, **named: Any) -> Any:
        return method(*args, **named)

    call.__name__ = method.name
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # inspect reads it
    return wrapped(call, module)


def wrapped(
    function: Callable[..., Any],
    module: Any,
    *,
    like: Callable[..., Any] | None = None,
    modes: bool = True,
) -> Callable[..., Any]:
    """A method that is called as the module's answer is wanted, not as it is trained; ``like`` has its signature."""
    import torch

    signature = inspect.signature(like or function)
    fixed = {name for name, p in signature.parameters.items() if not _takes_tensor(p.annotation)}

    @functools.wraps(like or function)
    def call(*args: Any, **named: Any) -> Any:
        names = [*list(signature.parameters)[: len(args)], *[""] * len(args)]
        inputs = Inputs(module)
        placed = [a if n in fixed else inputs.tensor(a) for n, a in zip(names, args, strict=False)]
        given = {n: a if n in fixed else inputs.tensor(a) for n, a in named.items()}
        with torch.no_grad(), evaluating(module) if modes else contextlib.nullcontext():
            result = function(*placed, **given)
        return as_arrays(result) if inputs.were_arrays else result

    call.__signature__ = signature  # type: ignore[attr-defined]  # inspect reads it
    return call


def _takes_tensor(annotation: Any) -> bool:
    """Whether an argument may be a tensor: nothing said, or a tensor among what is said."""
    return annotation is inspect.Parameter.empty or "Tensor" in str(annotation)


class Inputs:
    """The arguments of one call on their way into a module."""

    def __init__(self, module: Any) -> None:
        self.were_arrays = False
        self._weight = next((p for p in module.parameters() if p.is_floating_point()), None)

    def tensor(self, value: Any) -> Any:
        """Arrays, tables and lists of numbers in the module's own precision; tensors where the module is."""
        import torch

        if not isinstance(value, torch.Tensor):
            array = _as_array(value)
            if array is None:
                return value
            self.were_arrays = True
            value = torch.from_numpy(array if array.flags.writeable else array.copy())
            if self._weight is not None and value.is_floating_point():
                value = value.to(self._weight.dtype)
        return value if self._weight is None else value.to(self._weight.device)


def _as_array(value: Any) -> Any:
    """A numpy array of numbers, or None for what is none."""
    import numpy

    if isinstance(value, list) and _is_number(_first(value)):
        found = numpy.asarray(value)
        return found.astype(numpy.float32) if found.dtype == numpy.float64 else found
    if not isinstance(value, numpy.ndarray):
        convert = getattr(value, "to_numpy", None)
        if convert is None or not hasattr(value, "shape"):
            return None
        value = convert()
    return numpy.ascontiguousarray(value) if value.dtype.kind in "biufc" else None


def _first(value: Any) -> Any:
    while isinstance(value, list):
        value = value[0] if value else None
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def as_arrays(value: Any) -> Any:
    """A result with arrays in the place of tensors, down to the items of tuples, lists and dicts."""
    import torch

    from modelyard.types.torch import to_numpy

    if isinstance(value, torch.Tensor):
        return to_numpy(value)
    if isinstance(value, Mapping):
        return {k: as_arrays(v) for k, v in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(as_arrays, value))
    return type(value)(map(as_arrays, value)) if type(value) in (list, tuple) else value


_GUARD = threading.Lock()
_EVALUATING: WeakKeyDictionary[Any, tuple[int, list[Any]]] = WeakKeyDictionary()
"""Module -> how many calls are under way, and which of its modules were in training mode."""


@contextlib.contextmanager
def evaluating(module: Any) -> Iterator[None]:
    """A module in evaluation mode for as long as any call lasts; then each part is in its own mode again.

    Parts of a module that is in evaluation mode stay as they are: dropout that somebody left on is meant.
    """
    with _GUARD:
        count, training = _EVALUATING.get(module, (0, []))
        if not count and not module.training:
            training = []
        elif not count:
            training = [m for m in module.modules() if m.training]
            module.eval()
        _EVALUATING[module] = (count + 1, training)
    try:
        yield
    finally:
        with _GUARD:
            count, training = _EVALUATING.pop(module)
            if count > 1:
                _EVALUATING[module] = (count - 1, training)
            else:
                for part in training:
                    part.training = True
