"""Regular expressions that cost what the text is long, and mean the same in Python and in every database.

What is read: characters, ``.``, sets like ``[a-z_]`` and ``[^0-9]``, ``\\d \\w \\s`` (of ASCII) and their opposites,
groups ``(…)`` and ``(?:…)``, ``|``, ``* + ? {2} {2,} {2,5}``, and ``^ $`` for the start and end of the text. Case makes no
difference unless the expression begins with ``(?-i)``. References back to a group and looking around are refused: they
are what makes other engines take years.

`parse` gives a tree, which `modelyard.base.matching` runs and `modelyard.stores.rows.search.regex` writes in a database's own words.

>>> parse("(?-i)a+$")
Sequence(parts=(Repeat(part=Chars(ranges=((97, 97),)), low=1, high=None), Edge(end=True)))
"""

from __future__ import annotations

from dataclasses import dataclass

from modelyard.base.errors import InvalidInput

LONGEST = 500
"""Characters of an expression."""
LARGEST = 1000
"""Steps of an expression with its counts written out: ``(ab){3}`` has six."""
DEEPEST = 30
MOST_REPEATS = 255
LAST = 0x10FFFF

Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Chars:
    """One character of these ranges."""

    ranges: tuple[Range, ...]


@dataclass(frozen=True, slots=True)
class Sequence:
    """One after another."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """Any of them."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """``low`` times or more, up to ``high``, if that is not None."""

    part: Node
    low: int
    high: int | None


@dataclass(frozen=True, slots=True)
class Edge:
    """The start of the text, or its end."""

    end: bool


Node = Chars | Sequence | Either | Repeat | Edge

ANY = Chars(((0, LAST),))
_DIGIT: tuple[Range, ...] = ((48, 57),)
_WORD: tuple[Range, ...] = ((48, 57), (65, 90), (95, 95), (97, 122))
_SPACE: tuple[Range, ...] = ((9, 13), (32, 32))
_CLASSES = {"d": _DIGIT, "w": _WORD, "s": _SPACE}
_CONTROL = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v"}


def parse(text: str) -> Node:
    """The tree of an expression, or `InvalidInput` with the place where it cannot be read."""
    if len(text) > LONGEST:
        raise InvalidInput(f"the regular expression is longer than {LONGEST} characters")
    node = _Parser(text).whole()
    if _size(node) > LARGEST:
        raise InvalidInput(
            f"the regular expression {text[:40]!r} is too large: its counts multiply",
            hint="repeat fewer times",
        )
    return node


def of_like(pattern: str, *, ignore_case: bool = False) -> Node:
    """What a ``LIKE`` pattern says: ``%`` is any text, ``_`` one character."""
    if len(pattern) > LONGEST:
        raise InvalidInput(f"the pattern {pattern[:40]!r}… is longer than {LONGEST} characters")
    parts: list[Node] = [Edge(False)]
    for char in pattern:
        if char == "%":
            if not isinstance(parts[-1], Repeat):
                parts.append(Repeat(ANY, 0, None))
        else:
            parts.append(ANY if char == "_" else _one(char, ignore_case))
    return Sequence((*parts, Edge(True)))


def folded(char: str) -> set[str]:
    """A character and those that differ from it by case alone.

    >>> sorted(folded("a")), sorted(folded("É"))
    (['A', 'a'], ['É', 'é'])
    """
    found = {char, char.lower(), char.upper()}
    if char in "ßẞ":
        found |= {"ß", "ẞ"}
    plain = char.isascii()
    return {other for other in found if len(other) == 1 and other.isascii() == plain}


def _one(char: str, ignore_case: bool) -> Chars:
    chars = folded(char) if ignore_case else {char}
    return Chars(tuple((ord(c), ord(c)) for c in sorted(chars)))


def _merged(ranges: list[Range]) -> tuple[Range, ...]:
    found: list[Range] = []
    for low, high in sorted(ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        else:
            found.append((low, high))
    return tuple(found)


def _opposite(ranges: tuple[Range, ...]) -> tuple[Range, ...]:
    found: list[Range] = []
    start = 0
    for low, high in ranges:
        if low > start:
            found.append((start, low - 1))
        start = high + 1
    return (*found, (start, LAST)) if start <= LAST else tuple(found)


def _size(node: Node) -> int:
    if isinstance(node, Repeat):
        return _size(node.part) * max(node.low + 1 if node.high is None else node.high, 1) + 1
    if isinstance(node, Sequence | Either):
        return 1 + sum(map(_size, node.parts))
    return 1


class _Parser:
    """Reads an expression from left to right."""

    def __init__(self, text: str) -> None:
        self._fold = True
        self._start = 0
        for flag in ("(?i)", "(?-i)"):
            if text.startswith(flag):
                self._fold, self._start = flag == "(?i)", len(flag)
        self._text, self._at = text, self._start

    def whole(self) -> Node:
        node = self._either(0)
        if self._at < len(self._text):
            raise self._fault("this ')' closes nothing")
        return node

    def _either(self, depth: int) -> Node:
        if depth > DEEPEST:
            raise self._fault(f"it is nested deeper than {DEEPEST}")
        parts = [self._sequence(depth)]
        while self._take("|"):
            parts.append(self._sequence(depth))
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _sequence(self, depth: int) -> Node:
        parts: list[Node] = []
        while self._at < len(self._text) and self._text[self._at] not in "|)":
            parts.append(self._repeated(self._atom(depth)))
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def _atom(self, depth: int) -> Node:
        char = self._next()
        if char == "(":
            if self._take("?") and not self._take(":"):
                raise self._fault("of groups with '?' only (?:…) is known here")
            inner = self._either(depth + 1)
            if not self._take(")"):
                raise self._fault("a group is not closed")
            return inner
        if char == "[":
            return self._set()
        if char == "\\":
            ranges = self._escape()
            return self._chars(list(ranges))
        if char in "^$":
            return Edge(char == "$")
        if char in "*+?{":
            self._at -= 1
            raise self._fault("there is nothing to repeat")
        return ANY if char == "." else _one(char, self._fold)

    def _repeated(self, node: Node) -> Node:
        counts = self._counts()
        if counts is None:
            return node
        if isinstance(node, Edge):
            raise self._fault("an edge of the text cannot be repeated")
        self._take("?")  # a lazy one finds the same
        if self._at < len(self._text) and self._text[self._at] in "*+?{":
            raise self._fault("two repeats follow each other")
        return Repeat(node, *counts)

    def _counts(self) -> tuple[int, int | None] | None:
        if self._take("*"):
            return 0, None
        if self._take("+"):
            return 1, None
        if self._take("?"):
            return 0, 1
        if not self._take("{"):
            return None
        low = self._number()
        high: int | None = low
        if self._take(","):
            high = None if self._text[self._at : self._at + 1] == "}" else self._number()
        if not self._take("}") or (high is not None and high < low):
            raise self._fault("a count is written {2}, {2,} or {2,5}")
        return low, high

    def _number(self) -> int:
        start = self._at
        while self._text[self._at : self._at + 1] in tuple("0123456789"):
            self._at += 1
        digits = self._text[start : self._at]
        if not digits or len(digits) > 3 or int(digits) > MOST_REPEATS:
            raise self._fault(f"a count is a number up to {MOST_REPEATS}")
        return int(digits)

    def _set(self) -> Node:
        negated = self._take("^")
        ranges: list[Range] = []
        first = True
        while first or not self._take("]"):
            first = False
            low = self._member()
            if isinstance(low, tuple):
                ranges.extend(low)
                continue
            high = low
            if self._text[self._at : self._at + 1] == "-" and self._text[
                self._at + 1 : self._at + 2
            ] not in ("]", ""):
                self._at += 1
                upper = self._member()
                if isinstance(upper, tuple) or upper < low:
                    raise self._fault("a range goes from a lower character to a higher one")
                high = upper
            ranges.append((ord(low), ord(high)))
        found = self._chars(ranges)
        return Chars(_opposite(found.ranges)) if negated else found

    def _member(self) -> str | tuple[Range, ...]:
        char = self._next()
        if char != "\\":
            return char
        ranges = self._escape()
        (low, high), *more = ranges
        return chr(low) if low == high and not more else ranges

    def _escape(self) -> tuple[Range, ...]:
        char = self._next()
        if char.lower() in _CLASSES:
            ranges = _CLASSES[char.lower()]
            return ranges if char.islower() else _opposite(ranges)
        if char in _CONTROL:
            char = _CONTROL[char]
        elif char.isalnum():
            self._at -= 1
            raise self._fault(f"'\\{char}' is not known here")
        return ((ord(char), ord(char)),)

    def _chars(self, ranges: list[Range]) -> Chars:
        """With the other case of letters; of long ranges that of ASCII only."""
        more: list[Range] = []
        if self._fold:
            for low, high in ranges:
                wide = high - low > 1000
                codes = (*range(65, 91), *range(97, 123)) if wide else range(low, high + 1)
                others = (
                    ord(c) for code in codes if low <= code <= high for c in folded(chr(code))
                )
                more.extend((other, other) for other in others)
        return Chars(_merged([*ranges, *more]))

    def _next(self) -> str:
        if self._at >= len(self._text):
            raise self._fault("it ends too early")
        self._at += 1
        return self._text[self._at - 1]

    def _take(self, text: str) -> bool:
        found = self._text.startswith(text, self._at)
        self._at += len(text) if found else 0
        return found

    def _fault(self, what: str) -> InvalidInput:
        near = self._text[self._at : self._at + 10]
        where = f"at {near!r}" if near else "at its end"
        return InvalidInput(
            f"the regular expression {self._text[:80]!r} cannot be read {where}: {what}",
            hint="a backslash makes a sign stand for itself, as in '3\\.1'",
        )
