"""Tensors and arrays by name, as Hugging Face's libraries exchange them: a dict of them, or a single one. Data alone.

Without a type to go by, a file gives tensors where torch is installed, unless it says that it was written from arrays
(``format: np``, as is written here); else arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from modelyard.base.errors import InvalidInput, MissingExtra, UnsupportedType
from modelyard.objects.formats._safetensors import CODES, Opened, open_stream, write_file
from modelyard.types.interface import DataType

NAME = "safetensors"
TIER = 0
SUFFIXES = (".safetensors",)

ALONE = "tensor"
"""The name of one that was saved without a dict around it."""
_WORDS: Mapping[str, str] = {"tensor": "pt", "array": "np"}


def can_hold(type: DataType) -> bool:
    if type.kind != "dict":
        return _fits(type)
    return all(map(_fits, _members(type).values())) if _is_named(type) else _fits(_values(type))


def _fits(kind: Any) -> bool:
    return kind.kind in _WORDS and getattr(kind, "dtype", "") in CODES


def _is_named(kind: Any) -> bool:
    return bool(kind.fields)


def _members(kind: Any) -> Mapping[str, DataType]:
    return kind.fields or {}


def _values(kind: Any) -> DataType:
    return kind.values if kind.keys.kind == "string" else kind.keys


def write(value: Any, path: Path, type: DataType) -> None:
    checked = type.check(value)
    tensors = checked if type.kind == "dict" else {ALONE: checked}
    if "__metadata__" in tensors:
        raise UnsupportedType("safetensors keeps the name '__metadata__' for itself")
    torch_like = any(hasattr(t, "detach") for t in tensors.values())
    write_file(path, tensors, {"format": "pt" if torch_like else "np"})


def read(stream: IO[bytes], type: DataType | None) -> Any:
    opened = open_stream(stream)
    if type is None:
        found = {name: _made(opened, name, None) for name in opened.entries}
        return found[ALONE] if list(found) == [ALONE] else found
    if type.kind == "dict":
        wanted = {n: _members(type).get(n, _values(type)) for n in opened.entries}
        return type.check({n: _made(opened, n, kind) for n, kind in wanted.items()})
    if len(opened.entries) != 1:
        raise InvalidInput(
            f"the safetensors file holds {len(opened.entries)} tensors: {', '.join(sorted(opened.entries)[:20])}",
            hint="the model takes one; write that one alone",
        )
    return type.check(_made(opened, next(iter(opened.entries)), type))


def _made(opened: Opened, name: str, kind: DataType | None) -> Any:
    """A tensor or an array: what the type says, else what the file does."""
    word = _WORDS.get(kind.kind if kind else "", "")
    if not word:
        word = opened.metadata.get("format", "pt") if find_spec("torch") else "np"
    if word == "np":
        return opened.array(name)
    try:
        return opened.tensor(name)
    except ModuleNotFoundError as error:
        raise MissingExtra("reading tensors", "torch", missing=error.name) from error
