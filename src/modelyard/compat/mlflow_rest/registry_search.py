"""Searches of models and versions: MLflow's filters and more, any order, pages that do not shift under writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from modelyard.compat.mlflow_rest.wire import Call

if TYPE_CHECKING:
    from modelyard.registry.interface import ModelState, Version
    from modelyard.registry.search import Wanted
    from modelyard.yard.yard import Yard

T = TypeVar("T")

MOST_MODELS, MOST_VERSIONS = 1000, 200_000


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """One page."""

    items: Sequence[T]
    next: str | None = None


def models(yard: Yard, call: Call) -> Found[ModelState]:
    """Models that a request asks for."""
    from sqlalchemy import select

    from modelyard.registry import projection, tables
    from modelyard.registry.search import search_models

    wanted = _wanted(call, 100, MOST_MODELS)
    if not wanted.limit:
        return Found([])
    with yard.database.read() as connection:
        found = search_models(connection, wanted)
        query = select(tables.models).where(tables.models.c.id.in_(found.ids))
        rows = connection.execute(query).all()
        states = dict(zip((row.id for row in rows), projection.load(connection, rows), strict=True))
    return Found([states[n] for n in found.ids if n in states], found.next)


def versions(yard: Yard, call: Call) -> Found[tuple[ModelState, Version]]:
    """Versions that a request asks for."""
    from sqlalchemy import select

    from modelyard.registry import projection, tables
    from modelyard.registry.search import search_versions

    wanted = _wanted(call, 10_000, MOST_VERSIONS)
    if not wanted.limit:
        return Found([])
    known, own = tables.versions, tables.models
    with yard.database.read() as connection:
        found = search_versions(connection, wanted)
        places: dict[int, tuple[int, str]] = {}
        for some in _portions(found.ids):
            query = select(known.c.id, known.c.model_id, known.c.number).where(known.c.id.in_(some))
            for row in connection.execute(query):
                places[row.id] = (row.model_id, str(row.number))
        states: dict[int, ModelState] = {}
        for some in _portions(sorted({model_id for model_id, _ in places.values()})):
            rows = connection.execute(select(own).where(own.c.id.in_(some))).all()
            states |= zip((r.id for r in rows), projection.load(connection, rows), strict=True)
    pairs = [(states[m], states[m].versions[v]) for m, v in map(places.__getitem__, found.ids)]
    return Found(pairs, found.next)


def _wanted(call: Call, usual: int, most: int) -> Wanted:
    from modelyard.registry.search import Wanted

    return Wanted(
        filter=call.text("filter"),
        order_by=call.texts("order_by"),
        limit=call.integer("max_results", usual, low=0, high=most),
        page=call.text("page_token") or None,
        most=most,
    )


def _portions(ids: Sequence[int], size: int = 500) -> list[Sequence[int]]:
    return [ids[at : at + size] for at in range(0, len(ids), size)]
