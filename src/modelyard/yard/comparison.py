"""Runs beside each other: plain rows, and in a notebook a table with what differs marked and the curves of metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from typing import Any

from modelyard.yard import display

MOST_CURVES = 200
"""In a table; each is asked of the tracker."""

Curve = Callable[[str, str], Sequence[float]]
"""The values of a metric of a run, few enough to draw."""


class Comparison(list[dict[str, Any]]):
    """A row a param, metric and attribute: ``field``, and a value by each run's id."""

    def __init__(
        self, rows: Iterable[dict[str, Any]], names: Mapping[str, str], curve: Curve
    ) -> None:
        super().__init__(rows)
        self._names, self._curve = names, curve

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        columns: dict[str, Any] = {"field": ""}
        for run_id, name in self._names.items():
            title = f"<span title='{escape(run_id)}'>{escape(name or run_id)}</span>"
            columns[run_id] = display.Markup(title)
        left, rows = MOST_CURVES, list[dict[str, Any]]()
        for row in self:
            drawn = dict(row)
            if row["field"].startswith("metrics.") and left >= len(self._names):
                left -= len(self._names)
                drawn |= self._with_curves(row)
            rows.append(drawn)
        differing = {row["field"] for row in self if differs(row)}
        return display.rows(rows, columns, marked=lambda row, name: row["field"] in differing and name != "field")  # fmt: skip

    def _with_curves(self, row: Mapping[str, Any]) -> dict[str, Any]:
        key, found = row["field"].removeprefix("metrics."), dict[str, Any]()
        for run_id in self._names:
            values = self._curve(run_id, key) if row.get(run_id) is not None else ()
            if len(values) > 1:
                told = f"{display.cell(row[run_id])} {display.sparkline(values)}"
                found[run_id] = display.Markup(told)
        return found


def differs(row: Mapping[str, Any]) -> bool:
    """Whether it is not the same in all runs; NaN is NaN."""
    return len({repr(value) for name, value in row.items() if name != "field"}) > 1
