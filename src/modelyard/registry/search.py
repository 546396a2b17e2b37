"""Searches of registered models and of versions, in the language of `modelyard.base.filters`.

Tags and sources stand in a row's facts and are read from there; names, numbers, runs, aliases and stages are columns.
``metrics.…`` of a version are those of the run it came from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, column, or_, select, table, true

from modelyard.base.filters import Comparison, Field
from modelyard.registry.tables import aliases, models, stage_assignments, versions
from modelyard.stores.rows.columns import Id32, Int64, Name
from modelyard.stores.rows.search import conditions, literals
from modelyard.stores.rows.search.asking import Found, Question, ask, count, read_orders
from modelyard.stores.rows.search.fields import (
    Catalog,
    Condition,
    Kind,
    Related,
    Scope,
    Texts,
    Wholes,
    plain,
)
from modelyard.stores.rows.search.json_texts import json_text
from modelyard.stores.rows.search.ordering import Key, Source, by_float
from modelyard.stores.rows.search.running import SECONDS, Running

_runs = table("my_runs", column("id", Int64()), column("run_id", Id32()))
_keys = table("my_keys", column("id", Int64()), column("name", Name(1000)))
_metrics = table(
    "my_metrics",
    column("run_id", Int64()),
    column("key_id", Int64()),
    column("latest"),
    column("value_bits", Int64()),
)
"""Tracking's tables are its own; what is read of them here is named here, by the same types."""

_ATTRIBUTE = ("attributes", "attribute", "attr")
_TAG = ("tags", "tag")
_METRIC = ("metrics", "metric")
_SPELLINGS = {
    "version": "version_number",
    "source": "source_path",
    "created": "creation_timestamp",
    "creation_time": "creation_timestamp",
    "timestamp": "creation_timestamp",
    "updated": "last_updated_timestamp",
    "last_update_time": "last_updated_timestamp",
    "aliases": "alias",
    "stages": "stage",
    "run": "run_id",
}
_MODEL_KNOWN = ("name", "description", "creation_timestamp", "last_updated_timestamp", "alias", "stage", "tags.NAME")  # fmt: skip
_VERSION_KNOWN = ("name", "version_number", "run_id", "source_path", "alias", "stage", "creation_timestamp", "last_updated_timestamp", "tags.NAME", "metrics.NAME")  # fmt: skip
_TIME = "a time: milliseconds since 1970, or a text such as '2026-01-31T12:00:00Z'"

_PROMPT = "mlflow.prompt.is_prompt"
"""Stock clients ask of every model whether this tag is not ``true``, or ``false``: a model that lacks it is meant."""


@dataclass(frozen=True)
class Wanted:
    """A search of the registry."""

    filter: str = ""
    order_by: Sequence[str] = ()
    limit: int = 100
    page: str | None = None
    most: int = 200_000


def search_models(connection: Connection, wanted: Wanted, *, seconds: float = SECONDS) -> Found:
    """The rows' ids of a page of registered models, by name when nothing else is asked."""
    running = Running(connection, seconds=seconds, what=wanted.filter)
    return ask(running, _of_models(wanted))


def search_versions(connection: Connection, wanted: Wanted, *, seconds: float = SECONDS) -> Found:
    """The rows' ids of a page of active versions, those that changed last first when nothing else is asked."""
    running = Running(connection, seconds=seconds, what=wanted.filter)
    return ask(running, _of_versions(wanted))


def count_models(
    connection: Connection, wanted: Wanted, most: int = 10_000, *, seconds: float = SECONDS
) -> tuple[int, bool]:
    """How many registered models fit: up to ``most``, and whether there are more."""
    running = Running(connection, seconds=seconds, what=wanted.filter)
    return count(running, _of_models(wanted), most)


def count_versions(
    connection: Connection, wanted: Wanted, most: int = 10_000, *, seconds: float = SECONDS
) -> tuple[int, bool]:
    """How many active versions fit: up to ``most``, and whether there are more."""
    running = Running(connection, seconds=seconds, what=wanted.filter)
    return count(running, _of_versions(wanted), most)


def _of_models(wanted: Wanted) -> Question:
    return Question(
        Source(models, models.c.id),
        Catalog(_model_field, _MODEL_KNOWN),
        filter=wanted.filter,
        orders=read_orders(wanted.order_by),
        tail=[("name", Key.of(models.c.name, False)), ("", Key.of(models.c.id, True))],
        limit=wanted.limit,
        most=wanted.most,
        page=wanted.page,
        asked=["registered models"],
    )


