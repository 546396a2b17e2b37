"""Runs: what a filter and an order can name, and the search itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection, Select, literal, or_, select

from modelyard.base.filters import Comparison, Field
from modelyard.stores.rows.columns import Text
from modelyard.stores.rows.search import literals
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
from modelyard.stores.rows.search.ordering import Key, Source
from modelyard.stores.rows.search.running import SECONDS, Running
from modelyard.tracking import tables
from modelyard.tracking.interface import Search, View
from modelyard.tracking.search.registered import versions_of_run
from modelyard.tracking.search.values import (
    ATTRIBUTE,
    METRIC,
    PARAM,
    TAG,
    KeyNumbers,
    Metrics,
    Pairs,
)

runs = tables.runs

_SPELLINGS = {
    "name": "run_name",
    "user": "user_id",
    "created": "start_time",
    "started": "start_time",
    "ended": "end_time",
    "parent": "parent_run_id",
    "experiment_name": "experiment",
    "changed": "updated",
    "id": "run_id",
}
_MOST_PARTS, _LONGEST_PART = 20, 1000
_CONTEXT = "mlflow.data.context"
_KNOWN = (
    *("run_id", "run_name", "status", "user_id", "start_time", "end_time", "duration", "updated"),
    *("experiment", "experiment_id", "parent_run_id", "artifact_uri", "any"),
    *("metrics.NAME", "params.NAME", "tags.NAME"),
    *("datasets.name", "datasets.digest", "datasets.context"),
    *("models.name", "models.version", "models.alias", "models.stage"),
)


def search_runs(connection: Connection, search: Search, *, seconds: float = SECONDS) -> Found:
    """The rows' ids of a page of runs. `Overloaded` when it takes longer than ``seconds``."""
    running = Running(connection, seconds=seconds, what=search.filter)
    experiments = None if search.experiments is None else sorted(set(search.experiments))
    parts: list[list[int] | None] = [experiments]
    if _split(search):
        each = _all_experiments(running) if experiments is None else experiments
        if 1 < len(each) <= _MOST_PARTS:
            parts = [[one] for one in each]
    return ask(running, *(_question(running, search, part) for part in parts))


def count_runs(
    connection: Connection, search: Search, most: int = 10_000, *, seconds: float = SECONDS
) -> tuple[int, bool]:
    """How many runs a search finds on all its pages: up to ``most``, and whether there are more."""
    running = Running(connection, seconds=seconds, what=search.filter)
    experiments = None if search.experiments is None else sorted(set(search.experiments))
    return count(running, _question(running, search, experiments), most)


def _split(search: Search) -> bool:
    """Whether to read each experiment by itself: the indexes of values begin with the experiment."""
    if not search.order_by or search.limit > _LONGEST_PART:
        return False
    return read_orders(search.order_by[:1])[0].field.of.lower() in (*METRIC, *PARAM, *TAG)


def _question(running: Running, search: Search, experiments: list[int] | None) -> Question:
    all_of_them = None if search.experiments is None else sorted(set(search.experiments))
    only: list[tuple[Any, list[Any]]] = []
    if experiments is not None:
        only.append((runs.c.experiment_id, experiments))
    if search.view is not View.ALL:
        only.append((runs.c.active, [search.view is View.ACTIVE]))
    indexed = experiments if experiments is not None else _all_experiments(running)
    find = partial(_find, KeyNumbers(running.rows), indexed)
    started, row = Key.of(runs.c.started_ms, True), Key.of(runs.c.id, True)
    return Question(
        Source(runs, runs.c.id, only),
        Catalog(find, _KNOWN),
        filter=search.filter,
        orders=read_orders(search.order_by),
        tail=[("start_time", started), ("", row)],
        limit=search.limit,
        page=search.page,
        asked=["runs", all_of_them, str(search.view)],
    )


def _all_experiments(running: Running) -> list[int]:
    """For the indexes that begin with the experiment; more than a few make them useless."""
    return [row[0] for row in running.rows(select(tables.experiments.c.id).limit(100))]


def _find(keys: KeyNumbers, experiments: list[int], field: Field) -> Kind | None:
    of = field.of.lower()
    if of in METRIC:
        return Metrics(f"metrics.{field.name}", keys(field.name), experiments)
    if of in PARAM or of in TAG:
        kind, group = (tables.RUN_PARAM, "params") if of in PARAM else (tables.RUN_TAG, "tags")
        name = f"{group}.{field.name}"
        return Pairs(name, kind, keys(field.name), runs.c.id, experiments)
    if of in ("datasets", "dataset"):
        return _dataset(field.name)
    if of in ("models", "model"):
        return versions_of_run(field.name, runs.c.run_id)
    name = plain(field, ATTRIBUTE)
    if name is None:
        return None
    found = _ATTRIBUTES.get(_SPELLINGS.get(name, name))
    return found() if found is not None else None


