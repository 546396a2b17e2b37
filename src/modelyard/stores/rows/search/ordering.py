"""Orders and pages: nulls and NaN last in both directions, and every page goes on after a row.

There are two ways to read a page. `along` reads an index: an order's first key splits the rows into segments, those that
have a value, those where it is NaN, those that lack it, which are asked for one after another as far as the page needs.
`sort` judges all rows that fit and sorts them. Both give the same rows and positions, so that pages may be read in turns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    and_,
    case,
    false,
    func,
    literal_column,
    not_,
    or_,
    select,
)
from sqlalchemy.types import TypeDecorator

from modelyard.stores.rows.search.conditions import HIGHEST, LOWEST
from modelyard.stores.rows.search.paging import Position, refused
from modelyard.stores.rows.search.running import Running

MISSING = 2
"""The rank of what is not there; 1 is NaN, 0 a value."""

Join = tuple[FromClause, ColumnElement[bool]]


@dataclass(frozen=True)
class Segment:
    """A part of all rows that is ordered by one expression; by the other keys alone when there is none."""

    value: Any = None
    where: Any = None
    join: Join | None = None
    rank: int = 0
    within: Any = None
    """The condition that ``value`` is a number."""
    narrowed: Any = None
    """A narrower one, which stands for a part of the filter; the other segments hold nothing then."""
    implied: Any = None
    """A column of the searched table that ``where`` restricts by a copy of it: to say so twice misleads a database."""


@dataclass(frozen=True)
class Key:
    """One of an order's keys: as the first (``segments``), and as a later one (``rank``, ``value``, ``join``)."""

    segments: Sequence[Segment]
    value: Any
    descending: bool
    rank: Any = None
    join: Join | None = None
    narrow: Callable[[Any, Any], Any] | None = None
    """What a part of the filter says of the first segment's value, if it is about that alone."""

    @staticmethod
    def of(column: Any, descending: bool) -> Key:
        """By a column that every row has."""
        return Key([Segment(column)], column, descending)


def nullable(column: Any, descending: bool) -> Key:
    """By a column that may be NULL."""
    there = Segment(column, column.is_not(None))
    absent = Segment(None, column.is_(None), rank=MISSING)
    rank = case((column.is_(None), MISSING), else_=0)
    return Key([there, absent], func.coalesce(column, zero(column)), descending, rank)


def by_float(bits: Any, descending: bool) -> Key:
    """By the sortable bits of a float, which may be NULL."""
    number = bits.between(LOWEST, HIGHEST)
    rank = case((bits.is_(None), MISSING), (not_(number), 1), else_=0)
    segments = [
        Segment(bits, number),
        Segment(None, and_(bits.is_not(None), not_(number)), rank=1),
        Segment(None, bits.is_(None), rank=MISSING),
    ]
    value = case((rank == 0, func.coalesce(bits, 0)), else_=0)
    return Key(segments, value, descending, rank)


def zero(column: Any) -> Any:
    """Some value of a column's type, where there is none."""
    return "" if _python_type(column) is str else 0


def _python_type(column: Any) -> type:
    kind = column.type
    return (kind.impl_instance if isinstance(kind, TypeDecorator) else kind).python_type


@dataclass(frozen=True)
class Source:
    """What is searched: the table, its id, and what restricts it beside the filter: columns
    with the values they may have, and other conditions."""

    table: FromClause
    id: Any
    only: Sequence[tuple[Any, Sequence[Any]]] = ()
    where: Sequence[Any] = field(default_factory=tuple[Any, ...])

    def conditions(self, *, loose: bool = False) -> list[Any]:
        """What restricts it. ``loose`` keeps SQLite from reading an index of these columns, where others lead to fewer
        rows: it thinks the opposite."""
        found = list(self.where)
        for column, values in self.only:
            if not values:
                found.append(false())
                continue
            compared = literal_column(f"+{column}", column.type) if loose else column
            found.append(compared == values[0] if len(values) == 1 else compared.in_(values))
        return found


@dataclass(frozen=True)
class _Part:
    expression: Any
    descending: bool


