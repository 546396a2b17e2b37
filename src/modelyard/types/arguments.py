"""The arguments of one call, all together: bound to their names, checked, decoded, encoded.

Every edge calls a method through these, so that a wrong or missing argument is told in one way. Arguments that are left out
stay left out: the method's own defaults apply.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from modelyard.base.errors import SchemaMismatch, did_you_mean
from modelyard.types.interface import DataType
from modelyard.types.mismatch import listed
from modelyard.types.schema import Signature


def bind_arguments(
    signature: Signature, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """Values by name, as a Python call with these would bind them.

    Raises `SchemaMismatch` for too many, or for one that is given twice.
    """
    names = list(signature.args)
    if len(args) > len(names):
        raise SchemaMismatch(
            f"{len(args)} arguments given, and the method takes {len(names)}: {listed(names)}",
            field="",
            expected=f"at most {len(names)} arguments",
        )
    bound = dict(zip(names, args, strict=False))
    for name, value in kwargs.items():
        if name in bound:
            raise SchemaMismatch(
                f"argument {name!r} is given twice", field=name, expected="one value"
            )
        bound[name] = value
    return bound


def check_arguments(signature: Signature, values: Mapping[str, Any]) -> dict[str, Any]:
    """Native values by name, checked and repaired by their types."""
    return _each(signature, values, lambda kind, value, name: kind.check(value, name))


def decode_arguments(signature: Signature, data: Mapping[str, Any]) -> dict[str, Any]:
    """Native values by name from parsed JSON."""
    return _each(signature, data, lambda kind, value, name: kind.decode(value, name))


def encode_arguments(signature: Signature, values: Mapping[str, Any]) -> dict[str, Any]:
    """JSON-able values by name, as `decode_arguments` takes them."""
    return _each(signature, values, lambda kind, value, name: kind.encode(value))


def _each(
    signature: Signature, values: Mapping[str, Any], read: Callable[[DataType, Any, str], Any]
) -> dict[str, Any]:
    known = signature.args
    for name, argument in known.items():
        if argument.required and name not in values:
            raise SchemaMismatch(
                f"argument {name!r} is missing",
                hint=f"the method takes {listed(known)}",
                field=name,
                expected=f"a value of type {argument.type.kind}",
            )
    found: dict[str, Any] = {}
    for name, value in values.items():
        kind = known[name].type if name in known else signature.extra
        if kind is None:
            raise SchemaMismatch(
                f"unknown argument {name!r}",
                hint=did_you_mean(str(name), known) or f"the method takes {listed(known)}",
                field=str(name),
                expected=f"one of {listed(known)}",
            )
        found[name] = read(kind, value, name)
    return found
