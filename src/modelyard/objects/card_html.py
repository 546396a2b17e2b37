"""A card as a notebook shows it: a small table, no scripts, every value escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from modelyard.objects.card import Card
from modelyard.types.schema import Signature


def card_html(card: Card) -> str:
    """The HTML of a card."""
    rows = {name: value for name, value in _rows(card).items() if value}
    cells = "".join(
        f"<tr><th style='text-align:left'>{escape(k)}</th><td>{escape(v)}</td></tr>"
        for k, v in rows.items()
    )
    return f"<table>{cells}</table>{_columns(card.profile)}"


def _rows(card: Card) -> dict[str, str]:
    form = card.format
    return {
        "kind": f"{card.kind} {card.flavor}".strip(),
        "description": card.description,
        "labels": ", ".join(card.labels),
        "format": f"{form.name}, tier {form.tier}" if form else "",
        "shape": " x ".join(map(str, card.shape)),
        **{f"{name}()": _signature(s) for name, s in card.methods.items()},
        "metrics": ", ".join(f"{k} {v:.4g}" for k, v in card.metrics.items()),
        "needs": ", ".join(card.requirements.packages),
        "saved": " by ".join(part for part in (card.created.at, card.created.by) if part),
        "digest": card.digest,
    }


def _signature(signature: Signature) -> str:
    args = ", ".join(f"{name}: {a.type.kind}" for name, a in signature.args.items())
    return f"({args}) → {signature.returns.kind if signature.returns else '?'}"


def _columns(profile: Sequence[Mapping[str, Any]]) -> str:
    if not profile:
        return ""
    keys = ("column_name", "original_dtype", "null_count", "unique_count")
    head = "".join(f"<th>{k.replace('_', ' ')}</th>" for k in keys)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(str(c.get(k)))}</td>" for k in keys) + "</tr>"
        for c in profile
    )
    return f"<table><tr>{head}</tr>{body}</table>"
