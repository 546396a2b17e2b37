"""Curves in a terminal: braille for charts, blocks for a line of text. Pure: values in, characters out.

>>> sparkline([1, 2, 3, 4], 4)
'▁▃▆█'
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

BLOCKS = "▁▂▃▄▅▆▇█"
PLAIN_BLOCKS = "_.-~=+*#"
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bit of a braille character, by row and column."""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Cell:
    """A character of a chart, and the number of the curve it is of; -1 for none."""

    text: str = " "
    curve: int = -1


@dataclass(frozen=True, slots=True)
class Frame:
    """The values that a chart spans."""

    left: float
    right: float
    low: float
    high: float

    def across(self, x: float) -> float:
        """Where a value is between left and right, from 0 to 1."""
        return _share(x, self.left, self.right)

    def upward(self, y: float) -> float:
        """Where a value is between low and high, from 0 to 1."""
        return _share(y, self.low, self.high)


def _share(value: float, low: float, high: float) -> float:
    span = high / 2 - low / 2  # halves: the span of the largest numbers is not a number itself
    return 0.5 if span <= 0 else min(1.0, max(0.0, (value / 2 - low / 2) / span))


def sparkline(values: Sequence[float], width: int, *, plain: bool = False) -> str:
    """A curve in one line; a blank where a value is no number."""
    blocks = PLAIN_BLOCKS if plain else BLOCKS
    shown = sampled(values, width)
    finite = [v for v in shown if math.isfinite(v)]
    if not finite:
        return ""
    low, high = min(finite), max(finite)
    return "".join(
        blocks[round(_share(v, low, high) * (len(blocks) - 1))] if math.isfinite(v) else " "
        for v in shown
    )


def sampled(values: Sequence[float], width: int) -> list[float]:
    """At most so many of the values, evenly, the first and the last among them."""
    if len(values) <= width:
        return list(values)
    if width < 2:
        return list(values[-1:])
    return [values[round(i * (len(values) - 1) / (width - 1))] for i in range(width)]


def spanned(curves: Sequence[Sequence[Point]]) -> Frame | None:
    """The frame around some curves; None when there is nothing to see."""
    points = [p for curve in curves for p in curve if math.isfinite(p[0]) and math.isfinite(p[1])]
    if not points:
        return None
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return Frame(min(xs), max(xs), min(ys), max(ys))


def canvas(
    curves: Sequence[Sequence[Point]], frame: Frame, width: int, height: int, *, plain: bool = False
) -> list[list[Cell]]:
    """The curves in a grid of characters, the later ones over the earlier. A curve breaks where a value is no number."""
    grid = _Grid(width * 2, height * 4) if not plain else _Grid(width, height)
    for number, curve in enumerate(curves):
        before: tuple[int, int] | None = None
        for x, y in curve:
            if not (math.isfinite(x) and math.isfinite(y)):
                before = None
                continue
            spot = grid.spot(frame.across(x), frame.upward(y))
            grid.line(before or spot, spot, number)
            before = spot
    return grid.plain() if plain else grid.braille()


class _Grid:
    """Dots, each with the number of the curve that was drawn there last."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.dots: dict[tuple[int, int], int] = {}

    def spot(self, across: float, upward: float) -> tuple[int, int]:
        return round(across * (self.width - 1)), round((1 - upward) * (self.height - 1))

    def line(self, start: tuple[int, int], end: tuple[int, int], number: int) -> None:
        (x, y), (to_x, to_y) = start, end
        steps = max(abs(to_x - x), abs(to_y - y), 1)
        for i in range(steps + 1):
            spot = round(x + (to_x - x) * i / steps), round(y + (to_y - y) * i / steps)
            self.dots[spot] = number

    def plain(self) -> list[list[Cell]]:
        return [
            [
                Cell("*", self.dots[x, y]) if (x, y) in self.dots else Cell()
                for x in range(self.width)
            ]
            for y in range(self.height)
        ]

    def braille(self) -> list[list[Cell]]:
        bits: dict[tuple[int, int], int] = {}
        numbers: dict[tuple[int, int], int] = {}
        for (x, y), number in self.dots.items():
            place = x // 2, y // 4
            bits[place] = bits.get(place, 0) | _DOTS[y % 4][x % 2]
            numbers[place] = max(number, numbers.get(place, -1))
        return [
            [
                Cell(chr(0x2800 + bits[x, y]), numbers[x, y]) if (x, y) in bits else Cell()
                for x in range(self.width // 2)
            ]
            for y in range(self.height // 4)
        ]


def labels(low: float, high: float) -> tuple[str, str]:
    """Two ends of an axis in so few digits that they still differ.

    >>> labels(0.25, 1), labels(99999.5, 100000.5)
    (('0.25', '1'), ('99999.5', '100000.5'))
    """
    for digits in (3, 4, 5, 6, 8, 10, 12, 17):
        found = f"{low:.{digits}g}", f"{high:.{digits}g}"
        if low == high or (
            found[0] != found[1]
            and abs(float(found[0]) / 2 - low / 2) <= (high / 2 - low / 2) * 0.01
            and abs(float(found[1]) / 2 - high / 2) <= (high / 2 - low / 2) * 0.01
        ):
            return found
    return repr(low), repr(high)
