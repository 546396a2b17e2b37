"""One-line remarks for the person at the keyboard: on stderr, never on stdout, never an exception.

>>> with collected() as lines:
...     note("saved as tier 2")
>>> lines
['saved as tier 2']
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Generator
from contextvars import ContextVar

_sink: ContextVar[list[str] | None] = ContextVar("modelyard_notes", default=None)


def note(text: str) -> None:
    """Say one line; ``MODELYARD_QUIET=1`` silences it."""
    sink = _sink.get()
    if sink is not None:
        sink.append(text)
    elif os.environ.get("MODELYARD_QUIET") != "1":
        sys.stderr.write(f"modelyard: {text}\n")


@contextlib.contextmanager
def collected() -> Generator[list[str]]:
    """Catch the notes of a block in a list instead of printing them."""
    lines: list[str] = []
    token = _sink.set(lines)
    try:
        yield lines
    finally:
        _sink.reset(token)
