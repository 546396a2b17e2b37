"""Filters as people type them: ``metrics.accuracy > 0.9 and (flavor = 'sklearn' or labels in ('prod', 'live'))``.

The words are those of SQL and of MLflow's searches: ``= != < <= > >=``, ``LIKE`` and ``ILIKE`` (``%`` is any text, ``_`` one
character), ``~`` (the text holds a regular expression, whatever its case: `modelyard.base.patterns`) and ``!~``, ``IN (…)``,
``NOT IN (…)``, ``IS NULL``, ``IS NOT NULL``, ``AND``, ``OR``, ``NOT`` and parentheses. A name is ``flavor`` or
``metrics.accuracy``; what is no plain word goes in double quotes or backticks: ``metrics."val loss"``. Texts are in single
quotes, ``''`` is one of them; in double quotes too, where no name can stand.

`parse` gives a tree of frozen dataclasses, which `matches` judges against anything that can look up a field, and which a
database can be asked with. Logic has two values: a comparison with something that is missing is false, and so its NOT is true.

>>> parse("metrics.accuracy > 0.9 and not flavor = 'sklearn'")
And((Comparison(Field('accuracy', 'metrics'), '>', 0.9), Not(Comparison(Field('flavor', ''), '=', 'sklearn'))))
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, cast

from modelyard.base import matching, patterns
from modelyard.base.errors import InvalidInput
from modelyard.base.filter_tokens import Token, fault, tokens

LONGEST = 100_000
"""Characters of a filter."""
DEEPEST = 50
"""Parentheses and NOTs within each other."""
MOST = 200
"""Comparisons in a filter."""
MOST_VALUES = 2000
"""Values in an ``IN``."""

Operator = Literal["=", "!=", "<", "<=", ">", ">=", "like", "ilike", "~", "!~", "in", "not in", "is null", "is not null"]  # fmt: skip
Value = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Field:
    """What is compared: ``metrics.accuracy`` is the key ``accuracy`` of ``metrics``; an attribute has no ``of``."""

    name: str
    of: str = ""

    def __repr__(self) -> str:
        return f"Field({self.name!r}, {self.of!r})"

    def __str__(self) -> str:
        return f"{self.of}.{self.name}" if self.of else self.name


@dataclass(frozen=True, slots=True, repr=False)
class Comparison:
    """``field operator value``; of ``in`` the value is a tuple, of ``is null`` there is none. ``at`` is where in the
    text it stands, for `modelyard.base.filter_tokens.fault`."""

    field: Field
    operator: Operator
    value: Value | tuple[Value, ...] | None = None
    at: int = dataclasses.field(default=0, compare=False)

    def __repr__(self) -> str:
        return f"Comparison({self.field!r}, {self.operator!r}, {self.value!r})"


@dataclass(frozen=True, slots=True, repr=False)
class And:
    """All of them."""

    parts: tuple[Filter, ...]

    def __repr__(self) -> str:
        return f"And({self.parts!r})"


@dataclass(frozen=True, slots=True, repr=False)
class Or:
    """Any of them."""

    parts: tuple[Filter, ...]

    def __repr__(self) -> str:
        return f"Or({self.parts!r})"


@dataclass(frozen=True, slots=True, repr=False)
class Not:
    """The opposite."""

    part: Filter

    def __repr__(self) -> str:
        return f"Not({self.part!r})"


Filter = And | Or | Not | Comparison


def comparisons(filter: Filter) -> Iterator[Comparison]:
    """All comparisons of a filter, in order."""
    if isinstance(filter, Comparison):
        yield filter
    elif isinstance(filter, Not):
        yield from comparisons(filter.part)
    else:
        for part in filter.parts:
            yield from comparisons(part)


# -- reading

_SIGNS = {"==": "=", "<>": "!="}
_COMPARE = ("=", "!=", "<", "<=", ">", ">=", "~", "!~")


def parse(text: str) -> Filter:
    """The filter that a text says. `InvalidInput` points at what cannot be read; the cost is that of its length."""
    if len(text) > LONGEST:
        raise InvalidInput(f"the filter is longer than {LONGEST} characters")
    reader = _Reader(text, tokens(text))
    found = reader.either(0)
    reader.end()
    return found


def parse_order(text: str) -> tuple[Field, bool]:
    """What to order by, and whether from high to low.

    >>> parse_order("metrics.accuracy DESC")
    (Field('accuracy', 'metrics'), True)
    """
    if len(text) > LONGEST:
        raise InvalidInput(f"an order is longer than {LONGEST} characters")
    reader = _Reader(text, tokens(text))
    return reader.order()


class _Reader:
    """Reads tokens from left to right: OR binds less than AND, AND less than NOT."""

    def __init__(self, text: str, found: Sequence[Token]) -> None:
        self._text = text
        self._tokens = found
        self._next = 0
        self._count = 0

    def either(self, depth: int) -> Filter:
        parts = [self.both(depth)]
        while self._take("keyword", "or"):
            parts.append(self.both(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def both(self, depth: int) -> Filter:
        parts = [self.one(depth)]
        while self._take("keyword", "and"):
            parts.append(self.one(depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def one(self, depth: int) -> Filter:
        if depth > DEEPEST:
            raise self._fault(f"it is nested deeper than {DEEPEST}")
        if self._take("keyword", "not"):
            return Not(self.one(depth + 1))
        if self._take("sign", "("):
            inner = self.either(depth + 1)
            self._expect("sign", ")")
            return inner
        self._count += 1
        if self._count > MOST:
            raise self._fault(f"it has more than {MOST} comparisons")
        at = self._place()
        return dataclasses.replace(self._comparison(self._field()), at=at)

    def order(self) -> tuple[Field, bool]:
        field = self._field()
        token = self._peek()
        if token is None:
            return field, False
        way = token.text.lower()
        if token.kind != "word" or way not in ("asc", "desc") or self._next + 1 < len(self._tokens):
            raise self._fault("expected ASC, DESC or the end of an order")
        return field, way == "desc"

    def end(self) -> None:
        if self._next < len(self._tokens):
            raise self._fault("expected 'and', 'or' or the end")

    def _field(self) -> Field:
        parts = [self._name()]
        while self._take("sign", "."):
            parts.append(self._name(later=True))
        return Field(".".join(parts[1:]), parts[0]) if len(parts) > 1 else Field(parts[0])

    def _name(self, *, later: bool = False) -> str:
        """A word or what is in quotes. After a dot any word will do: ``tags.in``, ``metrics.5``."""
        token = self._peek()
        words = ("word", "keyword", "later") if later else ("word",)
        if token is not None and token.kind in words:
            self._next += 1
            return self._text[token.at : token.at + len(token.text)]
        if token is not None and token.kind == "quoted":
            self._next += 1
            quote = token.text[0]
            if name := token.text[1:-1].replace(quote * 2, quote):
                return name
        if token is not None and token.kind == "keyword":
            raise self._fault("expected a name; one that is a word of the language goes in quotes")
        raise self._fault("expected a name, as in metrics.accuracy")

    def _comparison(self, field: Field) -> Comparison:
        if self._take("keyword", "is"):
            wanted: Operator = "is not null" if self._take("keyword", "not") else "is null"
            self._expect("keyword", "null")
            return Comparison(field, wanted)
        negated = self._take("keyword", "not")
        if self._take("keyword", "in"):
            return Comparison(field, "not in" if negated else "in", self._values())
        for word in ("like", "ilike"):
            if self._take("keyword", word):
                found = Comparison(field, word, self._pattern())  # type: ignore[arg-type]
                if negated:
                    raise self._fault(f"write: not {field} {word} …")
                return found
        token = self._peek()
        sign = _SIGNS.get(token.text, token.text) if token and token.kind == "sign" else ""
        if negated or sign not in _COMPARE:
            raise self._fault("expected =, !=, <, <=, >, >=, ~, like, in or is")
        self._next += 1
        value = self._expression() if sign in ("~", "!~") else self._value()
        return Comparison(field, sign, value)  # type: ignore[arg-type]  # one of _COMPARE

    def _pattern(self) -> str:
        value = self._value()
        if not isinstance(value, str):
            self._next -= 1
            raise self._fault("expected a text in single quotes")
        return value

    def _expression(self) -> str:
        place = self._place()
        text = self._pattern()
        try:
            patterns.parse(text)
        except InvalidInput as error:
            raise fault(self._text, place, error.message, hint=error.hint, unread=False) from None
        return text

    def _values(self) -> tuple[Value, ...]:
        self._expect("sign", "(")
        values = [self._value()]
        while self._take("sign", ","):
            values.append(self._value())
            if len(values) > MOST_VALUES:
                raise self._fault(f"it has more than {MOST_VALUES} values")
        self._expect("sign", ")")
        return tuple(values)

    def _value(self) -> Value:
        token = self._peek()
        if token is None:
            raise self._fault("expected a value")
        self._next += 1
        if token.kind == "text":
            return token.text[1:-1].replace("''", "'")
        if token.kind == "quoted" and token.text[0] == '"':
            return token.text[1:-1].replace('""', '"')
        if token.kind == "number":
            whole = token.text.lstrip("+-").isdecimal()
            return int(token.text) if whole and len(token.text) < 300 else float(token.text)
        if token.kind == "keyword" and token.text in ("true", "false"):
            return token.text == "true"
        self._next -= 1
        hint = (
            "texts go in single quotes" if token.kind in ("word", "quoted") else "expected a value"
        )
        raise self._fault(hint)

    def _peek(self) -> Token | None:
        return self._tokens[self._next] if self._next < len(self._tokens) else None

    def _take(self, kind: str, text: str) -> bool:
        token = self._peek()
        if token is None or (token.kind, token.text) != (kind, text):
            return False
        self._next += 1
        return True

    def _expect(self, kind: str, text: str) -> None:
        if not self._take(kind, text):
            raise self._fault(f"expected {text!r}")

    def _place(self) -> int:
        token = self._peek()
        return token.at if token else len(self._text.rstrip())

    def _fault(self, what: str) -> InvalidInput:
        return fault(self._text, self._place(), what)


# -- judging


def matches(filter: Filter, look_up: Callable[[Field], Any]) -> bool:
    """Whether a thing is what a filter asks for; ``look_up`` gives a field's value, None where there is none.

    Of a value that is a list, any item may be the one.
    """
    if isinstance(filter, And):
        return all(matches(part, look_up) for part in filter.parts)
    if isinstance(filter, Or):
        return any(matches(part, look_up) for part in filter.parts)
    if isinstance(filter, Not):
        return not matches(filter.part, look_up)
    return _holds(filter, look_up(filter.field))


def _holds(comparison: Comparison, value: Any) -> bool:
    operator, wanted = comparison.operator, comparison.value
    if operator in ("is null", "is not null"):
        return (value is None or value == []) is (operator == "is null")
    items: Sequence[Any] = cast(Any, value) if isinstance(value, list | tuple) else [value]
    if operator in ("!=", "not in", "!~"):
        positive: Any = {"!=": "=", "not in": "in", "!~": "~"}[operator]
        opposite = Comparison(comparison.field, positive, wanted)
        return bool(items) and value is not None and not _holds(opposite, value)
    return any(item is not None and _is(item, operator, wanted) for item in items)


def _is(item: Any, operator: str, wanted: Any) -> bool:
    if operator == "in":
        return any(_is(item, "=", one) for one in wanted)
    if operator in ("like", "ilike"):
        return isinstance(item, str) and like(wanted, ignore_case=operator == "ilike")(item)
    if operator == "~":
        return isinstance(item, str) and _searcher(wanted)(item)
    if not _comparable(item, wanted):
        return False
    match operator:
        case "=":
            return item == wanted
        case "<":
            return item < wanted
        case "<=":
            return item <= wanted
        case ">":
            return item > wanted
        case _:
            return item >= wanted


_searcher = lru_cache(maxsize=100)(matching.searcher)


def _comparable(a: Any, b: Any) -> bool:
    """Texts with texts, truths with truths, numbers with numbers: '3' is not 3."""
    for kind in (str, bool):
        if isinstance(a, kind) or isinstance(b, kind):
            return isinstance(a, kind) and isinstance(b, kind)
    return isinstance(a, int | float) and isinstance(b, int | float)


def like(pattern: str, *, ignore_case: bool = False) -> Callable[[str], bool]:
    """What a ``LIKE`` pattern stands for. No search goes back further than to the last ``%``.

    >>> like("c%n")("churn"), like("c_n")("churn")
    (True, False)
    """
    wanted = pattern.casefold() if ignore_case else pattern

    def is_like(text: str) -> bool:
        text = text.casefold() if ignore_case else text
        at = place = 0
        star = kept = -1
        while at < len(text):
            if place < len(wanted) and wanted[place] == "%":
                star, kept, place = place, at, place + 1
            elif place < len(wanted) and wanted[place] in ("_", text[at]):
                at, place = at + 1, place + 1
            elif star >= 0:
                kept += 1
                at, place = kept, star + 1
            else:
                return False
        return not wanted[place:].strip("%")

    return is_like
