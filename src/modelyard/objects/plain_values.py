"""Plain values as JSON, exactly: what a library's wrapper knows beside the model file that the library itself writes.

JSON's own values stand for themselves; all others (NaN, tuples, numpy's, keys that are no texts) carry their data type.
Reading makes values, and objects of the classes that the reader lists: no other class and no function can be named.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from modelyard import types
from modelyard.base.errors import Corrupted, ModelyardError, UnsupportedType

_CLASS, _TYPE, _VALUE = "class", "$type", "$value"


def dump_attributes(attributes: Mapping[str, Any], cls: type, classes: Sequence[type]) -> bytes:
    """Attributes of an object of one of these classes, which a reader can make without arguments.

    `UnsupportedType` names a class that is not among them, or the first attribute that is not plain (a function, a
    live object), so that `save` can say why it has to write code.
    """
    if cls not in classes:
        raise UnsupportedType(
            f"{_name(cls)} is none of the library's own classes", types=[_name(cls)]
        )
    spelled: dict[str, Any] = {_CLASS: cls.__name__}
    for name, value in attributes.items():
        try:
            spelled[name] = _spelled(value)
        except ModelyardError as error:
            kind = _name(type(value))
            raise UnsupportedType(
                f"its {name!r} is a {kind}, no plain value", types=[f"{name} ({kind})"]
            ) from error
    lines = (f"{json.dumps(k)}: {json.dumps(v, allow_nan=False)}" for k, v in spelled.items())
    return b"{%s}\n" % ",\n".join(lines).encode()


def load_attributes(data: bytes, where: str, classes: Sequence[type]) -> tuple[Any, dict[str, Any]]:
    """An empty object of the named class, and the attributes that `dump_attributes` wrote; else `Corrupted`."""
    try:
        read = dict(_read(json.loads(data)))
    except (ValueError, KeyError, TypeError, RecursionError, ModelyardError) as error:
        raise Corrupted(f"{where} cannot be read: {error}") from error
    name = read.pop(_CLASS, None)
    for cls in classes:
        if name == cls.__name__:
            return cls(), read
    known = ", ".join(cls.__name__ for cls in classes)
    raise Corrupted(f"{where} names the class {str(name)[:80]!r}", hint=f"known: {known}")


def _name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}".removeprefix("builtins.")


def _spelled(value: Any) -> Any:
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float and math.isfinite(value):
        return value
    if type(value) is list and not (value and all(hasattr(item, "dtype") for item in value)):
        return [_spelled(item) for item in value]
    if isinstance(value, dict) and all(type(k) is str and k != _TYPE for k in value):
        return {k: _spelled(v) for k, v in value.items()}
    kind = types.infer(value)
    return {_TYPE: kind.to_dict(), _VALUE: kind.encode(value)}


def _read(spelled: Any) -> Any:
    if isinstance(spelled, list):
        return [_read(item) for item in spelled]
    if not isinstance(spelled, dict):
        return spelled
    if _TYPE not in spelled:
        return {k: _read(v) for k, v in spelled.items()}
    return types.parse(spelled[_TYPE]).decode(spelled[_VALUE])
