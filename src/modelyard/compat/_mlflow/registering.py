"""Registered models of a source into a yard, through what MLflow's own clients call: in process, or at a hub.

Numbers of versions stay. Files of a version are those of its run or logged model here; what was registered from elsewhere is
copied through a logged model of the moment.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote

from modelyard.base.clock import to_rfc3339
from modelyard.base.errors import ModelyardError, NotAllowed
from modelyard.compat._mlflow.comparing import texts_differ
from modelyard.compat._mlflow.filing import Filing
from modelyard.compat._mlflow.interface import (
    MARK,
    FoundVersion,
    Registered,
    Source,
    model_id_of,
    run_id_of,
)
from modelyard.compat._mlflow.report import Report
from modelyard.compat._mlflow.telling import Telling
from modelyard.compat.mlflow_rest.errors import Refusal
from modelyard.compat.mlflow_rest.stages import NONE, Stages
from modelyard.compat.mlflow_rest.wire import Call
from modelyard.registry.interface import ModelState, Version
from modelyard.tracking.records import ModelBegun, ModelEnded, Record
from modelyard.yard.yard import Yard

_OWNED = re.compile(r"(?:^|/)(?:models/(m-[0-9a-f]{32})|([0-9a-f]{32}))/artifacts(?:/(.*))?$")
_PROMPT = "mlflow.prompt.is_prompt"


class Registering:
    """The registry of one source."""

    def __init__(self, source: Source, yard: Yard, report: Report) -> None:
        self._source, self._yard, self._report = source, yard, report
        self._stages = Stages(yard.stage_names)
        self._filing = Filing(yard)

    def close(self) -> None:
        """End the threads."""
        self._filing.close()

    def models(self) -> None:
        """All of them; those that are copies of versions come after what they copy."""
        found = sorted(self._source.registered(), key=lambda m: any(_copied(v) for v in m.versions))
        for model in found:
            self._report.counts["registered models"].found += 1
            self._report.counts["versions"].found += len(model.versions)
            try:
                self._model(model)
            except (Refusal, ModelyardError) as error:
                self._report.counts["registered models"].failed += 1
                self._report.failed(f"registered model {model.name!r}", error.message)

    def _model(self, model: Registered) -> None:
        state = self._yard.models.registry.state(model.name)
        count = self._report.counts["registered models"]
        differ = not state.exists or list(model_differences(model, state))
        count.new += not state.exists
        count.changed += bool(state.exists and differ)
        count.unchanged += not differ
        if not self._report.dry_run:
            self._describe(model, state)
        for version in model.versions:
            self._version(model, version, state)
        if not self._report.dry_run:
            self._name(model)

    def _describe(self, model: Registered, state: ModelState) -> None:
        tags = model.tags
        if not state.exists:
            tags = {**tags, f"{MARK}created_at": to_rfc3339(model.created_ms)}
            self._ask("POST", "registered-models/create", name=model.name, description=model.description, tags=_list(tags))  # fmt: skip
            return
        if model.description != state.description:
            self._ask("PATCH", "registered-models/update", name=model.name, description=model.description)  # fmt: skip
        for key, value in model.tags.items():
            if state.facts.get("tags", {}).get(key) != value:
                self._ask("POST", "registered-models/set-tag", name=model.name, key=key, value=value)  # fmt: skip

    def _name(self, model: Registered) -> None:
        """Stages and aliases, of the versions that are here now."""
        state = self._yard.models.registry.state(model.name)
        for version in model.versions:
            known = state.versions.get(str(version.number))
            if known is not None and self._stages.shown(state, known) != version.stage:
                self._ask("POST", "model-versions/transition-stage", name=model.name, version=known.label, stage=version.stage, archive_existing_versions=False)  # fmt: skip
        for alias, number in model.aliases.items():
            if state.aliases.get(alias) != str(number) and str(number) in state.versions:
                self._ask("POST", "registered-models/alias", name=model.name, alias=alias, version=str(number))  # fmt: skip

    # Versions

    def _version(self, model: Registered, version: FoundVersion, state: ModelState) -> None:
        count, subject = self._report.counts["versions"], f"version:{model.name}/{version.number}"
        known = state.versions.get(str(version.number))
        if known is not None:
            lines = list(version_differences(version, known))
            same = known.facts.get("tags", {}).get(f"{MARK}source", version.source)
            if same != version.source:
                self._report.failed(subject, "another version has this name and number here")
            count.unchanged += not lines
            count.changed += bool(lines)
            if lines and same == version.source and not self._report.dry_run:
                self._change(model.name, version, known)
            return
        if state.counter >= version.number:
            self._report.failed(subject, "this number was given out here, and the version deleted")
            return
        count.new += 1
        if self._report.dry_run:
            return
        try:
            self._fill(model.name, version.number)
            self._create(model.name, version)
        except (Refusal, ModelyardError, OSError) as error:
            count.failed += 1
            self._report.failed(subject, getattr(error, "message", str(error)))

    def _fill(self, name: str, number: int) -> None:
        """Numbers that were deleted over there are not given out here."""
        while self._yard.models.registry.state(name).counter < number - 1:
            tags = _list({_PROMPT: "true"})
            made = self._ask("POST", "model-versions/create", name=name, source="deleted", tags=tags)  # fmt: skip
            label = made["model_version"]["version"]
            self._ask("DELETE", "model-versions/delete", name=name, version=label)

    def _create(self, name: str, version: FoundVersion) -> None:
        tags = {
            **version.tags,
            f"{MARK}source": version.source,
            f"{MARK}created_at": to_rfc3339(version.created_ms),
            **({f"{MARK}created_by": version.user} if version.user else {}),
        }
        self._report.note("a version was made here as of now; when, by whom and from where it was over there are its tags migrated.*")  # fmt: skip
        about: dict[str, Any] = {
            "name": name,
            "run_id": run_id_of(version.run_id) if version.run_id else "",
            "run_link": version.run_link,
            "description": version.description,
        }
        if _PROMPT in version.tags:
            self._ask("POST", "model-versions/create", **about, source=version.source, tags=_list(tags))  # fmt: skip
            return
        why = "" if version.status == "READY" else f"it is {version.status}"
        try:
            for source in () if why else self._sources(name, version):
                self._ask("POST", "model-versions/create", **about, source=source, tags=_list(tags))
                return
        except NotAllowed as error:
            why = error.message
        why = why or "its files are nowhere"
        self._report.failed(f"version {name}/{version.number}", f"it has no files here: {why}")
        tags[_PROMPT] = "true"  # of such alone files are not asked for
        made = self._ask("POST", "model-versions/create", **about, source="nowhere", tags=_list(tags))  # fmt: skip
        label = made["model_version"]["version"]
        self._ask("DELETE", "model-versions/delete-tag", name=name, version=label, key=_PROMPT)

    def _sources(self, name: str, version: FoundVersion) -> Iterator[str]:
        """Where the files are here; the next one where the one before was not there."""
        if version.model_id and self._has(f"model:{model_id_of(version.model_id)}"):
            yield f"models:/{model_id_of(version.model_id)}"
        for uri in dict.fromkeys((version.files, version.source)):
            if match := _OWNED.search(unquote(uri.rstrip("/"))):
                model_id, run_id, path = match.groups()
                owner = f"model:{model_id}" if model_id else f"run:{run_id}"
                if self._has(owner, path or ""):
                    end = f"/{quote(path)}" if path else ""
                    yield f"mlflow-artifacts:/0/{f'models/{model_id}' if model_id else run_id}/artifacts{end}"  # fmt: skip
        if re.fullmatch(r"models:/m-[0-9a-f]{32}/?|runs:/.*", version.source) or _copied(version):
            yield version.source
        yield from self._brought(name, version)

    def _has(self, owner: str, path: str = "") -> bool:
        return self._yard.artifacts.stat(owner, path) is not None

    def _brought(self, name: str, version: FoundVersion) -> Iterator[str]:
        """Files from elsewhere, through a logged model that is deleted again."""
        folder = self._source.folder(version.files or version.source)
        if folder is None:
            return
        tracker, key = self._yard.tracker, f"{self._source.key} {name} {version.number}"
        model_id = f"m-{hashlib.sha256(key.encode()).hexdigest()[:32]}"
        telling = Telling(tracker, key, self._report)
        files = self._filing.added(f"model:{model_id}", folder, [])
        records: list[Record] = [
            ModelBegun(model_id, name="registered"),
            *files,
            ModelEnded(model_id),
        ]
        try:
            tracker.model(model_id, deleted=True)
        except ModelyardError:
            telling.tell(records)
            telling.flush()
        yield f"models:/{model_id}"

    def _change(self, name: str, version: FoundVersion, known: Version) -> None:
        if version.description != known.facts.get("description", ""):
            self._ask("PATCH", "model-versions/update", name=name, version=known.label, description=version.description)  # fmt: skip
        for key, value in version.tags.items():
            if known.facts.get("tags", {}).get(key) != value:
                self._ask("POST", "model-versions/set-tag", name=name, version=known.label, key=key, value=value)  # fmt: skip

    # Requests

    def _ask(self, method: str, path: str, **fields: Any) -> Any:
        client: Any = getattr(self._yard, "client", None)
        if client is not None:
            body = json.dumps(fields).encode()
            headers = {"content-type": "application/json"}
            answer = client.call(method, f"/api/2.0/mlflow/{path}", content=body, headers=headers)
            return answer.json()
        from modelyard.compat.mlflow_rest import model_versions, registered_models

        table = model_versions if path.startswith("model-versions/") else registered_models
        for endpoint in table.ENDPOINTS:
            if (endpoint.method, endpoint.path) == (method, path):
                return endpoint.handler(self._yard, Call(fields))
        raise AssertionError(path)


def _copied(version: FoundVersion) -> bool:
    """Whether it is a copy of another version."""
    return version.source.startswith("models:/") and not version.source.startswith("models:/m-")


def _list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in tags.items()]


# Both sides


def model_differences(model: Registered, state: ModelState) -> Iterator[str]:
    """In words; versions apart."""
    if model.description != state.description:
        yield f"the description is {state.description[:80]!r}, not {model.description[:80]!r}"
    yield from texts_differ("tag", model.tags, state.facts.get("tags", {}))
    for alias, number in model.aliases.items():
        if state.aliases.get(alias) != str(number):
            yield f"alias {alias!r} names {state.aliases.get(alias, 'nothing')}, not {number}"
    for alias in state.aliases.keys() - model.aliases.keys():
        yield f"alias {alias!r} is too much"


def version_differences(version: FoundVersion, known: Version) -> Iterator[str]:
    """In words; stages apart."""
    facts = known.facts
    run_id = run_id_of(version.run_id) if version.run_id else ""
    for name, mine, theirs in (
        ("description", version.description, facts.get("description", "")),
        ("run", run_id, facts.get("run", "") if run_id else ""),
        ("run_link", version.run_link, facts.get("run_link", "")),
    ):
        if mine != theirs:
            yield f"{name} is {theirs[:80]!r}, not {mine[:80]!r}"
    yield from texts_differ("tag", version.tags, facts.get("tags", {}))


def stage_of(stages: Stages, state: ModelState, version: Version) -> str:
    """The stage of a version as MLflow calls it."""
    return stages.shown(state, version) or NONE
