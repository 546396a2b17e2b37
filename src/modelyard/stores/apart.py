"""Files of saved objects kept apart from the project that they belong to, by another product's rules: a pointer stays.

How to add one: a package ``stores/<word>`` with a module ``keeping`` that has the functions of `Apart`. Its word is the value
of the setting ``storage``, and nothing else knows it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from modelyard.base.config import settings
from modelyard.base.errors import InvalidSetting, did_you_mean
from modelyard.base.project import find_root

WORDS = ("dvc",)

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

    def tracks(self, target: Path) -> bool:
        """Whether the object at a path is kept so already."""
        ...

    def keep(self, artifact: Path, target: Path) -> str:
        """Keep a finished artifact (a file or folder, soon to stand at ``target``) and let Git ignore it; the text of its
        pointer. What stands at ``target`` now is not touched."""
        ...

    def pointer_path(self, target: Path) -> Path:
        """Where the pointer of the object at a path stands."""
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
    """The way of that word. `InvalidSetting` for another word."""
    if word not in WORDS:
        raise InvalidSetting(
            f"storage is {word!r}", hint=did_you_mean(word, WORDS) or f"one of: {', '.join(WORDS)}"
        )
    return cast(Apart, importlib.import_module(f"modelyard.stores.{word}.keeping"))


def apart_for(target: Path, wanted: str | None) -> Apart | None:
    """How an object that is saved at ``target`` is kept apart: ``""`` not at all, None as the project's setting or the
    pointer that stands there already says."""
    if wanted is not None:
        return apart(wanted) if wanted else None
    for word in WORDS:
        if apart(word).tracks(target):
            return apart(word)
    found = settings(find_root(target.parent.absolute())).values
    told = found.get("storage") or found.get("storage.kind")
    return apart(told.value) if told is not None and isinstance(told.value, str) else None


def kept_apart(target: Path) -> Apart | None:
    """How the object at a path is kept apart now."""
    return next((way for word in WORDS if (way := apart(word)).tracks(target)), None)
