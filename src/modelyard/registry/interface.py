"""The contract of a registry: which version has which name, stage and alias.

A registry is a list of events per model; versions, stages and aliases are a fold over them (`fold.py`, pure), asked by
`queries.py`. What a verb does is a decision (`decisions.py`, pure): it reads the state of one name and returns drafts of
events, or raises. A backend only has to keep events and run such a decision atomically, so that a verb (`verbs.py`) is
written once and works on every backend.

How to add one: write ``registry/<name>.py`` with a class that has these methods, and a case file
``tests/cases/registries/<name>.py``. ``testing/registries.py`` holds the contract.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from modelyard.base.events import Draft, Event


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a model. ``number`` in a yard; ``semver`` (with its ``v``) in Git, or as a label in a yard."""

    name: str
    number: int | None
    semver: str | None = None
    digest: str = ""
    seq: int = 0
    """Of the event that registered it last: newest is the highest."""
    at_ms: int = 0
    actor: str = ""
    comment: str = ""
    commit: str = ""
    active: bool = True
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What else was registered with it, as plain JSON: artifact, flavor, run, dataset, description, metrics, tags …"""
    updated_ms: int = 0
    """When an event last named it: registered, described, deregistered, put into a stage or taken out of one."""

    @property
    def label(self) -> str:
        """As references spell it: ``3``, or ``v1.2.0`` where there is no number."""
        return str(self.number) if self.number is not None else str(self.semver)


@dataclass(frozen=True, slots=True)
class Assignment:
    """A version in a stage, since when and by whom."""

    stage: str
    version: str
    """The version's label."""
    seq: int
    at_ms: int
    actor: str
    comment: str = ""


@dataclass(frozen=True, slots=True)
class ModelState:
    """Everything a name means at one moment."""

    name: str
    exists: bool = False
    deprecated: bool = False
    description: str = ""
    created_ms: int = 0
    counter: int = 0
    """The highest number ever given out: numbers are never used twice."""
    versions: Mapping[str, Version] = field(default_factory=dict[str, Version])
    """By label, in order of registration; deregistered ones too (``active`` False)."""
    assignments: Sequence[Assignment] = ()
    """Active assignments, oldest first. Several versions may be in one stage; the newest assignment of an active
    version holds it, and when that one is unassigned the one before it holds it again (as in GTO)."""
    aliases: Mapping[str, str] = field(default_factory=dict[str, str])
    """Alias -> version label."""
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What else is known of the model itself, as plain JSON: tags …"""
    seq: int = 0
    """Of the newest event that changed it."""
    updated_ms: int = 0
    """The time of that event."""


Decision = Callable[[ModelState], Sequence[Draft]]

Versioning = Literal["number", "semver"]
"""How a registry counts: integers from 1 (a yard), or SemVer (Git)."""


class Registry(Protocol):
    versioning: Versioning

    def state(self, name: str) -> ModelState:
        """The state of a name; ``exists`` is False for one never seen, renamed away or deleted."""
        ...

    def states(self) -> Iterator[ModelState]:
        """The states of all existing names, by name."""
        ...

    def names(self) -> Iterator[str]:
        """All existing names, sorted by code point."""
        ...

    def write(self, name: str, decide: Decision) -> Sequence[Event]:
        """Run a decision on the current state and append what it returns, atomically: nobody else's event on this
        name comes between. What `decide` raises is raised, and nothing is kept. `decide` may run more than once.

        A draft that takes a name (created, renamed) is refused when another model has it (`AlreadyExists`) or one
        that differs by case or normal form only (`InvalidName`)."""
        ...

    def events(self, name: str | None = None, *, after: int = 0) -> Iterator[Event]:
        """Events in order of ``seq``, those above ``after``: all, or those of the model that has this name now (or
        had it when it was deleted), back through its renames. Who reused a name has nothing of its former owner."""
        ...
