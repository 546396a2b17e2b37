"""Arguments that are files, and the form that they are sent in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from modelyard.types.binary import Binary, binary, binary_items
from modelyard.types.interface import DataType
from modelyard.types.schema import Signature

File = tuple[str, tuple[str, bytes, str]]
"""The argument; the file's name, content and media type."""


def files_in(signature: Signature, values: Mapping[str, Any]) -> list[File]:
    """The arguments that are files, to be sent as they are."""
    found: list[File] = []
    for name, value in values.items():
        declared = signature.args[name].type if name in signature.args else None
        one, each = binary(declared), binary_items(declared)
        try:
            if one is not None and value is not None:
                found.append((name, _part(one, value, name)))
            elif each is not None and isinstance(value, (list, tuple)) and value:
                found += [(name, _part(each, v, f"{name}[{i}]")) for i, v in enumerate(value)]
        except ImportError:
            continue  # without Pillow an image can still be sent as base64 text
    return found


def _part(kind: Binary, value: Any, where: str) -> tuple[str, bytes, str]:
    name = value.name if isinstance(value, Path) else "file"
    if isinstance(value, Path):
        value = kind.from_path(value, where)
    checked = cast(DataType, kind).check(value, where)
    return name, kind.to_bytes(checked), kind.media_type


def as_texts(signature: Signature, fields: Mapping[str, Any]) -> dict[str, str]:
    """The other arguments as fields of a form: texts as they are, everything else as JSON."""
    import orjson

    def text(name: str, value: Any) -> str:
        declared: Any = signature.args[name].type if name in signature.args else None
        kind = getattr(getattr(declared, "of", declared), "kind", "")
        return (
            value if kind == "string" and isinstance(value, str) else orjson.dumps(value).decode()
        )

    return {n: text(n, v) for n, v in fields.items() if v is not None or not _is_file(signature, n)}


def _is_file(signature: Signature, name: str) -> bool:
    return name in signature.args and binary(signature.args[name].type) is not None


def encode_form(files: Sequence[File], fields: Mapping[str, str]) -> tuple[bytes, str]:
    """A form as a body and its content type: made once, so that each attempt sends the same bytes."""
    import httpx2

    request = httpx2.Request("POST", "http://form", files=list(files), data=dict(fields))
    return request.read(), request.headers["content-type"]
