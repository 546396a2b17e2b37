"""Points of metrics into their series: history in segments, and the latest point of each in a row of its own."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, delete, insert, select, update

from modelyard.base.errors import InvalidInput
from modelyard.stores.rows.columns import float_values
from modelyard.stores.rows.upsert import upsert
from modelyard.tracking import tables
from modelyard.tracking.interface import NOTHING, Context, Metric
from modelyard.tracking.segments import (
    FULL,
    SMALL,
    Points,
    cut,
    decode,
    encode,
    extremes,
    latest,
    without_twins,
)

LOOSE = 64
"""Small segments of a series that may stand before they are merged."""

Ids = Mapping[str, int]
_KEY = ["run_id", "key_id", "context_id"]


_THERE = select(tables.metrics).where(
    tables.metrics.c.run_id == bindparam("run"),
    tables.metrics.c.key_id.in_(bindparam("key_ids", expanding=True)),
)
_APPEND = insert(tables.metric_segments)
_CHANGED = ["latest", "value_bits", "value", "step", "at_ms", "points", "loose"]

Place = tuple[int, int]
"""Key and context of a series, within a run."""


def write_metrics(
    connection: Connection, run: Row[Any], metrics: Sequence[Metric], ids: Ids
) -> None:
    """Append the points to their series, and keep the latest of each."""
    series = _series(connection, metrics, ids)
    key_ids = sorted({key_id for key_id, _ in series})
    found = connection.execute(_THERE, {"run": run.id, "key_ids": key_ids})
    there = {(row.key_id, row.context_id): row for row in found}
    parts = [
        _segment(run.id, *place, part)
        for place, points in series.items()
        for part in (cut(points) if len(points) > FULL else (points,))
    ]
    connection.execute(_APPEND, parts)
    rows = {
        place: _latest(run, place, points, there.get(place)) for place, points in series.items()
    }
    if any(context for _, context in (*rows, *there)):
        _mark_latest(connection, run, rows, there)
    upsert(connection, tables.metrics, list(rows.values()), keys=_KEY, update=_CHANGED)
    for row in rows.values():
        if row["loose"] >= LOOSE:
            compact(connection, row)


def new_series(
    connection: Connection,
    run: Any,
    metrics: Sequence[Metric],
    ids: Ids,
    contexts: dict[Context, int],
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of segments and of latest points, for a run that has none; ``contexts`` remembers their numbers."""
    series = _series(connection, metrics, ids, contexts)
    segments = [
        _segment(run.id, *place, part)
        for place, points in series.items()
        for part in (cut(points) if len(points) > FULL else (points,))
    ]
    rows = {place: _latest(run, place, points, None) for place, points in series.items()}
    newest: dict[int, Place] = {}
    for place in rows:
        best = newest.setdefault(place[0], place)
        if (_rank(rows[place]), place[1]) > (_rank(rows[best]), best[1]):
            newest[place[0]] = place
    for place, row in rows.items():
        row["latest"] = newest[place[0]] == place
    return segments, list(rows.values())


def _series(
    connection: Connection,
    metrics: Sequence[Metric],
    ids: Ids,
    contexts: dict[Context, int] | None = None,
) -> dict[Place, Points]:
    """The points by series, each in the order it came."""
    grouped: defaultdict[Any, list[Metric]] = defaultdict(list)
    for metric in metrics:
        # Hashing a context for each of a million points would be most of the work.
        key, *_, context = metric
        grouped[key if context is NOTHING else (key, context)].append(metric)
    found: dict[Place, list[Metric]] = {}
    for group in grouped.values():
        context = group[0].context
        number = None if contexts is None else contexts.get(context)
        if number is None:
            number = _context_id(connection, context)
            if contexts is not None:
                contexts[context] = number
        place = ids[group[0].key], number
        found.setdefault(place, []).extend(group)
    return {place: _points(group) for place, group in found.items()}


def _points(metrics: Sequence[Metric]) -> Points:
    _, values, times, steps, _ = zip(*metrics, strict=True)
    try:
        return Points(array("q", steps), array("q", times), array("d", values))
    except (OverflowError, TypeError):
        raise InvalidInput(
            f"a point of metric {metrics[0].key!r} has a step or time that is no integer of 64 bits, or no number"
        ) from None


