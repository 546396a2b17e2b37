"""A search from its texts to ids and the token of the next page.

How the database finds the rows depends on how rare the filter's parts are. A part that only few rows can fulfil is
looked up first, and the rows it finds are judged and sorted; else rows are read along the index of the order, each
judged by the filter, until the page is full.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Select, and_, false, func, not_, or_, select, text, true

from modelyard.base.errors import InvalidInput
from modelyard.base.filters import And, Comparison, Field, Filter, Not, Or, parse, parse_order
from modelyard.stores.rows.search.fields import Catalog, Condition, Scope
from modelyard.stores.rows.search.ordering import Key, Source, page
from modelyard.stores.rows.search.paging import position, question, token
from modelyard.stores.rows.search.running import Running

MOST_ORDERS = 10
FEW = 2000
"""Rows that are looked up first: reading their ids takes a millisecond or two."""
_PROBES = 8


@dataclass(frozen=True)
class Found:
    """Ids in order, and what asks for those that follow."""

    ids: Sequence[int]
    next: str | None = None


@dataclass(frozen=True)
class Order:
    """One key of an order."""

    field: Field
    descending: bool = False


@dataclass(frozen=True)
class Question:
    """What is asked: of which rows, in which order, and how many."""

    source: Source
    catalog: Catalog
    filter: str = ""
    orders: Sequence[Order] = ()
    tail: Sequence[tuple[str, Key]] = ()
    """The order of rows that are equal otherwise, by name of the field; the last is the id."""
    limit: int = 100
    most: int = 50_000
    page: str | None = None
    asked: Sequence[Any] = ()
    """What else belongs to the question, beside filter and order: tokens of another one are refused."""
    key: Callable[[Order], Key | None] | None = None
    """Orders of a kind of their own."""


def read_orders(texts: Sequence[str]) -> list[Order]:
    """Orders such as ``metrics.accuracy DESC``."""
    if len(texts) > MOST_ORDERS:
        raise InvalidInput(f"an order has at most {MOST_ORDERS} keys")
    return [Order(*parse_order(text)) for text in texts]


def ask(running: Running, wanted: Question) -> Found:
    """The page of ids that a question asks for."""
    if not 0 <= wanted.limit <= wanted.most:
        raise InvalidInput(f"{wanted.limit} results were asked for: it may be 0 to {wanted.most:,}")
    scope = Scope(running, wanted.filter)
    tree = read_filter(wanted.filter)
    keys = _keys(scope, wanted)
    orders = [[str(o.field), o.descending] for o in wanted.orders]
    asked = question(wanted.filter, orders, *wanted.asked)
    after = position(asked, wanted.page)
    where, keys = _where(scope, wanted, tree, keys)
    if where is None or wanted.limit == 0:
        return Found([])
    rows = page(running, wanted.source, where, keys, wanted.limit + 1, after)
    shown = rows[: wanted.limit]
    more = len(rows) > wanted.limit
    return Found([row for row, _ in shown], token(asked, shown[-1][1]) if more else None)


def count(running: Running, wanted: Question, most: int) -> tuple[int, bool]:
    """How many rows the filter fits, counted up to ``most``, and whether there are more."""
    scope = Scope(running, wanted.filter)
    where, _ = _where(scope, wanted, read_filter(wanted.filter), [])
    if where is None:
        return 0, False
    rows = select(wanted.source.id).where(*wanted.source.where, *where).limit(most + 1).subquery()
    number = running.rows(select(func.count()).select_from(rows))[0][0]
    return min(number, most), number > most


def read_filter(text: str) -> Filter | None:
    """The tree of a filter; None when all is wanted."""
    return parse(text) if text.strip() else None


def condition(scope: Scope, catalog: Catalog, tree: Filter) -> Condition:
    """A filter as a condition on the rows of the searched table."""
    if isinstance(tree, Comparison):
        return catalog.kind(scope, tree).condition(scope, tree)
    if isinstance(tree, Not):
        return not_(condition(scope, catalog, tree.part))
    parts = [condition(scope, catalog, part) for part in tree.parts]
    return and_(true(), *parts) if isinstance(tree, And) else or_(false(), *parts)


def _where(
    scope: Scope, wanted: Question, tree: Filter | None, keys: Sequence[Key]
) -> tuple[list[Any] | None, Sequence[Key]]:
    """Conditions for all rows that fit, and the order; None when none can fit."""
    parts = list(_all_of(tree))
    conditions = [condition(scope, wanted.catalog, part) for part in parts]  # refuses first
    few = _few(scope, wanted.catalog, parts)
    if few is not None:
        if not few:
            return None, keys
        numbers = ",".join(map(str, map(int, few)))
        return [text(f"{wanted.source.id} IN ({numbers})"), *conditions], keys
    if keys and keys[0].narrow is not None:
        taken = [keys[0].narrow(scope, part) for part in parts]
        kept = [c for c, t in zip(conditions, taken, strict=True) if t is None]
        narrowed = [t for t in taken if t is not None]
        if narrowed:
            first = keys[0].segments[0]
            segments = [replace(first, narrowed=and_(*narrowed)), *keys[0].segments[1:]]
            return kept, [replace(keys[0], segments=segments), *keys[1:]]
    return conditions, keys


def _all_of(tree: Filter | None) -> Sequence[Filter]:
    if tree is None:
        return []
    if isinstance(tree, And):
        return [inner for part in tree.parts for inner in _all_of(part)]
    return [tree]


def _few(scope: Scope, catalog: Catalog, parts: Sequence[Filter]) -> set[int] | None:
    """The ids that one part of the filter leaves, if they are few. Equalities are tried first."""
    ranked = sorted(parts, key=lambda part: _rank(part))
    probes = 0
    for part in ranked:
        selects = _candidates(scope, catalog, part)
        if selects is None or probes + len(selects) > _PROBES:
            continue
        probes += len(selects)
        ids = _looked_up(scope, selects)
        if ids is not None:
            return ids
    return None


def _rank(part: Filter) -> int:
    if isinstance(part, Comparison):
        return 0 if part.operator in ("=", "in") else 1
    return 2


def _looked_up(scope: Scope, selects: Sequence[Select[Any]]) -> set[int] | None:
    ids: set[int] = set()
    for query in selects:
        ids.update(row[0] for row in scope.running.rows(query.limit(FEW + 1)))
        if len(ids) > FEW:
            return None
    return ids


def _candidates(scope: Scope, catalog: Catalog, part: Filter) -> list[Select[Any]] | None:
    """Selects that together give all rows that may fit a part, each by an index; None without."""
    if isinstance(part, Comparison):
        found = catalog.kind(scope, part).candidates(scope, part)
        return None if found is None else [found]
    if isinstance(part, Or):
        inner = [_candidates(scope, catalog, p) for p in part.parts]
        known = [selects for selects in inner if selects is not None]
        return [s for selects in known for s in selects] if len(known) == len(inner) else None
    if isinstance(part, And):
        return next((c for p in part.parts if (c := _candidates(scope, catalog, p))), None)
    return None


def _keys(scope: Scope, wanted: Question) -> list[Key]:
    """The keys of the order, and of its tail those that it does not name."""
    keys: list[Key] = []
    names: set[str] = set()
    for order in wanted.orders:
        own = wanted.key(order) if wanted.key is not None else None
        kind = wanted.catalog.find(order.field)
        if own is None and kind is None:
            what, hint = wanted.catalog.unknown(order.field)
            raise InvalidInput(f"the order names an {what}", hint=hint)
        name = kind.name if kind is not None else str(order.field)
        if name in names:
            raise InvalidInput(f"the order names {name} twice")
        names.add(name)
        key = own or (kind.key(order.descending) if kind is not None else None)
        if key is None:
            raise InvalidInput(f"{name} cannot be ordered by: a row may have several")
        keys.append(key)
    keys += [key for name, key in wanted.tail if name not in names]
    # a value that no row has orders nothing
    return [key for key in keys if key.segments] or keys
