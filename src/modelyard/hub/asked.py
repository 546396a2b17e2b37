"""What handlers take from a request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request

from modelyard.hub.house import House
from modelyard.hub.interface import Principal
from modelyard.yard.yard import Yard

K = TypeVar("K")


async def _house(request: Request) -> House:
    return request.scope["modelyard"]["house"]


async def _yard(request: Request) -> Yard:
    return request.scope["modelyard"]["house"].yard


HouseOf = Annotated[House, Depends(_house)]
"""The hub's own state."""
YardOf = Annotated[Yard, Depends(_yard)]
"""The yard that the hub serves."""


def visible_page(
    principal: Principal,
    read: Callable[[K, int], Sequence[dict[str, Any]]],
    after: K,
    limit: int,
    place: Callable[[dict[str, Any]], K],
) -> list[dict[str, Any]]:
    """Up to ``limit + 1`` rows after a place whose names are within the scopes of who asks."""
    found: list[dict[str, Any]] = []
    while len(found) <= limit:
        rows = read(after, limit + 1)
        found += [row for row in rows if principal.sees(row["name"])]
        if len(rows) <= limit:
            break
        after = place(rows[-1])
    return found[: limit + 1]
