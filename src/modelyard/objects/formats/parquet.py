"""Tables as Parquet: typed, compressed, read by column and by row group. Needs the extra ``arrow``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Self

from modelyard.base.errors import InvalidInput, MissingExtra, SchemaMismatch, UnsupportedType
from modelyard.objects.formats._frames import columns_of, from_frame, load_pandas, to_frame
from modelyard.types.columns import Column
from modelyard.types.interface import DataType
from modelyard.types.tables import wrong_columns

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

NAME = "parquet"
TIER = 0
SUFFIXES = (".parquet", ".pq")
LIBRARIES = ("pyarrow",)

_FAMILIES = (
    "float", "integer", "boolean", "string", "datetime", "duration", "period", "category", "object",
)  # fmt: skip


def can_hold(type: DataType) -> bool:
    columns = columns_of(type)
    return columns is not None and all(map(_can_spell, columns))


def _can_spell(column: Column) -> bool:
    """Categories are of one type in Arrow, and objects nothing but texts."""
    mixed = len({type(c) for c in column.categories}) > 1 or column.items == "mixed"
    return column.parsed.family in _FAMILIES and not mixed


def write(value: Any, path: Path, type: DataType) -> None:
    pyarrow = _pyarrow("writing")
    import pyarrow.parquet as pq

    try:
        with path.open("wb") as out:
            pq.write_table(_table_of(value, type), out)
    except (pyarrow.ArrowException, UnicodeEncodeError) as error:
        raise UnsupportedType(f"parquet cannot hold this table: {error}") from error


def read(stream: IO[bytes], type: DataType | None, *, columns: Sequence[str] | None = None) -> Any:
    """The value; with ``columns`` only these are read from the file."""
    with _opened(stream, columns) as file:
        table = file.read(columns=columns)
    return _value_of(table, type)


def read_batches(
    stream: IO[bytes], type: DataType | None, rows: int, *, columns: Sequence[str] | None = None
) -> Iterator[Any]:
    """Pieces of at most so many rows; a piece ends where a row group does."""
    pyarrow, done = _pyarrow("reading"), 0
    with _opened(stream, columns) as file:
        if not file.metadata.num_rows:
            yield _value_of(file.read(columns=columns), type)
        for batch in file.iter_batches(batch_size=rows, columns=columns):
            try:
                value = _value_of(pyarrow.Table.from_batches([batch]), type)
            except SchemaMismatch as error:
                raise _counted(error, done) from None
            yield value
            done += batch.num_rows


def _table_of(value: Any, kind: DataType) -> pa.Table:
    """Tables of Arrow and polars go in as they are; everything else by way of pandas."""
    if kind.kind == "arrow_table":
        return kind.check(value)
    if kind.kind == "polars_dataframe":
        return kind.check(value).to_arrow()
    return _table(to_frame(value, kind))


def _value_of(table: pa.Table, kind: DataType | None) -> Any:
    if kind is not None and kind.kind == "arrow_table":
        return kind.check(table.replace_schema_metadata(None))
    if kind is not None and kind.kind == "polars_dataframe":
        import polars

        return kind.check(polars.from_arrow(table))
    load_pandas("reading parquet")
    return from_frame(table.to_pandas(), kind)


def _counted(error: SchemaMismatch, done: int) -> SchemaMismatch:
    """The error, with rows counted from the start of the file as the first piece does."""
    return SchemaMismatch(
        f"in the rows from {done} on: {error.message}", hint=error.hint, **error.details
    )


def _opened(stream: IO[bytes], columns: Sequence[str] | None) -> Any:
    pyarrow = _pyarrow("reading")
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(stream)
    except pyarrow.ArrowException as error:
        raise InvalidInput(f"this is no parquet file: {error}") from None
    known = file.schema_arrow.names
    if columns is not None and not set(columns) <= set(known):
        raise wrong_columns([c for c in known if c in columns], columns, "parquet")
    return file


def _pyarrow(verb: str) -> Any:
    try:
        import pyarrow
    except ModuleNotFoundError as error:
        raise MissingExtra(f"{verb} parquet", "arrow", missing=error.name) from error
    return pyarrow


def _table(frame: pd.DataFrame) -> pa.Table:
    import pyarrow as pa

    return pa.Table.from_pandas(frame, preserve_index=False)


class TableWriter:
    """Writes frames of the same columns, each as a row group; the first decides the types."""

    def __init__(self, path: Path) -> None:
        self._pyarrow = _pyarrow("writing")
        self._path = path
        self._file: Any = None
        path.touch()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, value: pd.DataFrame) -> None:
        """Append the rows of a frame; other columns or types than before are `SchemaMismatch`."""
        import pyarrow.parquet as pq

        table = _table(value)
        if self._file is None:
            self._file = pq.ParquetWriter(self._path, _open_schema(table.schema))
        schema = self._file.schema
        if table.schema.names != schema.names:
            raise wrong_columns(table.schema.names, schema.names, "the next rows")
        try:
            self._file.write_table(table.cast(schema))
        except self._pyarrow.ArrowException as error:
            raise SchemaMismatch(f"the next rows have other types: {error}", field="") from error


def _open_schema(schema: pa.Schema) -> pa.Schema:
    """With texts where the first rows have nothing but missing values: what comes later is most often that."""
    import pyarrow as pa

    for i, field in enumerate(schema):
        if pa.types.is_null(field.type):
            schema = schema.set(i, field.with_type(pa.string()))
    return schema


def open_writer(path: Path) -> TableWriter:
    return TableWriter(path)
