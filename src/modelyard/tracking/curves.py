"""The history of a metric: point by point in pages, or as a curve in buckets for a chart.

A curve of a million points is drawn from a thousand rows: each segment knows its first and last step and its lowest and
highest value. Only where fewer than half as many segments as buckets lie in the range are their points read.
"""

from __future__ import annotations

import json
import math
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Sequence
from itertools import islice
from operator import le
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, select

from modelyard.base.errors import InvalidInput
from modelyard.stores.rows.columns import from_sortable_bits, sortable_bits
from modelyard.tracking import tables
from modelyard.tracking.interface import NOTHING, Bucket, Context, Metric, Page
from modelyard.tracking.reading import read_contexts
from modelyard.tracking.segments import Points, decode

MOST_POINTS = 100_000
"""Points of a page of history."""
MOST_BUCKETS = 5_000
_SEGMENTS_AT_ONCE = 64


def history(
    connection: Connection, run: int, key_id: int, key: str, context_id: int | None, limit: int,
    page: str | None,
) -> Page[Metric]:  # fmt: skip
    """Points in the order they were logged, without those that came twice in a row of segments."""
    if not 0 < limit <= MOST_POINTS:
        raise InvalidInput(f"a page has 1 to {MOST_POINTS:,} points, not {limit}")
    segment, offset = _place(page)
    found: list[Metric] = []
    seen: set[tuple[int, int, int, int]] = set()
    contexts: dict[int, Context] = {0: Context()}
    for row in _segments(connection, run, key_id, context_id, segment):
        if row.context_id not in contexts:
            contexts.update(read_contexts(connection, [row.context_id]))
        points = decode(row.data, row.points).rows()
        start = offset if row.id == segment else 0
        for place in range(start, len(points)):
            step, at_ms, value = points[place]
            mark = (row.context_id, step, at_ms, sortable_bits(value))
            if mark in seen:
                continue
            if len(found) == limit:
                return Page(found, _token(row.id, place))
            seen.add(mark)
            found.append(Metric(key, value, at_ms, step, contexts[row.context_id]))
    return Page(found)


UNKNOWN = -1


def context_id(connection: Connection, context: Context) -> int:
    """The number of a context, `UNKNOWN` for one that was never written."""
    if context == NOTHING:
        return 0
    table = tables.metric_contexts
    query = select(table.c.id).where(
        table.c.model_id == context.model_id,
        table.c.dataset_name == context.dataset_name,
        table.c.dataset_digest == context.dataset_digest,
    )
    return connection.scalar(query) or UNKNOWN


def _token(segment: int, offset: int) -> str:
    return urlsafe_b64encode(json.dumps([segment, offset]).encode()).decode()


def _place(page: str | None) -> tuple[int, int]:
    if page is None:
        return 0, 0
    try:
        segment, offset = json.loads(urlsafe_b64decode(page.encode()))
        if not (0 <= int(segment) < 2**63 and 0 <= int(offset) < 2**31):
            raise ValueError
        return int(segment), int(offset)
    except (ValueError, TypeError):
        raise InvalidInput(f"{page[:40]!r} is no page of a history") from None


def _mine(run: int, key_id: int, context_id: int | None) -> ColumnElement[bool]:
    table = tables.metric_segments
    mine = and_(table.c.run_id == run, table.c.key_id == key_id)
    return mine if context_id is None else and_(mine, table.c.context_id == context_id)


def _segments(
    connection: Connection, run: int, key_id: int, context_id: int | None, first: int
) -> Iterator[Any]:
    """The segments from one on, a few at a time."""
    table = tables.metric_segments
    query = select(table.c.id, table.c.context_id, table.c["count"].label("points"), table.c.data)
    query = query.where(_mine(run, key_id, context_id)).order_by(table.c.id)
    last = first - 1
    while True:
        rows = connection.execute(query.where(table.c.id > last).limit(_SEGMENTS_AT_ONCE)).all()
        yield from rows
        if len(rows) < _SEGMENTS_AT_ONCE:
            return
        last = rows[-1].id


