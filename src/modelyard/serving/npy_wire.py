"""One array of numpy in its own format (``.npy``), as bytes. Arrays of objects are pickles, which run code: there are none here."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Any

from modelyard.base.errors import InvalidInput, MissingExtra, ModelyardError, UnsupportedFormat
from modelyard.objects.formats.npy import read_header

if TYPE_CHECKING:
    import numpy as np

NPY = b"application/x-npy"
PLAIN = "biufcSUMm"
"""Kinds of numpy's dtypes that hold their values themselves."""


def numpy_here() -> Any:
    """numpy, or the extra that brings it."""
    try:
        import numpy
    except ModuleNotFoundError as error:
        raise MissingExtra("an npy file", "sklearn", missing=error.name) from error
    return numpy


def read_npy(body: bytes) -> np.ndarray[Any, Any]:
    """The array, or `InvalidInput`. Its header is not believed: the bytes must be there, and no more."""
    numpy = numpy_here()

    stream = io.BytesIO(body)
    try:
        shape, by_column, dtype = read_header(stream, numpy, "is not read")
        _check(shape, dtype, len(body) - stream.tell())
        # A copy, since arrays may usually be written to.
        data = bytearray(memoryview(body)[stream.tell() :])
        return numpy.frombuffer(data, dtype).reshape(shape, order="F" if by_column else "C")
    except ModelyardError:
        raise
    except Exception as error:  # the header is Python's own grammar, with as many ways to fail
        said = str(error).split("\n", 1)[0][:200]
        raise InvalidInput(f"this is no npy file: {said or type(error).__name__}") from error


def _check(shape: tuple[int, ...], dtype: Any, size: int) -> None:
    if dtype.hasobject:
        raise InvalidInput(
            "the npy file holds Python objects, which run code when they are read",
            hint="send an array whose dtype is not object",
        )
    if dtype.kind not in PLAIN and not dtype.names:
        raise UnsupportedFormat(f"arrays of {dtype} are not read")
    if not dtype.itemsize or any(n < 0 for n in shape) or len(shape) > 32:
        raise InvalidInput("this is no npy file: its header is out of bounds")
    wanted = math.prod(shape) * dtype.itemsize
    if wanted != size:
        raise InvalidInput(f"the npy file holds {size} bytes of data, its header says {wanted}")


def write_npy(array: np.ndarray[Any, Any]) -> bytes:
    """An array as such a file; `UnsupportedFormat` for one of objects."""
    numpy = numpy_here()

    if array.dtype.hasobject:
        raise UnsupportedFormat(
            "the answer is an array of objects, which is no npy", hint="Accept: application/json"
        )
    out = io.BytesIO()
    numpy.save(out, array, allow_pickle=False)
    return out.getvalue()
