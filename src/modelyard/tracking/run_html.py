"""How runs look in a notebook: no script, every text escaped, colours that fit a light and a dark page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from modelyard.base.clock import to_rfc3339

if TYPE_CHECKING:
    from modelyard.tracking.interface import Run

MOST = 50
"""Rows of one kind."""
_COLOURS = {
    "RUNNING": "#2f6fde",
    "FINISHED": "#22863a",
    "FAILED": "#c5352c",
    "KILLED": "#b26a00",
    "LOST": "#b26a00",
    "SCHEDULED": "#777777",
}


def run_html(run: Run) -> str:
    """A run as it was read."""
    facts = {
        "run": run.run_id,
        "experiment": run.experiment_id,
        "user": run.user,
        "started": to_rfc3339(run.started_ms),
        "seconds": "" if run.duration_ms is None else f"{run.duration_ms / 1000:,.1f}",
    }
    metrics = {metric.key: f"{metric.value:.6g}" for metric in run.metrics}
    tables = {"metrics": metrics, "params": run.params, "tags": run.tags}
    inputs = {one.name: one.digest for one in run.inputs}
    return page(run.name, run.status.value, facts, {**tables, "data": inputs})


def page(
    title: str, status: str, facts: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]
) -> str:
    """The head of a run, and a foldable table of each kind that has rows."""
    colour = _COLOURS.get(status, "#777777")
    badge = (
        f'<span style="color:#fff;background:{colour};border-radius:3px;padding:1px 6px;'
        f'font-size:85%">{escape(status)}</span>'
    )
    said = {k: v for k, v in facts.items() if v not in (None, "")}
    folded = "".join(_folded(kind, rows) for kind, rows in tables.items() if rows)
    return (
        '<div style="color:inherit;background:transparent;border:1px solid rgba(128,128,128,.4);'
        'border-radius:4px;padding:8px 12px;max-width:60em">'
        f"<div><b>{escape(title)}</b> {badge}</div>{_table(said.items())}{folded}</div>"
    )


def _folded(kind: str, rows: Mapping[str, Any]) -> str:
    shown = list(rows.items())[:MOST]
    rest = f"<div>… and {len(rows) - MOST:,} more</div>" if len(rows) > MOST else ""
    opened = " open" if kind in ("metrics", "params") else ""
    return f"<details{opened}><summary>{escape(kind)} ({len(rows):,})</summary>{_table(shown)}{rest}</details>"


def _table(rows: Iterable[tuple[str, Any]]) -> str:
    cells = "".join(
        f'<tr><th style="text-align:left;font-weight:600">{escape(str(key))}</th>'
        f'<td style="text-align:left">{escape(_short(value))}</td></tr>'
        for key, value in rows
    )
    return f'<table style="color:inherit;background:transparent">{cells}</table>'


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 300 else f"{text[:300]}…"
