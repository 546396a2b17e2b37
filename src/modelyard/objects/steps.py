"""Pre- and post-processing that stays attached to a model through save, load, apply, serve and build."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

STEPS = ("preprocess", "postprocess")
"""In the order they run: before the model on its first argument, after it on its result."""


def composed(
    method: Callable[..., Any],
    preprocess: Callable[..., Any] | None,
    postprocess: Callable[..., Any] | None,
) -> Callable[..., Any]:
    """The method with its steps around it. What `preprocess` takes is what the whole takes first.

    >>> composed(lambda x: x * 10, str.__len__, str)("abc")
    '30'
    """
    if preprocess is None and postprocess is None:
        return method

    def call(*args: Any, **named: Any) -> Any:
        bound = signature.bind(*args, **named)
        bound.apply_defaults()
        values = dict(bound.arguments)
        first = values.pop(first_name, None)
        extra = values.pop(extra_name, {}) if extra_name else {}
        result = method(preprocess(first) if preprocess else first, **values, **extra)
        return postprocess(result) if postprocess else result

    signature = _whole_signature(method, preprocess, postprocess)
    first_name = next(iter(signature.parameters), "")
    extra_name = next((n for n, p in signature.parameters.items() if p.kind is p.VAR_KEYWORD), None)
    call.__signature__ = signature  # type: ignore[attr-defined]  # inspect and infer_signature read it
    return call


def _whole_signature(
    method: Callable[..., Any],
    preprocess: Callable[..., Any] | None,
    postprocess: Callable[..., Any] | None,
) -> inspect.Signature:
    own = _signature(method)
    parameters = list(own.parameters.values())
    if preprocess is not None:
        taken = next(iter(_signature(preprocess).parameters.values()))
        parameters[:1] = [taken.replace(kind=inspect.Parameter.POSITIONAL_OR_KEYWORD)]
    named = [
        p if p.kind is p.VAR_KEYWORD else p.replace(kind=p.KEYWORD_ONLY)
        for p in parameters[1:]
        if p.kind is not p.VAR_POSITIONAL
    ]
    returns = _signature(postprocess).return_annotation if postprocess else own.return_annotation
    return own.replace(parameters=[*parameters[:1], *named], return_annotation=returns)


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):  # builtins without a text signature
        parameter = inspect.Parameter("X", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        return inspect.Signature([parameter])


class SteppedModel:
    """A loaded model with its steps: the model's methods, each with the steps around it.

    ``model`` is the bare model; ``preprocess`` and ``postprocess`` are the steps or None.
    """

    def __init__(
        self,
        model: Any,
        functions: Mapping[str, Callable[..., Any]],
        preprocess: Callable[..., Any] | None,
        postprocess: Callable[..., Any] | None,
    ) -> None:
        self.model = model
        self.preprocess = preprocess
        self.postprocess = postprocess
        self._functions = dict(functions)

    def __getattr__(self, name: str) -> Any:
        functions: Mapping[str, Any] = self.__dict__.get("_functions", {})
        if name in functions:
            return functions[name]
        raise AttributeError(
            f"this model has no method {name!r}; it has: {', '.join(functions)} (and .model is the bare model)"
        )

    def __call__(self, *args: Any, **named: Any) -> Any:
        return next(iter(self._functions.values()))(*args, **named)

    def __dir__(self) -> list[str]:
        return sorted([*super().__dir__(), *self._functions])

    def __repr__(self) -> str:
        return f"SteppedModel({self.model!r})"
