"""What a tag's message says: words, GTO's where nobody gave others, and below them what we note of a version.

GTO never reads a message, so that any text is as good. Ours end with lines of their own when there is something to note::

    Registering artifact churn version v0.0.1

    Modelyard-Digest: sha256:5f0c…
    Modelyard-Facts: {"flavor": "sklearn"}
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from modelyard.base.digests import canonical_json
from modelyard.base.errors import InvalidInput
from modelyard.registry._git.tags import Action, TagName

_MARK = "Modelyard-"
_DIGEST = f"{_MARK}Digest: sha256:"
_FACTS = f"{_MARK}Facts: "


class Message(NamedTuple):
    """A message taken apart."""

    comment: str
    """Empty where it is what GTO would say."""
    digest: str = ""
    facts: Mapping[str, Any] = MappingProxyType({})


def default_words(said: TagName, version: str = "") -> str:
    """What GTO writes; ``version`` is the one at the commit."""
    return _WORDS[said.action](said.name, said.what, version)


_WORDS: Mapping[Action, Callable[[str, str, str], str]] = {
    Action.REGISTER: lambda name, what, _: f"Registering artifact {name} version {what}",
    Action.DEREGISTER: lambda name, what, _: f"Deregistering artifact {name} version {what}",
    Action.ASSIGN: lambda name, what, v: f"Assigning stage {what} to artifact {name} version {v}",
    Action.UNASSIGN: lambda name, what, v: (
        f"Unassigning stage '{what}' to artifact '{name}' version '{v}'"
    ),
    Action.ALIAS: lambda name, what, v: f"Pointing alias {what} of {name} to version {v}",
    Action.UNALIAS: lambda name, what, _: f"Removing alias {what} of {name}",
    Action.DEPRECATE: lambda name, *_: f"Deprecating artifact '{name}'",
    Action.CREATE: lambda name, *_: f"Creating artifact '{name}'",
}


def compose(
    said: TagName, version: str, comment: str, digest: str = "", facts: Mapping[str, Any] | None = None
) -> str:  # fmt: skip
    """The message of a new tag."""
    words = comment.strip() or default_words(said, version)
    if _notes(words)[1]:
        raise InvalidInput(f"a comment that ends with lines of {_MARK}… is not kept")
    lines = [f"{_DIGEST}{digest}"] if digest else []
    if facts:
        lines.append(f"{_FACTS}{canonical_json(dict(facts)).decode()}")
    return "\n\n".join([words, *(["\n".join(lines)] if lines else [])]) + "\n"


def take_apart(text: str, said: TagName, version: str = "") -> Message:
    """What a message says. Notes that are none of ours, or broken, are part of the words."""
    words, notes = _notes(text) if _MARK in text else (text, [])
    comment = "" if words == default_words(said, version) else words
    digest, facts = "", dict[str, Any]()
    for line in notes:
        if line.startswith(_DIGEST):
            digest = line.removeprefix(_DIGEST)
        else:
            facts = json.loads(line.removeprefix(_FACTS))
    return Message(comment, digest, facts)


def _notes(text: str) -> tuple[str, list[str]]:
    words, blank, last = text.rpartition("\n\n")
    lines = last.split("\n")
    if blank and all(map(_is_note, lines)):
        return words, lines
    return text, []


def _is_note(line: str) -> bool:
    if line.startswith(_DIGEST):
        digest = line.removeprefix(_DIGEST)
        return len(digest) == 64 and not set(digest) - set("0123456789abcdef")
    if not line.startswith(_FACTS):
        return False
    try:
        facts = json.loads(line.removeprefix(_FACTS))
        canonical_json(facts)  # refuses NaN, which is no JSON
    except (ValueError, RecursionError):
        return False
    return isinstance(facts, dict)
