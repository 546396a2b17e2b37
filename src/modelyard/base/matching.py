"""Regular expressions of `modelyard.base.patterns`, run over texts: each character is read once, whatever they say.

>>> Matcher(parse("ada(m|grad)$")).search("optim.AdaGrad")
True
"""

from __future__ import annotations

import time
from collections.abc import Callable

from modelyard.base.errors import Overloaded
from modelyard.base.patterns import Chars, Edge, Node, Range, Repeat, Sequence, parse

_MOST_STATES = 2000
"""Remembered by one matcher: beyond them it forgets all and goes on."""


class _State:
    """What a text may go on with: a set of places in the expression, and where each character leads."""

    __slots__ = ("accepts", "accepts_at_end", "after", "places")

    def __init__(self, places: frozenset[int], accepts: bool, accepts_at_end: bool) -> None:
        self.places = places
        self.accepts = accepts
        self.accepts_at_end = accepts_at_end
        self.after: dict[str, _State] = {}


class Matcher:
    """Finds an expression anywhere in texts. Each character is read once; ``deadline`` (of `time.monotonic`) is the
    moment when it gives up, with `Overloaded`."""

    def __init__(self, node: Node, *, deadline: float | None = None) -> None:
        self.deadline = deadline
        self._eats: list[tuple[tuple[Range, ...], int] | None] = []
        self._free: list[list[tuple[int, bool | None]]] = []
        self._accept = self._place()
        self._first = self._build(node, self._accept)
        self._states: dict[frozenset[int], _State] = {}
        self._start = self._state({self._first}, at_start=True)

    def search(self, text: str) -> bool:
        """Whether the text holds it."""
        state = self._start
        for char in text:
            if state.accepts:
                return True
            following = state.after.get(char)
            if following is None:
                following = self._step(state, char)
            state = following
        return state.accepts or state.accepts_at_end

    def _place(self) -> int:
        self._eats.append(None)
        self._free.append([])
        return len(self._eats) - 1

    def _build(self, node: Node, then: int) -> int:
        """The place where a part begins that goes on at ``then``."""
        if isinstance(node, Sequence):
            for part in reversed(node.parts):
                then = self._build(part, then)
            return then
        if isinstance(node, Repeat):
            return self._build_repeat(node, then)
        place = self._place()
        if isinstance(node, Chars):
            self._eats[place] = (node.ranges, then)
        elif isinstance(node, Edge):
            self._free[place].append((then, node.end))
        else:
            self._free[place].extend((self._build(part, then), None) for part in node.parts)
        return place

    def _build_repeat(self, node: Repeat, then: int) -> int:
        if node.high is None:
            loop = self._place()
            self._free[loop] += [(self._build(node.part, loop), None), (then, None)]
            then = loop
        else:
            end = then
            for _ in range(node.high - node.low):
                skip = self._place()
                self._free[skip] += [(self._build(node.part, then), None), (end, None)]
                then = skip
        for _ in range(node.low):
            then = self._build(node.part, then)
        return then

    def _closure(self, places: set[int], *, at_start: bool, at_end: bool) -> set[int]:
        found, waiting = set(places), list(places)
        while waiting:
            for then, edge in self._free[waiting.pop()]:
                passes = edge is None or (at_end if edge else at_start)
                if passes and then not in found:
                    found.add(then)
                    waiting.append(then)
        return found

    def _state(self, places: set[int], *, at_start: bool) -> _State:
        now = self._closure(places, at_start=at_start, at_end=False)
        key = frozenset(now)
        known = None if at_start else self._states.get(key)
        if known is not None:
            return known
        end = self._closure(places, at_start=at_start, at_end=True)
        state = _State(key, self._accept in now, self._accept in end)
        if not at_start:
            if len(self._states) >= _MOST_STATES:
                self._forget()
            self._states[key] = state
        return state

    def _forget(self) -> None:
        for state in self._states.values():
            state.after.clear()
        self._states.clear()
        self._start.after.clear()

    def _step(self, state: _State, char: str) -> _State:
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise Overloaded("the regular expression takes too long on these texts")
        code = ord(char)
        found = {self._first}  # it may begin after any character
        for place in state.places:
            eats = self._eats[place]
            if eats is not None and any(low <= code <= high for low, high in eats[0]):
                found.add(eats[1])
        following = self._state(found, at_start=False)
        if len(state.after) < 200:
            state.after[char] = following
        return following


def searcher(pattern: str) -> Callable[[str], bool]:
    """What tells whether a text holds the expression.

    >>> searcher("^c.*n$")("Churn"), searcher("(?-i)^c")("Churn")
    (True, False)
    """
    return Matcher(parse(pattern)).search