def _segment(run: int, key_id: int, context_id: int, points: Points) -> dict[str, Any]:
    low, high = extremes(points.values) or (None, None)
    return {
        "run_id": run,
        "key_id": key_id,
        "context_id": context_id,
        "count": len(points),
        "min_step": min(points.steps),
        "max_step": max(points.steps),
        "min_bits": low,
        "max_bits": high,
        "data": encode(points),
    }


def _latest(run: Any, place: Place, points: Points, old: Row[Any] | None) -> dict[str, Any]:
    """The row of a series after these points."""
    step, at_ms, value = latest(points)
    row = {**float_values("value", value), "step": step, "at_ms": at_ms}
    if old is not None and _rank(old._mapping) > _rank(row):
        row = {name: old._mapping[name] for name in row}
    return {
        "run_id": run.id,
        "key_id": place[0],
        "context_id": place[1],
        "experiment_id": run.experiment_id,
        "latest": True,
        **row,
        "points": len(points) + (old.points if old else 0),
        "loose": (len(points) < SMALL) + (old.loose if old else 0),
        "packed_to": old.packed_to if old else 0,
    }


def _mark_latest(
    connection: Connection,
    run: Row[Any],
    rows: Mapping[tuple[int, int], dict[str, Any]],
    there: Mapping[tuple[int, int], Row[Any]],
) -> None:
    """Of a key's series in several contexts, mark the one whose point is the latest."""
    for key_id in {key_id for key_id, _ in rows}:
        ranks = {c: _rank(row._mapping) for (k, c), row in there.items() if k == key_id}
        ranks |= {c: _rank(row) for (k, c), row in rows.items() if k == key_id}
        if len(ranks) == 1:
            continue
        newest = max(ranks, key=lambda context: (ranks[context], context))
        for (key, context), row in rows.items():
            if key == key_id:
                row["latest"] = context == newest
        metrics = tables.metrics
        mine = and_(metrics.c.run_id == run.id, metrics.c.key_id == key_id)
        marked = update(metrics).where(mine, metrics.c.latest != (metrics.c.context_id == newest))
        connection.execute(marked.values(latest=metrics.c.context_id == newest))


def _rank(row: Any) -> tuple[int, int, int]:
    return row["step"], row["at_ms"], row["value_bits"]


def compact(connection: Connection, series: Mapping[str, Any]) -> None:
    """Merge the small segments of a series into full ones, and drop points that were logged twice."""
    segments = tables.metric_segments
    mine = and_(
        segments.c.run_id == series["run_id"],
        segments.c.key_id == series["key_id"],
        segments.c.context_id == series["context_id"],
        segments.c.id > series["packed_to"],
    )
    query = select(segments.c["count"], segments.c.data).where(mine).order_by(segments.c.id)
    parts = [decode(row.data, row[0]) for row in connection.execute(query)]
    steps, times, values = array("q"), array("q"), array("d")
    for part in parts:
        steps.extend(part.steps)
        times.extend(part.times)
        values.extend(part.values)
    merged = cut(without_twins(Points(steps, times, values)))
    place = series["run_id"], series["key_id"], series["context_id"]
    connection.execute(delete(segments).where(mine))
    connection.execute(insert(segments), [_segment(*place, points) for points in merged])
    full = sum(len(points) == FULL for points in merged)
    numbers = connection.scalars(select(segments.c.id).where(mine).order_by(segments.c.id)).all()
    metrics = tables.metrics
    changed = update(metrics).where(*(metrics.c[c] == v for c, v in zip(_KEY, place, strict=True)))
    connection.execute(
        changed.values(
            loose=0,
            packed_to=numbers[full - 1] if full else series["packed_to"],
            points=metrics.c.points - (len(steps) - sum(map(len, merged))),
        )
    )


def _context_id(connection: Connection, context: Context) -> int:
    if context == NOTHING:
        return 0
    table = tables.metric_contexts
    row = {
        "model_id": context.model_id,
        "dataset_name": context.dataset_name,
        "dataset_digest": context.dataset_digest,
    }
    query = select(table.c.id).where(*(table.c[name] == value for name, value in row.items()))
    found = connection.scalar(query)
    if found is None:
        upsert(connection, table, [row], keys=list(row))
        found = connection.scalar(query)
    return int(found or 0)
