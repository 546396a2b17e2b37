"""Everything that a model's name means, as another program of ours reads it. Times are in milliseconds, as they are kept."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pydantic import Field

from modelyard.hub.shapes import Told
from modelyard.registry import interface as registry


class StateVersion(Told):
    """A version, and the number of its row."""

    id: int
    name: str = Field(examples=["churn"])
    number: int | None
    semver: str | None
    digest: str
    seq: int
    at_ms: int
    actor: str
    comment: str
    commit: str
    active: bool
    facts: dict[str, Any]
    updated_ms: int


class StateAssignment(Told):
    """A version in a stage."""

    stage: str
    version: str
    seq: int
    at_ms: int
    actor: str
    comment: str


class State(Told):
    """A model with all versions, stages and aliases."""

    name: str = Field(examples=["churn"])
    deprecated: bool
    description: str
    created_ms: int
    counter: int
    versions: list[StateVersion]
    assignments: list[StateAssignment]
    aliases: dict[str, str]
    facts: dict[str, Any]
    seq: int
    updated_ms: int

    @classmethod
    def of(cls, state: registry.ModelState, ids: dict[tuple[str, str], int]) -> State:
        """As it is told; a version that was deleted since it was read is left out."""
        told = asdict(state)
        versions = [
            StateVersion(id=ids[v.name, label], **asdict(v))
            for label, v in state.versions.items()
            if (v.name, label) in ids
        ]
        known = {label for label, v in state.versions.items() if (v.name, label) in ids}
        told["versions"] = versions
        told["assignments"] = [a for a in told["assignments"] if a["version"] in known]
        told["aliases"] = {a: v for a, v in state.aliases.items() if v in known}
        return cls(**told)
