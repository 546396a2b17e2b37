"""One tensor: a name, a datatype, a shape and its elements in row-major order, from JSON or bytes and back. Pure.

Nothing is ever made as large as a shape says: elements are counted first, and a shape that lies is refused.
"""

from __future__ import annotations

import base64
import binascii
import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from modelyard.base.errors import InvalidInput, NotSupported, SchemaMismatch, did_you_mean
from modelyard.types.mismatch import mismatch, refusal

BYTES = "BYTES"
DATATYPES: Mapping[str, str] = {
    "BOOL": "bool",
    **{f"{sign}INT{bits}": f"{sign.lower()}int{bits}" for sign in ("U", "") for bits in (8, 16, 32, 64)},
    **{f"FP{bits}": f"float{bits}" for bits in (16, 32, 64)},
    BYTES: "object",
}  # fmt: skip
"""Datatype -> numpy's name for it."""
_RANGES: Mapping[str, tuple[int, int]] = {
    **{f"INT{bits}": (-(1 << bits - 1), (1 << bits - 1) - 1) for bits in (8, 16, 32, 64)},
    **{f"UINT{bits}": (0, (1 << bits) - 1) for bits in (8, 16, 32, 64)},
}
FEW = 64
"""Up to so many numbers of JSON stay a list: a schema reads few of them quicker that way than from an array."""
MAX_DIMENSIONS = 32
_LARGEST = (1 << 63) - 1
_WORDS: Mapping[str, float] = {
    "NaN": math.nan,
    "Infinity": math.inf,
    "-Infinity": -math.inf,
}
"""How floats that JSON has no numbers for are spelled."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """``data`` is flat: a numpy array of the datatype; a list for BYTES, where values are missing, and for the few numbers
    of a small tensor that came as JSON."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    data: Any
    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def is_array(self) -> bool:
        """Whether the elements are in a numpy array."""
        return not isinstance(self.data, list)

    def array(self) -> Any:
        """The elements as a numpy array of the tensor's shape."""
        return self.filled().reshape(self.shape)

    def filled(self) -> Any:
        """The elements as a flat array, a missing float as NaN; `NotSupported` for a missing whole number."""
        return _filled(self) if isinstance(self.data, list) else self.data

    def nested(self) -> Any:
        """The elements as nested lists, missing ones as None."""
        flat = self.data if isinstance(self.data, list) else self.data.tolist()
        if not self.shape:
            return flat[0]
        for size in reversed(self.shape[1:]):
            flat = [flat[i : i + size] for i in range(0, len(flat), size)] if size else []
        return flat


def read_datatype(given: Any, where: str) -> str:
    """A known datatype, or `SchemaMismatch`."""
    if isinstance(given, str) and given in DATATYPES:
        return given
    hint = did_you_mean(str(given), DATATYPES) or f"known: {', '.join(DATATYPES)}"
    raise mismatch(f"{where}.datatype", "a datatype", given, hint=hint)


def read_shape(given: Any, where: str) -> tuple[int, ...]:
    """Sizes as they were sent, none of them negative or beyond 63 bits, nor their product."""
    place = f"{where}.shape"
    if not isinstance(given, (list, tuple)) or len(given) > MAX_DIMENSIONS:
        raise mismatch(place, f"a list of at most {MAX_DIMENSIONS} sizes", given)
    for i, size in enumerate(given):
        if type(size) is not int or not 0 <= size <= _LARGEST:
            raise mismatch(f"{place}[{i}]", "a size of 0 or more", size)
    if math.prod(given) > _LARGEST:
        raise refusal(place, "fewer elements", "more than memory can hold")
    return tuple(given)


# -- JSON


def from_json(name: str, datatype: str, shape: tuple[int, ...], data: Any) -> Any:
    """The elements of nested or flat JSON, checked."""
    if type(data) is not list:
        raise mismatch(f"{name}.data", "a list", data)
    flat = _flattened(name, shape, data)
    check_count(name, shape, len(flat))
    return from_elements(name, datatype, shape, flat)


def from_elements(name: str, datatype: str, shape: tuple[int, ...], flat: list[Any]) -> Any:
    """The elements as an array; a list where they are BYTES or some are missing."""
    kinds = set(map(type, flat))
    if datatype == BYTES:
        return _checked(name, flat, kinds, (str, bytes), "a text")
    if datatype.startswith("FP"):
        return _floats(name, datatype, flat, kinds)
    kind = bool if datatype == "BOOL" else int
    expected = "true or false" if datatype == "BOOL" else "a whole number"
    _checked(name, flat, kinds, (kind,), expected)
    if type(None) in kinds:
        return flat
    _check_range(name, datatype, flat)
    return flat if len(flat) <= FEW else _array(datatype, flat)


