"""Cards on disk: ``<path>.yard.yaml``, read without importing the model, written stably, hand-made comments kept.

To change the format: raise `FORMAT_NUMBER` in `card.py`, keep the reader of the old number here (cards of every number
ever released are read), and add a golden card of the old number to ``tests/cases/cards``. New optional keys need no
new number; a key that older readers would misunderstand does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from modelyard.base.errors import (
    FileMissing,
    InvalidCard,
)
from modelyard.base.paths import replacing
from modelyard.objects.card import (
    Card,
    Created,
    FormatInfo,
    Requirements,
)
from modelyard.objects.card_reader import CARD_FIELDS, read_located
from modelyard.objects.yaml_text import read_yaml, write_yaml
from modelyard.types.spelling import signature_to_dict

SUFFIX = ".yard.yaml"


def card_path(path: Path) -> Path:
    """Where the card of the object at ``path`` stands."""
    return path if path.name.endswith(SUFFIX) else path.with_name(path.name + SUFFIX)


def read_card(path: Path) -> Card:
    """Read a card file. Wrong content is `InvalidCard` naming file, line and field."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        raise FileMissing(f"no card at {path}") from None
    except UnicodeDecodeError as error:
        raise InvalidCard(f"{path}: not UTF-8 text (byte {error.start})") from None
    return parse_card(text, str(path)).but(path=str(path))


def parse_card(text: str, name: str = "card") -> Card:
    """A card from its YAML text."""
    return read_located(read_yaml(text, name), name)


def write_card(card: Card, path: Path) -> None:
    """Write a card file, keeping the comments of the one that is there."""
    earlier = path.read_text("utf-8") if path.exists() else None
    text = card_text(card, earlier)
    with replacing(path) as temporary:
        temporary.write_text(text, "utf-8", newline="\n")


def card_text(card: Card, earlier: str | None = None) -> str:
    """The YAML of a card: stable key order, defaults left out."""
    return write_yaml(card_to_dict(card), earlier)


def card_to_dict(card: Card) -> dict[str, Any]:
    """The card as plain data, in the order of the file."""
    plain: dict[str, Any] = {"yard": card.yard, "kind": card.kind}
    for name in CARD_FIELDS[1:]:
        spelled = _spell(name, getattr(card, name))
        if spelled not in (None, "", [], {}):
            plain[name] = spelled
    return plain


def _spell(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name == "artifact":
        return [{"path": f.path, "size": f.size, "sha256": f.sha256} for f in value]
    if name == "methods":
        return {method: signature_to_dict(s) for method, s in value.items()}
    if name == "schema":
        return value.to_dict()
    if isinstance(value, FormatInfo | Requirements | Created):
        pairs = ((f.name, getattr(value, f.name)) for f in fields(value))
        return {k: _plain(v) for k, v in pairs if v is not None and v not in ("", (), [])}
    return _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_plain(v) for v in value]
    return value
