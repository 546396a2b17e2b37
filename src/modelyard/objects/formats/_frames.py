"""Tables on their way to a file and back: any value that is a table as a frame of columns with names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelyard.base.errors import MissingExtra, SchemaMismatch
from modelyard.types.columns import Column
from modelyard.types.interface import DataType

if TYPE_CHECKING:
    import pandas as pd

TABLES = ("dataframe", "series", "array")
"""Kinds that are tables: rows of cells with dtypes."""

_ARRAY_FAMILIES = ("float", "integer", "boolean", "string")


def load_pandas(what: str) -> Any:
    """pandas, or the extra that brings it."""
    try:
        import pandas
    except ModuleNotFoundError as error:
        raise MissingExtra(f"{what} as a table", "pandas", missing=error.name) from error
    return pandas


def columns_of(kind: DataType | None) -> list[Column] | None:
    """The columns of a type that is a table: a frame with its index, a series, an array of up to two dimensions.

    None for anything else, and for tables without columns.
    """
    match getattr(kind, "kind", None):
        case "dataframe":
            return [*kind.columns.values(), *kind.index.values()] or None  # type: ignore[union-attr]  # by its kind
        case "series":
            return [kind.column]  # type: ignore[union-attr]
        case "array":
            return _array_columns(kind)
    return None


def _array_columns(kind: Any) -> list[Column] | None:
    column, shape = kind.column, kind.shape
    if column is None or column.parsed.family not in _ARRAY_FAMILIES or len(shape) not in (1, 2):
        return None
    return [column] * (1 if len(shape) == 1 else shape[1] or 0) or None


def named_columns(kind: DataType | None, names: list[str]) -> dict[str, Column]:
    """The column that a type has for each name of a file; a series and an array go by position."""
    match getattr(kind, "kind", None):
        case "dataframe":
            known = {n: kind.columns[c] for n, c in kind.names.items()} | dict(kind.index)  # type: ignore[union-attr]
            return {n: known[n] for n in names if n in known}
        case "series":
            return dict.fromkeys(names, kind.column)  # type: ignore[union-attr]
        case "array":
            return dict.fromkeys(names, kind.column)  # type: ignore[union-attr]
    return {}


def to_frame(value: Any, kind: DataType) -> pd.DataFrame:
    """A table as a frame whose index is no data; named levels of an index become columns."""
    pandas = load_pandas("writing this")
    if kind.kind == "dataframe":
        frame = kind.check(value)
        return frame.reset_index(drop=not kind.index)  # type: ignore[attr-defined]
    if kind.kind == "series":
        series = kind.check(value)
        return series.to_frame("value" if series.name is None else series.name).reset_index(
            drop=True
        )
    array = kind.check(value)
    array = array.reshape(len(array), -1)
    return pandas.DataFrame(array, columns=[str(i) for i in range(array.shape[1])])


def from_frame(frame: pd.DataFrame, kind: DataType | None) -> Any:
    """What `to_frame` was given, checked; the frame itself where no type is known."""
    if kind is None or kind.kind == "dataframe":
        return frame if kind is None else kind.check(frame)
    flat = kind.kind == "series" or len(kind.shape) == 1  # type: ignore[attr-defined]
    if flat and frame.shape[1] != 1:
        raise SchemaMismatch(
            f"expected one column, the file has {frame.shape[1]}", expected=kind.to_dict(), field=""
        )
    if kind.kind == "series":
        return kind.check(frame.iloc[:, 0].rename(kind.name))  # type: ignore[attr-defined]
    return kind.check(frame.iloc[:, 0].to_numpy() if flat else frame.to_numpy())


def empty(kind: Any) -> Any:
    """A table of that type without rows, which its JSON form refuses as a mistake of a caller."""
    if kind.kind == "array":
        import numpy

        from modelyard.types.numpy import numpy_dtype

        fields = [(n, numpy_dtype(c)) for n, c in kind.fields]
        sizes = [n or 0 for n in kind.shape[1:]]
        return numpy.empty((0, *sizes), fields or numpy_dtype(kind.column))
    pandas = load_pandas("reading this")
    from modelyard.types.pandas_columns import array_of

    if kind.kind == "series":
        return pandas.Series(array_of(kind.column, []), name=kind.name)
    frame = pandas.DataFrame({n: array_of(c, []) for n, c in kind.columns.items()})
    return kind.check(frame.set_axis(list(kind.columns), axis=1))
