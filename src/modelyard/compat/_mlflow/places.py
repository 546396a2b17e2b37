"""Where MLflow says files are, and which of that may be opened: places below a root that the user named, or that is the
store's own. A database is a file like any other, and may name ``file:///etc``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote, urlsplit

from modelyard.base.errors import FileMissing, MissingExtra, NotAllowed
from modelyard.compat._mlflow.interface import Folder

_TAIL = re.compile(r"(?:^|/)([^/]+/(?:models/m-)?[0-9a-f]{32}/artifacts(?:/.*)?)$")
"""The end of a place that says whose it is: ``1/<run>/artifacts/…``, ``1/models/m-<id>/artifacts/…``."""


class Places:
    """Roots, and what lies below them."""

    def __init__(self, roots: Sequence[str]) -> None:
        self._local = [local for root in roots if (local := _local(root)) is not None]
        self._real = [Path(os.path.realpath(root)) for root in self._local]
        self._remote = [root.rstrip("/") for root in roots if _local(root) is None]

    def folder(self, uri: str) -> Folder | None:
        """The files at a place; None when nothing is there. `NotAllowed` when it is below none of the roots."""
        named = _local(uri)
        if named is None and not uri.startswith("mlflow-artifacts:"):
            return self._elsewhere(uri)
        tail = urlsplit(uri).path if named is None else str(named)
        inside = [p for p in self._candidates(named, tail) if self._seems_allowed(p)]
        for path in inside:
            if path.is_dir() and self._allowed(path):
                return LocalFolder(path)
        if named is not None and not inside:
            raise NotAllowed(
                f"{_shown(uri)} is not opened: it is below no root of artifacts",
                hint="name the root: --artifacts",
            )
        if named is None and not self._local and not self._remote:
            raise NotAllowed(
                f"{_shown(uri)} is a place of the server's own",
                hint="--artifacts names its root, or migrate from the server's address",
            )
        return self._remote_copy(tail) if named is None else None

    def _candidates(self, named: Path | None, tail: str) -> Iterator[Path]:
        """The place itself, and the same below each root: a store may have been moved since."""
        if named is not None:
            yield named
        match = _TAIL.search(unquote(tail))
        rests = [match[1]] if match else []
        if named is None:
            rests.insert(0, unquote(tail).lstrip("/"))
        for root in self._local:
            for rest in rests:
                yield root / rest

    def _seems_allowed(self, path: Path) -> bool:
        """By its name alone, which costs nothing."""
        roots = (*self._local, *self._real)
        return ".." not in path.parts and any(path.is_relative_to(root) for root in roots)

    def _allowed(self, path: Path) -> bool:
        real = Path(os.path.realpath(path))
        return any(real.is_relative_to(root) for root in self._real)

    def _elsewhere(self, uri: str) -> Folder | None:
        for root in self._remote:
            if uri == root or uri.startswith(f"{root}/"):
                return _remote(uri)
        raise NotAllowed(
            f"{_shown(uri)} is not opened: it is below no root of artifacts",
            hint="name the root: --artifacts",
        )

    def _remote_copy(self, tail: str) -> Folder | None:
        found = (_remote(f"{root}/{unquote(tail).lstrip('/')}") for root in self._remote)
        return next((folder for folder in found if folder is not None), None)


def _local(uri: str) -> Path | None:
    """The path that a place means, None when it is no path of this machine."""
    parts = urlsplit(uri)
    if parts.scheme == "file":
        return Path(unquote(parts.path)).absolute()
    if parts.scheme == "" or len(parts.scheme) == 1:  # a drive's letter
        return Path(uri).expanduser().absolute()
    return None


def _shown(uri: str) -> str:
    """Without a password or a signature."""
    parts = urlsplit(uri)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}" if host else uri.partition("?")[0]


class LocalFolder:
    """A folder of this machine. Links that lead out of it are passed over."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._real = os.path.realpath(path)

    def list(self) -> Iterator[str]:
        for folder, folders, files in os.walk(self._path):
            folders.sort()
            for name in sorted(files):
                path = Path(folder, name)
                if self._inside(path) and path.is_file():
                    yield path.relative_to(self._path).as_posix()

    def open(self, path: str) -> IO[bytes]:
        file = self._path / path
        if not self._inside(file):
            raise FileMissing(f"{path} leads out of its folder")
        return file.open("rb")

    def _inside(self, path: Path) -> bool:
        return Path(os.path.realpath(path)).is_relative_to(self._real)


class RemoteFolder:
    """A folder in a bucket or the like."""

    def __init__(self, filesystem: Any, root: str) -> None:
        self._files, self._root = filesystem, root.rstrip("/")

    def list(self) -> Iterator[str]:
        for path in sorted(self._files.find(self._root)):
            yield path[len(self._root) + 1 :]

    def open(self, path: str) -> IO[bytes]:
        return self._files.open(f"{self._root}/{path}", "rb")


def _remote(uri: str) -> RemoteFolder | None:
    try:
        import fsspec
    except ModuleNotFoundError as error:
        raise MissingExtra(_shown(uri), "s3", missing=error.name) from error
    try:
        filesystem, root = fsspec.core.url_to_fs(uri)
    except ImportError as error:
        raise MissingExtra(_shown(uri), urlsplit(uri).scheme, missing=error.name) from error
    except ValueError as error:
        raise NotAllowed(f"{_shown(uri)} is at no place that is known: {error}") from None
    return RemoteFolder(filesystem, root) if filesystem.exists(root) else None
