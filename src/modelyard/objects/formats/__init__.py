"""Ways to write things down, one file each: formats of data (csv, parquet …) and of models (skops …).

>>> data_format("iris.csv").NAME
'csv'

A data format is found by the suffix of a path, or by its name on a card. Importing this loads none of them.
"""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath
from typing import IO, Any, cast

from modelyard.base import plugins
from modelyard.base.errors import FileMissing, UnsupportedFormat, did_you_mean
from modelyard.base.paths import replacing
from modelyard.objects.interface import BatchReader, DataFormat
from modelyard.types.interface import DataType

_BY_SUFFIX: Mapping[str, str] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".npz": "npz",
    ".npy": "npy",
    ".safetensors": "safetensors",
    ".pkl": "pickle",
    ".pickle": "pickle",
    ".joblib": "joblib",
    ".arrow": "arrow",
    ".ipc": "arrow",
    ".arrows": "arrow",
    ".feather": "feather",
    ".fea": "feather",
    ".xlsx": "excel",
}
"""Suffix -> our format; what outsiders' formats add is looked up when none of these fits."""

_MAGIC = (
    (b"PAR1", "parquet"),
    (b"PK\x03\x04", "npz"),
    (b"\x93NUMPY", "npy"),
    (b"ARROW1", "arrow"),
    (b"\xff\xff\xff\xff", "arrow"),  # a stream; no text begins so
)
_HEAD = 64 << 10
_IN_MEMORY = 64 << 20
BATCH_ROWS = 10_000


def data_format(path: str | PurePath) -> DataFormat:
    """The data format of a path, by its suffix; `UnsupportedFormat` lists the known ones."""
    suffix = PurePath(path).suffix.lower()
    found = _by_suffix(suffix)
    if found is None:
        hint = did_you_mean(suffix, _BY_SUFFIX) if suffix else None
        raise UnsupportedFormat(
            f"no data format has the suffix {suffix!r}: '{path}'",
            hint=hint or f"known: {', '.join(_BY_SUFFIX)}",
        )
    return found


def file_format(path: str | PurePath) -> DataFormat:
    """The format to read a file with that nobody vouched for: it runs no code, whatever the file says."""
    found = data_format(path)
    return named(getattr(found, "UNVOUCHED", found.NAME))


def known_suffix(path: str | PurePath) -> bool:
    """Whether a path ends as a data file of ours or of a plugin does."""
    return _by_suffix(PurePath(path).suffix.lower()) is not None


def _by_suffix(suffix: str) -> DataFormat | None:
    if suffix in _BY_SUFFIX:
        return named(_BY_SUFFIX[suffix])
    if not suffix:
        return None
    others = set(plugins.names("formats")) - set(_BY_SUFFIX.values())
    found = (plugins.find("formats", name) for name in sorted(others))
    return next((f for f in found if suffix in getattr(f, "SUFFIXES", ())), None)


def named(name: str) -> DataFormat:
    """The data format of that name, as cards have it; an unknown one is an error, never a guess."""
    found = plugins.find("formats", name)
    if found is None or not hasattr(found, "can_hold"):
        known = sorted(set(_BY_SUFFIX.values()))
        raise UnsupportedFormat(
            f"{name!r} is not a format that holds data",
            hint=did_you_mean(name, known) or f"known: {', '.join(known)}",
        )
    return cast(DataFormat, found)


def best_for(type: DataType) -> DataFormat:
    """The format for a value when nobody asks for one: npy for arrays, safetensors for tensors, parquet (else csv) for
    tables, json for the rest."""
    tables = ("parquet", "csv") if _installed("pyarrow") else ("csv",)
    rest = (*tables, "npz", "safetensors", "json")
    names = ("npy", *rest) if type.kind == "array" else rest
    for found in map(named, names):
        if found.can_hold(type):
            return found
    raise UnsupportedFormat(
        f"no data format holds a {type.kind}", hint="save the table or array that it was made of"
    )


def _installed(library: str) -> bool:
    from importlib.util import find_spec

    return find_spec(library) is not None


def readable_type(reader: DataFormat, wanted: DataType) -> DataType | None:
    """The type to read a file with: the wanted one where the format can hold it, else what the file itself says."""
    return wanted if reader.can_hold(wanted) else None


def read_path(path: str | Path, type: DataType | None = None) -> Any:
    """The value in a file, in the format of its suffix; without a type, rows of objects come as a table."""
    with _opened(Path(path)) as stream:
        value = file_format(path).read(stream, type)
    return value if type is not None else _as_table(value)


