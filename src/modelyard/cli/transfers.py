"""What `push` and `pull` share: their options, a line that counts, and what they say in the end."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import Any, Self

import click

from modelyard.stores.apart import Moved

INTERVAL = 0.2

remote_option = click.option("--remote", metavar="NAME", help="Another remote than the default.")
jobs_option = click.option(
    "--jobs", type=click.IntRange(1, 256), help="How many transfers side by side."
)


class Transfers:
    """A line on a terminal's stderr, redrawn a few times a second, when it takes long enough to wonder."""

    def __init__(self, done: str) -> None:
        self._done, self._files, self._bytes = done, 0, 0
        self._shown = sys.stderr.isatty() and os.environ.get("MODELYARD_QUIET") != "1"
        self._next = time.monotonic() + 2 * INTERVAL
        self._drawn = False
        self._lock = threading.Lock()

    def __call__(self, path: str, size: int) -> None:
        with self._lock:
            self._files, self._bytes = self._files + 1, self._bytes + size
            if self._shown and time.monotonic() >= self._next:
                self._next = time.monotonic() + INTERVAL
                self._drawn = True
                sys.stderr.write(
                    f"\r{self._done} {self._files:,} files, {self._bytes / 1e6:,.1f} MB "
                )
                sys.stderr.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._drawn:
            sys.stderr.write("\n")


def moved(found: Moved, dry_run: bool) -> dict[str, Any]:
    """As plain JSON."""
    return {
        "paths": list(found.paths),
        "objects": found.objects,
        "bytes": found.bytes,
        "unchanged": found.unchanged,
        "remotes": list(found.remotes),
        "dry_run": dry_run,
    }


def told(found: Moved, done: str, way: str) -> str:
    """As a line for people."""
    if not found.paths:
        return f"nothing to do: {_many(found.unchanged, 'file')} in place"
    place = f" {way} {', '.join(found.remotes)}" if found.remotes and found.objects else ""
    files, contents = _many(len(found.paths), "file"), _many(found.objects, "content")
    return f"{done} {files} ({contents}, {_many(found.bytes, 'byte')}){place}"


def _many(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"
