"""What a graph is fed with, and the same as the model itself takes it."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from modelyard.base.errors import UnsupportedType
from modelyard.objects.engines import forms
from modelyard.objects.engines.interface import Form
from modelyard.types.columns import Column
from modelyard.types.interface import DataType

Kind = Literal["matrix", "columns", "values", "array"]
NUMBERS = ("float", "integer", "boolean")


@dataclass(frozen=True)
class Feed:
    """A matrix, columns by name, values (one text a row), or an array of any rank."""

    kind: Kind
    type: DataType
    form: Form
    names: Sequence[Any] = ()
    """Of a frame's columns."""
    columns: Sequence[Column] = ()
    """One a column; of a matrix that is no frame the same one over and over."""
    dtype: str = "float64"
    shape: tuple[int | None, ...] = ()
    """Of an array, the rows first."""

    @property
    def texts(self) -> list[str]:
        """The columns that are texts."""
        return [str(n) for n, c in zip(self.names, self.columns, strict=False) if is_text(c)]

    def native(self, value: Any) -> Any:
        """As the model takes it."""
        match self.type.kind:
            case "dataframe":
                return self._frame(value)
            case "series":
                import pandas

                return pandas.Series(value, dtype=self.columns[0].dtype)
            case "list":
                return list(value)
            case "tensor":
                return importlib.import_module("torch").from_numpy(value)
        return value

    def _frame(self, value: Any) -> Any:
        import pandas

        if self.kind == "matrix" and len({c.dtype for c in self.columns}) == 1:
            return pandas.DataFrame(value, columns=list(self.names))
        parts = value.T if self.kind == "matrix" else [value[str(n)] for n in self.names]
        columns = zip(self.names, self.columns, parts, strict=True)
        return pandas.DataFrame({n: pandas.Series(part, dtype=c.dtype) for n, c, part in columns})


def feed_of(kind: DataType, *, network: bool = False) -> Feed:
    """Of what a method's argument is; `UnsupportedType` says what no graph is fed with. The whole numbers of a ``network``
    are no amounts: it looks something up by them."""
    match kind.kind:
        case "dataframe":
            return _of_frame(kind)
        case "array" | "tensor":
            return _of_array(kind, network)
        case "list":
            if kind.to_dict().get("items") == "string":
                return Feed("values", kind, forms.Plain(kind), columns=[Column("str")], dtype="str")
        case "series":
            column: Column = kind.column  # type: ignore[attr-defined]  # a series has one
            if is_text(column) and not column.nullable:
                return Feed("values", kind, forms.Plain(kind), columns=[column], dtype="str")
    raise UnsupportedType(f"it takes a {kind.kind}")


def _of_frame(kind: Any) -> Feed:
    names, columns = list(kind.columns), list(kind.columns.values())
    for name, column in kind.columns.items():
        plain = column.parsed.family in NUMBERS and not column.parsed.extension
        if not (plain or is_text(column)) or column.dtype == "float16":
            raise UnsupportedType(f"column {name!r} is {column.dtype}")
        if is_text(column) and column.nullable:
            raise UnsupportedType(f"texts are missing in column {name!r}")
    matrix = forms.Matrix.of(kind)
    if matrix is not None:
        return Feed("matrix", kind, matrix, names, columns, matrix.dtype)
    by_name = forms.Columns.of(kind)
    if by_name is None:
        raise UnsupportedType("its table has a named index")
    return Feed("columns", kind, by_name, names, columns)


def _of_array(kind: Any, network: bool) -> Feed:
    table = kind.table
    column, shape = table.column, table.shape
    if column is None or len(shape) < 1 or shape[0] is not None:
        raise UnsupportedType("it takes an array that is not one row a record")
    if is_text(column) and len(shape) == 1:
        return Feed("values", kind, forms.Plain(kind), columns=[column], dtype="str")
    if column.parsed.family not in NUMBERS or column.dtype == "float16":
        raise UnsupportedType(f"it takes an array of {column.dtype}")
    if len(shape) == 2 and shape[1] is not None and not network:
        return Feed("matrix", kind, forms.Plain(kind), columns=[column] * shape[1], dtype=column.dtype)  # fmt: skip
    return Feed("array", kind, forms.Plain(kind), columns=[column], dtype=column.dtype, shape=tuple(shape))  # fmt: skip


def is_text(column: Column) -> bool:
    """Texts alone, none missing."""
    family = column.parsed.family
    return column.dtype == "str" or (family == "object" and column.items == "string")
