"""Metrics of runs: every point, or a curve for a chart."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from modelyard.hub.asked import YardOf
from modelyard.hub.paging import Token
from modelyard.hub.routes.runs import Id
from modelyard.hub.routing import Router, needs
from modelyard.hub.shapes import Page
from modelyard.hub.tracking_shapes import EARLIEST, LATEST, Bucket, Curve, Point
from modelyard.tracking.checks import check_key
from modelyard.tracking.interface import Context

router = Router("metrics")

KeyOf = Annotated[str, Query(min_length=1, max_length=250, examples=["loss"])]
Of = Annotated[str | None, Query(max_length=500)]
Step = Annotated[int | None, Query(ge=EARLIEST, le=LATEST)]


@router.get("/runs/{id}/metrics/history", **needs("run.read"))
def metric_history(
    id: Id,
    key: KeyOf,
    yard: YardOf,
    limit: Annotated[int, Query(ge=1, le=100_000)] = 10_000,
    page: Token = None,
    model_id: Of = None,
    dataset_name: Of = None,
    dataset_digest: Of = None,
) -> Page[Point]:
    """Every point of a metric, in the order logged.

    With any of the last three, only those measured of just that; empty words are for points of the run alone.
    """
    context = _context(model_id, dataset_name, dataset_digest)
    found = yard.tracker.history(id, check_key(key), context=context, limit=limit, page=page)
    return Page(items=[Point.of(metric) for metric in found.items], next=found.next)


@router.get("/runs/{id}/metrics/curve", **needs("run.read"))
def metric_curve(
    id: Id,
    key: KeyOf,
    yard: YardOf,
    buckets: Annotated[int, Query(ge=1, le=5000)] = 500,
    first_step: Step = None,
    last_step: Step = None,
    model_id: Of = None,
    dataset_name: Of = None,
    dataset_digest: Of = None,
) -> Curve:
    """A metric's curve in buckets, with lows and highs.

    With any of the last three, of points measured of just that; else of those with the latest point. NaN is in the history alone.
    """
    found = yard.tracker.curve(
        id,
        check_key(key),
        buckets=buckets,
        first_step=first_step,
        last_step=last_step,
        context=_context(model_id, dataset_name, dataset_digest),
    )
    told = [
        Bucket(
            first_step=b.first_step, last_step=b.last_step, low=b.low, high=b.high, count=b.count
        )
        for b in found
    ]
    return Curve(key=key, buckets=told)


def _context(*words: str | None) -> Context | None:
    """What points were measured of; None when nothing is said."""
    return None if set(words) == {None} else Context(*(word or "" for word in words))
