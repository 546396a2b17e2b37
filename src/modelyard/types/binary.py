"""Types whose value is the content of one file: bytes, files, images.

Wherever files come in or go out (a path typed on the command line, a part of a form, a raw HTTP body, ``-o out.png``) these
types take and give the bytes themselves, without the base64 text that stands for them in JSON.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol, cast, runtime_checkable

from modelyard.types.interface import DataType

OCTETS = "application/octet-stream"


@runtime_checkable
class Binary(Protocol):
    """Optional power of a data type."""

    media_type: str
    """Of what `to_bytes` gives."""

    def from_bytes(self, data: bytes, where: str = "", *, name: str = "") -> Any:
        """A native value from a file's content; ``name`` is what its sender called it. `SchemaMismatch` for others."""
        ...

    def from_path(self, path: Path, where: str = "") -> Any:
        """A native value from a file on this machine."""
        ...

    def to_bytes(self, value: Any) -> bytes:
        """A native value as the content of a file."""
        ...

    def json_to_bytes(self, encoded: Any) -> bytes:
        """The same from the JSON form that `encode` gave."""
        ...


def binary(type_: DataType | None) -> Binary | None:
    """The type as one that takes the content of a file, also where null is allowed beside it; None for all others."""
    inner = getattr(type_, "of", None) if getattr(type_, "kind", "") == "optional" else type_
    return inner if isinstance(inner, Binary) else None


def binary_items(type_: DataType | None) -> Binary | None:
    """The same for the items of a list: a method that takes several files at once."""
    return binary(cast(Any, type_).items) if getattr(type_, "kind", "") == "list" else None
