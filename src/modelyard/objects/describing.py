"""Find out what a live model can do: its methods, what they take and give, by running them on the sample."""

from __future__ import annotations

import contextlib
import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from modelyard.base.errors import (
    InvalidInput,
    ModelFailed,
    ModelyardError,
    UnknownMethod,
    did_you_mean,
)
from modelyard.objects.interface import Flavor
from modelyard.objects.model import default_method
from modelyard.objects.sampling import MAX_ROWS, sample_for_card
from modelyard.objects.steps import composed
from modelyard.types.schema import MISSING, Signature
from modelyard.types.signatures import bind_sample, by_name, infer_signature


@dataclass(frozen=True)
class Described:
    """The methods of a live object as a card records them, and what the sample gave."""

    functions: Mapping[str, Callable[..., Any]]
    signatures: Mapping[str, Signature]
    results: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Method -> its output on the sample, for methods that were run."""
    arguments: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    """Method -> argument name -> sample value."""

    def card_sample(self, rows: int = MAX_ROWS) -> Any:
        """The sample of the default method, for the card."""
        if not self.arguments:
            return None
        method = default_method(list(self.signatures))
        if method not in self.arguments:
            method = next(iter(self.arguments))
        return sample_for_card(self.arguments[method], self.signatures[method], rows)


def functions_of(
    obj: Any,
    flavor: Flavor,
    preprocess: Callable[..., Any] | None = None,
    postprocess: Callable[..., Any] | None = None,
    wanted: Sequence[str] | None = None,
) -> dict[str, Callable[..., Any]]:
    """Method name -> what to call, steps included. ``wanted`` limits or extends what the flavor lists."""
    own = dict(flavor.methods(obj))
    names = list(own) if wanted is None else list(wanted)
    for name in names:
        if name not in own:
            own[name] = _attribute(obj, name, own)
    return {name: composed(own[name], preprocess, postprocess) for name in names}


def by_names(functions: Mapping[str, Callable[..., Any]]) -> dict[str, Callable[..., Any]]:
    """The same functions, callable with named arguments alone, as signatures list them."""
    return {name: by_name(function) for name, function in functions.items()}


def _attribute(obj: Any, name: str, known: Mapping[str, Any]) -> Callable[..., Any]:
    method = None if name.startswith("_") else getattr(obj, name, None)
    if not callable(method):
        raise UnknownMethod(
            f"{type(obj).__name__} has no method {name!r}",
            hint=did_you_mean(name, known) or f"it has: {', '.join(known)}",
            choices=list(known),
        )
    return method


def describe_model(
    functions: Mapping[str, Callable[..., Any]],
    samples: Mapping[str, Any],
    *,
    must: Sequence[str] = (),
) -> Described:
    """Signatures of all functions; those with a sample are run on it.

    A method that fails on the sample is left out, unless it is the default one or in ``must``: then the sample is
    wrong, and that is `InvalidInput`. One that takes no data, as ``forecast(steps=1)``, then runs with its defaults.
    """
    signatures: dict[str, Signature] = {}
    results: dict[str, Any] = {}
    arguments: dict[str, Mapping[str, Any]] = {}
    needed = {default_method(list(functions)), *must} if functions else set(must)
    for name, function in functions.items():
        sample = samples.get(name, MISSING)
        if sample is MISSING:
            signatures[name] = _stated(function)
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # nobody asked to hear what log(0) is
                signature, result = infer_signature(function, sample)
        except ModelyardError as error:
            if name not in needed:
                signatures |= _without_sample(name, function)
                continue
            if not isinstance(error, ModelFailed):
                raise
            raise InvalidInput(
                f"sample_data does not fit: {error.message}",
                hint="it must be a value that the method takes: a value for its first argument, "
                "a tuple for several, or a dict by argument name",
            ) from error
        signatures[name], results[name] = signature, result
        arguments[name] = bind_sample(function, sample)
    return Described({n: functions[n] for n in signatures}, signatures, results, arguments)


def _stated(function: Callable[..., Any]) -> Signature:
    """The signature without a sample: what the method itself states under ``signature`` (a graph knows its inputs), else
    what its hints and defaults say."""
    stated = getattr(function, "signature", None)
    if isinstance(stated, Signature):
        return stated
    return infer_signature(function, MISSING, run=False)[0]


def _without_sample(name: str, function: Callable[..., Any]) -> dict[str, Signature]:
    """The signature of a method whose arguments all have defaults, the first one other than None; of others nothing."""
    try:
        first = next(iter(inspect.signature(function).parameters.values())).default
    except (StopIteration, ValueError, TypeError):
        return {}
    if first is inspect.Parameter.empty or first is None:
        return {}
    for run in (True, False):
        with contextlib.suppress(ModelyardError):
            return {name: infer_signature(function, run=run)[0]}
    return {}
