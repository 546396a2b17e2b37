"""DVC projects as DVC leaves them, made by hand: pointers, manifests, a cache or remote, a configuration."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def put(store: Path, data: bytes, *, suffix: str = "", legacy: bool = False, name: str = "") -> str:
    """An object in a cache or remote; its name."""
    name = name or md5(data)
    root = store if legacy else store / "files" / "md5"
    target = root / name[:2] / f"{name[2:]}{suffix}"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    return f"{name}{suffix}"


def pointer(
    path: str, name: str, size: int, nfiles: int | None = None, *, legacy: bool = False
) -> str:
    """The text of a ``.dvc`` file."""
    lines = ["outs:", f"- md5: {name}", f"  size: {size}"]
    lines += [] if nfiles is None else [f"  nfiles: {nfiles}"]
    lines += [] if legacy else ["  hash: md5"]
    return "\n".join([*lines, f"  path: {path}"]) + "\n"


def manifest(files: Mapping[str, str]) -> bytes:
    rows = sorted(({"md5": m, "relpath": p} for p, m in files.items()), key=lambda r: r["relpath"])
    return json.dumps(rows, sort_keys=True).encode()


def new_project(root: Path, url: str = "../store", more: str = "") -> Path:
    """A project with a remote ``store`` beside it."""
    (root / ".dvc").mkdir(parents=True)
    (root / ".dvc/config").write_text(
        f"[core]\n    remote = store\n['remote \"store\"']\n    url = {url}\n{more}"
    )
    return root


def track(root: Path, store: Path, path: str, data: bytes, *, legacy: bool = False) -> str:
    """A file that is only in the store, with its pointer; its md5."""
    name = put(store, data, legacy=legacy)
    target = root / f"{path}.dvc"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(pointer(path.rpartition("/")[2], name, len(data), legacy=legacy))
    return name


def track_folder(
    root: Path, store: Path, path: str, files: Mapping[str, bytes], *, legacy: bool = False
) -> str:
    """A folder that is only in the store, with its pointer; the name of its manifest."""
    names = {inner: put(store, data, legacy=legacy) for inner, data in files.items()}
    name = put(store, manifest(names), suffix=".dir", legacy=legacy)
    target = root / f"{path}.dvc"
    target.parent.mkdir(parents=True, exist_ok=True)
    size = sum(map(len, files.values()))
    target.write_text(pointer(path.rpartition("/")[2], name, size, len(files), legacy=legacy))
    return name
