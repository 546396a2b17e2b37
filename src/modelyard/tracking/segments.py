"""Points of a metric as bytes: columns of steps, times and values, so that a point takes 8 to 24 bytes.

Format 1 is the columns as they are, little-endian: 8 bytes a step, 8 a time, 8 a value. Format 2 is the same, steps and
times as differences to the one before, deflated. The first byte is the number of the format. To change one, add a
number; readers keep the old ones.
"""

from __future__ import annotations

import math
import operator
import sys
import zlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from modelyard.base.errors import Corrupted
from modelyard.stores.rows.columns import sortable_bits

FULL = 1024
"""Points of a full segment."""
SMALL = 512
"""A segment with fewer is merged with others sooner or later."""

_RAW, _PACKED = b"\x01", b"\x02"


@dataclass(frozen=True, slots=True)
class Points:
    """Points of one series, column by column, in the order they were logged."""

    steps: Sequence[int]
    times: Sequence[int]
    values: Sequence[float]

    def __len__(self) -> int:
        return len(self.steps)

    def rows(self) -> list[tuple[int, int, float]]:
        """Step, time and value of each."""
        return list(zip(self.steps, self.times, self.values, strict=True))


def encode(points: Points) -> bytes:
    """The points as a segment's data: a few raw, many packed.

    >>> decode(encode(Points([0, 1], [5, 6], [0.5, -0.0])), 2).values[1]
    -0.0
    """
    if len(points) < SMALL:
        return _RAW + _columns(points.steps, points.times, points.values)
    steps, times = _differences(points.steps), _differences(points.times)
    return _PACKED + zlib.compress(_columns(steps, times, points.values), 1)


def decode(data: bytes, count: int) -> Points:
    """The points of a segment. `Corrupted` when they are not as many."""
    kind, body = data[:1], data[1:]
    try:
        if kind == _PACKED:
            body = zlib.decompress(body, bufsize=24 * count + 1)
        if kind not in (_RAW, _PACKED) or len(body) != 24 * count:
            raise ValueError
    except (ValueError, zlib.error):
        raise Corrupted("a segment of a metric's history is damaged") from None
    steps, times, values = array("q"), array("q"), array("d")
    for column, start in (steps, 0), (times, 8 * count), (values, 16 * count):
        column.frombytes(body[start : start + 8 * count])
        if sys.byteorder == "big":
            column.byteswap()
    if kind == _PACKED:
        return Points(_summed(steps), _summed(times), values)
    return Points(steps, times, values)


def _columns(steps: Sequence[int], times: Sequence[int], values: Sequence[float]) -> bytes:
    columns = array("q", steps), array("q", times), array("d", values)
    if sys.byteorder == "big":
        for column in columns:
            column.byteswap()
    return b"".join(column.tobytes() for column in columns)


def _differences(numbers: Sequence[int]) -> Sequence[int]:
    """The first number, then how much each is above the one before, within 64 bits."""
    steps = [numbers[0], *map(operator.sub, numbers[1:], numbers)]
    try:
        return array("q", steps)
    except OverflowError:
        return array("q", map(_wrapped, steps))


def _summed(differences: Sequence[int]) -> Sequence[int]:
    try:
        return array("q", accumulate(differences))
    except OverflowError:
        return array("q", map(_wrapped, accumulate(differences)))


def _wrapped(number: int) -> int:
    """The number modulo 2**64, with sign: differences of 64-bit numbers may need 65 bits."""
    return (number + 2**63) % 2**64 - 2**63


def extremes(values: Sequence[float]) -> tuple[int, int] | None:
    """The sortable bits of the smallest and the greatest value, NaN apart; None when there is nothing else.

    >>> extremes([float("nan")]) is None
    True
    """
    if math.isnan(sum(values)):  # one of them is, or infinities of both signs
        values = [value for value in values if not math.isnan(value)]
        if not values:
            return None
    low, high = min(values), max(values)
    return sortable_bits(low), sortable_bits(high)


def latest(points: Points) -> tuple[int, int, float]:
    """The point that is the latest: of the greatest step, then time, then value."""
    step = max(points.steps)
    if (place := points.steps.index(step)) == len(points) - 1:  # as they come nearly always
        return step, points.times[place], points.values[place]
    last = max(zip(points.steps, points.times, strict=True))
    same = [
        v
        for s, t, v in zip(points.steps, points.times, points.values, strict=True)
        if (s, t) == last
    ]
    return *last, max(same, key=sortable_bits)


def without_twins(points: Points) -> Points:
    """The points, one that was logged twice only once."""
    if len(set(points.steps)) == len(points):
        return points
    # NaN equals nothing, so values are compared by their bits.
    bits = array("q", array("d", points.values).tobytes())
    marks = list(zip(points.steps, points.times, bits, strict=True))
    if len(set(marks)) == len(marks):
        return points
    first = {mark: place for place, mark in reversed(list(enumerate(marks)))}
    places = sorted(first.values())
    return Points(
        [points.steps[i] for i in places],
        [points.times[i] for i in places],
        [points.values[i] for i in places],
    )


def cut(points: Points) -> list[Points]:
    """The points in full segments and a rest."""
    places = [slice(i, i + FULL) for i in range(0, len(points), FULL)]
    return [Points(points.steps[p], points.times[p], points.values[p]) for p in places]
