"""The manifest of a folder: which files are in it, by relative path and md5."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, cast

from modelyard.base.errors import InvalidInput
from modelyard.stores.dvc.names import ObjectId, inner_path, object_id

MAX_BYTES = 256 << 20


def read_manifest(data: bytes, where: str, *, legacy: bool = False) -> dict[str, ObjectId]:
    """Relative path -> what is there, by path. `InvalidInput` or `InvalidPath` says what is wrong with it."""
    if len(data) > MAX_BYTES:
        raise InvalidInput(f"{where} is larger than {MAX_BYTES >> 20} MB")
    try:
        rows = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{where}: no manifest: {error}") from None
    if not isinstance(rows, list):
        raise InvalidInput(f"{where}: no manifest: a list was expected")
    found: dict[str, ObjectId] = {}
    for row in cast("list[Any]", rows):
        path, oid = _row(row, where, legacy)
        if path in found:
            raise InvalidInput(f"{where}: {path!r} stands there twice")
        found[path] = oid
    _no_file_is_a_folder(found, where)
    return dict(sorted(found.items()))


def _row(row: Any, where: str, legacy: bool) -> tuple[str, ObjectId]:
    told = cast("dict[str, Any]", row) if isinstance(row, dict) else {}
    path, md5 = told.get("relpath"), told.get("md5")
    if not isinstance(path, str) or not isinstance(md5, str):
        raise InvalidInput(f"{where}: an entry without relpath and md5")
    oid = object_id(md5, where, legacy=legacy)
    if oid.folder:
        raise InvalidInput(f"{where}: {path!r} is a folder within a folder")
    return inner_path(path, where), oid


def _no_file_is_a_folder(files: Mapping[str, ObjectId], where: str) -> None:
    for path in files:
        above = path.rpartition("/")[0]
        while above:
            if above in files:
                raise InvalidInput(f"{where}: {above!r} is a file and a folder")
            above = above.rpartition("/")[0]


def manifest_bytes(files: Mapping[str, str]) -> bytes:
    """Of relative paths and md5s: to the byte as DVC writes it, for its md5 names the folder."""
    rows = [{"md5": files[path], "relpath": path} for path in sorted(files)]
    return json.dumps(rows, sort_keys=True).encode()


def manifest_id(data: bytes) -> ObjectId:
    """The name of a folder with that manifest."""
    return ObjectId(hashlib.md5(data, usedforsecurity=False).hexdigest(), folder=True)
