"""One numpy array in numpy's own format, without objects: those are pickles, which run code."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import IO, Any

from modelyard.base.errors import InvalidInput
from modelyard.objects.formats._arrays import (
    holds_no_objects,
    load_numpy,
    not_an_array,
    refuse_objects,
)
from modelyard.types.interface import DataType

NAME = "npy"
TIER = 0
SUFFIXES = (".npy",)

can_hold = holds_no_objects

_FAULTS = (ValueError, EOFError, TypeError, SyntaxError)


def write(value: Any, path: Path, type: DataType) -> None:
    numpy = load_numpy("writing npy")
    array = type.check(value)
    refuse_objects(array, "this")
    with path.open("wb") as out:
        # Row after row, whatever the memory looks like: a file that can be read in batches.
        numpy.save(out, numpy.asarray(array, order="C"), allow_pickle=False)


def read(stream: IO[bytes], type: DataType | None) -> Any:
    numpy = load_numpy("reading npy")
    try:
        array = numpy.lib.format.read_array(stream, allow_pickle=False)
    except _FAULTS as error:
        raise not_an_array("the npy", error) from None
    return array if type is None else type.check(array)


def read_batches(stream: IO[bytes], type: DataType | None, rows: int) -> Iterator[Any]:
    numpy = load_numpy("reading npy")
    shape, by_column, dtype = _header(stream, numpy)
    if by_column or not shape:  # the rows lie apart: there is no reading them one by one
        data = _exactly(stream, prod(shape) * dtype.itemsize)
        whole = numpy.frombuffer(data, dtype).reshape(shape, order="F")
        pieces = (whole[i : i + rows] for i in range(0, len(whole), rows)) if shape else [whole]
    else:
        pieces = _rows(stream, shape, dtype, rows, numpy)
    for array in pieces:
        yield array if type is None else type.check(array)


def read_header(stream: IO[bytes], numpy: Any, refused: str) -> tuple[tuple[int, ...], bool, Any]:
    """Shape, whether columns come first, and dtype. `ValueError` says of a version it does not know that it is ``refused``;
    numpy raises what it likes."""
    version = numpy.lib.format.read_magic(stream)
    read = {
        (1, 0): numpy.lib.format.read_array_header_1_0,
        (2, 0): numpy.lib.format.read_array_header_2_0,
    }.get(version)
    if read is None:
        raise ValueError(f"version {version} of the format {refused}")
    return read(stream)


def _header(stream: IO[bytes], numpy: Any) -> tuple[tuple[int, ...], bool, Any]:
    try:
        shape, by_column, dtype = read_header(stream, numpy, "cannot be read in batches")
    except _FAULTS as error:
        raise not_an_array("the npy", error) from None
    if dtype.hasobject:
        raise not_an_array("the npy", ValueError("Object arrays"))
    return shape, by_column, dtype


def _rows(
    stream: IO[bytes], shape: tuple[int, ...], dtype: Any, rows: int, numpy: Any
) -> Iterator[Any]:
    size = prod(shape[1:]) * dtype.itemsize
    for done in range(0, max(shape[0], 1), rows):
        count = min(rows, shape[0] - done)
        data = _exactly(stream, count * size)
        yield numpy.frombuffer(data, dtype).reshape(count, *shape[1:])


def _exactly(stream: IO[bytes], size: int) -> bytearray:
    """So many bytes, in memory that may be written to, as arrays usually are."""
    data = bytearray(stream.read(size))
    if len(data) < size:
        raise InvalidInput(f"the npy cannot be read: it ends {size - len(data)} bytes early")
    return data
