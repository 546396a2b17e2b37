"""Arrow's own files, which differ in what is written: record batches one after the other, with the schema in front."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from modelyard.base.errors import InvalidInput, SchemaMismatch, UnsupportedType
from modelyard.objects.formats import _arrow
from modelyard.types.interface import DataType

_MAGIC = b"ARROW1"
_OLD_FEATHER = b"FEA1"


@dataclass(frozen=True, slots=True)
class Ipc:
    """A data format of Arrow batches, as `DataFormat`, `BatchReader` and `BatchWriter` ask for.

    What is read may be a file or a stream; what is written is a file.
    """

    name: str
    compression: str | None = None

    def can_hold(self, type: DataType) -> bool:
        return _arrow.can_hold(type)

    def write(self, value: Any, path: Path, type: DataType) -> None:
        pyarrow = _arrow.load_pyarrow(f"writing {self.name}")
        try:
            table = _arrow.table_of(value, type)
            with self._writer(path, table.schema) as out:
                out.write_table(table)
        except (pyarrow.ArrowException, UnicodeEncodeError) as error:
            raise UnsupportedType(f"{self.name} cannot hold this table: {error}") from error

    def read(self, stream: IO[bytes], type: DataType | None) -> Any:
        pyarrow = _arrow.load_pyarrow(f"reading {self.name}")
        schema, batches = self._opened(stream)
        table = pyarrow.Table.from_batches(list(self._all(batches)), schema)
        return _arrow.value_of(_unified(table), type, self.name)

    def read_batches(self, stream: IO[bytes], type: DataType | None, rows: int) -> Iterator[Any]:
        """Pieces of at most so many rows; a piece ends where a batch of the file does."""
        pyarrow = _arrow.load_pyarrow(f"reading {self.name}")
        schema, batches = self._opened(stream)
        done = 0
        for batch in self._all(batches):
            for start in range(0, batch.num_rows, rows):
                piece = pyarrow.Table.from_batches([batch.slice(start, rows)], schema)
                try:
                    value = _arrow.value_of(piece, type, self.name)
                except SchemaMismatch as error:
                    raise (_arrow.counted(error, done) if done else error) from None
                yield value
                done += piece.num_rows
        if not done:
            yield _arrow.value_of(schema.empty_table(), type, self.name)

    def open_writer(self, path: Path) -> IpcWriter:
        _arrow.load_pyarrow(f"writing {self.name}")
        return IpcWriter(self, path)

    def _writer(self, path: Path, schema: Any) -> Any:
        import pyarrow as pa

        options = pa.ipc.IpcWriteOptions(compression=self.compression, unify_dictionaries=True)
        return pa.ipc.new_file(path, schema, options=options)

    def _opened(self, stream: IO[bytes]) -> tuple[Any, Iterator[Any]]:
        """The schema, and the batches one at a time. A file is read from its end, a stream as it comes."""
        import pyarrow as pa

        head, stream = _peeked(stream)
        if head.startswith(_OLD_FEATHER):
            raise InvalidInput(
                "this is a feather file of version 1, which pyarrow is about to leave behind",
                hint="write it again: pyarrow.feather.write_feather(pyarrow.feather.read_table(path), path)",
            )
        try:
            if head.startswith(_MAGIC):
                file = pa.ipc.open_file(stream)
                return file.schema, (file.get_batch(i) for i in range(file.num_record_batches))
            reader = pa.ipc.open_stream(stream)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise self._none(error) from None
        return reader.schema, iter(reader)

    def _all(self, batches: Iterator[Any]) -> Iterator[Any]:
        import pyarrow as pa

        try:
            for batch in batches:
                batch.validate(
                    full=True
                )  # offsets and indices of a foreign file are not to be believed
                yield batch
        except (pa.ArrowException, OSError, ValueError) as error:
            raise self._none(error) from None

    def _none(self, error: Exception) -> InvalidInput:
        return InvalidInput(f"this is no {self.name} file: {error}")


def _peeked(stream: IO[bytes]) -> tuple[bytes, IO[bytes]]:
    if stream.seekable():
        head = stream.read(6)
        stream.seek(0)
        return head, stream
    data = stream.read()
    return data[:6], io.BytesIO(data)


def _unified(table: Any) -> Any:
    """With one dictionary a column: each batch may have brought its own."""
    return table.unify_dictionaries()


class IpcWriter:
    """Writes frames of the same columns, each as a batch; the first decides the types."""

    def __init__(self, form: Ipc, path: Path) -> None:
        self._form = form
        self._path = path
        self._file: Any = None
        self._schema: Any = None
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

    def write(self, value: Any) -> None:
        """Append the rows of a frame; other columns or types than before are `SchemaMismatch`."""
        table = _arrow.table_of_frame(value)
        if self._file is None:
            self._schema = _arrow.open_schema(table.schema)
            self._file = self._form._writer(self._path, self._schema)
        self._file.write_table(_arrow.fitting(table, self._schema))
