"""Points as bytes: what goes in comes out, and damage is found."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.base.errors import Corrupted
from modelyard.tracking.segments import (
    FULL,
    SMALL,
    Points,
    cut,
    decode,
    encode,
    extremes,
    without_twins,
)

INT64 = st.integers(-(2**63), 2**63 - 1)
ROWS = st.lists(st.tuples(INT64, INT64, st.floats(width=64)), min_size=1, max_size=40)


def of_rows(rows: list[tuple[int, int, float]]) -> Points:
    steps, times, values = zip(*rows, strict=True)
    return Points(steps, times, values)


def same(points: Points) -> list[tuple[int, int, bytes]]:
    return [(step, at_ms, struct.pack("<d", value)) for step, at_ms, value in points.rows()]


@given(rows=ROWS, repeated=st.sampled_from([1, SMALL]))
def test_points_come_back_bit_by_bit(rows, repeated) -> None:
    points = of_rows(rows * repeated)
    assert same(decode(encode(points), len(points))) == same(points)


def test_many_points_of_a_steady_metric_are_small() -> None:
    points = of_rows([(i, 1_700_000_000_000 + 1000 * i, 1 / (i + 1)) for i in range(FULL)])
    assert len(encode(points)) < 11 * FULL
    assert len(encode(of_rows([(1, 1, 1.0)]))) == 25


@pytest.mark.parametrize("size", [3, FULL])
def test_damage_is_an_error(size: int) -> None:
    data = encode(of_rows([(i, i, i / 3) for i in range(size)]))
    for broken in (b"", b"\x09" + data[1:], data[:-1], data + b"\0\0"):
        with pytest.raises(Corrupted, match="history is damaged"):
            decode(broken, size if broken != data + b"\0\0" else size + 1)
    with pytest.raises(Corrupted):
        decode(data, size + 1)


@given(values=st.lists(st.floats(width=64), min_size=1))
def test_extremes_leave_nan_out(values) -> None:
    numbers = [value for value in values if not math.isnan(value)]
    found = extremes(values)
    assert (found is None) == (not numbers)
    assert found is None or found[0] <= found[1]


@given(rows=ROWS)
def test_twins_go_and_the_order_stays(rows) -> None:
    expected = list(dict.fromkeys(same(of_rows(rows))))
    assert same(without_twins(of_rows(rows + rows))) == expected


def test_cutting_loses_nothing() -> None:
    points = of_rows([(i, i, float(i)) for i in range(2 * FULL + 5)])
    parts = cut(points)
    assert [len(part) for part in parts] == [FULL, FULL, 5]
    assert [row for part in parts for row in part.rows()] == points.rows()
