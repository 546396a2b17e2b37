"""Tables as Parquet: typed, compressed, read by column and by row group. Needs the extra ``arrow``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Self

from modelyard.base.errors import InvalidInput, SchemaMismatch, UnsupportedType
from modelyard.objects.formats import _arrow
from modelyard.types.interface import DataType
from modelyard.types.tables import wrong_columns

if TYPE_CHECKING:
    import pandas as pd

NAME = "parquet"
TIER = 0
SUFFIXES = (".parquet", ".pq")
LIBRARIES = ("pyarrow",)

can_hold = _arrow.can_hold


def write(value: Any, path: Path, type: DataType) -> None:
    pyarrow = _arrow.load_pyarrow("writing parquet")
    import pyarrow.parquet as pq

    try:
        with path.open("wb") as out:
            pq.write_table(_arrow.table_of(value, type), out)
    except (pyarrow.ArrowException, UnicodeEncodeError) as error:
        raise UnsupportedType(f"parquet cannot hold this table: {error}") from error


def read(stream: IO[bytes], type: DataType | None, *, columns: Sequence[str] | None = None) -> Any:
    """The value; with ``columns`` only these are read from the file."""
    with _opened(stream, columns) as file:
        table = file.read(columns=columns)
    return _arrow.value_of(table, type, NAME)


def read_batches(
    stream: IO[bytes], type: DataType | None, rows: int, *, columns: Sequence[str] | None = None
) -> Iterator[Any]:
    """Pieces of at most so many rows; a piece ends where a row group does."""
    pyarrow, done = _arrow.load_pyarrow("reading parquet"), 0
    with _opened(stream, columns) as file:
        if not file.metadata.num_rows:
            yield _arrow.value_of(file.read(columns=columns), type, NAME)
        for batch in file.iter_batches(batch_size=rows, columns=columns):
            try:
                value = _arrow.value_of(pyarrow.Table.from_batches([batch]), type, NAME)
            except SchemaMismatch as error:
                raise _arrow.counted(error, done) from None
            yield value
            done += batch.num_rows


def _opened(stream: IO[bytes], columns: Sequence[str] | None) -> Any:
    pyarrow = _arrow.load_pyarrow("reading parquet")
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(stream)
    except pyarrow.ArrowException as error:
        raise InvalidInput(f"this is no parquet file: {error}") from None
    known = file.schema_arrow.names
    if columns is not None and not set(columns) <= set(known):
        raise wrong_columns([c for c in known if c in columns], columns, "parquet")
    return file


class TableWriter:
    """Writes frames of the same columns, each as a row group; the first decides the types."""

    def __init__(self, path: Path) -> None:
        _arrow.load_pyarrow("writing parquet")
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

        table = _arrow.table_of_frame(value)
        if self._file is None:
            self._file = pq.ParquetWriter(self._path, _arrow.open_schema(table.schema))
        self._file.write_table(_arrow.fitting(table, self._file.schema))


def open_writer(path: Path) -> TableWriter:
    return TableWriter(path)
