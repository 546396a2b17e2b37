"""The one place that turns foreign names into paths, and writes files so that a crash leaves old or new, never half.

Paths that come with a model, a request or an archive are data: rejected when they are not plain relative
segments, never repaired. Files below a root are opened segment by segment without following links.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import unicodedata
from collections.abc import Generator
from pathlib import Path
from typing import IO

from modelyard.base.clock import new_id
from modelyard.base.errors import FileMissing, InvalidPath, StorageFull

MAX_PATH = 1024
MAX_SEGMENT = 255
MAX_DEPTH = 64
"""Folders in folders, for artifacts."""

_DEVICES = frozenset(
    ["con", "prn", "aux", "nul", *(f"{d}{n}" for d in ("com", "lpt") for n in range(1, 10))]
)


def safe_segments(path: str) -> tuple[str, ...]:
    """The segments of a relative POSIX path, or `InvalidPath` saying what is wrong with it.

    >>> safe_segments("models/churn")
    ('models', 'churn')
    >>> safe_segments("../etc/passwd")
    Traceback (most recent call last):
    modelyard.base.errors.InvalidPath: path '../etc/passwd' is refused: '..' is not a name
    """
    if not path:
        raise InvalidPath("path '' is refused: it is empty")
    if len(path) > MAX_PATH:
        raise InvalidPath(f"path {path[:40]!r}… is refused: longer than {MAX_PATH} characters")
    segments = tuple(path.split("/"))
    for segment in segments:
        if reason := _why_not(segment):
            raise InvalidPath(f"path {path!r} is refused: {reason}")
    return segments


def artifact_segments(path: str) -> tuple[str, ...]:
    """The segments of a path inside a run or logged model: those of `safe_segments`, in one normal form of Unicode,
    so that two paths that look alike are one, and not nested without end.

    >>> artifact_segments("plots/roc.svg")
    ('plots', 'roc.svg')
    >>> artifact_segments("a/" * 64 + "b")
    Traceback (most recent call last):
    modelyard.base.errors.InvalidPath: path 'a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/'… is refused: more than 64 segments
    """
    segments = safe_segments(path)
    if not unicodedata.is_normalized("NFC", path):
        raise InvalidPath(f"path {path!r} is refused: its accents are written apart (not NFC)")
    if len(segments) > MAX_DEPTH:
        raise InvalidPath(f"path {path[:40]!r}… is refused: more than {MAX_DEPTH} segments")
    return segments


def _why_not(segment: str) -> str | None:
    if not segment:
        return "it has an empty segment"
    if segment in (".", ".."):
        return f"{segment!r} is not a name"
    if len(segment.encode("utf-8", "surrogatepass")) > MAX_SEGMENT:
        return f"a segment is longer than {MAX_SEGMENT} bytes"
    if any(c in '\\:%*?"<>|' for c in segment):
        return f"{segment!r} has a character that is special on some system"
    if any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co") for c in segment):
        return "it has a control or invisible character"
    # A full-width full stop becomes '.' under compatibility normalisation: somebody's '..' in disguise.
    if unicodedata.normalize("NFKC", segment) in (".", "..") or segment[-1] in ". ":
        return f"{segment!r} ends in a dot or blank, or hides one"
    if segment.split(".")[0].lower() in _DEVICES:
        return f"{segment!r} is a device name on Windows"
    return None


def open_below(root: Path, path: str) -> IO[bytes]:
    """Open a regular file below a root for reading, following no link on the way.

    Raises `InvalidPath` for a path that is not plain or runs through a link, `FileMissing` when nothing is there.
    """
    segments = safe_segments(path)
    if os.name == "nt" or not hasattr(os, "O_NOFOLLOW"):  # no openat there: check, then open
        target = root.joinpath(*segments)
        for part in (target, *target.parents):
            if part == root:
                break
            if part.is_symlink():
                raise InvalidPath(f"path {path!r} is refused: {part.name!r} is a link")
        try:
            return target.open("rb")
        except FileNotFoundError:
            raise FileMissing(f"no file {path!r} in {root}") from None
    directory = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for segment in segments[:-1]:
            inner = os.open(segment, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=directory)
            os.close(directory)
            directory = inner
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        file = os.open(segments[-1], flags, dir_fd=directory)
    except FileNotFoundError:
        raise FileMissing(f"no file {path!r} in {root}") from None
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise InvalidPath(f"path {path!r} is refused: it runs through a link") from None
        raise
    finally:
        os.close(directory)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise InvalidPath(f"path {path!r} is refused: not a regular file")
    return os.fdopen(file, "rb")


def list_below(root: Path) -> list[str]:
    """Sorted relative POSIX paths of the regular files below a folder; a link anywhere is refused."""
    found: list[str] = []
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            entry = Path(folder, name)
            if entry.is_symlink():
                relative = entry.relative_to(root).as_posix()
                raise InvalidPath(f"path {relative!r} is refused: it is a link")
        found += [Path(folder, name).relative_to(root).as_posix() for name in files]
    return sorted(found)


@contextlib.contextmanager
def full_disk_named(where: Path) -> Generator[None]:
    """Turn the operating system's 'no space left' into `StorageFull` that names the place."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull(
                f"no space left while writing {where}",
                hint="free some space and try again; what was there before is unchanged",
            ) from error
        raise


@contextlib.contextmanager
def replacing(target: Path) -> Generator[Path]:
    """A temporary path beside the target; on success it takes the target's place at once, else it goes.

    The block may make a file or a folder there. Bytes are flushed to the disk before the swap.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name[:40]}.{new_id()[-12:]}.tmp")
    try:
        with full_disk_named(target):
            yield temporary
            sync(temporary)
            swap(temporary, target)
    finally:
        discard(temporary)


def swap(new: Path, target: Path) -> None:
    """Move a finished file or folder into place, replacing what is there."""
    if target.is_dir() or (new.is_dir() and target.exists()):
        # A folder cannot be replaced in one step: the old one is parked, and put back on failure.
        parked = target.with_name(f".{target.name[:40]}.{new_id()[-12:]}.old")
        target.rename(parked)
        try:
            new.rename(target)
        except BaseException:
            parked.rename(target)
            raise
        discard(parked)
    else:
        new.replace(target)
    sync_folder(target.parent)


def sync(path: Path) -> None:
    """Flush a file, or all files of a folder, to the disk."""
    for file in [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]:
        with file.open("rb+") as stream:
            os.fsync(stream.fileno())


def sync_folder(folder: Path) -> None:
    """Flush a folder's own entries, where the system can (Windows cannot, and need not)."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def discard(path: Path) -> None:
    """Remove a file or folder if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
