"""A search from its texts to ids and the token of the next page.

How the database finds the rows depends on how rare the filter's parts are. A part that only few rows can fulfil is
looked up first, and the rows it finds are judged and sorted; else rows are read along the index of the order, each
judged by the filter, until the page is full. When that takes long, since what fits stands at the far end of the order,
the rows of the rarest part are looked up after all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, false, func, not_, or_, select, text, true

from modelyard.base.errors import InvalidInput
from modelyard.base.filters import And, Comparison, Field, Filter, Not, Or, parse, parse_order
from modelyard.stores.rows.search.fields import Catalog, Condition, Scope
from modelyard.stores.rows.search.ordering import Key, Source, along, check, merged, sort
from modelyard.stores.rows.search.paging import Position, position, question, token
from modelyard.stores.rows.search.running import OverBudget, Running

MOST_ORDERS = 10
FEW = 2000
"""Rows that are looked up first: reading their ids takes a millisecond or two."""
MANY = 300_000
"""Rows up to which looking them all up beats reading on along the order, when that took too long."""
TRY_SECONDS = 0.15
_PROBES = 8


class Found(NamedTuple):
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
    return [Order(*parse_order(text)) for text in texts]


def ask(running: Running, *wanted: Question) -> Found:
    """The page of ids that a question asks for. One that was split into several, over parts of the rows that have
    nothing in common, is answered as one: the parts differ in their sources alone."""
    first = wanted[0]
    if not 0 <= first.limit <= first.most:
        raise InvalidInput(f"{first.limit} results were asked for: it may be 0 to {first.most:,}")
    tree = read_filter(first.filter)
    scope = Scope(running, first.filter)
    orders = [[str(o.field), o.descending] for o in first.orders]
    asked = question(first.filter, orders, *first.asked)
    keys = [_keys(part) for part in wanted]
    after = position(asked, first.page)
    if after is not None:
        check(after, keys[0])
    pages = [
        _rows(scope, part, tree, order, after) for part, order in zip(wanted, keys, strict=True)
    ]
    running.done()
    rows = pages[0] if len(pages) == 1 else merged(pages, keys[0])
    shown = rows[: first.limit]
    more = len(rows) > first.limit > 0
    return Found([row[-1] for row in shown], token(asked, shown[-1]) if more else None)


def _rows(
    scope: Scope, wanted: Question, tree: Filter | None, keys: Sequence[Key], after: Position | None
) -> list[Position]:
    """One row more than is asked for, if there are so many."""
    parts = list(_all_of(tree))
    where = [condition(scope, wanted.catalog, part) for part in parts]  # refuses first
    ways = _ways(scope, wanted.catalog, parts)
    few = _few(scope, ways)
    if few is not None:
        rows = [_with_ids(wanted.source, few), *where]
        return (
            sort(scope.running, wanted.source, rows, keys, wanted.limit + 1, after) if few else []
        )
    narrower, rest = _narrowed(scope, keys, parts, where)

    def read() -> list[Position]:
        return along(scope.running, wanted.source, rest, narrower, wanted.limit + 1, after)

    if not ways:
        return read()
    try:
        with scope.running.trying(TRY_SECONDS):
            return read()
    except OverBudget:
        best = _best(scope, ways)
    if best is None:
        return read()
    rows = [or_(*(wanted.source.id.in_(query) for query in best)), *where]
    return sort(scope.running, wanted.source, rows, keys, wanted.limit + 1, after)


def _with_ids(source: Source, ids: set[int]) -> Any:
    return text(f"{source.id} IN ({','.join(map(str, map(int, ids)))})")


def _narrowed(
    scope: Scope, keys: Sequence[Key], parts: Sequence[Filter], where: Sequence[Any]
) -> tuple[Sequence[Key], Sequence[Any]]:
    """The keys with what the filter says of the first one's value, and the rest of the filter."""
    narrow = keys[0].narrow
    if narrow is None:
        return keys, where
    taken = [narrow(scope, part) for part in parts]
    ranges = [found for found in taken if found is not None]
    if not ranges:
        return keys, where
    first = replace(keys[0].segments[0], narrowed=and_(*ranges))
    narrower = replace(keys[0], segments=[first, *keys[0].segments[1:]])
    rest = [c for c, found in zip(where, taken, strict=True) if found is None]
    return [narrower, *keys[1:]], rest


def count(running: Running, wanted: Question, most: int) -> tuple[int, bool]:
    """How many rows the filter fits, counted up to ``most``, and whether there are more."""
    scope = Scope(running, wanted.filter)
    parts = list(_all_of(read_filter(wanted.filter)))
    where = [condition(scope, wanted.catalog, part) for part in parts]
    few = _few(scope, _ways(scope, wanted.catalog, parts))
    loose = few is not None and running.dialect == "sqlite"
    where += wanted.source.conditions(loose=loose)
    if few is not None:
        where.append(_with_ids(wanted.source, few) if few else false())
    rows = select(wanted.source.id).where(*where).limit(most + 1).subquery()
    number = running.rows(select(func.count()).select_from(rows))[0][0]
    running.done()
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


def _all_of(tree: Filter | None) -> Sequence[Filter]:
    if tree is None:
        return []
    if isinstance(tree, And):
        return [inner for part in tree.parts for inner in _all_of(part)]
    return [tree]


def _ways(scope: Scope, catalog: Catalog, parts: Sequence[Filter]) -> list[list[Select[Any]]]:
    """Ways to look rows up before they are judged, by one part of the filter each. Equalities come first."""
    found: list[list[Select[Any]]] = []
    for part in sorted(parts, key=_rank):
        selects = _candidates(scope, catalog, part)
        if selects is not None and sum(map(len, found)) + len(selects) <= _PROBES:
            found.append(selects)
    return found


def _few(scope: Scope, ways: Sequence[Sequence[Select[Any]]]) -> set[int] | None:
    """The ids that one part of the filter leaves, if they are few."""
    looked_up = (_looked_up(scope, selects) for selects in ways)
    return next((ids for ids in looked_up if ids is not None), None)


def _best(scope: Scope, ways: Sequence[Sequence[Select[Any]]]) -> Sequence[Select[Any]] | None:
    """The way that leaves the fewest rows, if it leaves less than a lot."""
    sizes = [sum(_size(scope, query) for query in selects) for selects in ways]
    best = min(range(len(ways)), key=sizes.__getitem__)
    return ways[best] if sizes[best] <= MANY else None


def _size(scope: Scope, query: Select[Any]) -> int:
    rows = query.limit(MANY + 1).subquery()
    return scope.running.rows(select(func.count()).select_from(rows))[0][0]


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


def _keys(wanted: Question) -> list[Key]:
    """The keys of the order, and of its tail those that it does not name."""
    if len(wanted.orders) > MOST_ORDERS:
        raise InvalidInput(f"an order has at most {MOST_ORDERS} keys")
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