def _checked(
    name: str, flat: list[Any], kinds: set[type], allowed: tuple[type, ...], expected: str
) -> list[Any]:
    if kinds - {*allowed, type(None)}:
        wrong = next(i for i, x in enumerate(flat) if type(x) not in (*allowed, type(None)))
        raise mismatch(f"{name}[{wrong}]", expected, flat[wrong])
    return flat


def _floats(name: str, datatype: str, flat: list[Any], kinds: set[type]) -> Any:
    if kinds - {float, int}:
        spelled = [_WORDS.get(x, x) if type(x) is str else x for x in flat]
        _checked(name, spelled, set(map(type, spelled)), (float, int), "a number")
        # A missing value is not NaN to every library: where they are told apart, they stay so.
        if None in flat or "NaN" in flat:
            filled = [math.nan if x is None else x for x in spelled]
            _floats(name, datatype, filled, {float})
            return spelled
        flat = spelled
    if datatype == "FP64" and len(flat) <= FEW:
        return flat
    import numpy as np

    with np.errstate(over="ignore"):
        array = np.array(flat, dtype=np.float64).astype(DATATYPES[datatype])
    if datatype != "FP64":
        _refuse_overflow(name, datatype, flat, array)
    return array


def _refuse_overflow(name: str, datatype: str, flat: list[Any], array: Any) -> None:
    import numpy as np

    for i in np.flatnonzero(np.isinf(array)).tolist():
        if not math.isinf(flat[i]):
            raise mismatch(f"{name}[{i}]", f"a number that {datatype} can hold", flat[i])


def _check_range(name: str, datatype: str, flat: list[Any]) -> None:
    if datatype == "BOOL" or not flat:
        return
    lowest, highest = _RANGES[datatype]
    if min(flat) < lowest or max(flat) > highest:
        wrong = next(i for i, x in enumerate(flat) if not lowest <= x <= highest)
        expected = f"a whole number from {lowest} to {highest}"
        raise mismatch(f"{name}[{wrong}]", expected, flat[wrong])


def _array(datatype: str, flat: list[Any]) -> Any:
    import numpy as np

    return np.array(flat, dtype=DATATYPES[datatype])


def _flattened(name: str, shape: tuple[int, ...], data: list[Any]) -> list[Any]:
    """The elements in order. A list of lists must nest exactly as the shape says."""
    if not data or type(data[0]) is not list:
        return data
    level: list[Any] = [data]
    for depth, size in enumerate(shape):
        for part in level:
            if type(part) is not list or len(part) != size:
                got = f"{len(part)}" if type(part) is list else "an element"
                raise refusal(
                    f"{name}.data", f"lists of {size} at depth {depth + 1}, as its shape says", got
                )
        level = list(chain.from_iterable(level))
    return level


def check_count(name: str, shape: tuple[int, ...], count: int) -> None:
    """`SchemaMismatch` unless there are as many elements as a shape says."""
    wanted = math.prod(shape)
    if wanted != count:
        raise refusal(
            f"{name}.data", f"{wanted} elements, as its shape {list(shape)} says", str(count)
        )


def to_json(tensor: Tensor) -> list[Any]:
    """The elements as a flat list of JSON: a missing value is null, and so is NaN unless both are there, an infinity is its
    name, and bytes are base64 where they are no text."""
    data = tensor.data
    if tensor.datatype == BYTES:
        coded = tensor.parameters.get("content_type") == "base64"
        return [x if x is None or type(x) is str else _text(x, coded) for x in data]
    if isinstance(data, list):
        return ["NaN" if x != x else _spelled(x) if type(x) is float else x for x in data]
    if tensor.datatype.startswith("FP"):
        import numpy as np

        if not np.isfinite(data).all():
            return [_spelled(x) for x in data.tolist()]
    return data.tolist()


def _text(element: bytes, coded: bool) -> str:
    return base64.b64encode(element).decode() if coded else element.decode("utf-8", "replace")


def _spelled(value: float) -> Any:
    if value != value:
        return None
    return value if math.isfinite(value) else "Infinity" if value > 0 else "-Infinity"


# -- bytes


