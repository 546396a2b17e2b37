"""Models and versions as a page of a catalogue shows them, and the few changes that only pages ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, TYPE_CHECKING, Any

from modelyard.base.clock import to_rfc3339
from modelyard.base.digests import FileEntry
from modelyard.base.errors import CheckFailed, InvalidInput, NotFound, NotSupported
from modelyard.base.events import Draft, Kind
from modelyard.base.refs import NameRef, Selector, parse
from modelyard.objects.card import Card
from modelyard.objects.card_file import card_to_dict
from modelyard.objects.card_reader import card_from_plain
from modelyard.registry import queries, verbs
from modelyard.registry.interface import ModelState, Version
from modelyard.registry.sql import append
from modelyard.yard.keeping import Kept, keep_card, missing_files
from modelyard.yard.rows import as_facts, spelled
from modelyard.yard.summary import shown
from modelyard.yard.versions import ModelVersion

if TYPE_CHECKING:
    from modelyard.yard.datasets import Dataset
    from modelyard.yard.yard import Yard

TAGS = "tags"
"""The fact that holds tags, of models and of versions."""


def model_page(yard: Yard, after: str = "", limit: int = 100) -> list[dict[str, Any]]:
    """The next models by name."""
    return [model_entry(state) for state in yard.models.registry.page(after, limit)]


def model_info(yard: Yard, name: str) -> dict[str, Any]:
    """One model. `NotFound` with the nearest names."""
    return model_entry(yard.models.state(name))


def model_entry(state: ModelState) -> dict[str, Any]:
    """A model as a page shows it."""
    latest = queries.latest(state)
    return {
        "name": state.name,
        "description": state.description,
        "tags": dict(state.facts.get(TAGS, {})),
        "deprecated": state.deprecated,
        "latest": None if latest is None else shown(latest.label),
        "versions": len(queries.active(state)),
        "stages": {s: shown(a.version) for s, a in sorted(queries.held(state).items())},
        "aliases": {a: shown(v) for a, v in sorted(state.aliases.items())},
        "created_at": to_rfc3339(state.created_ms),
        "updated_at": to_rfc3339(state.updated_ms),
    }


def create_model(
    yard: Yard, name: str, description: str = "", tags: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """A model without versions."""
    facts = {TAGS: dict(tags)} if tags else None
    return model_entry(
        verbs.create(yard.models.registry, name, description=description, facts=facts)
    )


def describe_model(
    yard: Yard,
    name: str,
    *,
    description: str | None = None,
    tags: Mapping[str, str | None] | None = None,
) -> dict[str, Any]:
    """Other words or tags of a model; a tag that is None goes, one not named stays."""
    facts = None
    if tags is not None:
        facts = {TAGS: _merged(yard.models.state(name).facts, tags)}
    return model_entry(
        verbs.describe(yard.models.registry, name, description=description, facts=facts)
    )


def _merged(facts: Mapping[str, Any], tags: Mapping[str, str | None]) -> dict[str, str] | None:
    both = {**facts.get(TAGS, {}), **tags}
    return {k: v for k, v in both.items() if v is not None} or None


def version_page(yard: Yard, name: str, before: int | None, limit: int) -> list[dict[str, Any]]:
    """The versions of a model, newest first, of those below a number."""
    state = yard.models.state(name)
    found = sorted(state.versions.values(), key=lambda v: v.number or 0, reverse=True)
    below = [v for v in found if before is None or (v.number or 0) < before]
    return [version_entry(state, version) for version in below[:limit]]


def version_entry(state: ModelState, version: Version) -> dict[str, Any]:
    """A version as a page shows it."""
    facts = version.facts
    return {
        "name": version.name,
        "version": shown(version.label),
        "semver": version.semver,
        "description": str(facts.get("description", "")),
        "tags": dict(facts.get(TAGS, {})),
        "active": version.active,
        "stages": [s for s, a in queries.held(state).items() if a.version == version.label],
        "aliases": [a for a, to in state.aliases.items() if to == version.label],
        "flavor": facts.get("flavor"),
        "format": facts.get("format"),
        "tier": facts.get("tier"),
        "labels": list(facts.get("labels", ())),
        "metrics": dict(facts.get("metrics", {})),
        "dataset": facts.get("dataset"),
        "target": facts.get("target"),
        "run": facts.get("run"),
        "digest": f"sha256:{version.digest}" if version.digest else None,
        "comment": version.comment,
        "created_at": to_rfc3339(version.at_ms),
        "created_by": version.actor,
        "updated_at": to_rfc3339(version.updated_ms),
    }


def version_info(yard: Yard, name: str, version: str) -> dict[str, Any]:
    """A version by its number, ``latest``, its SemVer, or ``@alias`` and ``#stage``; with its card."""
    state, found = find_version(yard, name, version)
    card = None
    if found.facts.get("card"):
        card = spelled(card_to_dict(yard.models.card_of(found)))
    return {**version_entry(state, found), "card": card}


def find_version(yard: Yard, name: str, version: str) -> tuple[ModelState, Version]:
    """The state of a model, and the version of it that a word means."""
    state = yard.models.state(name)
    return state, queries.resolve(state, _selector(version))


def known_version(yard: Yard, name: str, version: str) -> Version:
    """The same, where a number or SemVer means a deregistered version too."""
    return queries.find(yard.models.state(name), _selector(version))


