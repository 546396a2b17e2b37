"""How signatures and schemas stand in a card::

args: {X: {type: dataframe, columns: {a: float64}}, copy: {type: any, default: null}}
extra: {type: any}          # of **kwargs
returns: {type: array, dtype: int64, shape: [null]}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelyard import types
from modelyard.base.errors import InvalidInput
from modelyard.types.schema import Argument, Schema, Signature

_FIELDS = ("args", "extra", "returns")


def signature_to_dict(signature: Signature) -> dict[str, Any]:
    """The card's form of a signature; what it does not know is left out.

    >>> signature_to_dict(Signature({"x": Argument(types.parse("integer"), 3)}))
    {'args': {'x': {'type': 'integer', 'default': 3}}}
    """
    spelled: dict[str, Any] = {"args": {n: _argument_to_dict(a) for n, a in signature.args.items()}}
    if signature.extra is not None:
        spelled["extra"] = signature.extra.to_dict()
    if signature.returns is not None:
        spelled["returns"] = signature.returns.to_dict()
    return spelled


def _argument_to_dict(argument: Argument) -> dict[str, Any]:
    spelled = argument.type.to_dict()
    return spelled if argument.required else {**spelled, "default": argument.default}


def signature_from_dict(spelled: Mapping[str, Any]) -> Signature:
    """The inverse of `signature_to_dict`; `InvalidInput` for what a card may not say."""
    args = spelled.get("args", {}) if isinstance(spelled, Mapping) else None
    if not isinstance(args, Mapping):
        raise InvalidInput("a method needs a mapping of arguments under 'args'")
    for field in spelled:
        if field not in _FIELDS:
            raise InvalidInput(
                f"a method has no field {field!r}", hint=f"known: {', '.join(_FIELDS)}"
            )
    return Signature(
        args={str(name): _argument_from_dict(str(name), a) for name, a in args.items()},
        returns=types.parse(spelled["returns"]) if "returns" in spelled else None,
        extra=types.parse(spelled["extra"]) if "extra" in spelled else None,
    )


def _argument_from_dict(name: str, spelled: Any) -> Argument:
    if isinstance(spelled, str):
        return Argument(types.parse(spelled))
    if not isinstance(spelled, Mapping):
        raise InvalidInput(f"argument {name!r}: expected a type, got {spelled!r}")
    fields = {k: v for k, v in spelled.items() if k != "default"}
    kind = types.parse(fields)
    return Argument(kind, spelled["default"]) if "default" in spelled else Argument(kind)


def schema_to_dict(schema: Schema) -> dict[str, Any]:
    """``{"methods": {…}}`` of a model, ``{"schema": {…}}`` of a data object."""
    spelled: dict[str, Any] = {}
    if schema.methods:
        spelled["methods"] = {m: signature_to_dict(s) for m, s in schema.methods.items()}
    if schema.value is not None:
        spelled["schema"] = schema.value.to_dict()
    return spelled


def schema_from_dict(spelled: Mapping[str, Any]) -> Schema:
    """The inverse of `schema_to_dict`."""
    methods = spelled.get("methods", {})
    if not isinstance(methods, Mapping):
        raise InvalidInput("'methods' is a mapping of names to arguments and results")
    return Schema(
        methods={str(m): signature_from_dict(s) for m, s in methods.items()},
        value=types.parse(spelled["schema"]) if "schema" in spelled else None,
    )
