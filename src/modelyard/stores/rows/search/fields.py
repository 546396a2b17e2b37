"""Fields of a catalog: what each does with a comparison, and how one orders by it.

A catalog gives the field that a name in a filter or an order means. `Texts` and `Wholes` are columns of the table that
is searched; `Related` is a column of other tables that belong to a row of it, of which any may be the one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Select, and_, func, literal_column, not_

from modelyard.base.errors import InvalidInput, did_you_mean
from modelyard.base.filter_tokens import fault
from modelyard.base.filters import Comparison, Field, Value
from modelyard.stores.rows.columns import Name
from modelyard.stores.rows.search import conditions, literals
from modelyard.stores.rows.search.ordering import Key, nullable
from modelyard.stores.rows.search.running import Running

Condition = ColumnElement[bool]

OF_TEXTS = ("~", "!~", "like", "ilike")


@dataclass(frozen=True)
class Scope:
    """One search: how its statements run, and the text of its filter for errors that point into it."""

    running: Running
    text: str = ""

    @property
    def dialect(self) -> str:
        return self.running.dialect

    def refuse(self, comparison: Comparison, what: str, hint: str | None = None) -> InvalidInput:
        """The error that points at a comparison."""
        if not self.text:
            return InvalidInput(what, hint=hint)
        return fault(self.text, comparison.at, what, hint=hint, unread=False)

    def number(self, comparison: Comparison) -> Comparison:
        """The comparison, or the error that its field is a number."""
        values = values_of(comparison)
        if comparison.operator in OF_TEXTS or not all(map(is_number, values)):
            raise self.refuse(
                comparison,
                f"{comparison.field} is a number, and compared with a text",
                "write the number without quotes",
            )
        return comparison


class Kind(Protocol):
    """What a field is. ``name`` is the same for all spellings of it."""

    @property
    def name(self) -> str: ...

    def condition(self, scope: Scope, comparison: Comparison) -> Condition:
        """The comparison on the rows of the searched table; never NULL."""
        ...

    def candidates(self, scope: Scope, comparison: Comparison) -> Select[Any] | None:
        """The ids of rows for which the comparison may be true, by an index; None when none helps."""
        ...

    def key(self, descending: bool) -> Key | None:
        """How to order by it; None when one cannot."""
        ...


@dataclass(frozen=True)
class Catalog:
    """The fields of what is searched."""

    find: Callable[[Field], Kind | None]
    known: Sequence[str]
    """Names for hints: ``status``, ``metrics.NAME``."""

    def kind(self, scope: Scope, comparison: Comparison) -> Kind:
        """The kind of a comparison's field, or the error that there is none of that name."""
        found = self.find(comparison.field)
        if found is None:
            what, hint = self.unknown(comparison.field)
            raise scope.refuse(comparison, what, hint)
        return found

    def unknown(self, field: Field) -> tuple[str, str]:
        """What to say of a name that is none, and the names that are near."""
        groups = [name.partition(".")[0] for name in self.known if name.endswith(".NAME")]
        near = did_you_mean(field.of, groups) if field.of else None
        if near:
            near = f"did you mean {near.split(chr(39))[1]}.{field.name}?"
        else:
            near = did_you_mean(str(field), self.known) or did_you_mean(field.name, self.known)
        return f"unknown field {field}", near or f"known: {', '.join(self.known)}"


def values_of(comparison: Comparison) -> Sequence[Value]:
    """The values it compares with: several of ``IN``, none of ``IS NULL``."""
    value = comparison.value
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (value,)


def is_number(value: Value) -> bool:
    """Whether it was written as a number."""
    return not isinstance(value, str | bool)


def as_texts(comparison: Comparison) -> Any:
    """The value or values as texts: a number that a text field is compared with is what it looks like."""
    found = [v if isinstance(v, str) else str(v) for v in values_of(comparison)]
    return found if isinstance(comparison.value, tuple) else found[0]


