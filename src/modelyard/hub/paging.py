"""Pages: every listing is ``{"items": […], "next": "<token>" or null}``, asked for with ``limit`` and ``page``.

A token says where the next page begins, not how many were skipped, so that a page costs the same however far down it
is and nothing is shown twice when rows are added meanwhile. Clients hand it back as they got it.

>>> read_token(write_token("models", ["churn"]), "models")
['churn']
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

import orjson
from fastapi import Query

from modelyard.base.errors import InvalidInput

T = TypeVar("T")

DEFAULT, MOST = 100, 1000

Limit = Annotated[int, Query(ge=1, le=MOST, description="Items on a page.")]
Token = Annotated[
    str | None,
    Query(max_length=2048, description="`next` of the page before; absent for the first."),
]


def write_token(kind: str, place: Sequence[Any]) -> str:
    """A token for the place after which the next page begins."""
    return base64.urlsafe_b64encode(orjson.dumps([kind, *place])).decode().rstrip("=")


def read_token(token: str | None, kind: str, types: Sequence[type] = ()) -> list[Any] | None:
    """The place in a token, or None without one. `InvalidInput` for one that no page of this kind gave."""
    if token is None:
        return None
    try:
        data = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        found = orjson.loads(data)
    except (binascii.Error, ValueError):
        found = None
    if not isinstance(found, list) or not found or found[0] != kind:
        raise _foreign()
    place = found[1:]
    if types and [type(part) for part in place] != list(types):
        raise _foreign()
    if any(isinstance(p, int) and not -(2**63) <= p < 2**63 for p in place):
        raise _foreign()
    return place


def _foreign() -> InvalidInput:
    return InvalidInput(
        "page= is not the next of such a listing", hint="leave it out for the first page"
    )


def page_of(
    rows: Sequence[T], limit: int, kind: str, place: Callable[[T], Sequence[Any]]
) -> dict[str, Any]:
    """A page of rows, of which one more than ``limit`` was asked for, so that it is known whether there are more."""
    items = list(rows[:limit])
    more = len(rows) > limit
    return {"items": items, "next": write_token(kind, place(items[-1])) if more else None}
