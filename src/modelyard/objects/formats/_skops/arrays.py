"""Arrays and sparse matrices as members: numpy's own format, parsed without trusting what the header claims."""

from __future__ import annotations

import io
import math
from functools import lru_cache
from typing import IO, Any, cast

import numpy as np

from modelyard.base.errors import Corrupted
from modelyard.objects.formats._skops.archive import Archive

Array = np.ndarray[Any, Any]

_SPARSE_PARTS = frozenset(
    f"{part}.npy"
    for part in (
        "format",
        "shape",
        "data",
        "indices",
        "indptr",
        "row",
        "col",
        "offsets",
        "_is_array",
    )
)


def write_array(stream: IO[bytes], array: Array) -> None:
    """Write an array, piece by piece when it is large."""
    np.lib.format.write_array(stream, array, allow_pickle=False)


def write_sparse(stream: IO[bytes], matrix: Any) -> None:
    """Write a sparse matrix as the ``.npz`` that scipy reads."""
    from scipy.sparse import save_npz

    buffer = io.BytesIO()
    save_npz(buffer, matrix, compressed=False)
    stream.write(buffer.getbuffer())


def read_array(data: bytes) -> Array:
    """The array of a ``.npy`` file: no objects, and exactly the bytes that its shape needs."""
    length = (
        int.from_bytes(data[8:10], "little") + 10
        if data[6:7] == b"\x01"
        else 12 + int.from_bytes(data[8:12], "little")
    )
    shape, by_columns, dtype = _header(data[:length])
    count, size = math.prod(shape), len(data) - length
    if min(shape, default=0) < 0 or count * dtype.itemsize != size:
        raise Corrupted(f"an array says shape {shape}, which does not fit its {size} bytes")
    if size == 0:
        if count > 1:
            raise Corrupted(f"an array says shape {shape}, of nothing")
        return np.empty(shape, dtype)
    flat = np.empty(count, dtype)
    # Byte by byte: a copy of records leaves whatever was in memory between their fields.
    flat.view(np.uint8)[:] = np.frombuffer(data, np.uint8, size, length)
    return flat.reshape(shape, order="F" if by_columns else "C")


@lru_cache(maxsize=1024)
def _header(text: bytes) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, column order and dtype. Cached: the many small arrays of a forest share a few headers."""
    stream = io.BytesIO(text)
    try:
        version = np.lib.format.read_magic(stream)
        if version == (1, 0):
            shape, by_columns, dtype = np.lib.format.read_array_header_1_0(stream)
        else:
            shape, by_columns, dtype = np.lib.format.read_array_header_2_0(stream)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError) as error:
        raise Corrupted(f"an array's header is damaged: {error}") from error
    if dtype.hasobject:
        raise Corrupted("an array holds pickled objects")
    return shape, by_columns, dtype


def read_sparse(data: bytes, cls: type) -> Any:
    """The sparse matrix of a ``.npz`` file, with every index in bounds."""
    archive = Archive(io.BytesIO(data))
    if not archive.names() <= _SPARSE_PARTS:
        raise Corrupted("a sparse matrix has parts that none has")
    parts = {n.removesuffix(".npy"): read_array(archive.read(n)) for n in archive.names()}
    return sparse_of(cls, parts)


def sparse_of(cls: type, parts: dict[str, Array]) -> Any:
    """A sparse matrix of its arrays, every index in bounds."""
    shape = tuple(int(n) for n in parts["shape"])
    if len(shape) != 2 or min(shape) < 0:
        raise Corrupted(f"a sparse matrix says shape {shape}")
    matrix: Any = cls(_content(cls.__name__[:3], parts), shape=shape)
    if hasattr(matrix, "check_format"):
        matrix.check_format(full_check=True)
    return matrix


def _content(form: str, parts: dict[str, Array]) -> Any:
    if form == "coo":
        return parts["data"], (parts["row"], parts["col"])
    if form == "dia":
        return parts["data"], parts["offsets"]
    return parts["data"], parts["indices"], parts["indptr"]


def whole_number(value: Any, least: int = 0) -> bool:
    """Whether a value is an integer (Python's or numpy's) of at least ``least``."""
    return isinstance(value, int | np.integer) and type(value) is not bool and bool(value >= least)


def is_array(value: Any, ndim: int, kinds: str = "fiu") -> bool:
    """Whether a value is an array of that many dimensions, of floats or integers."""
    return (
        isinstance(value, np.ndarray)
        and value.ndim == ndim
        and cast(Array, value).dtype.kind in kinds
    )