def along(
    running: Running,
    source: Source,
    where: Sequence[Any],
    keys: Sequence[Key],
    limit: int,
    after: Position | None,
) -> list[Position]:
    """Up to ``limit`` rows, read along the first key. The last key must be the id."""
    first = keys[0]
    segments = list(first.segments)
    if any(segment.narrowed is not None for segment in segments):
        segments = [segment for segment in segments if segment.narrowed is not None]
    found: list[Position] = []
    for segment in segments:
        begin = after
        if after is not None and first.rank is not None:
            if segment.rank < after[0]:
                continue
            begin = _within(segment, after) if segment.rank == after[0] else None
        query = _along(source, where, segment, keys, begin).limit(limit - len(found))
        found += [_position(segment, first, tuple(row)) for row in running.rows(query)]
        if len(found) >= limit:
            break
    return found


def _within(segment: Segment, after: Position) -> Position:
    """A position as the segment's query has it: its rank is known, and the value perhaps."""
    return after[1:] if segment.value is not None else after[2:]


def _position(segment: Segment, first: Key, row: Position) -> Position:
    if first.rank is None:
        return row
    return (segment.rank, *(() if segment.value is not None else (zero(first.value),)), *row)


def _along(
    source: Source,
    where: Sequence[Any],
    segment: Segment,
    keys: Sequence[Key],
    after: Position | None,
) -> Select[Any]:
    parts = [] if segment.value is None else [_Part(segment.value, keys[0].descending)]
    parts += parts_of(keys[1:])
    origin: Any = source.table
    if segment.join is not None:
        other, on = segment.join
        origin = other.join(origin, on)
    within = segment.within if segment.narrowed is None else segment.narrowed
    conditions = [*where, *(c for c in (segment.where, within) if c is not None)]
    if segment.implied is not None:
        only = [pair for pair in source.only if pair[0] is not segment.implied]
        source = replace(source, only=only)
    return _query(source, _joined(origin, keys[1:]), conditions, parts, after)


def sort(
    running: Running,
    source: Source,
    where: Sequence[Any],
    keys: Sequence[Key],
    limit: int,
    after: Position | None,
) -> list[Position]:
    """The same, of few rows: all that fit are sorted."""
    origin, loose = _joined(source.table, keys), running.dialect == "sqlite"
    query = _query(source, origin, where, parts_of(keys), after, loose=loose)
    return [tuple(row) for row in running.rows(query.limit(limit))]


def _joined(origin: Any, keys: Sequence[Key]) -> Any:
    for key in keys:
        if key.join is not None:
            origin = origin.outerjoin(*key.join)
    return origin


def _query(
    source: Source,
    origin: Any,
    where: Sequence[Any],
    parts: Sequence[_Part],
    after: Position | None,
    *,
    loose: bool = False,
) -> Any:
    columns = [part.expression.label(f"p{i}") for i, part in enumerate(parts)]
    conditions = [*source.conditions(loose=loose), *where]
    if after is not None:
        conditions.append(following(parts, after))
    order = [p.expression.desc() if p.descending else p.expression.asc() for p in parts]
    return select(*columns).select_from(origin).where(*conditions).order_by(*order)


def parts_of(keys: Sequence[Key]) -> list[_Part]:
    """The expressions that rows are ordered by: a position has a value of each."""
    parts: list[_Part] = []
    for key in keys:
        if key.rank is not None:
            parts.append(_Part(key.rank, False))
        parts.append(_Part(key.value, key.descending))
    return parts


def check(after: Position, keys: Sequence[Key]) -> Position:
    """The position, or the error that its token was changed: one of this order has values of these types."""
    types = [_python_type(part.expression) for part in parts_of(keys)]
    if [type(value) for value in after] != types:
        raise refused("cannot be read")
    return after


def merged(pages: Sequence[Sequence[Position]], keys: Sequence[Key]) -> list[Position]:
    """Pages of one order as one."""
    rows = [row for page in pages for row in page]
    for i, part in reversed(list(enumerate(parts_of(keys)))):
        rows.sort(key=itemgetter(i), reverse=part.descending)
    return rows


def following(parts: Sequence[_Part], after: Sequence[Any]) -> Any:
    """What comes after a row in the order of the parts. The first part also bounds the whole, for the index."""
    ways: list[Any] = []
    same: list[Any] = []
    for part, value in zip(parts, after, strict=True):
        e = part.expression
        ways.append(and_(*same, e < value if part.descending else e > value))
        same.append(e == value)
    first, start = parts[0], after[0]
    bound = first.expression <= start if first.descending else first.expression >= start
    return and_(bound, or_(*ways)) if len(ways) > 1 else ways[0]
