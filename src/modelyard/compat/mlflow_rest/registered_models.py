"""Registered models: names with a description, tags and aliases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from modelyard.compat.mlflow_rest import files, registry_search
from modelyard.compat.mlflow_rest.errors import INVALID, refused, taken, told
from modelyard.compat.mlflow_rest.registry_answers import (
    known_model,
    known_version,
    model_fields,
    stages_of,
    version_fields,
)
from modelyard.compat.mlflow_rest.routing import Endpoint
from modelyard.compat.mlflow_rest.wire import Call, given
from modelyard.registry import decisions, verbs

if TYPE_CHECKING:
    from modelyard.base.events import Draft
    from modelyard.registry.interface import ModelState
    from modelyard.yard.yard import Yard


def create(yard: Yard, call: Call) -> dict[str, Any]:
    """A name without versions."""
    name = call.text("name", needed=True)
    tags = call.pairs("tags")
    with taken("model_exists", name):
        state = verbs.create(
            yard.models.registry,
            name,
            description=call.text("description"),
            facts={"tags": tags} if tags else None,
        )
    return _answer(yard, state)


def _answer(yard: Yard, state: ModelState) -> dict[str, Any]:
    return {"registered_model": model_fields(state, stages_of(yard))}


def get(yard: Yard, call: Call) -> dict[str, Any]:
    """By name."""
    return _answer(yard, known_model(yard, call.text("name", needed=True)))


def rename(yard: Yard, call: Call) -> dict[str, Any]:
    """Another name; versions and history go with it."""
    name, new = call.text("name", needed=True), call.text("new_name", needed=True)
    known_model(yard, name)
    with taken("model_exists", new), told("model", name):
        return _answer(yard, verbs.rename(yard.models.registry, name, new))


def update(yard: Yard, call: Call) -> dict[str, Any]:
    """Other words about it."""
    name = call.text("name", needed=True)
    with told("model", name):
        text = call.text("description")
        return _answer(yard, verbs.describe(yard.models.registry, name, description=text))


def delete(yard: Yard, call: Call) -> dict[str, Any]:
    name = call.text("name", needed=True)
    state = known_model(yard, name)
    with told("model", name):
        verbs.delete_model(yard.models.registry, name)
    files.let_go(yard, state.versions.values())
    return {}


def search(yard: Yard, call: Call) -> dict[str, Any]:
    stages = stages_of(yard)
    found = registry_search.models(yard, call)
    return given(
        registered_models=[model_fields(state, stages) for state in found.items],
        next_page_token=found.next,
    )


def latest_versions(yard: Yard, call: Call) -> dict[str, Any]:
    """The highest version in each stage."""
    state = known_model(yard, call.text("name", needed=True))
    stages = stages_of(yard)
    found = stages.latest(state, call.texts("stages"))
    return given(model_versions=[version_fields(state, v, stages) for v in found])


def set_tag(yard: Yard, call: Call) -> dict[str, Any]:
    """A tag of a model."""
    key = call.text("key", needed=True)
    _change_tags(yard, call.text("name", needed=True), {key: call.text("value")})
    return {}


def delete_tag(yard: Yard, call: Call) -> dict[str, Any]:
    """A tag away, if it is there."""
    key = call.text("key", needed=True)
    _change_tags(yard, call.text("name", needed=True), {key: None})
    return {}


def _change_tags(yard: Yard, name: str, changes: Mapping[str, str | None]) -> None:
    def decide(state: ModelState) -> list[Draft]:
        tags = changed_tags(state.facts, changes)
        return decisions.describe(state, facts={"tags": tags})

    with told("model", name):
        verbs.carry_out(yard.models.registry, name, decide)


def changed_tags(facts: Mapping[str, Any], changes: Mapping[str, str | None]) -> dict[str, str]:
    """The tags among facts with some changed; those that are None then are gone."""
    tags: dict[str, str | None] = {**facts.get("tags", {}), **changes}
    return {key: value for key, value in tags.items() if value is not None}


def set_alias(yard: Yard, call: Call) -> dict[str, Any]:
    """An alias to a version, away from the one it pointed to."""
    name, alias = call.text("name", needed=True), call.text("alias", needed=True)
    known_model(yard, name)
    version = known_version(yard, name, call.text("version", needed=True))[1]
    with told("version", name, version.label):
        verbs.set_alias(yard.models.registry, name, alias, version.label)
    return {}


def delete_alias(yard: Yard, call: Call) -> dict[str, Any]:
    """An alias away, if it is there."""
    name, alias = call.text("name", needed=True), call.text("alias", needed=True)
    state = known_model(yard, name)
    if alias in state.aliases:
        with told("alias", alias):
            verbs.remove_alias(yard.models.registry, name, alias)
    return {}


def get_by_alias(yard: Yard, call: Call) -> dict[str, Any]:
    """The version that an alias points to."""
    name, alias = call.text("name", needed=True), call.text("alias", needed=True)
    state = known_model(yard, name)
    version = state.versions.get(state.aliases.get(alias, ""))
    if version is None or not version.active:
        raise refused("alias", alias, code=INVALID)
    return {"model_version": version_fields(state, version, stages_of(yard))}


ENDPOINTS = [
    Endpoint("POST", "registered-models/create", "model.write", create),
    Endpoint("GET", "registered-models/get", "model.read", get),
    Endpoint("POST", "registered-models/rename", "model.write", rename),
    Endpoint("PATCH", "registered-models/update", "model.write", update),
    Endpoint("DELETE", "registered-models/delete", "model.delete", delete),
    Endpoint("GET", "registered-models/search", "model.read", search),
    Endpoint("POST", "registered-models/search", "model.read", search),
    Endpoint("GET", "registered-models/get-latest-versions", "model.read", latest_versions),
    Endpoint("POST", "registered-models/get-latest-versions", "model.read", latest_versions),
    Endpoint("POST", "registered-models/set-tag", "model.write", set_tag),
    Endpoint("DELETE", "registered-models/delete-tag", "model.write", delete_tag),
    Endpoint("POST", "registered-models/alias", "alias.write", set_alias),
    Endpoint("DELETE", "registered-models/alias", "alias.write", delete_alias),
    Endpoint("GET", "registered-models/alias", "model.read", get_by_alias),
]
