"""The safetensors layout: eight bytes with the size of a JSON header, the header, then the bytes of all tensors.

Written and read here, not by its own library, so that a file of any size goes through without a second copy in memory:
tensors are written from where they lie, and read as views of the mapped file, whose pages are copied when somebody
writes to them. A file is read under these rules, so nothing in it is trusted:

* every tensor has a known dtype, a shape, and exactly the bytes that these need;
* the tensors fill the data part without a hole or an overlap; no name stands twice.
"""

from __future__ import annotations

import io
import json
import mmap
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, Any

from modelyard.base.errors import InvalidInput, UnsupportedType

DTYPES: Mapping[str, tuple[str, int]] = {
    "BOOL": ("bool", 1),
    **{f"I{b}": (f"int{b}", b // 8) for b in (8, 16, 32, 64)},
    **{f"U{b}": (f"uint{b}", b // 8) for b in (8, 16, 32, 64)},
    **{f"F{b}": (f"float{b}", b // 8) for b in (16, 32, 64)},
    "BF16": ("bfloat16", 2),
    "F8_E4M3": ("float8_e4m3fn", 1),
    "F8_E5M2": ("float8_e5m2", 1),
    "C64": ("complex64", 8),
}
"""Word of the format -> numpy's or torch's name and the bytes of one element."""
CODES: Mapping[str, str] = {name: code for code, (name, _) in DTYPES.items()}

ALIGNMENT = 64
"""Processors read weights fastest, and sum them in the same order, where they start at a multiple of this."""

_LONGEST_HEADER = 100 << 20
_PIECE = 16 << 20
"""Bytes of a tensor that are gathered at a time when it does not lie in one piece."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Where one tensor lies: ``start`` and ``stop`` count from the beginning of the file."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int

    @property
    def count(self) -> int:
        """Number of elements."""
        return prod(self.shape)


@dataclass(frozen=True)
class Opened:
    """A file's tensors, not made yet."""

    buffer: Any
    """Its bytes, writable: a private mapping, or a bytearray."""
    entries: Mapping[str, Entry]
    metadata: Mapping[str, str]

    def array(self, name: str) -> Any:
        """A numpy array over the file's bytes. `UnsupportedType` for the floats that numpy lacks."""
        import numpy

        entry = self.entries[name]
        try:
            dtype = numpy.dtype(entry.dtype).newbyteorder("<")
        except TypeError:
            raise UnsupportedType(
                f"numpy has no dtype {entry.dtype}, which {name!r} is of",
                hint="install modelyard[torch], and it is read as a tensor",
            ) from None
        return numpy.frombuffer(self.buffer, dtype, entry.count, entry.start).reshape(entry.shape)

    def tensor(self, name: str, alignment: int | None = None) -> Any:
        """A torch tensor over the file's bytes; a copy where it does not lie as its elements (or ``alignment``) want."""
        import torch

        entry = self.entries[name]
        dtype = getattr(torch, entry.dtype)
        if not entry.count:
            return torch.empty(entry.shape, dtype=dtype)
        found = torch.frombuffer(self.buffer, dtype=dtype, count=entry.count, offset=entry.start)
        if found.data_ptr() % (alignment or dtype.itemsize):
            found = found.clone()
        return found.reshape(entry.shape)


def open_stream(stream: IO[bytes]) -> Opened:
    """What a file holds; `InvalidInput` says what is wrong with it. Pages are read when they are used."""
    buffer = _buffer(stream)
    if len(buffer) < 8:
        raise _bad("it ends within its first eight bytes")
    length = int.from_bytes(buffer[:8], "little")
    if length > min(_LONGEST_HEADER, len(buffer) - 8):
        raise _bad("its first eight bytes are no size of a header")
    header = _header(bytes(buffer[8 : 8 + length]))
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise _bad("its metadata are no texts")
    entries = {name: _entry(name, spelled, 8 + length) for name, spelled in header.items()}
    _check_coverage(entries, 8 + length, len(buffer))
    return Opened(buffer, entries, metadata)


def _buffer(stream: IO[bytes]) -> Any:
    """A private mapping of a real file, else its bytes."""
    try:
        file = stream.fileno()
    except (AttributeError, OSError, io.UnsupportedOperation):
        return bytearray(stream.read())
    facts = os.fstat(file)
    # Windows does not let a mapped file be replaced, which the next save would do.
    if os.name == "nt" or not stat.S_ISREG(facts.st_mode) or not facts.st_size:
        return bytearray(stream.read())
    return mmap.mmap(file, 0, access=mmap.ACCESS_COPY)


def _header(text: bytes) -> dict[str, Any]:
    try:
        header = json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise _bad(f"its header is no JSON: {error}") from None
    if not isinstance(header, dict):
        raise _bad("its header is no JSON object")
    return header


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _entry(name: str, spelled: Any, base: int) -> Entry:
    if not isinstance(spelled, dict) or spelled.keys() != {"dtype", "shape", "data_offsets"}:
        raise _bad(f"{name!r} has no dtype, shape and data_offsets")
    shape, offsets = spelled["shape"], spelled["data_offsets"]
    if not _are_sizes(shape) or not _are_sizes(offsets) or len(offsets) != 2:
        raise _bad(f"the sizes of {name!r} are no whole numbers")
    if spelled["dtype"] not in DTYPES:
        raise _bad(f"{name!r} has the dtype {spelled['dtype']!r}, which is not known here")
    dtype, size = DTYPES[spelled["dtype"]]
    entry = Entry(dtype, tuple(shape), base + offsets[0], base + offsets[1])
    if entry.stop - entry.start != entry.count * size:
        raise _bad(f"{name!r} does not have the bytes that its shape needs")
    return entry


def _are_sizes(value: Any) -> bool:
    return isinstance(value, list) and all(type(n) is int and 0 <= n < 1 << 63 for n in value)


def _check_coverage(entries: Mapping[str, Entry], start: int, stop: int) -> None:
    for name, entry in sorted(entries.items(), key=lambda item: (item[1].start, item[1].stop)):
        if entry.start != start:
            raise _bad(f"{name!r} does not begin where the tensor before it ends")
        start = entry.stop
    if start != stop:
        raise _bad(f"its tensors end at byte {start}, the file at {stop}")


def _bad(reason: str) -> InvalidInput:
    return InvalidInput(f"the safetensors file cannot be read: {reason}")


def write_file(path: Path, tensors: Mapping[str, Any], metadata: Mapping[str, str]) -> None:
    """Write arrays and tensors by name. The same ones give the same bytes, and no large copy is made of any.

    `UnsupportedType` names the first that the format cannot hold.
    """
    facts = {name: _described(name, tensor) for name, tensor in tensors.items()}
    spelled: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    # Sizes that keep the alignment come first, then the widest elements: so all lie as they like it.
    order = sorted(facts, key=lambda n: (facts[n][2] % ALIGNMENT > 0, -DTYPES[facts[n][0]][1]))
    offsets: dict[str, int] = {}
    end = 0
    for name in order:
        offsets[name], end = end, end + facts[name][2]
    for name, (code, shape, size) in facts.items():  # in the order they were given
        span = [offsets[name], offsets[name] + size]
        spelled[name] = {"dtype": code, "shape": list(shape), "data_offsets": span}
    header = json.dumps(spelled, separators=(",", ":"), ensure_ascii=False).encode()
    header += b" " * (-(8 + len(header)) % ALIGNMENT)
    with path.open("wb") as out:
        out.write(len(header).to_bytes(8, "little") + header)
        for name in order:
            for piece in _pieces(tensors[name]):
                out.write(piece)


def _described(name: str, tensor: Any) -> tuple[str, tuple[int, ...], int]:
    """Word of the format, shape, and bytes."""
    dtype = str(tensor.dtype).removeprefix("torch.").lstrip("<>=|")
    dtype = getattr(tensor.dtype, "name", dtype)  # numpy's own words: '>f4' is float32
    if dtype not in CODES:
        raise UnsupportedType(f"safetensors cannot hold {name!r}, which is of {dtype}")
    shape = tuple(int(n) for n in tensor.shape)
    return CODES[dtype], shape, prod(shape) * DTYPES[CODES[dtype]][1]


def _pieces(tensor: Any) -> Iterator[Any]:
    """The bytes of a tensor in order, without a copy where they lie so."""
    torch_like = hasattr(tensor, "detach")
    if not prod(tensor.shape):
        return
    for part in _parts(tensor.detach() if torch_like else tensor):
        yield _torch_bytes(part) if torch_like else _numpy_bytes(part)


def _parts(tensor: Any) -> Iterable[Any]:
    """The tensor itself where it lies in one piece here; else rows of it, a few megabytes at a time."""
    if hasattr(tensor, "is_contiguous"):
        ready = tensor.is_contiguous() and tensor.device.type == "cpu" and not tensor.is_neg()
        size = tensor.element_size()
    else:
        ready = tensor.flags.c_contiguous and tensor.dtype.isnative
        size = tensor.itemsize
    if ready or not len(tensor.shape):
        return [tensor]
    rows = max(1, _PIECE // max(1, size * prod(tensor.shape[1:])))
    return (tensor[i : i + rows] for i in range(0, tensor.shape[0], rows))


def _torch_bytes(tensor: Any) -> memoryview:
    import torch

    here = tensor.cpu().resolve_conj().resolve_neg().contiguous()
    return here.reshape(-1).view(torch.uint8).numpy().data


def _numpy_bytes(array: Any) -> memoryview:
    import numpy

    here = numpy.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    return here.reshape(-1).view(numpy.uint8).data
