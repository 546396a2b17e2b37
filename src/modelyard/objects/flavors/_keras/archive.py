"""The zip around a ``.keras`` file and the weights in it, looked at before keras opens them.

Members are those that keras writes. The weights are an HDF5 file, a format that can point at other files of the machine and
claim sizes that it does not have: such a file is refused by its structure, no number in it is read.
"""

from __future__ import annotations

import io
import math
import stat
import struct
import zipfile
from collections.abc import Iterator
from typing import IO, Any

from modelyard.base.errors import Corrupted, InvalidPath, TooLarge
from modelyard.base.paths import safe_segments
from modelyard.objects.formats._skops.archive import largest, measure_directory

CONFIG, METADATA, WEIGHTS, ASSETS = "config.json", "metadata.json", "model.weights.h5", "assets/"
MAX_CONFIG = 256 << 20
MAX_EXPANSION = 1000
"""What deflate can at most make of a byte, and a little less."""
_KNOWN_FILTERS = frozenset([1, 2, 3])
"""Deflate, shuffle, Fletcher's checksum: what every HDF5 library has. Others are loaded from plugins."""


def open_archive(stream: IO[bytes]) -> zipfile.ZipFile:
    """The zip, when all its members are such as keras writes; else `Corrupted` or `TooLarge`."""
    size = stream.seek(0, io.SEEK_END)
    measure_directory(stream, size)
    stream.seek(0)
    try:
        archive = zipfile.ZipFile(stream)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error) as error:
        raise Corrupted(f"a damaged zip: {error}") from error
    members = archive.infolist()
    for info in members:
        _refuse_stranger(info)
    names = {info.filename for info in members}
    if len(names) < len(members):
        raise Corrupted("two members have the same name")
    if missing := {CONFIG, WEIGHTS} - names:
        raise Corrupted(f"the member {min(missing)!r} is missing")
    if sum(info.file_size for info in members) > largest(size):
        raise TooLarge(f"{size} bytes unpack to more than {largest(size)}")
    return archive


def read_config(archive: zipfile.ZipFile) -> bytes:
    """The bytes of ``config.json``."""
    if archive.getinfo(CONFIG).file_size > MAX_CONFIG:
        raise TooLarge(f"{CONFIG} has more than {MAX_CONFIG} bytes")
    try:
        return archive.read(CONFIG)
    except (zipfile.BadZipFile, EOFError, OSError, ValueError) as error:
        raise Corrupted(f"the member {CONFIG!r} is damaged: {error}") from error


def _refuse_stranger(info: zipfile.ZipInfo) -> None:
    name, mode = info.filename, info.external_attr >> 16
    known = name in (CONFIG, METADATA, WEIGHTS) or name.startswith(ASSETS)
    try:
        safe_segments(name.removesuffix("/"))
    except InvalidPath:
        known = False
    regular = not stat.S_IFMT(mode) or stat.S_ISREG(mode) or stat.S_ISDIR(mode)
    methods = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    if not known or not regular or info.flag_bits & 0x1 or info.compress_type not in methods:
        raise Corrupted(f"the member {name[:80]!r} is none that a .keras file has")
    if name == WEIGHTS and info.compress_type != zipfile.ZIP_STORED:
        raise Corrupted(
            f"the member {name!r} is compressed, as keras never writes it",
            hint="zip the same files again without compression",
        )


def check_weights(stream: IO[bytes], archive: zipfile.ZipFile) -> None:
    """Refuse weights that point out of their file, hold anything but numbers, or claim more than they have."""
    import h5py

    window = io.BufferedReader(_Window(stream, archive.getinfo(WEIGHTS)))
    try:
        with h5py.File(window, "r") as weights:
            for name, item in _items(weights):
                if isinstance(item, h5py.Dataset):
                    _check_dataset(name, item)
    except Corrupted:
        raise
    except Exception as error:  # whatever the library says of bytes that are no HDF5
        raise Corrupted(f"{WEIGHTS} is damaged: {error}") from error


def _items(group: Any) -> Iterator[tuple[str, Any]]:
    """All groups and datasets below a group, each once; a link that is none of the plain kind is refused."""
    import h5py

    h5: Any = h5py
    seen: set[Any] = set()
    open_ = [("", group)]
    while open_:
        place, item = open_.pop()
        yield place, item
        if not isinstance(item, h5.Group):
            continue
        for name in item:
            inner = f"{place}/{name}"
            if not isinstance(item.get(name, getlink=True), h5.HardLink):
                raise Corrupted(f"{WEIGHTS}: {inner[:80]} points at something else")
            found = item[name]
            where = h5.h5o.get_info(found.id).addr
            if where not in seen:
                seen.add(where)
                open_.append((inner, found))


def _check_dataset(name: str, item: Any) -> None:
    dtype, stored = item.dtype, item.id.get_storage_size()
    properties = item.id.get_create_plist()
    filters = {properties.get_filter(i)[0] for i in range(properties.get_nfilters())}
    if item.external or item.is_virtual:
        raise Corrupted(f"{WEIGHTS}: {name[:80]} has its numbers in another file")
    if dtype.hasobject or dtype.kind not in "biufcSV":
        raise Corrupted(f"{WEIGHTS}: {name[:80]} holds {dtype}, which are no numbers")
    if filters - _KNOWN_FILTERS:
        raise Corrupted(f"{WEIGHTS}: {name[:80]} is packed in a way that needs a plugin")
    claimed = math.prod(item.shape or ()) * dtype.itemsize
    if claimed > max(1 << 20, stored * MAX_EXPANSION):
        raise Corrupted(f"{WEIGHTS}: {name[:80]} claims {claimed} bytes and has {stored}")


class _Window(io.RawIOBase):
    """A stored member of a zip as a file that can be read anywhere, without a copy of it."""

    def __init__(self, stream: IO[bytes], info: zipfile.ZipInfo) -> None:
        stream.seek(info.header_offset)
        header = stream.read(30)
        if len(header) < 30:
            raise Corrupted(f"the member {info.filename!r} is cut off")
        name, extra = struct.unpack_from("<HH", header, 26)
        self._stream, self._size, self._at = stream, info.file_size, 0
        self._start = info.header_offset + 30 + name + extra

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        wanted = max(0, min(len(view), self._size - self._at))
        self._stream.seek(self._start + self._at)
        data = self._stream.read(wanted)
        view[: len(data)] = data
        self._at += len(data)
        return len(data)
