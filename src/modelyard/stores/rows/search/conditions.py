"""Comparisons as conditions of SQL, the same on SQLite, PostgreSQL and MariaDB.

Columns are of `modelyard.stores.rows.columns`: texts compare by code point, floats by their sortable bits.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    String,
    and_,
    false,
    func,
    literal,
    literal_column,
    not_,
    or_,
    true,
)

from modelyard.base.filters import Value
from modelyard.base.patterns import LONGEST
from modelyard.stores.rows.columns import PREFIX_CHARACTERS, Text, prefix, sortable_bits
from modelyard.stores.rows.search import regex
from modelyard.stores.rows.search.running import tree

Condition = ColumnElement[bool]

LOWEST, HIGHEST = sortable_bits(-math.inf), sortable_bits(math.inf)
"""Between them are all numbers; NaN is outside."""

_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_WILD_MOST = 3
"""Places of ``%`` that databases are trusted with: their ``LIKE`` takes a power of the text's length."""


# -- numbers


def floats(bits: Any, op: str, value: Value | Sequence[Value]) -> Condition:
    """Of a float by its bits: -0.0 is 0, and NaN is different from everything."""
    if op in ("in", "not in"):
        numbers = [b for v in cast(Sequence[float], value) for b in _bits(v)]
        return bits.in_(numbers) if op == "in" else bits.not_in(numbers)
    low, high = _bits(cast(float, value))
    match op:
        case "=":
            return bits == low if low == high else bits.between(low, high)
        case "!=":
            return or_(bits < low, bits > high)
        case ">":
            return and_(bits > high, bits <= HIGHEST)
        case ">=":
            return and_(bits >= low, bits <= HIGHEST)
        case "<":
            return and_(bits < low, bits >= LOWEST)
        case _:
            return and_(bits <= high, bits >= LOWEST)


def _bits(value: float) -> tuple[int, int]:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf if value > 0 else -math.inf
    if number == 0:
        return sortable_bits(-0.0), sortable_bits(0.0)
    bits = sortable_bits(number)
    return bits, bits


def integers(column: Any, op: str, value: float | Sequence[float]) -> Condition:
    """Of an integer of 64 bits with any numbers: what lies beyond is beyond."""
    if op in ("in", "not in"):
        numbers = [int(v) for v in cast(Sequence[float], value) if _is_integer(v)]
        found = column.in_(numbers) if numbers else false()
        return found if op == "in" else not_(found)
    number = cast(float, value)
    if number >= 2**63 or number < -(2**63):
        return (
            true() if op == "!=" or ((op in ("<", "<=")) is (number > 0) and op != "=") else false()
        )
    if _is_integer(number):
        return _COMPARE[op](column, int(number))
    if op in ("=", "!="):
        return true() if op == "!=" else false()
    return column <= math.floor(number) if op in ("<", "<=") else column > math.floor(number)


def _is_integer(value: float) -> bool:
    return -(2**63) <= value < 2**63 and int(value) == value


# -- texts


def texts(
    dialect: str, column: Any, op: str, value: Any, start: ColumnElement[str] | None = None
) -> Condition:
    """Of a text that is there; ``start`` is its prefix column, if it has one, for the index."""
    if op in ("~", "!~"):
        found = matched(dialect, column, "~", value)
        return found if op == "~" else not_(found)
    if op in ("like", "ilike"):
        return _like(dialect, column, op, value, start)
    if op in ("in", "not in"):
        found = column.in_(value)
        if start is not None:
            found = and_(
                start.in_(sorted({prefix(v) for v in value})), _whole(column, value, found)
            )
        return found if op == "in" else not_(found)
    if start is None or op == "!=":
        return _COMPARE[op](column, value)
    if len(value) < PREFIX_CHARACTERS:  # the start decides
        return _COMPARE[op](start, value)
    wide = {"<": "<=", ">": ">="}.get(op, op)
    return and_(_COMPARE[wide](start, prefix(value)), _COMPARE[op](column, value))


def _whole(column: Any, values: Sequence[str], found: Condition) -> Condition:
    """Short texts are known by their start alone."""
    return found if any(len(v) >= PREFIX_CHARACTERS for v in values) else true()


def _like(
    dialect: str, column: Any, op: str, pattern: str, start: ColumnElement[str] | None
) -> Condition:
    while "%%" in pattern:
        pattern = pattern.replace("%%", "%")
    if pattern == "%":
        return true()
    plain = op == "like"
    if plain and not set(pattern) & {"%", "_"}:
        return texts(dialect, column, "=", pattern, start)
    found = _by_database(dialect, column, op, pattern)
    if found is None:
        found = matched(dialect, column, op, pattern)
    fixed = _fixed_start(pattern) if plain and start is not None else ""
    return and_(between(start, fixed), found) if fixed else found


def _by_database(dialect: str, column: Any, op: str, pattern: str) -> Condition | None:
    """Its own ``LIKE``, where that means the same and is no danger."""
    if pattern.count("%") > _WILD_MOST or (len(pattern) > LONGEST and op == "ilike"):
        return None
    if dialect == "mysql" and (op == "ilike" or "_" in pattern):
        return None  # it sees bytes there
    if op == "ilike":
        if not pattern.isascii():
            return None
        # lower() knows A to Z alone: on SQLite always, on PostgreSQL by the collation of our columns
        column, pattern = func.lower(column, type_=Text()), pattern.lower()
    return column.like(pattern, escape=None if dialect == "sqlite" else "")


def _fixed_start(pattern: str) -> str:
    ends = [pattern.index(wild) for wild in "%_" if wild in pattern]
    return prefix(pattern[: min(ends)])


def between(start: Any, text: str) -> Condition:
    """Of a prefix column: it begins with a short text. A range, so that an index helps."""
    last = ord(text[-1])
    following = 0xE000 if last == 0xD7FF else last + 1
    if following > 0x10FFFF:
        return start >= text
    return and_(start >= text, start < text[:-1] + chr(following))


def matched(dialect: str, column: Any, how: str, pattern: str) -> Condition:
    """A regular expression or pattern of `modelyard.base.patterns`."""
    node = tree(how, pattern)  # refuses what it does not read, on every database
    if dialect == "sqlite":
        return func.my_matches(how, pattern, column) == 1
    if dialect == "postgresql":
        return column.op("~", is_comparison=True)(literal(regex.postgresql(node), Text()))
    shown = func.convert(column.op("USING")(literal_column("utf8mb4")), type_=String())
    wanted = literal(regex.pcre(node), String())
    return shown.collate("utf8mb4_bin").op("REGEXP", is_comparison=True)(wanted)
