"""The words of a filter, and errors that point at one."""

from __future__ import annotations

import re
from dataclasses import dataclass

from modelyard.base.errors import InvalidInput

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<text>'(?:[^']|'')*')
  | (?P<quoted>"(?:[^"]|"")*"|`(?:[^`]|``)*`)
  | (?P<later>(?<=[\w"`]\.)\d[\w/-]*)
  | (?P<number>[+-]?(?:\d+\.?\d*|(?<![\w"`])\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
  | (?P<word>[^\W\d][\w/-]*)
  | (?P<sign><=|>=|!=|<>|==|!~|[=<>~(),.])
  )""",
    re.VERBOSE,
)
_KEYWORDS = frozenset(["and", "or", "not", "in", "like", "ilike", "is", "null", "true", "false"])


@dataclass(frozen=True, slots=True)
class Token:
    """A word, its kind, and where it stands."""

    kind: str
    text: str
    at: int


def tokens(text: str) -> list[Token]:
    """The words of a text. `InvalidInput` points at what is none."""
    found: list[Token] = []
    text, at = text.rstrip(), 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            start = at + len(text[at:]) - len(text[at:].lstrip())
            quote = text[start] in "'\"`"
            raise fault(
                text, start, "a quote is not closed" if quote else "this means nothing here"
            )
        kind = str(match.lastgroup)
        word, start = match[kind], match.start(kind)
        if kind == "word" and word.lower() in _KEYWORDS:
            kind, word = "keyword", word.lower()
        found.append(Token(kind, word, start))
        at = match.end()
    return found


def fault(
    text: str, at: int, what: str, *, hint: str | None = None, unread: bool = True
) -> InvalidInput:
    """The error that points at a place in a filter: ``unread`` where it is no filter at all, else what it asks for
    is wrong."""
    near = text[at : at + 20]
    where = f"at {near!r}" if near else "at its end"
    message = f"the filter cannot be read {where}: {what}" if unread else what
    example = "as in: metrics.accuracy > 0.9 and flavor = 'sklearn'"
    return InvalidInput(
        f"{message}\n{_pointed(text, at)}", hint=hint or (example if unread else None)
    )


_BEFORE, _SHOWN = 50, 90


def _pointed(text: str, at: int) -> str:
    """The text around a place, on one line, and a line that points there."""
    start = max(at - _BEFORE, 0)
    shown = "".join(c if c.isprintable() else " " for c in text[start : start + _SHOWN])
    left = "…" if start else ""
    right = "…" if len(text) > start + _SHOWN else ""
    return f"  {left}{shown}{right}\n  {' ' * (len(left) + at - start)}^"
