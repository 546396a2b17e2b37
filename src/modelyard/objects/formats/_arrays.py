"""What the two numpy formats share."""

from __future__ import annotations

from typing import Any

from modelyard.base.errors import InvalidInput, MissingExtra, UnsupportedType
from modelyard.types.interface import DataType


def load_numpy(what: str) -> Any:
    """numpy, or the extra that brings it."""
    try:
        import numpy
    except ModuleNotFoundError as error:
        raise MissingExtra(what, "sklearn", missing=error.name) from error
    return numpy


def holds_no_objects(kind: DataType) -> bool:
    """Whether a type is an array of plain numbers, texts, times or records of them."""
    if kind.kind != "array":
        return False
    columns = [kind.column] if kind.column else [c for _, c in kind.fields]  # type: ignore[attr-defined]  # by its kind
    return all(c.parsed.family != "object" for c in columns)


def refuse_objects(array: Any, what: str) -> None:
    """Objects inside an array would be written as pickles, which run code when they are read."""
    if array.dtype.hasobject:
        raise UnsupportedType(
            f"{what} is an array of objects, which numpy can only write as code",
            hint="give it a dtype, for example X.astype(str), or save it as json",
        )


def not_an_array(what: str, error: Exception) -> InvalidInput:
    """The error for a file that is none of ours; arrays of objects are told apart."""
    if "allow_pickle" in str(error) or "Object arrays" in str(error):
        return InvalidInput(
            f"{what} holds Python objects, which run code when they are read",
            hint="write it with a dtype that is not object",
        )
    return InvalidInput(f"{what} cannot be read: {error}")
