"""The zip around a skops file: written so that equal content gives equal bytes, opened under limits.

A zip is small where it stands and large when it is read. Its directory is measured before it is parsed, members are
regular files with plain names, and what all of them unpack to is limited by the size of the file itself.
"""

from __future__ import annotations

import io
import json
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from modelyard.base.errors import Corrupted, TooLarge

MAX_MEMBERS = 200_000
MAX_DIRECTORY = MAX_MEMBERS * 120
"""Bytes of the zip's directory: a million empty members take half a minute and a gigabyte to list."""
MAX_RATIO = 100
SMALL = 64 << 20
"""What a file of any size may unpack to; above it `MAX_RATIO` counts."""
MAX_INFLATED = 64 << 30
MAX_SCHEMA = 512 << 20
LEVEL = 3
"""Of deflate: half the time of the default for a tenth more bytes, on forests."""

SCHEMA = "schema.json"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}\.(npy|npz|bin|json)")
_END, _END_64, _LOCATOR_64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"

Member = tuple[Callable[[IO[bytes]], Any], int]
"""What writes a member into a stream, and about how many bytes that will be."""


def largest(size: int) -> int:
    """What a zip of this many bytes may unpack to."""
    return min(MAX_INFLATED, max(SMALL, size * MAX_RATIO))


def write(path: Path, schema: Mapping[str, Any], members: Mapping[str, Member]) -> None:
    """Write a zip: deflated, or stored as it is when the content shrinks so well that `Archive` would take it for a bomb."""
    text = json.dumps(schema, separators=(",", ":")).encode()
    for method in (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED):
        with zipfile.ZipFile(path, "w", method, compresslevel=LEVEL) as target:
            for name, (content, size) in members.items():
                with target.open(name, "w", force_zip64=size > 1 << 30) as stream:
                    content(stream)
            with target.open(SCHEMA, "w") as stream:
                stream.write(text)
            inflated = sum(info.file_size for info in target.infolist())
        if inflated <= largest(path.stat().st_size):
            return


class Archive:
    """A zip opened for reading. Raises `Corrupted` for what is no such zip, `TooLarge` beyond the limits."""

    def __init__(self, stream: IO[bytes]) -> None:
        size = stream.seek(0, io.SEEK_END)
        measure_directory(stream, size)
        stream.seek(0)
        try:
            self._zip = zipfile.ZipFile(stream)
            self._members = {info.filename: info for info in self._zip.infolist()}
        except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error) as error:
            raise Corrupted(f"a damaged zip: {error}") from error
        for info in self._members.values():
            refuse_irregular(info)
        if len(self._members) < len(self._zip.infolist()):
            raise Corrupted("two members have the same name")
        inflated = sum(info.file_size for info in self._members.values())
        if inflated > largest(size):
            raise TooLarge(f"{size} bytes unpack to {inflated}, more than {largest(size)}")

    def names(self) -> set[str]:
        return set(self._members)

    def read(self, name: str) -> bytes:
        """A member's bytes, its checksum checked."""
        if name not in self._members:
            raise Corrupted(f"the member {name!r} is missing")
        try:
            return self._zip.read(self._members[name])
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
            raise Corrupted(f"the member {name!r} is damaged: {error}") from error

    def schema(self) -> dict[str, Any]:
        """The parsed ``schema.json``."""
        if SCHEMA in self._members and self._members[SCHEMA].file_size > MAX_SCHEMA:
            raise TooLarge(f"{SCHEMA} has more than {MAX_SCHEMA} bytes")
        try:
            schema = json.loads(self.read(SCHEMA))
        except (ValueError, RecursionError) as error:
            raise Corrupted(f"{SCHEMA} is not JSON: {error}") from error
        if not isinstance(schema, dict):
            raise Corrupted(f"{SCHEMA} is not a JSON object")
        return schema


def measure_directory(stream: IO[bytes], size: int) -> None:
    """Refuse a directory with too many entries by its size in the end record, before it is parsed."""
    tail_size = min(size, 66_000)
    stream.seek(size - tail_size)
    tail = stream.read(tail_size)
    at = tail.rfind(_END)
    if at < 0 or len(tail) < at + 22:
        stream.seek(0)
        raise Corrupted(what_else(stream.read(8)))
    length = struct.unpack_from("<L", tail, at + 12)[0]
    if tail[max(at - 20, 0) :].startswith(_LOCATOR_64):  # then the wider record before it counts
        if at < 76 or not tail[at - 76 :].startswith(_END_64):
            raise Corrupted("a damaged zip: its end record is missing")
        length = struct.unpack_from("<Q", tail, at - 36)[0]
    if length > MAX_DIRECTORY:
        raise TooLarge(f"the zip's directory has {length} bytes, more than {MAX_DIRECTORY}")


def what_else(start: bytes) -> str:
    """A file that is no zip, by its first bytes."""
    kinds = {
        b"\x80": "a pickle",
        b"\x1f\x8b": "gzip data",
        b"\x93NUMPY": "a numpy array",
        b"x": "zlib data",
    }
    found = next((kind for magic, kind in kinds.items() if start.startswith(magic)), None)
    return f"not a zip{f'; it looks like {found}' if found else ''}"


def refuse_irregular(info: zipfile.ZipInfo) -> None:
    """Regular members with plain names, unencrypted, stored or deflated."""
    mode = info.external_attr >> 16
    if (
        not _NAME.fullmatch(info.filename)
        or info.flag_bits & 0x1
        or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
        or (stat.S_IFMT(mode) and not stat.S_ISREG(mode))
    ):
        raise Corrupted(f"the member {info.filename[:80]!r} is none that a skops file has")
