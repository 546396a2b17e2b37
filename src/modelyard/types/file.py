"""Files: ``{type: file}``. The method gets the path of a real file on the machine it runs on.

In JSON ``{"name": "dog.wav", "content": <base64>}``, or the base64 text alone. A file that came as bytes lies in a temporary
folder, which goes away with the path that the method was given. No path that a client names is ever opened.
"""

from __future__ import annotations

import base64
import mimetypes
import os
import shutil
import tempfile
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, Self

from modelyard.base.errors import FileMissing, InvalidPath
from modelyard.base.paths import safe_segments
from modelyard.types.binary import OCTETS
from modelyard.types.cells import read_base64
from modelyard.types.interface import DataType
from modelyard.types.mismatch import inside, mismatch, refusal, shortened
from modelyard.types.scalar import only_fields

_UNNAMED = "file"


class TemporaryFile(type(Path())):  # type: ignore[misc]  # Path itself can be subclassed from Python 3.12 on
    """The path of a file that is removed, with its folder, when nobody holds this object any more."""

    @classmethod
    def of(cls, data: bytes, name: str) -> Self:
        """A new file of that name with these bytes."""
        folder = tempfile.mkdtemp(prefix="modelyard-")
        path = cls(folder, name)
        weakref.finalize(path, shutil.rmtree, folder, ignore_errors=True)
        path.write_bytes(data)
        return path

    def __reduce__(self) -> Any:
        # Whoever sends it elsewhere gets a plain path: it stands for a file, and does not own it.
        return Path, (str(self),)


@dataclass(frozen=True)
class FileType(DataType):
    """A `pathlib.Path` of a file that exists."""

    kind = "file"
    media_type = OCTETS

    def to_dict(self) -> dict[str, Any]:
        return {"type": self.kind}

    @classmethod
    def from_dict(cls, spelled: Mapping[str, Any]) -> Self:
        only_fields(spelled)
        return cls()

    def json_schema(self) -> dict[str, Any]:
        content = {"type": "string", "contentEncoding": "base64"}
        named = {
            "type": "object",
            "properties": {"name": {"type": "string"}, "content": content},
            "required": ["content"],
            "additionalProperties": False,
        }
        return {"anyOf": [named, content]}

    def check(self, value: Any, where: str = "") -> Path:
        if isinstance(value, (bytes, bytearray)):
            return self.from_bytes(bytes(value), where)
        if not isinstance(value, os.PathLike) or isinstance(value, str):
            hint = "a text is not a path: pathlib.Path(…) is" if isinstance(value, str) else None
            raise mismatch(where, "the path of a file", value, hint=hint)
        return self.from_path(Path(value), where)

    def from_path(self, path: Path, where: str = "") -> Path:
        """The path itself, when a file is there."""
        if not path.is_file():
            raise refusal(where, "the path of a file", f"'{path}', where there is none")
        return path

    def from_bytes(self, data: bytes, where: str = "", *, name: str = "") -> Path:
        """A temporary file of these bytes."""
        return TemporaryFile.of(data, _checked(name or _UNNAMED, where))

    def decode(self, data: Any, where: str = "") -> Path:
        name: Any = ""
        if type(data) is dict and "content" in data and data.keys() <= {"name", "content"}:
            name, data, where = data.get("name", ""), data["content"], inside(where, "content")
        content = read_base64(data)
        if content is None or type(name) is not str:
            raise mismatch(where, "base64 text, or an object with name and content", data)
        return self.from_bytes(content, where, name=name)

    def encode(self, value: Any) -> dict[str, str]:
        path = self.check(value)
        return {"name": path.name, "content": base64.b64encode(path.read_bytes()).decode()}

    def to_bytes(self, value: Any) -> bytes:
        """The file's content."""
        return self.check(value).read_bytes()

    def json_to_bytes(self, encoded: Any) -> bytes:
        """The content in its JSON form."""
        return base64.b64decode(encoded["content"])


def media_type_of(name: str) -> str:
    """What a file of that name most likely is.

    >>> media_type_of("dog.wav"), media_type_of("dog")
    ('audio/x-wav', 'application/octet-stream')
    """
    return mimetypes.guess_type(PurePath(name).name)[0] or OCTETS


def _checked(name: str, where: str) -> str:
    """A sender's name for a file, when it is one plain segment."""
    try:
        [segment] = safe_segments(name)
    except (InvalidPath, ValueError):
        raise refusal(where, "the name of a file, without folders", shortened(name)) from None
    return segment


KINDS: Mapping[str, type[DataType]] = {"file": FileType}


def claims(value: Any) -> bool:
    return isinstance(value, Path)


def infer(value: Any) -> DataType:
    if not value.is_file():
        raise FileMissing(f"no file at '{value}'", hint="a path stands for the file it leads to")
    return FileType()


def from_hint(hint: Any) -> DataType | None:
    """``Path``, and ``PurePath``'s other relatives that are real paths, stand for a file."""
    return FileType() if isinstance(hint, type) and issubclass(hint, Path) else None
