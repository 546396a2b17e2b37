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


_UNPRINTABLE = dict.fromkeys(
    [*(n for n in range(32) if n not in (9, 10)), *range(127, 160), 0x200E, 0x200F,
     *range(0x202A, 0x202F), *range(0x2066, 0x206A)], "\ufffd",
)  # fmt: skip
"""What moves the cursor, colours the screen or turns the reading direction: a card's text must not."""


def printable(text: str) -> str:
    """Text as a terminal may show it.

    >>> printable("a\\x1b[31mb")
    'a\ufffd[31mb'
    """
    return text.translate(_UNPRINTABLE)


def note(text: str) -> None:
    """Say one line; ``MODELYARD_QUIET=1`` silences it."""
    sink = _sink.get()
    if sink is not None:
        sink.append(text)
    elif os.environ.get("MODELYARD_QUIET") != "1":
        sys.stderr.write(f"modelyard: {printable(text)}\n")


@contextlib.contextmanager
def collected() -> Generator[list[str]]:
    """Catch the notes of a block in a list instead of printing them."""
    lines: list[str] = []
    token = _sink.set(lines)
    try:
        yield lines
    finally:
        _sink.reset(token)