def from_raw(name: str, datatype: str, shape: tuple[int, ...], raw: bytes | memoryview) -> Any:
    """The elements of little-endian bytes without padding; of BYTES each after its length."""
    if datatype == BYTES:
        elements = _split_elements(name, raw)
        check_count(name, shape, len(elements))
        return elements
    import numpy as np

    dtype = np.dtype(DATATYPES[datatype]).newbyteorder("<")
    wanted = math.prod(shape) * dtype.itemsize
    if len(raw) != wanted:
        raise refusal(name, f"{wanted} bytes for {datatype} of shape {list(shape)}", f"{len(raw)}")
    if datatype == "BOOL" and raw and max(raw) > 1:
        raise refusal(name, "bytes of 0 or 1", str(max(raw)))
    # A copy: models may write into what they are given, and what was received is not aligned.
    return np.frombuffer(raw, dtype=dtype).astype(DATATYPES[datatype], copy=True)


def _split_elements(name: str, raw: bytes | memoryview) -> list[bytes]:
    elements: list[bytes] = []
    at, end = 0, len(raw)
    while at < end:
        start = at + 4
        if start > end:
            raise refusal(name, "a length of 4 bytes before each element", f"{end - at} at the end")
        at = start + struct.unpack_from("<I", raw, at)[0]
        if at > end:
            raise refusal(name, f"{at - start} bytes in element {len(elements)}", f"{end - start}")
        elements.append(bytes(raw[start:at]))
    return elements


def to_raw(tensor: Tensor) -> bytes:
    """The elements as bytes. A missing text is an empty one; `NotSupported` where whole numbers are missing."""
    if tensor.datatype == BYTES:
        parts = [b"" if x is None else x.encode() if type(x) is str else x for x in tensor.data]
        return b"".join(b"%s%s" % (struct.pack("<I", len(part)), part) for part in parts)
    array = tensor.filled()
    return array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()


def _filled(tensor: Tensor) -> Any:
    data = tensor.data
    if None in data:
        if not tensor.datatype.startswith("FP"):
            raise NotSupported(
                f"{tensor.name}: {tensor.datatype} has no bytes for a missing value",
                hint="ask for JSON: there it is null",
            )
        data = [math.nan if x is None else x for x in data]
    return _array(tensor.datatype, data)


# -- texts


def texts(tensor: Tensor, where: str) -> list[Any]:
    """The elements of BYTES as texts, or `SchemaMismatch` for what is not UTF-8."""
    found: list[Any] = []
    for i, element in enumerate(tensor.data):
        try:
            found.append(element.decode() if type(element) is bytes else element)
        except UnicodeDecodeError as error:
            raise refusal(
                f"{where}[{i}]", "UTF-8 text", f"something else at byte {error.start}"
            ) from None
    return found


def contents(tensor: Tensor, where: str) -> list[Any]:
    """The elements of BYTES as bytes: as they are, or from base64 where they came as text."""
    return [_content(x, f"{where}[{i}]") for i, x in enumerate(tensor.data)]


def _content(element: Any, where: str) -> Any:
    if type(element) is not str:
        return element
    try:
        return base64.b64decode(element, validate=True)
    except (binascii.Error, ValueError):
        raise refusal(where, "base64 text", "something else") from None


def from_base64(tensor: Tensor) -> Tensor:
    """The tensor with what its base64 texts stand for."""
    if tensor.datatype != BYTES:
        raise SchemaMismatch(
            f"{tensor.name}: content type base64 is for {BYTES}", field=tensor.name, expected=BYTES
        )
    coded = [x.decode("latin-1") if type(x) is bytes else x for x in tensor.data]
    decoded = contents(Tensor(tensor.name, BYTES, tensor.shape, coded), tensor.name)
    return Tensor(tensor.name, BYTES, tensor.shape, decoded, tensor.parameters)


def read_parameters(given: Any, where: str) -> Mapping[str, Any]:
    """Parameters as the protocol has them: texts, numbers and booleans by name."""
    if given is None:
        return {}
    if type(given) is not dict:
        raise InvalidInput(f"{where}: expected an object, got something else", field=where)
    for key, value in given.items():
        if value is not None and type(value) not in (str, int, float, bool):
            raise InvalidInput(
                f"{where}.{key}: expected a text, number or boolean", field=f"{where}.{key}"
            )
    return given


def total_bytes(tensors: Sequence[Tensor]) -> int:
    """About how large the tensors are: whether they are worth a thread."""
    return sum(len(t.data) * 8 for t in tensors)
