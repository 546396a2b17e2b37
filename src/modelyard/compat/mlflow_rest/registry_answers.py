"""Registered models and versions as MLflow's clients read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelyard.compat.mlflow_rest.errors import Refusal, refused
from modelyard.compat.mlflow_rest.stages import Stages
from modelyard.compat.mlflow_rest.wire import given, tag_list
from modelyard.registry import queries
from modelyard.registry.interface import ModelState, Version

if TYPE_CHECKING:
    from modelyard.yard.yard import Yard

PROMPT = "mlflow.prompt.is_prompt"
"""A tag that marks a name whose versions are texts, kept in tags."""


def stages_of(yard: Yard) -> Stages:
    """The names of stages that this yard's settings give."""
    return Stages(yard.stage_names)


def known_model(yard: Yard, name: str) -> ModelState:
    """The state of a name that is there."""
    state = yard.models.registry.state(name)
    if not state.exists:
        raise refused("model", name)
    return state


def known_version(yard: Yard, name: str, version: str) -> tuple[ModelState, Version]:
    """A version by its number, and the state of its model."""
    label = number_of(version)
    state = yard.models.registry.state(name)
    found = state.versions.get(label)
    if found is None or not found.active:
        raise refused("version", name, version)
    return state, found


def number_of(version: str) -> str:
    """The number of a version as registries label it."""
    if not version.isascii() or not version.isdecimal() or len(version) > 18:
        raise Refusal(f"Parameter 'version' must be an integer, got '{version[:80]}'.")
    return str(int(version))


def model_fields(state: ModelState, stages: Stages) -> dict[str, Any]:
    """A registered model."""
    latest = [version_fields(state, version, stages) for version in stages.latest(state)]
    aliases = [{"alias": a, "version": to} for a, to in sorted(state.aliases.items())]
    return given(
        name=state.name,
        creation_timestamp=state.created_ms,
        last_updated_timestamp=state.updated_ms,
        description=state.description,
        latest_versions=latest,
        tags=tag_list(state.facts.get("tags", {})),
        aliases=aliases,
    )


def version_fields(state: ModelState, version: Version, stages: Stages) -> dict[str, Any]:
    """A version. It is READY: a yard registers what it has, whole and verified, or nothing."""
    facts = version.facts
    return given(
        name=state.name,
        version=version.label,
        creation_timestamp=version.at_ms,
        last_updated_timestamp=max(version.updated_ms, version.at_ms),
        user_id=version.actor,
        current_stage=stages.shown(state, version),
        description=facts.get("description"),
        source=facts.get("source") or f"models:/{state.name}/{version.label}",
        run_id=facts.get("run"),
        run_link=facts.get("run_link"),
        model_id=facts.get("model_id"),
        status="READY",
        tags=tag_list(facts.get("tags", {})),
        aliases=queries.aliases_of(state, version.label),
    )