def _selector(version: str) -> Selector:
    word = version if version[:1] in ("@", "#") else f"@{version}"
    ref = parse(f"model{word}")
    if not isinstance(ref, NameRef) or ref.name != "model":
        raise InvalidInput(
            f"{version[:80]!r} is no version", hint="as in 3, latest, @alias, #stage"
        )
    return ref.selector


def describe_version(
    yard: Yard,
    name: str,
    version: str,
    *,
    description: str | None = None,
    tags: Mapping[str, str | None] | None = None,
    metrics: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """Other words, tags or more metrics of a version; metrics stand on its card, too."""
    _, found = find_version(yard, name, version)
    facts: dict[str, Any] = {}
    if description is not None:
        facts["description"] = description
    if tags is not None:
        facts[TAGS] = _merged(found.facts, tags)
    if not facts and metrics is None:
        raise InvalidInput("nothing to change", hint="description, tags or metrics")
    if metrics is not None:
        card = yard.models.card_of(found)
        card = card.but(metrics={**card.metrics, **metrics})
        yard.models.describe_version(found, card, metrics=as_facts(card.metrics), **facts)
    else:
        verbs.describe_version(yard.models.registry, name, found.label, facts=facts)
    return version_info(yard, name, found.label)


def register_uploaded(
    yard: Yard,
    name: str,
    card: Mapping[str, Any],
    *,
    dataset: Dataset | str | None = None,
    **options: Any,
) -> ModelVersion:
    """Register an object whose files were uploaded before. `CheckFailed` names those that are not completely here."""
    kept = _uploaded(yard, card, "model")
    trained_on = yard.datasets.get(dataset) if isinstance(dataset, str) else dataset
    return yard.models.register_kept(kept, name, dataset=trained_on, **options)


def add_uploaded_dataset(
    yard: Yard, name: str, card: Mapping[str, Any], description: str = ""
) -> Dataset:
    """Add data whose files were uploaded before, as `register_uploaded` does for models."""
    return yard.datasets.add_kept(_uploaded(yard, card, "data"), name, description)


def _uploaded(yard: Yard, plain: Mapping[str, Any], kind: str) -> Kept:
    card = card_from_plain(dict(plain), "the card")
    if card.kind != kind:
        raise InvalidInput(f"the card is of a {card.kind}, not of a {kind}", field="card.kind")
    _require_files(yard, card)
    return keep_card(yard.stores, card)


def _require_files(yard: Yard, card: Card) -> None:
    missing = missing_files(yard.stores, card, "the card")
    for entry in card.artifact:
        blob = yard.stores.of(entry.size).stat(entry.sha256)
        if blob is not None and blob.size != entry.size:
            missing.append(f"the card says {entry.path!r} has {entry.size} bytes, not {blob.size}")
    if missing:
        raise CheckFailed(
            missing[0], hint="upload every file of the card first", missing=missing[:20]
        )


def copy_version(yard: Yard, source: str, name: str, **options: Any) -> ModelVersion:
    """Register what another version is under a name: no byte is copied."""
    found = yard.models.get(source)
    kept = keep_card(yard.stores, found.card)
    facts = found.record.facts
    return yard.models.register_kept(
        kept,
        name,
        dataset=found.dataset,
        vouched=bool(facts.get("vouched", True)),
        **{"target": facts.get("target"), "run": facts.get("run"), **options},
    )


def version_files(yard: Yard, name: str, version: str) -> list[dict[str, Any]]:
    """The files of a version: path, size, sha256."""
    _, found = find_version(yard, name, version)
    card = yard.models.card_of(found)
    return [{"path": f.path, "size": f.size, "sha256": f.sha256} for f in card.artifact]


def open_version_file(yard: Yard, name: str, version: str, path: str) -> tuple[IO[bytes], int, str]:
    """A file of a version, verified while it is read: the stream, its size and its sha256. The audit tells who took it."""
    _, found = find_version(yard, name, version)
    card = yard.models.card_of(found)
    entry = next((e for e in card.artifact if e.path == path), None)
    if entry is None:
        raise NotFound(
            f"{name}@{found.label} has no file {path!r}",
            choices=[e.path for e in card.artifact][:20],
        )
    if "elsewhere" in found.facts:
        raise NotSupported(
            f"the files of {name}@{found.label} are in Git: {found.facts['elsewhere']}",
            hint="load it from there, or copy them into the yard: modelyard registry mirror --copy",
        )
    stream = yard.stores.open(entry.sha256, entry.size)
    draft = Draft(
        Kind.MODEL_DOWNLOADED, f"model:{name}", after={"version": found.label, "path": path}
    )
    yard.database.transact(lambda connection: append(connection, [draft]))
    return stream, entry.size, entry.sha256


def open_dataset_file(yard: Yard, ref: str, path: str) -> tuple[FileEntry, IO[bytes]]:
    """A file of a data set, verified while it is read."""
    card = yard.datasets.get(ref).card
    entry = next((e for e in card.artifact if e.path == path), None)
    if entry is None:
        raise NotFound(f"{ref} has no file {path!r}", choices=[e.path for e in card.artifact][:20])
    return entry, yard.stores.open(entry.sha256, entry.size)
