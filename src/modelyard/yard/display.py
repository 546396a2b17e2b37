"""Tables and small curves as a notebook shows them: no scripts, every value escaped, colours that go with light and dark.

>>> pairs({"name": "a<b", "end": None})
Markup("<table><tr><th style='text-align:left'>name</th><td style='text-align:left'>a&lt;b</td></tr></table>")
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

LEFT = " style='text-align:left'"
MARKED = " style='text-align:left;background:rgba(240,170,0,.25)'"
"""A tint that lets light and dark pages through."""

POINTS = 200
"""Of a curve; more are not seen in so small a place."""
LONGEST = 300
"""Characters of a value that are shown."""


class Markup(str):
    """HTML that is safe already: a cell that is one is not escaped again."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f'Markup("{self}")'


def cell(value: Any) -> Markup:
    """A value in a table: escaped, six digits of a number, nothing for None, long texts cut.

    >>> cell(0.123456789), cell("<b>")
    (Markup("0.123457"), Markup("&lt;b&gt;"))
    """
    if isinstance(value, Markup):
        return value
    if value is None:
        return Markup("")
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return Markup(escape(text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"))


def pairs(facts: Mapping[str, Any], title: str = "") -> Markup:
    """A table of names and values; those that are None, empty text or an empty collection are left out."""
    told = {k: v for k, v in facts.items() if v is not None and (v != "" and v != {} and v != [])}
    lines = "".join(
        f"<tr><th{LEFT}>{cell(name)}</th><td{LEFT}>{cell(value)}</td></tr>"
        for name, value in told.items()
    )
    return Markup(f"<table>{_caption(title)}{lines}</table>")


def rows(
    lines: Sequence[Mapping[str, Any]],
    columns: Sequence[str] | Mapping[str, Any],
    *,
    title: str = "",
    marked: Callable[[Mapping[str, Any], str], bool] | None = None,
) -> Markup:
    """A table with a line for each of some rows. ``columns`` may map a key to what stands above it; ``marked`` says
    which cells are tinted."""
    heads = columns if isinstance(columns, Mapping) else {name: name for name in columns}
    top = "".join(f"<th{LEFT}>{cell(head)}</th>" for head in heads.values())

    def line(row: Mapping[str, Any]) -> str:
        return "".join(
            f"<td{MARKED if marked and marked(row, name) else LEFT}>{cell(row.get(name))}</td>"
            for name in heads
        )

    body = "".join(f"<tr>{line(row)}</tr>" for row in lines)
    return Markup(f"<table>{_caption(title)}<tr>{top}</tr>{body}</table>")


def sparkline(values: Sequence[float], *, width: int = 120, height: int = 24) -> Markup:
    """A curve of some values in a line of text, as SVG in the text's own colour; a gap where one is no number."""
    thinned = values[:: max(1, -(-len(values) // POINTS))]
    finite = [v for v in thinned if math.isfinite(v)]
    if not finite:
        return Markup("")
    low, high = min(finite), max(finite)
    # Halves first: the span of the largest numbers is not a number itself.
    span = (high / 2 - low / 2) or 0.5
    across = max(1, len(thinned) - 1)
    spots = [
        f"{1 + (width - 2) * i / across:.1f},{1 + (height - 2) * ((high / 2 - v / 2) / span):.1f}"
        if math.isfinite(v)
        else None
        for i, v in enumerate(thinned)
    ]
    lines = "".join(
        f"<polyline points='{' '.join(part)}' fill='none' stroke='currentColor' stroke-linecap='round'/>"
        for part in _stretches(spots)
    )
    name = escape(f"{low:.6g} to {high:.6g}")
    return Markup(
        f"<svg width='{width}' height='{height}' viewBox='0 0 {width} {height}' role='img' "
        f"aria-label='{name}'><title>{name}</title>{lines}</svg>"
    )


def _stretches(spots: Sequence[str | None]) -> list[list[str]]:
    """Points that hang together; a single one twice, so that it is drawn."""
    found: list[list[str]] = [[]]
    for spot in spots:
        if spot is None:
            found.append([])
        else:
            found[-1].append(spot)
    return [part * 2 if len(part) == 1 else part for part in found if part]


def _caption(title: str) -> str:
    return f"<caption{LEFT}>{escape(title)}</caption>" if title else ""