def _of_versions(wanted: Wanted) -> Question:
    changed = Key.of(versions.c.updated_ms, True)
    number = Key.of(versions.c.number, True)
    tail = [("version_number", number), ("", Key.of(versions.c.id, True))]
    name = ("name", Key.of(_version_name().column, False))
    first = [] if wanted.order_by else [("last_updated_timestamp", changed)]
    return Question(
        Source(versions, versions.c.id, [(versions.c.active, [True])]),
        Catalog(_version_field, _VERSION_KNOWN),
        filter=wanted.filter,
        orders=read_orders(wanted.order_by),
        tail=[*first, name, *tail],
        limit=wanted.limit,
        most=wanted.most,
        page=wanted.page,
        asked=["versions"],
    )


def _model_field(field: Field) -> Kind | None:
    if field.of.lower() in _TAG:
        return Tags(f"tags.{field.name}", models.c.facts, field.name)
    match _name(field):
        case "name":
            return Texts("name", models.c.name, ids=select(models.c.id))
        case "description":
            return Texts("description", models.c.description)
        case "creation_timestamp" as name:
            return Wholes(name, models.c.created_ms, literals.moment, says=_TIME)
        case "last_updated_timestamp" as name:
            return Wholes(name, models.c.updated_ms, literals.moment, says=_TIME)
        case "alias" | "stage" as name:
            return _mark(name, "model_id", models.c.id)
    return None


def _version_field(field: Field) -> Kind | None:
    if field.of.lower() in _TAG:
        return Tags(f"tags.{field.name}", versions.c.facts, field.name)
    if field.of.lower() in _METRIC:
        return RunMetric(f"metrics.{field.name}", field.name)
    match _name(field):
        case "name":
            return _version_name()
        case "version_number":
            return Wholes("version_number", versions.c.number)
        case "run_id":
            ids = select(versions.c.id).where(versions.c.active == true())
            return Texts("run_id", versions.c.run_id, missing=True, ids=ids)
        case "source_path":
            return Texts("source_path", json_text(versions.c.facts, "source"), missing=True)
        case "creation_timestamp" as name:
            return Wholes(name, versions.c.at_ms, literals.moment, says=_TIME)
        case "last_updated_timestamp" as name:
            return Wholes(name, versions.c.updated_ms, literals.moment, says=_TIME)
        case "alias" | "stage" as name:
            return _mark(name, "version_id", versions.c.id)
    return None


def _mark(name: str, link: str, row_id: ColumnElement[int]) -> Related:
    """The aliases or stages of a model's or version's row."""
    marks = aliases if name == "alias" else stage_assignments
    mine = select(marks.c[name]).where(marks.c[link] == row_id)
    return Related(name, mine, Texts(name, marks.c[name]))


def _name(field: Field) -> str:
    name = plain(field, _ATTRIBUTE) or ""
    return _SPELLINGS.get(name, name)


def _version_name() -> Texts:
    """The name of a version's model. It stands in another table, where it may change."""
    name: Any = select(models.c.name).where(models.c.id == versions.c.model_id).scalar_subquery()
    return Texts("name", name)


@dataclass(frozen=True)
class Tags:
    """A tag among a row's facts."""

    name: str
    facts: Any
    tag: str

    def condition(self, scope: Scope, comparison: Comparison) -> Condition:
        text = json_text(self.facts, "tags", self.tag)
        found = Texts(self.name, text, missing=True).condition(scope, comparison)
        meant = (comparison.operator, comparison.value) in (("!=", "true"), ("=", "false"))
        return or_(found, text.is_(None)) if self.tag == _PROMPT and meant else found

    def candidates(self, scope: Scope, comparison: Comparison) -> Select[Any] | None:
        return None

    def key(self, descending: bool) -> Key | None:
        return Texts(self.name, json_text(self.facts, "tags", self.tag), missing=True).key(
            descending
        )


@dataclass(frozen=True)
class RunMetric:
    """The latest value of a metric in the run that a version came from."""

    name: str
    metric: str

    def condition(self, scope: Scope, comparison: Comparison) -> Condition:
        absent = comparison.operator == "is null"
        bits = self._rows()
        if comparison.operator not in ("is null", "is not null"):
            wanted = scope.number(comparison)
            value: Any = wanted.value
            bits = bits.where(conditions.floats(_metrics.c.value_bits, wanted.operator, value))
        return ~bits.exists() if absent else bits.exists()

    def _rows(self) -> Select[Any]:
        return select(_metrics.c.value_bits).where(
            and_(
                _runs.c.run_id == versions.c.run_id,
                _keys.c.name == self.metric,
                _metrics.c.run_id == _runs.c.id,
                _metrics.c.key_id == _keys.c.id,
                _metrics.c.latest == true(),
            )
        )

    def candidates(self, scope: Scope, comparison: Comparison) -> Select[Any] | None:
        return None

    def key(self, descending: bool) -> Key | None:
        return by_float(self._rows().limit(1).scalar_subquery(), descending)
