"""How an object is called by its content, and where it lies below a cache or a remote."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from modelyard.base.digests import CHUNK
from modelyard.base.errors import InvalidInput, InvalidPath

_MD5 = re.compile(r"([0-9a-f]{32})(\.dir)?")
_TEXT = bytes(range(32, 127)) + b"\n\r\t\f\b"
_OWN = re.compile(r"\.(git|dvc|hg)|git~\d+", re.IGNORECASE)
_UNSEEN = re.compile("[\u200b-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")


@dataclass(frozen=True, slots=True, order=True)
class ObjectId:
    """The md5 of a file, or of the manifest of a folder. ``legacy``: as DVC 2 kept it, text hashed with Unix line ends."""

    md5: str
    folder: bool = False
    legacy: bool = False

    @property
    def text(self) -> str:
        """As pointers spell it."""
        return f"{self.md5}.dir" if self.folder else self.md5

    @property
    def place(self) -> str:
        """The path below a cache or remote."""
        inner = f"{self.md5[:2]}/{self.text[2:]}"
        return inner if self.legacy else f"files/md5/{inner}"

    def other(self) -> ObjectId:
        """The same in the other layout: a cache may have been migrated."""
        return ObjectId(self.md5, self.folder, not self.legacy)


def object_id(text: str, where: str, *, legacy: bool = False) -> ObjectId:
    """From a pointer's or manifest's word. `InvalidInput` for what is no md5: it becomes part of paths and URLs."""
    match = _MD5.fullmatch(text.lower())
    if match is None:
        raise InvalidInput(f"{where}: {text[:80]!r} is no md5")
    return ObjectId(match[1], match[2] is not None, legacy)


def md5_of(path: Path) -> str:
    """Of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def text_md5_of(stream: IO[bytes]) -> str:
    """As DVC 2 hashed: what looks like text with Unix line ends, a megabyte at a time."""
    digest = hashlib.md5(usedforsecurity=False)
    while chunk := stream.read(CHUNK):
        digest.update(chunk.replace(b"\r\n", b"\n") if _looks_like_text(chunk[:512]) else chunk)
    return digest.hexdigest()


def _looks_like_text(block: bytes) -> bool:
    return b"\0" not in block and len(block.translate(None, _TEXT)) / len(block) <= 0.30


def matches(oid: ObjectId, path: Path, md5: str | None = None) -> bool:
    """Whether a file is what an id says; ``md5`` is that of its bytes where it is known already."""
    if (md5 or md5_of(path)) == oid.md5:
        return True
    if not oid.legacy or oid.folder:
        return False
    with path.open("rb") as stream:
        return text_md5_of(stream) == oid.md5


def inner_path(path: str, where: str) -> str:
    """A path as a pointer or manifest names it, checked: ``/``-joined names that stay below where they begin and are
    no part of Git's or DVC's own folders (a file there would be run)."""
    segments = path.split("/")
    if not path or any(s in ("", ".", "..") for s in segments) or "\0" in path:
        raise InvalidPath(f"{where}: the path {path[:200]!r} is refused: it leaves its folder")
    if "\\" in path or "\n" in path or len(path) > 4096:
        raise InvalidPath(f"{where}: the path {path[:200]!r} is refused: it is not portable")
    if any(map(_is_own, segments)):
        raise InvalidPath(f"{where}: the path {path[:200]!r} is refused: it is not data")
    if os.name == "nt" and ":" in path:  # another drive, or a stream behind a file
        raise InvalidPath(f"{where}: the path {path[:200]!r} is refused: it is no path of Windows")
    return path


def _is_own(segment: str) -> bool:
    """Also as file systems spell it that pass over some characters, dots at the end, or have short names."""
    if segment.isascii() and segment[0] not in ".gG":  # nearly all: there may be many thousands
        return False
    seen = _UNSEEN.sub("", segment).partition(":")[0].rstrip(". ")
    return _OWN.fullmatch(seen) is not None


def joined(folder: str, path: str, where: str) -> str:
    """A relative path from a folder (both below one root, ``""``), with its ``.`` and ``..`` resolved. `InvalidPath` when it
    leaves the root, or is absolute or a URL."""
    if path.startswith("/") or "://" in path or re.match(r"[A-Za-z]:[\\/]", path):
        raise InvalidPath(f"{where}: {path[:200]!r} is outside of the repository")
    kept = [s for s in folder.split("/") if s]
    for segment in path.split("/"):
        if segment == ".." and not kept:
            raise InvalidPath(f"{where}: the path {path[:200]!r} is refused: it leaves the project")
        if segment == "..":
            kept.pop()
        elif segment not in ("", "."):
            kept.append(segment)
    return inner_path("/".join(kept), where) if kept else ""
