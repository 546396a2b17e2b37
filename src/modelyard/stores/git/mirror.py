"""Mirrors of remote repositories in the user's cache: bare, and with what was asked for only.

``git/<digest of the URL>/`` holds ``repository`` (the mirror), ``lock`` (held while something is fetched) and ``used``
(held, together with others, by all who read; its time says when it was last used). A commit of which everything but
contents is here has the reference ``refs/kept/<its id>``: Git sets it when all has arrived.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import weakref
from collections.abc import Generator
from pathlib import Path

from modelyard.base.clock import new_id
from modelyard.base.errors import TimedOut
from modelyard.base.paths import discard, full_disk_named
from modelyard.base.project import cache_bytes, cache_dir
from modelyard.stores.git.address import Address
from modelyard.stores.git.command import git
from modelyard.stores.locks import locked, taken
from modelyard.stores.pruning import keep_within

WAIT_SECONDS = 1800.0
"""How long to wait while another process fetches from the same place."""
_TRIES = 100


def mirrors() -> Path:
    """The folder of all mirrors."""
    return cache_dir() / "git"


class Mirror:
    """What the cache has of one URL. Removed by nobody while this object lives."""

    def __init__(self, address: Address) -> None:
        self.address = address
        digest = hashlib.sha256(address.url.encode()).hexdigest()
        self.folder = mirrors() / digest[:32]
        weakref.finalize(self, os.close, self._use())

    @property
    def git_dir(self) -> Path:
        """The bare repository; made when it is not there, for ids of 40 digits."""
        self.ready()
        return self.folder / "repository"

    def ready(self, oid: str = "") -> Path:
        """The bare repository, for ids as long as this one."""
        path = self.folder / "repository"
        if not path.is_dir():
            made = self.folder / f"new-{new_id()}"
            kind = "sha256" if len(oid) == 64 else "sha1"
            git(self.folder, "init", "-q", "--bare", "--template=", f"--object-format={kind}", made.name)  # fmt: skip
            with contextlib.suppress(OSError):  # somebody else was faster
                made.rename(path)
            discard(made)
        return path

    def keeps(self, oid: str) -> bool:
        """Whether all trees of a commit are here."""
        return (self.folder / "repository" / "refs" / "kept" / oid).exists()

    def known(self, oid: str) -> str:
        """The commit that an id was found to be, its own or a tag's; empty when it was not asked for yet."""
        try:
            return (self.folder / "repository" / "refs" / "peeled" / oid).read_text().strip()
        except OSError:
            return ""

    @property
    def is_whole(self) -> bool:
        """Whether the server sends whole commits only, so that all that is here is complete."""
        return (self.folder / "whole").exists()

    def note_whole(self) -> None:
        """Remember that the server cannot leave contents out."""
        (self.folder / "whole").touch()

    @contextlib.contextmanager
    def writing(self, oid: str = "") -> Generator[Path]:
        """The bare repository, for oneself; what a fetch that was killed left behind is gone."""
        what = f"the cache of {self.address.url}"
        with locked(self.folder / "lock", what, WAIT_SECONDS), full_disk_named(self.folder):
            path = self.ready(oid)
            _tidy(path)
            yield path

    def forget(self) -> None:
        """Throw away all that is here (the lock is held): to begin anew where something is broken."""
        discard(self.folder / "repository")
        (self.folder / "whole").unlink(missing_ok=True)

    def _use(self) -> int:
        """A descriptor that holds ``used`` until it is closed."""
        for _ in range(_TRIES):
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if held := taken(self.folder / "used", shared=True):
                with held:
                    os.utime(self.folder / "used")
                    return os.dup(held.fileno())
        raise TimedOut(f"the cache of {self.address.url} is being removed by another process")


def _tidy(path: Path) -> None:
    """Nobody else writes here: locks and half packs are those of a fetch that was killed."""
    for pattern in (
        "*.lock",
        "objects/pack/tmp_*",
        "objects/pack/*.lock",
        "objects/tmp_*",
        "refs/**/*.lock",
    ):
        for left in path.glob(pattern):
            with contextlib.suppress(OSError):
                shutil.rmtree(left) if left.is_dir() else left.unlink()


def prune() -> int:
    """Remove mirrors that were not used for the longest time, until the rest fits into the cache; those that somebody
    reads stay. Returns how many went."""
    found = [(_last_used(f), _size(f), f) for f in mirrors().iterdir() if f.is_dir()]
    return keep_within(found, cache_bytes(), _removed)


def _removed(folder: Path) -> bool:
    held = taken(folder / "used")
    if not held:
        return False
    with held:
        shutil.rmtree(folder, ignore_errors=True)
    return True


def _size(folder: Path) -> int:
    total = 0
    for inner, _, files in os.walk(folder):
        for name in files:
            with contextlib.suppress(OSError):  # it went at this moment
                total += Path(inner, name).stat().st_size
    return total


def _last_used(folder: Path) -> float:
    try:
        return (folder / "used").stat().st_mtime
    except OSError:
        return 0.0