def _as_table(value: Any) -> Any:
    """Objects with the same keys are a table, where pandas is there to hold one."""
    if not isinstance(value, list) or not value or not _installed("pandas"):
        return value
    rows = [row for row in value if isinstance(row, dict)]
    if len(rows) < len(value) or any(row.keys() != rows[0].keys() for row in rows):
        return value
    if any(isinstance(cell, dict | list) for row in rows for cell in row.values()):
        return value
    import pandas

    return pandas.DataFrame(rows)


def _opened(path: Path) -> IO[bytes]:
    if not path.is_file():
        raise FileMissing(f"no data file at {path}")
    return path.open("rb")


def write_path(value: Any, path: str | Path) -> Path:
    """Write a value to a file in the format of its suffix; the file appears, or changes, when it is whole."""
    writer = data_format(path)
    with replacing(Path(path)) as temporary:
        write_value(writer, value, temporary)
    return Path(path)


def unwrapped(value: Any, kind: DataType) -> Any:
    """A value as its type's `table`: a tensor as an array."""
    return value if kind.table is kind else kind.unwrap(value)  # type: ignore[attr-defined]  # what has a table has it


def write_value(writer: DataFormat, value: Any, path: Path) -> None:
    """Write a value with a format, or `UnsupportedFormat` with the format that can hold it."""
    from modelyard.types import infer

    kind = infer(value)
    if not writer.can_hold(kind):
        value, kind = unwrapped(value, kind), kind.table
    if not writer.can_hold(kind):
        raise UnsupportedFormat(
            f"{writer.NAME} cannot hold a {kind.kind} like this one",
            hint=f"{best_for(kind).NAME} can",
        )
    writer.write(value, path, kind)


def read_batches(
    source: str | Path | IO[bytes], type: DataType | None = None, rows: int = BATCH_ROWS
) -> Iterator[Any]:
    """Pieces of a file of any size, or of a stream such as standard input, whose format its first bytes tell."""
    if isinstance(source, str | Path):
        with _opened(Path(source)) as stream:
            yield from _batches(stream, file_format(source), type, rows)
    else:
        stream, name = sniffed(source)
        yield from _batches(stream, named(name), type, rows)


def _batches(
    stream: IO[bytes], reader: DataFormat, type: DataType | None, rows: int
) -> Iterator[Any]:
    if not isinstance(reader, BatchReader):
        raise UnsupportedFormat(
            f"{reader.NAME} cannot be read in batches", hint="use csv, jsonl, parquet or arrow"
        )
    yield from reader.read_batches(stream, type, rows)


def sniffed(stream: IO[bytes]) -> tuple[IO[bytes], str]:
    """A stream that nobody named: the same bytes, and the name of the format they are in."""
    head = stream.read(_HEAD)
    name = _format_of(head)
    if name in ("parquet", "npz", "excel", "arrow"):  # these are read from the end
        return _seekable(head, stream), name
    return cast(IO[bytes], io.BufferedReader(_Rejoined(head, stream))), name


def _format_of(head: bytes) -> str:
    for magic, name in _MAGIC:
        if head.startswith(magic):
            # Two formats are zip archives, and only one of them has this part.
            return "excel" if name == "npz" and b"[Content_Types].xml" in head else name
    # A short number of eight bytes, then JSON: how safetensors begins.
    if head[5:9] == b"\0\0\0{":
        return "safetensors"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith((b"[", b"{")):
        return "jsonl" if _is_lines(text) else "json"
    header = text.partition(b"\n")[0]
    return "tsv" if header.count(b"\t") > header.count(b",") else "csv"


def _is_lines(text: bytes) -> bool:
    """Whether the first line is a whole JSON value and another one follows."""
    import json

    first, _, rest = text.partition(b"\n")
    try:
        json.loads(first)
    except ValueError:
        return False
    return bool(rest.strip())


def _seekable(head: bytes, stream: IO[bytes]) -> IO[bytes]:
    kept = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115  # lives as long as the stream is read
    kept.write(head)
    while piece := stream.read(1 << 20):
        kept.write(piece)
    kept.seek(os.SEEK_SET)
    return cast(IO[bytes], kept)


class _Rejoined(io.RawIOBase):
    """A stream whose first bytes have been read, with these in front again."""

    def __init__(self, head: bytes, stream: IO[bytes]) -> None:
        self._head = memoryview(head)
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        data = self._head[: len(view)] if self._head else self._stream.read(len(view))
        self._head = self._head[len(data) :]
        view[: len(data)] = data
        return len(data)
