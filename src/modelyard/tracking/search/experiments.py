"""Experiments: what a filter and an order can name, and the search itself."""

from __future__ import annotations

from functools import partial

from sqlalchemy import Connection, select

from modelyard.base.filters import Field
from modelyard.stores.rows.search import literals
from modelyard.stores.rows.search.asking import Found, Question, ask, count, read_orders
from modelyard.stores.rows.search.fields import Catalog, Kind, Texts, Wholes, plain
from modelyard.stores.rows.search.ordering import Key, Source
from modelyard.stores.rows.search.running import SECONDS, Running
from modelyard.tracking import tables
from modelyard.tracking.interface import Search, View
from modelyard.tracking.search.values import ATTRIBUTE, TAG, KeyNumbers, Pairs

experiments = tables.experiments

_SPELLINGS = {
    "created": "creation_time",
    "updated": "last_update_time",
    "id": "experiment_id",
}
_KNOWN = ("name", "experiment_id", "creation_time", "last_update_time", "tags.NAME")
_TIME = "a time: milliseconds since 1970, or a text such as '2026-01-31T12:00:00Z'"


def search_experiments(
    connection: Connection, search: Search, *, seconds: float = SECONDS
) -> Found:
    """The ids of a page of experiments, the newest first when nothing else is asked."""
    running = Running(connection, seconds=seconds, what=search.filter)
    return ask(running, _question(running, search))


def count_experiments(
    connection: Connection, search: Search, most: int = 10_000, *, seconds: float = SECONDS
) -> tuple[int, bool]:
    """How many experiments a search finds on all its pages: up to ``most``, and whether there are more."""
    running = Running(connection, seconds=seconds, what=search.filter)
    return count(running, _question(running, search), most)


def _question(running: Running, search: Search) -> Question:
    deleted = experiments.c.deleted_ms
    where = {View.ACTIVE: [deleted.is_(None)], View.DELETED: [deleted.is_not(None)]}
    created = Key.of(experiments.c.created_ms, True)
    # without an order the older of two of one moment first, as MLflow has it
    row = Key.of(experiments.c.id, bool(search.order_by))
    return Question(
        Source(experiments, experiments.c.id, where=where.get(search.view, [])),
        Catalog(partial(_find, KeyNumbers(running.rows)), _KNOWN),
        filter=search.filter,
        orders=read_orders(search.order_by),
        tail=[("creation_time", created), ("experiment_id", row)] if not search.order_by else [("experiment_id", row)],
        limit=search.limit,
        page=search.page,
        asked=["experiments", str(search.view)],
    )  # fmt: skip


def _find(keys: KeyNumbers, field: Field) -> Kind | None:
    if field.of.lower() in TAG:
        kind, owner = tables.EXPERIMENT_TAG, experiments.c.id
        return Pairs(f"tags.{field.name}", kind, keys(field.name), owner, [])
    match _SPELLINGS.get(name := plain(field, ATTRIBUTE) or "", name):
        case "name":
            ids = select(experiments.c.id)
            return Texts("name", experiments.c.name, ids=ids)
        case "experiment_id":
            return Wholes("experiment_id", experiments.c.id)
        case "creation_time":
            return Wholes("creation_time", experiments.c.created_ms, literals.moment, says=_TIME)
        case "last_update_time":
            return Wholes("last_update_time", experiments.c.updated_ms, literals.moment, says=_TIME)
    return None
