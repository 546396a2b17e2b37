"""The files that a ``.mlem`` file names: below its project, without links, against the md5 that it has for each."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from typing import Any

from modelyard.base.errors import InvalidPath, NotSupported
from modelyard.base.paths import safe_segments
from modelyard.compat._mlem.layout import Meta, project_root
from modelyard.objects.assembled import Piece


def artifacts_of(meta: Meta) -> dict[str, Piece]:
    """Key -> file, in the order they stand."""
    given = meta.mapping("artifacts", meta.fields.get("artifacts"))
    return {str(key): _piece(meta, f"artifacts.{key}", str(key), a) for key, a in given.items()}


def present(meta: Meta) -> dict[str, Piece]:
    """The same, once it is known that they are there and no links."""
    found = artifacts_of(meta)
    for piece in found.values():
        piece.require(meta.label)
    return found


def _piece(meta: Meta, where: str, key: str, spelled: Any) -> Piece:
    fields = meta.mapping(where, spelled)
    try:
        safe_segments(key)
        root, path = _place(meta, where, meta.text(f"{where}.uri", fields.get("uri")))
        safe_segments(path)
    except InvalidPath as error:
        raise meta.refuse(where, error.message) from None
    md5 = fields.get("hash")
    return Piece(root, path, md5 if isinstance(md5, str) and len(md5) == 32 else "")


def _place(meta: Meta, where: str, uri: str) -> tuple[Path, str]:
    """The folder that a file must not leave, and its path below it. ``../`` may lead to elsewhere in the project."""
    if "://" in uri:
        raise NotSupported(
            f"{meta.label}: {where} is kept at {uri.partition('?')[0]}",
            hint="copy it beside the .mlem file, and name it there: uri: model.pkl",
        )
    if PurePosixPath(uri).is_absolute() or Path(uri).is_absolute() or "\\" in uri:
        raise meta.refuse(
            f"{where}.uri",
            f"{uri!r} is a place on one computer",
            "copy the file beside the .mlem file, and name it there: uri: model.pkl",
        )
    folder = meta.path.parent
    if ".." not in uri.split("/"):
        return folder, uri
    root = project_root(meta.path)
    below = Path(os.path.normpath(folder.resolve() / uri))
    if root is None or not below.is_relative_to(root):
        raise meta.refuse(f"{where}.uri", f"{uri!r} leads out of its project")
    return root, below.relative_to(root).as_posix()
