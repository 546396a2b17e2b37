"""Logged predictions, and what turned out to be true."""

from __future__ import annotations

from typing import Annotated

from fastapi import Body, Query

from modelyard.hub.asked import YardOf
from modelyard.hub.paging import Limit, Token, page_of, read_token
from modelyard.hub.routing import Router, needs
from modelyard.hub.shapes import Count, Feedback, Page, Prediction

router = Router("predictions")


@router.get("/predictions", **needs("prediction.read"))
def list_predictions(
    yard: YardOf,
    model: Annotated[
        str | None, Query(max_length=600, description="A name, or name@version.")
    ] = None,
    since: Annotated[str | None, Query(max_length=40, description="RFC 3339.")] = None,
    until: Annotated[
        str | None, Query(max_length=40, description="RFC 3339; not included.")
    ] = None,
    reference_id: Annotated[str | None, Query(max_length=2048)] = None,
    request_id: Annotated[str | None, Query(max_length=200)] = None,
    limit: Limit = 100,
    page: Token = None,
) -> Page[Prediction]:
    """List logged predictions, newest first."""
    place = read_token(page, "predictions", [int])
    rows = yard.predictions.list(
        model=model,
        since=since,
        until=until,
        reference_id=reference_id,
        request_id=request_id,
        before_id=place[0] if place else None,
        limit=limit + 1,
        records=True,
    )
    assert isinstance(rows, list), "records=True"
    return page_of(rows, limit, "predictions", lambda row: [row["id"]])  # type: ignore[return-value]


@router.post("/predictions/feedback", **needs("prediction.write"))
def feedback(yard: YardOf, told: Annotated[Feedback, Body()]) -> Count:
    """Tell what turned out to be true.

    The answer says how many predictions had that reference.
    """
    return Count(count=yard.predictions.feedback(told.reference_id, told.actual))
