"""Tables on their way to a file and back: any value that is a table as a pandas frame of columns with names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from modelyard.base.errors import MissingExtra, SchemaMismatch
from modelyard.types.columns import Column

if TYPE_CHECKING:
    import pandas as pd

FOREIGN = ("polars_dataframe", "arrow_table")
"""Kinds of tables that tell a missing number from NaN."""

TABLES = ("dataframe", "series", "array", "polars_dataframe", "polars_series", "arrow_table")
"""Kinds whose JSON form is a list with an item a row."""

_ARRAY_FAMILIES = ("float", "integer", "boolean", "string")
_PLACE = re.compile(r"\[(\d+)\](?:\[(\d+)\]|\.(.+))?|(.+)\[(\d+)\]", re.DOTALL)


def load_pandas(what: str) -> Any:
    """pandas, or the extra that brings it."""
    try:
        import pandas
    except ModuleNotFoundError as error:
        raise MissingExtra(f"{what} as a table", "pandas", missing=error.name) from error
    return pandas


def columns_of(kind: Any) -> list[Column] | None:
    """The columns of a type that is a table with names, a series, or an array of up to two dimensions.

    None for anything else, and for tables without columns.
    """
    match getattr(kind, "kind", None):
        case "dataframe":
            return [*kind.columns.values(), *kind.index.values()] or None
        case "polars_dataframe" | "arrow_table":
            return list(kind.columns.values()) or None
        case "series":
            return [kind.column]
        case "array":
            return _array_columns(kind)
    return None


def _array_columns(kind: Any) -> list[Column] | None:
    column, shape = kind.column, kind.shape
    if column is None or column.parsed.family not in _ARRAY_FAMILIES or len(shape) not in (1, 2):
        return None
    return [column] * (1 if len(shape) == 1 else shape[1] or 0) or None


def named_columns(kind: Any, names: Sequence[str]) -> dict[str, Column]:
    """The column that a type has for each name of a file; a series and an array go by position."""
    known: Mapping[str, Column] = {}
    match getattr(kind, "kind", None):
        case "dataframe":
            known = {n: kind.columns[c] for n, c in kind.names.items()} | dict(kind.index)
        case "polars_dataframe" | "arrow_table":
            known = kind.columns
        case "series" | "array":
            column: Column = kind.column
            known = dict.fromkeys(names, column)
    return {n: known[n] for n in names if n in known}


def to_frame(value: Any, kind: Any) -> pd.DataFrame:
    """A table as a frame whose index is no data; named levels of an index become columns.

    Other libraries' tables come in their JSON form, so that no integer beside a missing value turns into a float.
    """
    pandas = load_pandas("writing this")
    if kind.kind in FOREIGN:
        return pandas.DataFrame(kind.encode(value), columns=list(kind.columns), dtype=object)
    checked = kind.check(value)
    if kind.kind == "dataframe":
        return checked.reset_index(drop=not kind.index)
    if kind.kind == "series":
        return checked.to_frame("value" if kind.name is None else kind.name).reset_index(drop=True)
    rows = checked if checked.ndim == 2 else checked.reshape(-1, 1)
    return pandas.DataFrame(rows, columns=[str(i) for i in range(rows.shape[1])])


def from_frame(frame: pd.DataFrame, kind: Any) -> Any:
    """What `to_frame` was given, checked; the frame itself where no type is known."""
    if kind is None:
        return frame
    if kind.kind in FOREIGN and not len(frame):
        return empty(kind)
    if kind.kind == "dataframe" or kind.kind in FOREIGN:
        return kind.check(frame)
    flat = kind.kind == "series" or len(kind.shape) == 1
    if flat and frame.shape[1] != 1:
        raise SchemaMismatch(
            f"expected one column, the file has {frame.shape[1]}", expected=kind.to_dict(), field=""
        )
    if kind.kind == "series":
        return kind.check(frame.iloc[:, 0].rename(kind.name))
    return kind.check(frame.iloc[:, 0].to_numpy() if flat else frame.to_numpy())


def empty(kind: Any) -> Any:
    """A table of that type without rows, which its JSON form refuses as a mistake of a caller."""
    match kind.kind:
        case "polars_dataframe" | "arrow_table":
            return kind.make({name: [] for name in kind.columns})
        case "polars_series":
            return kind.check([])
        case "array":
            return _empty_array(kind)
    pandas = load_pandas("reading this")
    nothing = pandas.Series([], dtype=object)
    if kind.kind == "series":
        return kind.check(nothing)
    names = [*kind.columns, *kind.index]
    return kind.check(pandas.DataFrame(dict.fromkeys(names, nothing), columns=names))


def _empty_array(kind: Any) -> Any:
    import numpy

    from modelyard.types.numpy_cells import numpy_dtype

    fields = [(name, numpy_dtype(column)) for name, column in kind.fields]
    sizes = [n or 0 for n in kind.shape[1:]]
    return numpy.empty((0, *sizes), fields or numpy_dtype(kind.column))


def at_line(
    error: SchemaMismatch, line_of: Callable[[int], int], names: Sequence[str] = ()
) -> SchemaMismatch:
    """The error with the line of a file in place of the number of a row in what was read."""
    field = str(error.details.get("field", ""))
    place = _PLACE.fullmatch(field)
    if place is None:
        return error
    row, number, name, column, row_of_column = place.groups()
    row = int(row or row_of_column)
    name = name or column or (names[int(number)] if number and names else "")
    where, fault = f"line {line_of(row)}", error.message
    if fault.startswith(field):
        where, fault = where + (f", column {name!r}" if name else ""), fault.removeprefix(field)
    return SchemaMismatch(where + fault.removeprefix(f"[{row}]"), hint=error.hint, **error.details)
