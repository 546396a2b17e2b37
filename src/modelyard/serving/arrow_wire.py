"""Parquet and Arrow IPC streams to tables of Arrow and back, within limits. Needs the extra ``arrow``.

A few kilobytes of such a body can stand for gigabytes: compressed pages, one long text in a dictionary that a million rows name,
columns that have a length and no bytes. So its size is told before it is unpacked (`unpacking`), and counted again before its
cells are made; beyond the limit it is `TooLarge`. Bytes that are no such file, or lie about themselves, are `InvalidInput`.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from modelyard.base.errors import InvalidInput, ModelyardError, TooLarge, UnsupportedFormat
from modelyard.serving.unpacking import ipc_size, parquet_size
from modelyard.types.arrow import pyarrow

if TYPE_CHECKING:
    import pyarrow as pa

PARQUET = b"application/vnd.apache.parquet"
ARROW = b"application/vnd.apache.arrow.stream"
CELL = 8
"""Bytes that a cell counts for, whatever its type."""


def read_parquet(body: bytes, limit: int) -> pa.Table:
    """A Parquet file of at most so many bytes when unpacked."""
    pa = pyarrow()
    import pyarrow.parquet as pq

    def read() -> tuple[Any, Any]:
        file = pq.ParquetFile(pa.BufferReader(body))
        if not file.metadata.num_rows:
            return file.schema_arrow.empty_table(), file.schema_arrow
        cells = file.metadata.num_rows * max(1, file.metadata.num_columns)
        _refuse_larger(cells * CELL, limit)
        _refuse_larger(parquet_size(body), limit)
        # Texts stay in their dictionaries until it is known how long they are together.
        texts = [c.path for c in _columns(file.metadata.schema) if _holds_texts(c)]
        again = pq.ParquetFile(pa.BufferReader(body), read_dictionary=texts)
        return again.read(use_threads=False), file.schema_arrow

    return _checked(read, "Parquet file", limit)


def read_stream(body: bytes, limit: int) -> pa.Table:
    """An Arrow IPC stream of at most so many bytes when unpacked."""
    pa = pyarrow()

    def read() -> tuple[Any, Any]:
        _refuse_larger(ipc_size(pa.ipc.MessageReader.open_stream(io.BytesIO(body))), limit)
        reader = pa.ipc.open_stream(body)
        batches, cells = [], 0
        for batch in reader:
            # Offsets and indices of a foreign stream are not to be believed.
            batch.validate(full=True)
            cells += batch.num_rows * max(1, batch.num_columns)
            _refuse_larger(cells * CELL, limit)
            batches.append(batch)
        return pa.Table.from_batches(batches, reader.schema).unify_dictionaries(), reader.schema

    return _checked(read, "Arrow stream", limit)


def _checked(read: Callable[[], tuple[Any, Any]], what: str, limit: int) -> Any:
    try:
        table, schema = read()
        _refuse_larger(_size(table), limit)
        table.validate(full=True)
        # Notes on pandas' index are for a library's own reader.
        return table.cast(schema).replace_schema_metadata(None)
    except ModelyardError:
        raise
    except (
        Exception
    ) as error:  # the parsers of a library: whatever they raise, the bytes are at fault
        raise InvalidInput(f"this is no {what}: {_said(error)}") from error


def _said(error: Exception) -> str:
    return str(error).split("\n", 1)[0][:200] or type(error).__name__


def _refuse_larger(size: int, limit: int) -> None:
    if size > limit:
        raise TooLarge(
            f"the table takes more than {limit} bytes when it is unpacked",
            hint="send fewer rows at a time",
            limit=limit,
        )


def _columns(schema: Any) -> list[Any]:
    return [schema.column(i) for i in range(len(schema))]


def _holds_texts(column: Any) -> bool:
    return column.physical_type == "BYTE_ARRAY" and column.logical_type.type != "DECIMAL"


def _size(table: Any) -> int:
    """What the table takes when each cell is made: by counting, not by making them."""
    return sum(_array_size(chunk) for column in table.columns for chunk in column.chunks)


def _array_size(array: Any, nested: bool = False) -> int:
    """The type is one of those whose arrays hold bytes for each cell, so that a length cannot be made up."""
    import pyarrow as pa

    kind, is_ = array.type, pa.types
    size = len(array) * CELL
    if isinstance(kind, pa.ExtensionType):
        return _array_size(array.storage, nested)
    if is_.is_list(kind) or is_.is_large_list(kind) or is_.is_map(kind):
        return size + _array_size(array.flatten() if not is_.is_map(kind) else array.items, True)
    if is_.is_fixed_size_list(kind) and kind.list_size:
        return size + _array_size(array.flatten(), True)
    if is_.is_struct(kind) and kind.num_fields:
        return size + sum(_array_size(part, True) for part in array.flatten())
    if _is_text(kind):
        return size + int(_lengths(array).sum())
    if is_.is_dictionary(kind) and _is_text(kind.value_type):
        indices = array.indices.drop_null().to_numpy(zero_copy_only=False)
        return size + int(_lengths(array.dictionary)[indices].sum())
    if (is_.is_primitive(kind) or is_.is_decimal(kind)) or (is_.is_null(kind) and not nested):
        return size
    if is_.is_fixed_size_binary(kind):
        return size + len(array) * kind.byte_width
    raise UnsupportedFormat(
        f"columns of Arrow's type {kind} are not read", hint="cast them to a plainer one"
    )


def _is_text(kind: Any) -> bool:
    name = str(kind)
    return name.removeprefix("large_").removesuffix("_view") in ("string", "binary")


def _lengths(array: Any) -> Any:
    """Of each text, as an array of numpy."""
    import numpy
    import pyarrow.compute as pc

    if str(array.type).endswith("_view"):
        # Each view begins with its length; several may show the same bytes.
        views = numpy.frombuffer(array.buffers()[1], "<i4")[::4]
        return views[array.offset : array.offset + len(array)].astype("int64")
    lengths = pc.call_function("binary_length", [array]).cast("int64").fill_null(0)
    return lengths.to_numpy(zero_copy_only=False)


def write_parquet(table: pa.Table) -> bytes:
    """A table as a Parquet file."""
    import pyarrow.parquet as pq

    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


def write_stream(table: pa.Table) -> bytes:
    """A table as an Arrow IPC stream."""
    pa = pyarrow()
    out = io.BytesIO()
    with pa.ipc.new_stream(out, table.schema) as writer:
        writer.write_table(table)
    return out.getvalue()
