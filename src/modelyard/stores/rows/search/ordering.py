"""Orders and pages: nulls and NaN last in both directions, and every page goes on after a row.

An order's first key splits the rows into segments: those that have a value, those where it is NaN, those that lack it.
They are asked for one after another, so that the first is read along an index of the key, as far as the page needs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, and_, case, func, or_, select
from sqlalchemy.types import TypeDecorator

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
    narrowed: Any = None
    """A condition on ``value`` that stands for a part of the filter; the other segments hold nothing then."""


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
    there, absent = Segment(column, column.is_not(None)), Segment(None, column.is_(None))
    rank = case((column.is_(None), MISSING), else_=0)
    return Key([there, absent], func.coalesce(column, zero(column)), descending, rank)


def zero(column: Any) -> Any:
    """Some value of a column's type, where there is none."""
    return "" if _python_type(column) is str else 0


def _python_type(column: Any) -> type:
    kind = column.type
    return (kind.impl_instance if isinstance(kind, TypeDecorator) else kind).python_type


@dataclass(frozen=True)
class Source:
    """What is searched: the table, its id, and what restricts it beside the filter."""

    table: FromClause
    id: Any
    where: Sequence[Any] = field(default_factory=tuple[Any, ...])


@dataclass(frozen=True)
class _Part:
    expression: Any
    descending: bool


def page(
    running: Running,
    source: Source,
    where: Sequence[Any],
    keys: Sequence[Key],
    limit: int,
    after: Position | None,
) -> list[tuple[int, Position]]:
    """Up to ``limit`` ids with their positions. The last key must be the id."""
    if after is not None:
        _check(after, keys)
    found: list[tuple[int, Position]] = []
    segments = list(enumerate(keys[0].segments))
    if any(segment.narrowed is not None for _, segment in segments):
        segments = [(i, s) for i, s in segments if s.narrowed is not None]
    for index, segment in segments:
        if after is not None and index < after.segment:
            continue
        begin = after.values if after is not None and index == after.segment else None
        query = _query(source, where, segment, keys, begin).limit(limit - len(found))
        found += [(row[-1], Position(index, tuple(row))) for row in running.rows(query)]
        if len(found) >= limit:
            break
    return found


def _check(after: Position, keys: Sequence[Key]) -> None:
    """A token of this question has values of these types; another was changed."""
    segments = keys[0].segments
    if not 0 <= after.segment < len(segments):
        raise refused("cannot be read")
    parts = _parts(segments[after.segment], keys)
    types = [_python_type(part.expression) for part in parts]
    if [type(value) for value in after.values] != types:
        raise refused("cannot be read")


def _query(
    source: Source,
    where: Sequence[Any],
    segment: Segment,
    keys: Sequence[Key],
    after: Sequence[Any] | None,
) -> Select[Any]:
    parts = _parts(segment, keys)
    origin: Any = source.table
    if segment.join is not None:
        other, on = segment.join
        origin = other.join(origin, on)
    for key in keys[1:]:
        if key.join is not None:
            origin = origin.outerjoin(*key.join)
    columns = [part.expression.label(f"p{i}") for i, part in enumerate(parts)]
    conditions = [*source.where, *where]
    conditions += [c for c in (segment.where, segment.narrowed) if c is not None]
    if after is not None:
        conditions.append(following(parts, after))
    order = [p.expression.desc() if p.descending else p.expression.asc() for p in parts]
    return select(*columns).select_from(origin).where(*conditions).order_by(*order)


def _parts(segment: Segment, keys: Sequence[Key]) -> list[_Part]:
    parts = [] if segment.value is None else [_Part(segment.value, keys[0].descending)]
    for key in keys[1:]:
        if key.rank is not None:
            parts.append(_Part(key.rank, False))
        parts.append(_Part(key.value, key.descending))
    return parts


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
