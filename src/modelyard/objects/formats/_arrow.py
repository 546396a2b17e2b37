"""Tables on their way through Arrow: what parquet, arrow and feather files share. Needs the extra ``arrow``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelyard.base.errors import MissingExtra, SchemaMismatch
from modelyard.objects.formats._frames import columns_of, from_frame, load_pandas, to_frame
from modelyard.types.arrow import from_arrow
from modelyard.types.columns import Column
from modelyard.types.interface import DataType
from modelyard.types.tables import wrong_columns

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_FAMILIES = (
    "float", "integer", "boolean", "string", "datetime", "duration", "period", "category", "object",
)  # fmt: skip


def can_hold(type: DataType) -> bool:
    """Whether a type is a table with columns that Arrow has."""
    columns = columns_of(type)
    return columns is not None and all(map(_can_spell, columns))


def _can_spell(column: Column) -> bool:
    """Categories are of one type in Arrow, and objects nothing but texts."""
    mixed = len({type(c) for c in column.categories}) > 1 or column.items == "mixed"
    return column.parsed.family in _FAMILIES and not mixed


def load_pyarrow(what: str) -> Any:
    """pyarrow, or the extra that brings it; ``what`` as in "reading parquet"."""
    try:
        import pyarrow
    except ModuleNotFoundError as error:
        raise MissingExtra(what, "arrow", missing=error.name) from error
    return pyarrow


def table_of(value: Any, kind: DataType) -> pa.Table:
    """Tables of Arrow and polars go in as they are; everything else by way of pandas, whose dtypes are then noted in
    the file for readers that have no card."""
    if kind.kind == "arrow_table":
        return kind.check(value)
    if kind.kind == "polars_dataframe":
        return kind.check(value).to_arrow()
    return table_of_frame(to_frame(value, kind))


def table_of_frame(frame: pd.DataFrame) -> pa.Table:
    """A frame without its index."""
    import pyarrow as pa

    return pa.Table.from_pandas(frame, preserve_index=False)


def value_of(table: pa.Table, kind: DataType | None, name: str) -> Any:
    """The value that a table of a file stands for; a frame of pandas where no type is known."""
    if kind is not None and kind.kind == "arrow_table":
        return kind.check(table.replace_schema_metadata(None))
    if kind is not None and kind.kind == "polars_dataframe":
        import polars

        return kind.check(polars.from_arrow(table))
    if kind is None or any(c.parsed.family == "period" for c in columns_of(kind) or ()):
        load_pandas(f"reading {name}")
        return from_frame(table.to_pandas(), kind)
    return from_arrow(table, kind)


def counted(error: SchemaMismatch, done: int) -> SchemaMismatch:
    """The error, with rows counted from the start of the file as the first piece does."""
    return SchemaMismatch(
        f"in the rows from {done} on: {error.message}", hint=error.hint, **error.details
    )


def open_schema(schema: pa.Schema) -> pa.Schema:
    """With texts where the first rows have nothing but missing values: what comes later is most often that."""
    import pyarrow as pa

    for i, field in enumerate(schema):
        if pa.types.is_null(field.type):
            schema = schema.set(i, field.with_type(pa.string()))
    return schema


def fitting(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Further rows in the types that the first ones had, or `SchemaMismatch`."""
    import pyarrow as pa

    if table.schema.names != schema.names:
        raise wrong_columns(table.schema.names, schema.names, "the next rows")
    try:
        return table.cast(schema)
    except pa.ArrowException as error:
        raise SchemaMismatch(f"the next rows have other types: {error}", field="") from error
