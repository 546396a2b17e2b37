"""The contract of a builder: a model becomes an artifact that runs elsewhere.

A build has two steps: `plan` decides everything and touches nothing (so that ``--dry-run`` shows the whole truth), `run`
carries the plan out. How to add one: write ``builders/<name>.py`` with the names of `Builder`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from modelyard.objects.source import Source


@dataclass(frozen=True)
class Plan:
    """What a build will do."""

    builder: str
    target: Path
    """The file or folder that will be written."""
    steps: Sequence[str]
    """In words, for people."""
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What `run` needs: decided values only."""


@dataclass(frozen=True)
class Built:
    """What a build made."""

    builder: str
    path: Path
    digest: str
    """Of the model that is in it."""
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])


class Builder(Protocol):
    """A module in ``builders/``."""

    NAME: str
    OPTIONS: Mapping[str, str]
    """Option -> what it means, for help and for refusing unknown ones."""

    def plan(self, source: Source, output: Path | None, options: Mapping[str, Any]) -> Plan: ...

    def run(self, plan: Plan, source: Source) -> Built: ...
