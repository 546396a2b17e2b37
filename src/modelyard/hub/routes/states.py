"""Models as other programs of ours read them: a name with all that it means, in one answer."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Request

from modelyard.hub.asked import YardOf, visible_page
from modelyard.hub.paging import Limit, Token, page_of, read_token
from modelyard.hub.routing import Router, needs, principal_of
from modelyard.hub.shapes import Page
from modelyard.hub.state_shapes import State
from modelyard.registry.sql import version_of_row, version_row_ids

router = Router("states")


@router.get("/states", **needs("model.read", scoped=True))
def list_states(
    request: Request, yard: YardOf, limit: Limit = 100, page: Token = None
) -> Page[State]:
    """List everything that names mean, by name."""
    place = read_token(page, "states", [str])

    def more(after: str, count: int) -> Any:
        return [{"name": s.name, "state": s} for s in yard.models.registry.page(after, count)]

    after = place[0] if place else ""
    rows = visible_page(principal_of(request), more, after, limit, lambda row: row["name"])
    found = page_of(rows, limit, "states", lambda row: [row["name"]])
    ids = version_row_ids(yard.database)
    items = [State.of(row["state"], ids) for row in found["items"]]
    return Page(items=items, next=found["next"])


@router.get("/states/{name}", **needs("model.read", named=True))
def get_state(name: str, yard: YardOf) -> State:
    """Show everything that a name means."""
    state = yard.models.state(name)
    return State.of(state, version_row_ids(yard.database, state.name))


@router.get("/version-ids/{id}", **needs("model.read", scoped=True))
def get_by_id(
    request: Request, id: Annotated[int, Path(ge=0, le=2**63 - 1)], yard: YardOf
) -> State:
    """Show everything that the name means which a version's row belongs to."""
    name, _ = version_of_row(yard.database, id)
    principal_of(request).require_name(name)
    return get_state(name, yard)
