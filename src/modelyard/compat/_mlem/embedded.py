"""Local code that MLEM kept inside a ``.mlem`` file: taken out within limits, at checked places only.

A module is base64 of zlib of its text; a package base64 of zlib of a JSON object, path -> base64 of zlib of its bytes.
MLEM itself wrote ``../x`` where it was told to.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Mapping
from typing import Any

from modelyard.base.errors import InvalidPath, TooLarge
from modelyard.base.notes import note
from modelyard.base.paths import safe_segments
from modelyard.compat._mlem.layout import Meta

MAX_FILE = 10 << 20
MAX_TOTAL = 50 << 20
MAX_FILES = 2000
MAX_RATIO = 200
"""Times that text may grow when it is unpacked, once it is over a megabyte: source code never does."""


def embedded_modules(meta: Meta) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """Path -> content of the code in a file's requirements, and the modules as a card lists them."""
    files: dict[str, bytes] = {}
    modules: set[str] = set()
    for i, entry in enumerate(meta.sequence("requirements", meta.fields.get("requirements"))):
        if not isinstance(entry, dict) or entry.get("type") not in ("custom", "file"):
            continue
        where = f"requirements.{i}"
        found, module = _taken_out(meta, where, entry)
        if module is None:
            note(f"{meta.label}: the file {entry.get('name')!r} is no code and stays behind")
            continue
        for path, data in found.items():
            files[_checked(meta, where, path)] = data
        modules.add(module)
        _limit(meta, files)
    return files, tuple(sorted(modules))


def _taken_out(
    meta: Meta, where: str, entry: Mapping[str, Any]
) -> tuple[dict[str, bytes], str | None]:
    name = meta.text(f"{where}.name", entry.get("name"))
    packed = meta.text(f"{where}.source64zip", entry.get("source64zip"))
    if entry["type"] == "file":
        importable = (
            name.endswith(".py") and name.partition("/")[0].partition(".")[0].isidentifier()
        )
        return ({name: _unpacked(meta, where, packed)}, name) if importable else ({}, None)
    place = name.replace(".", "/")
    if not entry.get("is_package"):
        return {f"{place}.py": _unpacked(meta, where, packed)}, f"{place}.py"
    return _package(meta, where, packed), place


def _package(meta: Meta, where: str, packed: str) -> dict[str, bytes]:
    try:
        sources = json.loads(_unpacked(meta, where, packed, most=MAX_TOTAL))
    except (ValueError, RecursionError):
        raise meta.refuse(where, "its package is no JSON") from None
    if not isinstance(sources, dict) or len(sources) > MAX_FILES:
        raise meta.refuse(where, f"its package is no mapping of at most {MAX_FILES} files")
    return {
        path: _unpacked(meta, where, meta.text(where, inner)) for path, inner in sources.items()
    }


def _unpacked(meta: Meta, where: str, packed: str, most: int = MAX_FILE) -> bytes:
    try:
        zipped = base64.b64decode(packed, validate=True)
        reader = zlib.decompressobj()
        data = reader.decompress(zipped, most + 1)
    except (binascii.Error, ValueError, zlib.error) as error:
        raise meta.refuse(where, f"its source cannot be unpacked: {error}") from None
    if not reader.eof and len(data) <= most:
        raise meta.refuse(where, "its source ends early")
    if len(data) > most or (len(data) > 1 << 20 and len(data) > MAX_RATIO * len(zipped)):
        raise TooLarge(f"{meta.label}: {where}: its source unpacks to more than code would take")
    return data


def _checked(meta: Meta, where: str, path: str) -> str:
    try:
        safe_segments(path)
    except InvalidPath as error:
        raise meta.refuse(where, error.message) from None
    return path


def _limit(meta: Meta, files: Mapping[str, bytes]) -> None:
    if len(files) > MAX_FILES or sum(map(len, files.values())) > MAX_TOTAL:
        raise TooLarge(f"{meta.label}: its code is over {MAX_TOTAL >> 20} MB or {MAX_FILES} files")
