"""Measures of a model as ``show`` prints them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelyard.cli.model_card import escaped
from modelyard.cli.output import cell

if TYPE_CHECKING:
    from modelyard.yard.measures import Measures, Plot


def measures_text(found: Measures) -> str:
    """Lines for a terminal; empty where nothing but the card says anything."""
    if not found:
        return ""
    lines = [f"measured ({', '.join(found.files[:3])}{', …' * (len(found.files) > 3)})"]
    width = max([12, *map(len, found.metrics)])
    lines += [f"  {name:<{width}} {cell(value)}" for name, value in found.metrics.items()]
    lines += ["parameters"] * bool(found.params)
    lines += [f"  {name:<{width}} {cell(value)}" for name, value in found.params.items()]
    lines += ["plots"] * bool(found.plots)
    lines += [f"  {plot.name}: {plot_words(plot)}" for plot in found.plots]
    return "\n".join([*lines, *(f"  not read: {line}" for line in found.notes)])


def plot_words(plot: Plot) -> str:
    """A plot in a few words, as ``loss by step, 4 points, 1 to 0.25``."""
    what = ", ".join(plot.y) + (f" by {plot.x}" if plot.x else "")
    values = plot.columns[plot.y[0]] if plot.y else ()
    ends = f", {cell(values[0])} to {cell(values[-1])}" if len(values) > 1 else ""
    title = f"{plot.title}: " if plot.title else ""
    return f"{title}{what}, {plot.rows} point{'s' * (plot.rows != 1)}{ends}"


def measures_page(found: Measures) -> str:
    """Sections of Markdown."""
    if not found:
        return ""
    lines = ["", "## Measures", "", "| measure | value |", "|---|---|"]
    lines += [f"| {_cell(name)} | {_cell(cell(v))} |" for name, v in found.metrics.items()]
    if found.params:
        lines += ["", "| parameter | value |", "|---|---|"]
        lines += [f"| {_cell(name)} | {_cell(cell(v))} |" for name, v in found.params.items()]
    if found.plots:
        lines += ["", "| plot | what |", "|---|---|"]
        lines += [f"| {_cell(plot.name)} | {_cell(plot_words(plot))} |" for plot in found.plots]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return " ".join(escaped(text).split())
