"""Versions of registered models: made of what runs logged, tagged, put into stages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from modelyard.compat.mlflow_rest import files, registry_search, sources
from modelyard.compat.mlflow_rest.errors import Refusal, told
from modelyard.compat.mlflow_rest.registered_models import changed_tags
from modelyard.compat.mlflow_rest.registry_answers import (
    PROMPT,
    known_model,
    known_version,
    stages_of,
    version_fields,
)
from modelyard.compat.mlflow_rest.routing import Endpoint
from modelyard.compat.mlflow_rest.wire import Call, given
from modelyard.registry import decisions, verbs

if TYPE_CHECKING:
    from modelyard.base.events import Draft
    from modelyard.registry.interface import ModelState, Version
    from modelyard.yard.yard import Yard


def create(yard: Yard, call: Call) -> dict[str, Any]:
    """The next version, of files that are here (`sources`)."""
    name, source = call.text("name", needed=True), call.text("source", needed=True)
    tags = call.pairs("tags")
    known_model(yard, name)
    prompt = tags.get(PROMPT, "").lower() == "true"
    if prompt and ("/" in source or ":" in source):
        raise Refusal(f"Invalid prompt source: '{source[:200]}'. Prompt source cannot be a URI.")
    found = None if prompt else sources.find(yard, source, stages_of(yard))
    run_id, model_id = sources.checked_ids(call.text("run_id"), call.text("model_id"), found)
    facts = {
        "source": source,
        "run": run_id,
        "model_id": model_id,
        "run_link": call.text("run_link"),
        "description": call.text("description"),
        "tags": tags,
    }
    version = sources.register(yard, name, found, facts)
    return _answer(yard, yard.models.registry.state(version.name), version)


def _answer(yard: Yard, state: ModelState, version: Version) -> dict[str, Any]:
    return {"model_version": version_fields(state, version, stages_of(yard))}


def _named(yard: Yard, call: Call) -> tuple[ModelState, Version]:
    name = call.text("name", needed=True)
    return known_version(yard, name, _version(call))


def _version(call: Call) -> str:
    """A number, which some clients send as one."""
    value = call.fields.get("version")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return call.text("version", needed=True)


def get(yard: Yard, call: Call) -> dict[str, Any]:
    """By name and number."""
    return _answer(yard, *_named(yard, call))


def download_uri(yard: Yard, call: Call) -> dict[str, Any]:
    """Where clients find its files."""
    version = _named(yard, call)[1]
    if not version.facts.get("files") and not version.digest:
        return given(artifact_uri=version.facts.get("source"))
    return {"artifact_uri": files.version_uri(yard, version)}


def search(yard: Yard, call: Call) -> dict[str, Any]:
    stages = stages_of(yard)
    found = registry_search.versions(yard, call)
    return given(
        model_versions=[version_fields(s, v, stages) for s, v in found.items],
        next_page_token=found.next,
    )


def update(yard: Yard, call: Call) -> dict[str, Any]:
    """Other words about it."""
    state, version = _named(yard, call)
    text = call.optional("description")
    if text is not None:
        _describe(yard, version, lambda _: {"description": text or None})
        state, version = known_version(yard, state.name, version.label)
    return _answer(yard, state, version)


def transition(yard: Yard, call: Call) -> dict[str, Any]:
    """Into one stage alone; others in it go to the archive when that is asked for."""
    state, version = _named(yard, call)
    word = call.text("stage", needed=True)
    stages = stages_of(yard)
    stage = stages.ours(word, state)
    archive = stages.archive_of(word, call.flag("archive_existing_versions"))
    with told("version", state.name, version.label):
        yard.models.transition(state.name, version.label, stage, archive_to=archive)
    return _answer(yard, *known_version(yard, state.name, version.label))


def delete(yard: Yard, call: Call) -> dict[str, Any]:
    state, version = _named(yard, call)
    with told("version", state.name, version.label):
        verbs.delete_version(yard.models.registry, state.name, version.label)
    files.let_go(yard, [version])
    return {}


def set_tag(yard: Yard, call: Call) -> dict[str, Any]:
    """A tag of a version."""
    key = call.text("key", needed=True)
    _change_tags(yard, _named(yard, call)[1], {key: call.text("value")})
    return {}


def delete_tag(yard: Yard, call: Call) -> dict[str, Any]:
    """A tag away, if it is there."""
    key = call.text("key", needed=True)
    _change_tags(yard, _named(yard, call)[1], {key: None})
    return {}


def _change_tags(yard: Yard, version: Version, changes: Mapping[str, str | None]) -> None:
    _describe(yard, version, lambda known: {"tags": changed_tags(known.facts, changes)})


def _describe(yard: Yard, version: Version, facts: Any) -> None:
    """Change facts of a version, from those it has at that very moment."""

    def decide(state: ModelState) -> list[Draft]:
        known = state.versions.get(version.label, version)
        return decisions.describe_version(state, version.label, facts=facts(known))

    with told("version", version.name, version.label):
        verbs.carry_out(yard.models.registry, version.name, decide)


ENDPOINTS = [
    Endpoint("POST", "model-versions/create", "model.write", create),
    Endpoint("GET", "model-versions/get", "model.read", get),
    Endpoint("GET", "model-versions/get-download-uri", "model.download", download_uri),
    Endpoint("GET", "model-versions/search", "model.read", search),
    Endpoint("POST", "model-versions/search", "model.read", search),
    Endpoint("PATCH", "model-versions/update", "model.write", update),
    Endpoint("POST", "model-versions/transition-stage", "stage.write", transition),
    Endpoint("DELETE", "model-versions/delete", "model.delete", delete),
    Endpoint("POST", "model-versions/set-tag", "model.write", set_tag),
    Endpoint("DELETE", "model-versions/delete-tag", "model.write", delete_tag),
]
