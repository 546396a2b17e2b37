"""Metrics, params and tags as fields of a search: rows beside the one that has them, found by the number of a key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, case, false, func, literal, not_, or_, select, true

from modelyard.base.filters import Comparison
from modelyard.stores.rows.columns import Name
from modelyard.stores.rows.search import conditions
from modelyard.stores.rows.search.fields import Condition, Scope, as_texts, is_number, values_of
from modelyard.stores.rows.search.ordering import MISSING, Key, Segment
from modelyard.tracking import tables

_metrics, _pairs = tables.metrics.alias("m"), tables.pairs.alias("p")
"""As they stand in subqueries, each by itself: a new alias for every one of them takes longer than its rows."""

Experiments = Sequence[int]
_MOST_EXPERIMENTS = 50
"""In so many an index by experiment is asked; beyond them it is read row by row."""


class KeyNumbers:
    """The numbers of keys, each looked up once."""

    def __init__(self, rows: Callable[[Select[Any]], Sequence[Any]]) -> None:
        self._rows = rows
        self._known: dict[str, int | None] = {}

    def __call__(self, name: str) -> int | None:
        """None for a key that was never logged."""
        if name not in self._known:
            query = select(tables.keys.c.id).where(tables.keys.c.name == name)
            self._known[name] = next((row[0] for row in self._rows(query)), None)
        return self._known[name]


@dataclass(frozen=True)
class Metrics:
    """A metric of runs: its latest value."""

    name: str
    key_id: int | None
    experiments: Experiments

    def condition(self, scope: Scope, comparison: Comparison) -> Condition:
        metrics = _metrics
        mine = and_(metrics.c.run_id == tables.runs.c.id, self._series(metrics))
        return _there(metrics, mine, self._of(scope, comparison, metrics), comparison, self.key_id)

    def _series(self, metrics: Any) -> Condition:
        return and_(metrics.c.key_id == self.key_id, metrics.c.latest == true())

    def _of(self, scope: Scope, comparison: Comparison, metrics: Any) -> Condition:
        if comparison.operator in ("is null", "is not null"):
            return true()
        wanted = scope.number(comparison)
        return conditions.floats(metrics.c.value_bits, wanted.operator, wanted.value)  # type: ignore[arg-type]

    def candidates(self, scope: Scope, comparison: Comparison) -> Select[Any] | None:
        if comparison.operator in ("!=", "not in", "is null") or not _few(self.experiments):
            return None
        metrics = _metrics
        there = metrics.c.experiment_id.in_(self.experiments)
        found = self._of(scope, comparison, metrics)
        return select(metrics.c.run_id).where(there, self._series(metrics), found)

    def key(self, descending: bool) -> Key | None:
        metrics, later = tables.metrics.alias(), tables.metrics.alias()
        if self.key_id is None:
            return Key([], 0, descending)
        bits = metrics.c.value_bits
        join = (metrics, and_(metrics.c.run_id == tables.runs.c.id, self._series(metrics)))
        here = self._here(metrics)
        number = bits.between(conditions.LOWEST, conditions.HIGHEST)
        rank = case(
            (later.c.run_id.is_(None), MISSING),
            (not_(later.c.value_bits.between(conditions.LOWEST, conditions.HIGHEST)), 1),
            else_=0,
        )
        return Key(
            segments=[
                Segment(bits, here, join, within=number, implied=self._implied),
                Segment(None, and_(here, not_(number)), join, rank=1),
                Segment(None, not_(self._exists()), rank=MISSING),
            ],
            value=case((rank == 0, later.c.value_bits), else_=0),
            descending=descending,
            rank=rank,
            join=(later, and_(later.c.run_id == tables.runs.c.id, self._series(later))),
            narrow=lambda scope, part: self._narrow(scope, part, metrics),
        )

    @property
    def _implied(self) -> Any:
        """A metric's row names the run's own experiment."""
        return tables.runs.c.experiment_id if _few(self.experiments) else None

    def _here(self, metrics: Any) -> Condition:
        """In the experiments that are searched, for the index."""
        return metrics.c.experiment_id.in_(self.experiments) if _few(self.experiments) else true()

    def _exists(self) -> Condition:
        metrics = _metrics
        mine = metrics.c.run_id == tables.runs.c.id
        return select(metrics.c.run_id).where(mine, self._series(metrics)).exists()

    def _narrow(self, scope: Scope, part: Any, metrics: Any) -> Condition | None:
        """A range of this very metric is a range of the index that is read."""
        if not isinstance(part, Comparison) or part.operator not in ("=", "<", "<=", ">", ">="):
            return None
        if part.field.of.lower() not in METRIC or part.field.name != self.name.partition(".")[2]:
            return None
        return self._of(scope, part, metrics)


METRIC = ("metrics", "metric")
PARAM = ("params", "param", "parameters", "parameter")
TAG = ("tags", "tag")
ATTRIBUTE = ("attributes", "attribute", "attr", "run")


@dataclass(frozen=True)
class Pairs:
    """A param or tag, compared as a text with a text and as a number with a number."""

    name: str
    kind: int
    key_id: int | None
    owner: Any
    """The id of the row that has it."""
    experiments: Experiments

    def condition(self, scope: Scope, comparison: Comparison) -> Condition:
        pairs = _pairs
        found = self._of(scope, comparison, pairs)
        return _there(pairs, self._mine(pairs), found, comparison, self.key_id)

    def _mine(self, pairs: Any) -> Condition:
        return and_(
            pairs.c.kind == self.kind, pairs.c.owner_id == self.owner, pairs.c.key_id == self.key_id
        )

    def _of(self, scope: Scope, comparison: Comparison, pairs: Any) -> Condition:
        if comparison.operator in ("is null", "is not null"):
            return true()
        values = values_of(comparison)
        numbers = [v for v in values if is_number(v)]
        if not numbers:
            return self._texts(scope, comparison, pairs)
        if len(numbers) == len(values):
            return _numbers(comparison.operator, comparison.value, pairs)
        texts = Comparison(
            comparison.field,
            comparison.operator,
            tuple(v for v in values if not is_number(v)),
            comparison.at,
        )
        both = (
            _numbers(comparison.operator, tuple(numbers), pairs),
            self._texts(scope, texts, pairs),
        )
        return or_(*both) if comparison.operator == "in" else and_(*both)

    def _texts(self, scope: Scope, comparison: Comparison, pairs: Any) -> Condition:
        wanted = as_texts(comparison)
        value, start = pairs.c.value, pairs.c.value_prefix
        return conditions.texts(scope.dialect, value, comparison.operator, wanted, start)

    def candidates(self, scope: Scope, comparison: Comparison) -> Select[Any] | None:
        if comparison.operator in ("!=", "not in", "is null", "~", "!~", "ilike"):
            return None
        if not _few(self.experiments):
            return None
        pairs = _pairs
        return select(pairs.c.owner_id).where(
            pairs.c.experiment_id.in_(self.experiments),
            pairs.c.kind == self.kind,
            pairs.c.key_id == self.key_id,
            self._of(scope, comparison, pairs),
        )

    def key(self, descending: bool) -> Key | None:
        if self.key_id is None:
            return Key([], "", descending)
        pairs, later = tables.pairs.alias(), tables.pairs.alias()
        here = pairs.c.experiment_id.in_(self.experiments) if _few(self.experiments) else true()
        other = _pairs
        lacking = not_(select(other.c.owner_id).where(self._mine(other)).exists())
        return Key(
            segments=[
                Segment(pairs.c.value_prefix, here, (pairs, self._mine(pairs))),
                Segment(None, lacking, rank=MISSING),
            ],
            value=func.coalesce(later.c.value_prefix, literal("", Name()), type_=Name()),
            descending=descending,
            rank=case((later.c.owner_id.is_(None), MISSING), else_=0),
            join=(later, self._mine(later)),
        )


def _numbers(operator: str, value: Any, pairs: Any) -> Condition:
    found = conditions.floats(pairs.c.number_bits, operator, value)
    if operator in ("!=", "not in"):
        return or_(pairs.c.number_bits.is_(None), found)
    return and_(pairs.c.number_bits.is_not(None), found)


def _there(
    table: Any, mine: Condition, found: Condition, comparison: Comparison, key_id: int | None
) -> Condition:
    """There is such a row; with a key that was never logged there is none."""
    absent = comparison.operator == "is null"
    if key_id is None:
        return true() if absent else false()
    column = next(iter(table.c))
    exists = select(column).where(mine, found).exists()
    return not_(exists) if absent else exists


def _few(experiments: Experiments) -> bool:
    return 0 < len(experiments) <= _MOST_EXPERIMENTS
