"""Files of saved objects kept apart from the project that they belong to, by another product's rules: a pointer stays.

How to add one: a package ``stores/<word>`` with a module ``keeping`` that has the functions of `Apart`. Its word is the value
of the setting ``storage``, and nothing else knows it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from modelyard.base.config import settings
from modelyard.base.errors import InvalidSetting, did_you_mean
from modelyard.base.project import find_root

SUFFIXES: Mapping[str, str] = {"dvc": ".dvc"}
"""Word -> how the pointer is called that stands beside an object."""

Progress = Callable[[str, int], None]
"""Called with the path of what has arrived, and its bytes."""


@dataclass(frozen=True)
class Moved:
    """What `push` or `pull` did, or with ``dry_run`` would do."""

    paths: tuple[str, ...]
    """Files that were sent, or that changed here, from the project's root."""
    objects: int = 0
    """How many contents crossed the wire: equal ones once."""
    bytes: int = 0
    unchanged: int = 0
    """Files that were there already."""
    remotes: tuple[str, ...] = ()


class Apart(Protocol):
    """What a way to keep files apart does."""

    def keep(self, artifact: Path, target: Path) -> str:
        """Keep a finished artifact (a file or folder, soon to stand at ``target``) and let Git ignore it; the text of its
        pointer. What stands at ``target`` now is not touched."""
        ...

    def release(self, target: Path) -> None:
        """Keep the object at a path so no longer: the pointer goes, and Git sees the files."""
        ...

    def push(
        self,
        paths: Sequence[str | Path] = (),
        *,
        remote: str | None = None,
        jobs: int | None = None,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> Moved:
        """Send what the remote lacks."""
        ...

    def pull(
        self,
        paths: Sequence[str | Path] = (),
        *,
        remote: str | None = None,
        jobs: int | None = None,
        dry_run: bool = False,
        force: bool = False,
        progress: Progress | None = None,
    ) -> Moved:
        """Bring what is missing here."""
        ...


def apart(word: str) -> Apart:
    """The way of that word."""
    return cast(Apart, importlib.import_module(f"modelyard.stores.{word}.keeping"))


def pointer_path(target: Path, word: str) -> Path:
    """Where the pointer of the object at a path stands."""
    return target.with_name(target.name + SUFFIXES[word])


def word_for(target: Path, wanted: str | None) -> str:
    """How an object that is saved at ``target`` is kept: ``""`` is not apart. Where the caller says nothing (None), as the
    pointer that stands there already says, else the project's setting ``storage``."""
    word = kept_apart(target) if wanted is None else wanted
    if wanted is None and not word:
        found = settings(find_root(target.parent.absolute())).values
        told = found.get("storage") or found.get("storage.kind")
        word = told.value if told is not None else ""
    if word and word not in SUFFIXES:
        known = ", ".join(SUFFIXES)
        raise InvalidSetting(
            f"storage is {word!r}", hint=did_you_mean(word, SUFFIXES) or f"one of: {known}"
        )
    return word


def push(
    paths: Sequence[str | Path] = (),
    *,
    remote: str | None = None,
    jobs: int | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Moved:
    """Send what the project's DVC remote lacks: of the objects, tracked files and folders at some paths, by default of
    all. Needs no DVC.

    ``remote`` names another than the default one, ``jobs`` says how many transfers go side by side. Each file is verified
    before it goes; when one is nowhere to be found, `NotFound` names it and nothing is sent.
    """
    way = apart(next(iter(SUFFIXES)))
    return way.push(paths, remote=remote, jobs=jobs, dry_run=dry_run, progress=progress)


def pull(
    paths: Sequence[str | Path] = (),
    *,
    remote: str | None = None,
    jobs: int | None = None,
    dry_run: bool = False,
    force: bool = False,
    progress: Progress | None = None,
) -> Moved:
    """Bring what DVC tracks and is missing here: of some paths, by default all of the project. Needs no DVC.

    Every byte is verified. A file that was changed here and is kept nowhere else is a `Conflict`, before anything is
    done; ``force`` overwrites it.
    """
    way = apart(next(iter(SUFFIXES)))
    return way.pull(
        paths, remote=remote, jobs=jobs, dry_run=dry_run, force=force, progress=progress
    )


def kept_apart(target: Path) -> str:
    """How the object at a path is kept apart now; ``""`` when it is not."""
    return next((word for word in SUFFIXES if pointer_path(target, word).is_file()), "")