_RUN_ID = re.compile(r"[0-9a-f]{32}")


def is_run_id(text: str) -> bool:
    """Whether a run can have this id."""
    return _RUN_ID.fullmatch(text) is not None


def _run_id() -> Kind:
    return Texts("run_id", runs.c.run_id, possible=is_run_id, ids=select(runs.c.id))


def _time(name: str, column: Any, *, missing: bool = False) -> Kind:
    says = "a time: milliseconds since 1970, or a text such as '2026-01-31T12:00:00Z'"
    return Wholes(name, column, literals.moment, missing, says)


def _duration() -> Kind:
    says = "a duration: milliseconds, or a text such as '90s' or '1h30m'"
    return Wholes("duration", runs.c.duration_ms, literals.length, True, says)


def _experiment() -> Kind:
    experiments = tables.experiments.alias()
    mine = select(experiments.c.id).where(experiments.c.id == runs.c.experiment_id)
    return Related("experiment", mine, Texts("experiment", experiments.c.name))


def _parent() -> Kind:
    parents = runs.alias()
    mine = select(parents.c.id).where(parents.c.id == runs.c.parent_id)
    of = Texts("parent_run_id", parents.c.run_id, possible=is_run_id)
    return Related("parent_run_id", mine, of)


def _artifact_uri() -> Kind:
    """Where artifacts are is no column: it follows from the experiment and the run."""
    text: Any = literal("mlflow-artifacts:/", Text()) + runs.c.experiment_id.cast(Text())
    text = text + literal("/", Text()) + runs.c.run_id.cast(Text()) + literal("/artifacts", Text())
    return Texts("artifact_uri", text)


def _dataset(name: str) -> Kind | None:
    inputs, links = tables.inputs.alias(), tables.run_inputs.alias()
    mine = select(links.c.run_id).where(
        links.c.run_id == runs.c.id, inputs.c.id == links.c.input_id
    )
    columns: Mapping[str, Texts] = {
        "name": Texts("name", inputs.c.name),
        "digest": Texts("digest", inputs.c.digest),
        "context": Texts("context", json_text(links.c.tags, _CONTEXT), missing=True),
    }
    found = columns.get(name.lower())
    return None if found is None else Related(f"datasets.{name.lower()}", mine, found)


@dataclass(frozen=True)
class AnyText:
    """A run's name, and the values of its params and tags: any of them."""

    name: str = "any"

    def condition(self, scope: Scope, comparison: Comparison) -> Condition:
        if comparison.operator not in ("~", "like", "ilike", "=", "in"):
            raise scope.refuse(comparison, "'any' takes ~, LIKE, ILIKE, = and IN")
        name = Texts("name", runs.c.name, runs.c.name_prefix).condition(scope, comparison)
        pairs = tables.pairs.alias()
        of = Texts("value", pairs.c.value, pairs.c.value_prefix).condition(scope, comparison)
        mine = pairs.c.kind.in_([tables.RUN_PARAM, tables.RUN_TAG])
        found = select(pairs.c.owner_id).where(mine, pairs.c.owner_id == runs.c.id, of)
        return or_(name, found.exists())

    def candidates(self, scope: Scope, comparison: Comparison) -> Select[Any] | None:
        return None

    def key(self, descending: bool) -> Key | None:
        return None


_ATTRIBUTES: Mapping[str, Callable[[], Kind]] = {
    "run_id": _run_id,
    "run_name": lambda: Texts("run_name", runs.c.name, runs.c.name_prefix),
    "status": lambda: Texts("status", runs.c.status),
    "user_id": lambda: Texts("user_id", runs.c.user),
    "start_time": lambda: _time("start_time", runs.c.started_ms),
    "end_time": lambda: _time("end_time", runs.c.ended_ms, missing=True),
    "updated": lambda: _time("updated", runs.c.changed_ms),
    "duration": _duration,
    "experiment_id": lambda: Wholes("experiment_id", runs.c.experiment_id),
    "experiment": _experiment,
    "parent_run_id": _parent,
    "artifact_uri": _artifact_uri,
    "any": AnyText,
}
