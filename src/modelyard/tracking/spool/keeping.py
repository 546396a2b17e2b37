"""Keeping a file as it is now. Where the file system can share the bytes of two files, nothing is copied."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Callable
from io import FileIO
from pathlib import Path
from typing import IO

from modelyard.base.clock import new_id
from modelyard.base.digests import sha256_stream
from modelyard.base.errors import FileMissing, InvalidInput

SHA256 = re.compile(r"[0-9a-f]{64}")
WHERE = ".where"
"""The suffix of a note that says where a file lies that could not be copied."""


def keep(path: Path, folder: Path | None, warn: Callable[[str], None]) -> tuple[str, int]:
    """Copy a file into a folder under its sha256; returns that and the size. Where there is no room for a copy, the file is
    sent from where it is, if it still is what it was."""
    if path.is_dir():
        raise InvalidInput(f"{path} is a folder", hint="log_artifacts takes folders")
    try:
        source = path.open("rb")
    except FileNotFoundError:
        raise FileMissing(f"there is no file {path}") from None
    with source:
        if folder is None:
            return sha256_stream(source)
        try:
            return _copied(source, folder)
        except OSError as error:
            source.seek(0)
            digest, size = sha256_stream(source)
            warn(f"{path} could not be copied ({error.strerror or error}): it is sent from there, unless it changes first")  # fmt: skip
            _note(folder, digest, path)
            return digest, size


def _copied(source: IO[bytes], folder: Path) -> tuple[str, int]:
    folder.mkdir(mode=0o700, exist_ok=True)
    coming = folder / f"{new_id()}.tmp"
    try:
        with coming.open("x+b") as target:
            _copy(source, target)
            target.flush()
            target.seek(0)
            digest, size = sha256_stream(target)  # of the copy: the file may change meanwhile
        coming.replace(folder / digest)
    except BaseException:
        coming.unlink(missing_ok=True)
        raise
    return digest, size


def _copy(source: IO[bytes], target: IO[bytes]) -> None:
    if hasattr(os, "copy_file_range"):
        with contextlib.suppress(
            OSError
        ):  # what it cannot do here the plain copy can, or cannot either
            while os.copy_file_range(source.fileno(), target.fileno(), 1 << 30):
                pass
        done = os.fstat(target.fileno()).st_size
        if done and done == os.fstat(source.fileno()).st_size:
            return
    source.seek(0)
    os.ftruncate(target.fileno(), 0)
    target.seek(0)
    shutil.copyfileobj(source, target, 1 << 20)


def _note(folder: Path, digest: str, path: Path) -> None:
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        (folder / f"{digest}{WHERE}").write_text(str(path.absolute()))
    except (
        OSError
    ):  # a disk that is full to the last byte: the sender says that the file is missing
        pass


def kept_file(folder: Path, digest: str) -> Path | None:
    """Where the bytes of a file are that was kept; None when they are not."""
    if not SHA256.fullmatch(digest):
        return None
    if (path := folder / digest).exists():
        return path
    try:
        return Path((folder / f"{digest}{WHERE}").read_text())
    except (OSError, ValueError):
        return None


def open_kept(folder: Path, path: Path, digest: str, moved: Callable[[], None]) -> FileIO:
    """That file. `FileMissing` when it is not what was kept: a note may say anything, and no byte of another file leaves
    this machine."""
    try:
        if not path.is_file():
            raise FileMissing(f"{path} is there no more")
        stream = _Watched(path, moved)
    except OSError as error:
        if isinstance(error, FileMissing):
            raise
        raise FileMissing(f"{path} cannot be read: {error.strerror or error}") from error
    if path.parent != folder:
        if sha256_stream(stream)[0] != digest:
            stream.close()
            raise FileMissing(f"{path} is not what it was when it was logged")
        stream.seek(0)
    return stream


class _Watched(FileIO):
    """A file that says when it is read."""

    def __init__(self, path: Path, moved: Callable[[], None]) -> None:
        super().__init__(path)
        self._moved = moved

    def read(self, size: int | None = -1, /) -> bytes:  # type: ignore[override]
        self._moved()
        return super().read(-1 if size is None else size) or b""
