"""From a live object to the nodes of a skops file: the same object gives the same nodes, in every process.

Nodes are numbered in the order they are met, and only those whose sharing matters are numbered at all: memory addresses
and interned strings would make each file different. Arrays become members, named by the same numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelyard.base.errors import UnsupportedType
from modelyard.objects.formats._skops import allowed, encoders
from modelyard.objects.formats._skops.archive import Member
from modelyard.objects.formats._skops.encoders import WRITE, State, state

PROTOCOL = 2
MAX_DEPTH = 100


def encode(obj: Any) -> tuple[State, dict[str, Member]]:
    """The schema, and its members by name, as `archive.write` takes them.

    `UnsupportedType` lists all types that are not on the allow-list, in ``details['types']``.
    """
    writer = Writer()
    schema = writer.node(obj)
    if writer.refused:
        names = sorted(writer.refused)
        raise UnsupportedType(f"skops cannot hold {', '.join(names)}", types=names)
    return schema | {"protocol": PROTOCOL}, writer.members


class Writer:
    """What encoders work with: nodes of inner objects, members, and the list of what cannot be held."""

    def __init__(self) -> None:
        self.members: dict[str, Member] = {}
        self.refused: set[str] = set()
        self._numbers: dict[int, int] = {}
        self._alive: list[Any] = []
        self._open: set[int] = set()
        self._texts: dict[int, list[type]] = {}

    def node(self, value: Any) -> State:
        """The node of an object, or a reference to the one it already has."""
        if (unnumbered := encoders.unnumbered(value)) is not None:
            return unnumbered(self, value)
        if id(value) in self._open:
            return self.refuse(value, " that refers to itself")
        if len(self._open) > MAX_DEPTH:
            return self.refuse(value, f" nested more than {MAX_DEPTH} deep")
        known = self._numbers.get(id(value))
        if known is not None:
            return state(type(value), "CachedNode", __id__=known)
        number = self._numbers[id(value)] = len(self._numbers) + 1
        self._alive.append(value)  # else its address could be given to another object
        self._open.add(id(value))
        try:
            return encoders.numbered(value)(self, value) | {"__id__": number}
        finally:
            self._open.remove(id(value))

    def nodes(self, values: Mapping[str, Any]) -> dict[str, State]:
        """Several by name."""
        return {name: self.node(value) for name, value in values.items()}

    def key_types(self, value: Mapping[Any, Any]) -> State:
        """The types of a dict's keys; the list is shared by all dicts of as many texts."""
        types = [type(key) for key in value]
        if all(cls is str for cls in types):
            types = self._texts.setdefault(len(value), types)
        return self.node(types)

    def member(self, suffix: str, content: Any) -> str:
        """The name of a new member, written when the zip is."""
        name = f"{len(self.members) + 1}.{suffix}"
        write, size = WRITE[suffix], getattr(content, "nbytes", 0)
        self.members[name] = (lambda stream: write(stream, content)), size
        return name

    def refuse(self, value: Any, why: str = "") -> State:
        """Note what cannot be held and go on, so that all of it is told at once."""
        self.refused.add(allowed.name_of(value) + why)
        return encoders.plain(self, None)