def curve(
    connection: Connection, run: int, key_id: int, context_id: int, buckets: int,
    first_step: int | None, last_step: int | None,
) -> list[Bucket]:  # fmt: skip
    """The curve of one series in at most so many buckets of equal numbers of points."""
    if not 0 < buckets <= MOST_BUCKETS:
        raise InvalidInput(f"a curve has 1 to {MOST_BUCKETS:,} buckets, not {buckets}")
    table = tables.metric_segments
    conditions = [_mine(run, key_id, context_id)]
    if first_step is not None:
        conditions.append(table.c.max_step >= first_step)
    if last_step is not None:
        conditions.append(table.c.min_step <= last_step)
    columns = [table.c[n] for n in ("id", "min_step", "max_step", "min_bits", "max_bits")]
    query = (
        select(table.c["count"].label("points"), *columns)
        .where(*conditions)
        .order_by(table.c.min_step, table.c.id)
    )
    rows = connection.execute(query).all()
    if 2 * len(rows) >= buckets:
        return _merged([_bucket(row) for row in rows if row.min_bits is not None], buckets)
    found = _from_points(connection, rows, buckets, first_step, last_step)
    return found if len(found) <= buckets else _merged(found, buckets)


def _bucket(row: Any) -> Bucket:
    low, high = from_sortable_bits(row.min_bits), from_sortable_bits(row.max_bits)
    return Bucket(row.min_step, row.max_step, low, high, row.points)


def _merged(parts: Sequence[Bucket], buckets: int) -> list[Bucket]:
    size = math.ceil(len(parts) / buckets) if parts else 1
    groups = (parts[i : i + size] for i in range(0, len(parts), size))
    return [
        Bucket(
            min(b.first_step for b in group),
            max(b.last_step for b in group),
            min(b.low for b in group),
            max(b.high for b in group),
            sum(b.count for b in group),
        )
        for group in groups
    ]


def _from_points(
    connection: Connection, rows: Sequence[Any], buckets: int, first: int | None, last: int | None
) -> list[Bucket]:  # fmt: skip
    """Buckets of the points of some segments in a range of steps, by their first step."""
    size = max(1, math.ceil(sum(row.points for row in rows) / buckets))
    table = tables.metric_segments
    found: list[Bucket] = []
    for i in range(0, len(rows), _SEGMENTS_AT_ONCE):
        query = select(table.c["count"].label("points"), table.c.data)
        mine = table.c.id.in_([row.id for row in rows[i : i + _SEGMENTS_AT_ONCE]])
        for count, data in connection.execute(query.where(mine)):
            steps, values = _within(decode(data, count), first, last)
            even = math.ceil(len(steps) / max(1, round(len(steps) / size))) or 1
            found += [
                Bucket(part[0], part[-1], min(heights), max(heights), len(part))
                for start in range(0, len(steps), even)
                for part, heights in ((steps[start : start + even], values[start : start + even]),)
            ]
    return sorted(found, key=lambda bucket: bucket.first_step)


def _within(
    points: Points, first: int | None, last: int | None
) -> tuple[Sequence[int], Sequence[float]]:
    """Steps and values of the points in a range, by step, without NaN."""
    steps, values = points.steps, points.values
    ordered = all(map(le, steps, islice(steps, 1, None)))
    outside = (first is not None and min(steps) < first) or (last is not None and max(steps) > last)
    if ordered and not outside and not math.isnan(sum(values)):
        return steps, values
    low, high = -(2**63) if first is None else first, 2**63 if last is None else last
    rows = [row for row in zip(steps, values, strict=True) if low <= row[0] <= high]
    kept = sorted((row for row in rows if not math.isnan(row[1])), key=lambda row: row[0])
    return [row[0] for row in kept], [row[1] for row in kept]
