"""Objects in a folder of this machine: a project's DVC cache, or what this user fetched earlier."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Generator, Set
from dataclasses import dataclass
from pathlib import Path

from modelyard.base.clock import new_id
from modelyard.base.errors import Corrupted
from modelyard.base.paths import discard, full_disk_named
from modelyard.base.project import cache_dir
from modelyard.stores.dvc.names import ObjectId, matches
from modelyard.stores.pruning import keep_within

MODE = 0o444
_FICLONE = 0x40049409


@dataclass(frozen=True)
class ObjectFolder:
    """A folder of objects; made when the first one is added. Processes may share it."""

    root: Path
    ours: bool = False
    """Whether what is damaged may be thrown away, because it can be fetched again."""

    def path(self, oid: ObjectId) -> Path:
        """Where an object is, or would be."""
        return Path(f"{self.root}/{oid.place}")

    def there(self, oid: ObjectId) -> Path | None:
        """Where an object is, in either layout."""
        for candidate in (oid, oid.other()):
            if os.path.isfile(path := f"{self.root}/{candidate.place}"):  # noqa: PTH113  a path object costs more than the look
                return Path(path)
        return None

    def verified(self, oid: ObjectId, what: str) -> Path | None:
        """The same, its bytes checked. One that is damaged goes when it is ours, and is `Corrupted` when not."""
        path = self.there(oid)
        if path is None or _is_known(path):
            return path
        if matches(oid, path):
            if self.ours:  # what was used lately is kept longest
                with contextlib.suppress(OSError):
                    os.utime(path)
            _know(path)
            return path
        if self.ours:
            discard(path)
            return None
        raise Corrupted(
            f"{what}: {path} in the DVC cache is damaged (its md5 is not {oid.md5})",
            hint=f"remove that file, and it is fetched from the remote again: rm -f {path}",
        )

    @contextlib.contextmanager
    def adding(self, oid: ObjectId) -> Generator[Path]:
        """A path to write an object to; it appears under its name when the block ends."""
        target = self.path(oid)
        with full_disk_named(self.root):
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary = target.with_name(f".{new_id()[-12:]}.tmp")
            try:
                yield temporary
                temporary.chmod(MODE)
                temporary.replace(target)
            finally:
                discard(temporary)
        _know(target)

    def prune(self, most: int, keep: Set[Path] = frozenset()) -> None:
        """Delete what was not used for longest until ``most`` bytes are left; ``keep`` stays."""
        found: list[tuple[int, int, Path]] = []
        for folder, _, names in os.walk(self.root):
            for name in names:
                with contextlib.suppress(FileNotFoundError):
                    stat = Path(folder, name).lstat()
                    found.append((stat.st_mtime_ns, stat.st_size, Path(folder, name)))

        def remove(path: Path) -> bool:
            if path not in keep:
                discard(path)
            return path not in keep

        keep_within(found, most, remove)


def user_objects() -> ObjectFolder:
    """What this user fetched, for all projects."""
    return ObjectFolder(cache_dir() / "dvc", ours=True)


_known: set[tuple[str, int, int, int]] = set()
"""Files that this process has verified, as they were then."""


def _state(path: Path) -> tuple[str, int, int, int]:
    stat = path.stat()
    return str(path), stat.st_ino, stat.st_mtime_ns, stat.st_size


def _is_known(path: Path) -> bool:
    return _state(path) in _known


def _know(path: Path) -> None:
    if len(_known) > 100_000:
        _known.clear()
    _known.add(_state(path))


def place_file(source: Path, target: Path, kinds: tuple[str, ...] = ("reflink", "copy")) -> None:
    """A file of its own with an object's bytes: a clone that shares the blocks where the disk can, else a copy; or, when
    the project says so, a link. ``target`` must not be there."""
    for kind in kinds:
        try:
            if kind == "reflink":
                _clone(source, target)
            elif kind == "hardlink":
                os.link(source, target)
            elif kind == "symlink":
                target.symlink_to(source.absolute())
            else:
                shutil.copyfile(source, target)
        except OSError:
            discard(target)
            if kind == kinds[-1]:
                raise
            continue
        return


def _clone(source: Path, target: Path) -> None:
    if sys.platform != "linux":
        raise OSError("no clones here")
    import fcntl

    with source.open("rb") as read, target.open("xb") as write:
        fcntl.ioctl(write.fileno(), _FICLONE, read.fileno())