@dataclass(frozen=True)
class Texts:
    """A text column. ``start`` is its prefix column; ``possible`` tells which texts a column of ids takes at all;
    ``ids`` selects the rows' ids where an index finds the text."""

    name: str
    column: Any
    start: Any = None
    missing: bool = False
    possible: Callable[[str], bool] | None = None
    ids: Select[Any] | None = None

    def condition(self, scope: Scope, comparison: Comparison) -> Condition:
        if comparison.operator in ("is null", "is not null"):
            there = self.column.is_not(None) if self.missing else conditions.true()
            return there if comparison.operator == "is not null" else not_(there)
        found = self._found(scope, comparison)
        return and_(self.column.is_not(None), found) if self.missing else found

    def _found(self, scope: Scope, comparison: Comparison) -> Condition:
        op, wanted = comparison.operator, as_texts(comparison)
        if self.possible is None:
            return conditions.texts(scope.dialect, self.column, op, wanted, self.start)
        if op in ("=", "!=", "in", "not in"):
            many = [
                v for v in ([wanted] if isinstance(wanted, str) else wanted) if self.possible(v)
            ]
            positive = "in" if op in ("=", "in") else "not in"
            if not many:
                return conditions.false() if positive == "in" else conditions.true()
            return conditions.texts(scope.dialect, self.column, positive, many)
        return conditions.texts(scope.dialect, as_bytes(scope, self.column), op, wanted)

    def candidates(self, scope: Scope, comparison: Comparison) -> Select[Any] | None:
        if self.ids is None or comparison.operator not in ("=", "in"):
            return None
        return self.ids.where(self._found(scope, comparison))

    def key(self, descending: bool) -> Key | None:
        column = self.start if self.start is not None else self.column
        return nullable(column, descending) if self.missing else Key.of(column, descending)


def as_bytes(scope: Scope, column: Any) -> Any:
    """A column of ASCII as a text that compares with all texts."""
    if scope.dialect != "mysql":
        return func.coalesce(column, column, type_=Name())
    return func.convert(column.op("USING")(literal_column("binary")), type_=Name())


@dataclass(frozen=True)
class Wholes:
    """A column of integers; ``read`` makes one of what people write."""

    name: str
    column: Any
    read: Callable[[Value], float | None] = literals.whole
    missing: bool = False
    says: str = "a number"

    def condition(self, scope: Scope, comparison: Comparison) -> Condition:
        if comparison.operator in ("is null", "is not null"):
            there = self.column.is_not(None) if self.missing else conditions.true()
            return there if comparison.operator == "is not null" else not_(there)
        found = conditions.integers(self.column, comparison.operator, self.value(scope, comparison))
        return and_(self.column.is_not(None), found) if self.missing else found

    def value(self, scope: Scope, comparison: Comparison) -> Any:
        """What the comparison compares with, as numbers."""
        numbers = [self.read(value) for value in values_of(comparison)]
        if comparison.operator in OF_TEXTS or None in numbers:
            raise scope.refuse(comparison, f"{comparison.field} is {self.says}")
        return numbers if isinstance(comparison.value, tuple) else numbers[0]

    def candidates(self, scope: Scope, comparison: Comparison) -> Select[Any] | None:
        return None

    def key(self, descending: bool) -> Key | None:
        return (
            nullable(self.column, descending) if self.missing else Key.of(self.column, descending)
        )


@dataclass(frozen=True)
class Related:
    """A field of rows of other tables that belong to a row: the comparison is true when it is of any of them."""

    name: str
    rows: Select[Any]
    """Those that belong to the row; what is selected does not matter."""
    of: Kind

    def condition(self, scope: Scope, comparison: Comparison) -> Condition:
        if comparison.operator == "is null":
            return not_(self.condition(scope, replace(comparison, operator="is not null")))
        return self.rows.where(self.of.condition(scope, comparison)).exists()

    def candidates(self, scope: Scope, comparison: Comparison) -> Select[Any] | None:
        return None

    def key(self, descending: bool) -> Key | None:
        return None


def plain(field: Field, attributes: Iterable[str]) -> str | None:
    """The name of an attribute: bare, or after one of the words for attributes; None when it is of something else."""
    if field.of and field.of.lower() not in attributes:
        return None
    return field.name.lower().replace(" ", "_")
