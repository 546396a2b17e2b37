"""Tables and arrays as Arrow streams and ``.npy``: which values travel so, and how they are written and read.

They are made from what lies in memory without a text on the way. Of few rows JSON is as quick, and easier to look at on the way.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from modelyard.types.interface import DataType

ARROW = "application/vnd.apache.arrow.stream"
NPY = "application/x-npy"
FROM_ROWS = 64
_TABLES = frozenset((
    "dataframe", "series", "polars_dataframe", "polars_series", "arrow_table", "sparse"
))  # fmt: skip
_NUMBERS = frozenset(("integer", "float", "boolean", "complex"))


def format_of(type: DataType | None, formats: Sequence[str]) -> str | None:
    """The media type that values of a type travel as when they have many rows; None where that is JSON."""
    if type is None:
        return None
    kind, column = type.table.kind, getattr(type.table, "column", None)
    if kind == "array" and column is not None and getattr(type.table, "shape", ()):
        return _known(NPY if column.parsed.family in _NUMBERS else ARROW, formats)
    return _known(ARROW, formats) if kind in _TABLES else None


def _known(media_type: str, formats: Sequence[str]) -> str | None:
    needed = "pyarrow" if media_type == ARROW else "numpy"
    return media_type if media_type in formats and find_spec(needed) is not None else None


def write(value: Any, type: DataType, media_type: str, where: str) -> bytes:
    """A checked value in that format; `SchemaMismatch` for one that it cannot hold."""
    from modelyard.serving.arrow_wire import write_stream
    from modelyard.serving.npy_wire import write_npy
    from modelyard.types.arrow import to_arrow

    if media_type == NPY:
        own = type.table
        native = value if own is type else type.unwrap(value)  # type: ignore[attr-defined]  # what has a table has it
        return write_npy(own.check(native, where))
    return write_stream(to_arrow(value, type))


def read(body: bytes, type: DataType, media_type: str, where: str) -> Any:
    """An answer in that format, as the type has it."""
    from modelyard.serving.arrow_wire import read_stream
    from modelyard.serving.npy_wire import read_npy
    from modelyard.types.arrow import from_arrow

    if media_type == NPY:
        return type.check(read_npy(body), where)
    return from_arrow(read_stream(body, sys.maxsize), type, where)
