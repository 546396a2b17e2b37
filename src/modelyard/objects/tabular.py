"""Turn a table read from a file into what a model's argument wants to be."""

from __future__ import annotations

from typing import Any

from modelyard.base.errors import SchemaMismatch
from modelyard.types import parse
from modelyard.types.interface import DataType


def to_type(value: Any, kind: DataType) -> Any:
    """A DataFrame as an array, a column, or a list, when the argument is one; other values as they are.

    The argument's own check follows: this only changes the container, never a cell.
    """
    kind = kind.table
    if kind.kind == "list" and type(value).__name__ == "Series":
        return value.tolist()
    if not _is_frame(value):
        return value
    if kind.kind == "array":
        return value.to_numpy() if _rank(kind) != 1 else _only_column(value, kind).to_numpy()
    if kind.kind == "series":
        return _only_column(value, kind)
    if kind.kind == "list":
        if _holds_records(kind):
            return value.to_dict("records")
        if value.shape[1] == 1:
            return value.iloc[:, 0].tolist()
        return value.to_numpy().tolist()
    return value


def as_column(kind: DataType) -> DataType:
    """The type to read a file with: of a list of texts a column of texts, so that ``007`` stays what it is; of a
    library's container the table in it; of a tensor an array."""
    if kind.kind == "list" and kind.to_dict().get("items") == "string":
        return parse({"type": "series", "dtype": "str"})
    return kind.table


def _is_frame(value: Any) -> bool:
    return type(value).__name__ == "DataFrame" and hasattr(value, "iloc")


def _rank(kind: DataType) -> int:
    return len(kind.to_dict().get("shape", (None, None)))


def _holds_records(kind: DataType) -> bool:
    items = kind.to_dict().get("items")
    return isinstance(items, dict) and items.get("type") in ("dict", "record")


def _only_column(frame: Any, kind: DataType) -> Any:
    if frame.shape[1] != 1:
        raise SchemaMismatch(
            f"the model takes one column, the data has {frame.shape[1]}: {', '.join(map(str, frame.columns[:8]))}",
            hint="write a file with that column alone",
            expected=kind.to_dict(),
        )
    return frame.iloc[:, 0]
