"""Logged models: what a filter and an order can name, and the search itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection, Select, and_, false, not_, or_, select, true

from modelyard.base.filters import Comparison, Field, comparisons
from modelyard.stores.rows.search import conditions, literals
from modelyard.stores.rows.search.asking import (
    Found,
    Order,
    Question,
    ask,
    count,
    read_filter,
    read_orders,
)
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
from modelyard.stores.rows.search.ordering import Key, Source, by_float
from modelyard.stores.rows.search.running import SECONDS, Running
from modelyard.tracking import tables
from modelyard.tracking.interface import Search, View
from modelyard.tracking.search.runs import is_run_id
from modelyard.tracking.search.values import (
    ATTRIBUTE,
    METRIC,
    PARAM,
    TAG,
    KeyNumbers,
    Pairs,
)

models = tables.logged_models


@dataclass(frozen=True)
class Dataset:
    """A data set that metrics were measured of; without a digest any of that name."""

    name: str
    digest: str = ""


@dataclass(frozen=True)
class ModelOrder:
    """One key of an order, a metric of one data set perhaps."""

    field: str
    """As it stands, without quotes: ``metrics.val loss``."""
    ascending: bool = True
    dataset: Dataset | None = None


_SPELLINGS = {
    "creation_timestamp_ms": "creation_timestamp",
    "creation_time": "creation_timestamp",
    "created": "creation_timestamp",
    "last_updated_timestamp_ms": "last_updated_timestamp",
    "updated": "last_updated_timestamp",
    "model_name": "name",
    "type": "model_type",
    "run_id": "source_run_id",
}
_KNOWN = (
    *("name", "model_id", "model_type", "status", "source_run_id", "experiment_id"),
    *("creation_timestamp", "last_updated_timestamp", "metrics.NAME", "params.NAME", "tags.NAME"),
)
_TIME = "a time: milliseconds since 1970, or a text such as '2026-01-31T12:00:00Z'"


def search_models(
    connection: Connection,
    search: Search,
    *,
    orders: Sequence[ModelOrder] = (),
    datasets: Sequence[Dataset] = (),
    seconds: float = SECONDS,
) -> Found:
    """The rows' ids of a page of logged models, the newest first when nothing else is asked. ``orders`` go before those
    of the search. With ``datasets`` only models are found that were measured of one of them, and metrics in the filter
    are those that were measured there."""
    running = Running(connection, seconds=seconds, what=search.filter)
    return ask(running, _question(running, search, orders, datasets))


def count_models(
    connection: Connection,
    search: Search,
    most: int = 10_000,
    *,
    datasets: Sequence[Dataset] = (),
    seconds: float = SECONDS,
) -> tuple[int, bool]:
    """How many logged models a search finds on all its pages: up to ``most``, and whether there are more."""
    running = Running(connection, seconds=seconds, what=search.filter)
    return count(running, _question(running, search, (), datasets), most)


def _question(
    running: Running, search: Search, orders: Sequence[ModelOrder], datasets: Sequence[Dataset]
) -> Question:
    keys = KeyNumbers(running.rows)
    experiments = None if search.experiments is None else sorted(set(search.experiments))
    own = [Order(_field(order.field), not order.ascending) for order in orders]
    by_field = {str(_field(order.field)): order.dataset for order in orders if order.dataset}
    created, row = Key.of(models.c.created_ms, True), Key.of(models.c.id, True)
    return Question(
        _source(search, experiments, datasets),
        Catalog(partial(_find, keys, experiments or [], tuple(datasets)), _KNOWN),
        filter=search.filter,
        orders=[*own, *read_orders(search.order_by)],
        tail=[("creation_timestamp", created), ("", row)],
        limit=search.limit,
        page=search.page,
        asked=[
            *("models", experiments, str(search.view)),
            [[d.name, d.digest] for d in datasets],
            sorted([field, d.name, d.digest] for field, d in by_field.items()),
        ],
        key=lambda order: _key(keys, by_field, order),
    )


def _source(
    search: Search, experiments: Sequence[int] | None, datasets: Sequence[Dataset]
) -> Source:
    only: list[tuple[Any, list[Any]]] = []
    if experiments is not None:
        only.append((models.c.experiment_id, list(experiments)))
    if search.view is not View.ALL:
        only.append((models.c.active, [search.view is View.ACTIVE]))
    where: list[Condition] = []
    tree = read_filter(search.filter)
    measured = tree is not None and any(c.field.of.lower() in METRIC for c in comparisons(tree))
    if datasets and not measured:
        metrics, contexts = tables.metrics.alias(), tables.metric_contexts.alias()
        where.append(_measured(metrics, contexts, datasets).exists())
    return Source(models, models.c.id, only, where)


def _field(text: str) -> Field:
    of, dot, name = text.partition(".")
    return Field(name, of) if dot else Field(text)


def _key(keys: KeyNumbers, by_field: dict[str, Dataset], order: Order) -> Key | None:
    dataset = by_field.get(str(order.field))
    if dataset is None or order.field.of.lower() not in METRIC:
        return None
    return ModelMetrics(str(order.field), keys(order.field.name), (dataset,)).key(order.descending)


def _find(
    keys: KeyNumbers, experiments: Sequence[int], datasets: tuple[Dataset, ...], field: Field
) -> Kind | None:
    of = field.of.lower()
    if of in METRIC:
        return ModelMetrics(f"metrics.{field.name}", keys(field.name), datasets)
    if of in PARAM or of in TAG:
        kind, group = (tables.MODEL_PARAM, "params") if of in PARAM else (tables.MODEL_TAG, "tags")
        return Pairs(f"{group}.{field.name}", kind, keys(field.name), models.c.id, experiments)
    name = plain(field, ATTRIBUTE) or ""
    return _attribute(_SPELLINGS.get(name, name))


def _attribute(name: str) -> Kind | None:
    match name:
        case "name":
            return Texts("name", models.c.name, models.c.name_prefix)
        case "model_id":
            return Texts("model_id", models.c.model_id, ids=select(models.c.id))
        case "model_type":
            return Texts("model_type", models.c.type)
        case "status":
            return Texts("status", models.c.status)
        case "experiment_id":
            return Wholes("experiment_id", models.c.experiment_id)
        case "source_run_id":
            runs = tables.runs.alias()
            mine = select(runs.c.id).where(runs.c.id == models.c.run_id)
            return Related(name, mine, Texts(name, runs.c.run_id, possible=is_run_id))
        case "creation_timestamp":
            return Wholes(name, models.c.created_ms, literals.moment, says=_TIME)
        case "last_updated_timestamp":
            return Wholes(name, models.c.updated_ms, literals.moment, says=_TIME)
    return None


def _measured(metrics: Any, contexts: Any, datasets: Sequence[Dataset]) -> Select[Any]:
    """The latest points that were measured of a model, of some data sets or of any."""
    mine = select(metrics.c.value_bits).where(
        contexts.c.model_id == models.c.model_id, metrics.c.context_id == contexts.c.id
    )
    if not datasets:
        return mine
    return mine.where(or_(*(_of_dataset(contexts, dataset) for dataset in datasets)))


def _of_dataset(contexts: Any, dataset: Dataset) -> Condition:
    name = contexts.c.dataset_name == dataset.name
    return and_(name, contexts.c.dataset_digest == dataset.digest) if dataset.digest else name


@dataclass(frozen=True)
class ModelMetrics:
    """A metric that was measured of a model: any of its latest points, whichever run logged it."""

    name: str
    key_id: int | None
    datasets: tuple[Dataset, ...] = ()

    def condition(self, scope: Scope, comparison: Comparison) -> Condition:
        absent = comparison.operator == "is null"
        if self.key_id is None:
            return true() if absent else false()
        metrics = tables.metrics.alias()
        points = self._points(metrics)
        if comparison.operator not in ("is null", "is not null"):
            wanted = scope.number(comparison)
            value: Any = wanted.value
            points = points.where(conditions.floats(metrics.c.value_bits, wanted.operator, value))
        return not_(points.exists()) if absent else points.exists()

    def _points(self, metrics: Any) -> Select[Any]:
        contexts = tables.metric_contexts.alias()
        return _measured(metrics, contexts, self.datasets).where(metrics.c.key_id == self.key_id)

    def candidates(self, scope: Scope, comparison: Comparison) -> Select[Any] | None:
        return None

    def key(self, descending: bool) -> Key | None:
        """By the point that was logged last."""
        if self.key_id is None:
            return Key([], 0, descending)
        metrics = tables.metrics.alias()
        last = (metrics.c.at_ms.desc(), metrics.c.step.desc(), metrics.c.run_id)
        bits = self._points(metrics).order_by(*last).limit(1).scalar_subquery()
        return by_float(bits, descending)
