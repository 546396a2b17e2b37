"""What happened in the registry as MLflow's webhooks tell it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.base.events import Event, Kind

Told = tuple[str, dict[str, Any]]
"""The word of an event, and its data."""

EXAMPLES: Mapping[str, dict[str, Any]] = {
    "registered_model.created": {"name": "example_model", "tags": {"example_key": "example_value"}, "description": "An example registered model"},
    "model_version.created": {"name": "example_model", "version": "1", "source": "models:/123", "run_id": "abcd1234abcd5678", "tags": {"example_key": "example_value"}, "description": "An example model version"},
    "model_version_tag.set": {"name": "example_model", "version": "1", "key": "example_key", "value": "example_value"},
    "model_version_tag.deleted": {"name": "example_model", "version": "1", "key": "example_key"},
    "model_version_alias.created": {"name": "example_model", "alias": "example_alias", "version": "1"},
    "model_version_alias.deleted": {"name": "example_model", "alias": "example_alias"},
    "prompt.created": {"name": "example_prompt", "tags": {"example_key": "example_value"}, "description": "An example prompt"},
    "prompt_version.created": {"name": "example_prompt", "version": "1", "template": "Hello {{name}}!", "tags": {"example_key": "example_value"}, "description": "An example prompt version"},
    "prompt_tag.set": {"name": "example_prompt", "key": "example_key", "value": "example_value"},
    "prompt_tag.deleted": {"name": "example_prompt", "key": "example_key"},
    "prompt_version_tag.set": {"name": "example_prompt", "version": "1", "key": "example_key", "value": "example_value"},
    "prompt_version_tag.deleted": {"name": "example_prompt", "version": "1", "key": "example_key"},
    "prompt_alias.created": {"name": "example_prompt", "alias": "example_alias", "version": "1"},
    "prompt_alias.deleted": {"name": "example_prompt", "alias": "example_alias"},
}  # fmt: skip
"""What a test sends."""

_TEXT = "mlflow.prompt.text"
_INNER = (_TEXT, "mlflow.prompt.is_prompt", "_mlflow_prompt_type")


def told_of(event: Event, *, prompt: bool) -> Iterator[Told]:
    """What webhooks hear of an event. ``prompt``: it is of a name whose versions are texts."""
    name = event.subject.partition(":")[2]
    facts: Mapping[str, Any] = event.after.get("facts", {})
    match event.kind:
        case Kind.MODEL_CREATED:
            tags = _shown(facts.get("tags", {}), prompt)
            word = "prompt.created" if prompt else "registered_model.created"
            text = event.after.get("description") or ""
            yield word, {"name": name, "tags": tags, "description": text}
        case Kind.VERSION_REGISTERED:
            yield _version_created(name, event, facts, prompt)
        case Kind.VERSION_DESCRIBED:
            start = {"name": name, "version": str(event.after["version"])}
            entity = "prompt_version_tag" if prompt else "model_version_tag"
            yield from _tags(entity, start, event)
        case Kind.MODEL_DESCRIBED if prompt:
            yield from _tags("prompt_tag", {"name": name}, event)
        case Kind.ALIAS_MOVED:
            entity = "prompt_alias" if prompt else "model_version_alias"
            data = {"name": name, "alias": event.after["alias"], "version": event.after["version"]}
            yield f"{entity}.created", data
        case Kind.ALIAS_REMOVED:
            entity = "prompt_alias" if prompt else "model_version_alias"
            yield f"{entity}.deleted", {"name": name, "alias": event.before["alias"]}
        case _:
            pass


def _version_created(name: str, event: Event, facts: Mapping[str, Any], prompt: bool) -> Told:
    tags = facts.get("tags", {})
    data: dict[str, Any] = {"name": name, "version": str(event.after["version"])}
    if prompt:
        data |= {"template": tags.get(_TEXT), "tags": _shown(tags, True)}
    else:
        data |= {"source": facts.get("source", ""), "run_id": facts.get("run"), "tags": dict(tags)}
    data["description"] = facts.get("description") or None
    return ("prompt_version.created" if prompt else "model_version.created"), data


def _shown(tags: Mapping[str, str], prompt: bool) -> dict[str, str]:
    return {k: v for k, v in tags.items() if not prompt or k not in _INNER}


def _tags(entity: str, start: Mapping[str, Any], event: Event) -> Iterator[Told]:
    """The tags that differ before and after."""
    if "tags" not in event.after.get("facts", {}):
        return
    before: Mapping[str, str] = event.before.get("facts", {}).get("tags") or {}
    after: Mapping[str, str] = event.after["facts"]["tags"] or {}
    for key in sorted(before.keys() | after.keys()):
        if key not in after:
            yield f"{entity}.deleted", {**start, "key": key}
        elif before.get(key) != after[key]:
            yield f"{entity}.set", {**start, "key": key, "value": after[key]}
