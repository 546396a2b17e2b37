"""``yard.models`` behind a hub: what is looked up is looked up as in any yard, on the states that the hub tells; what
changes something is a request of its own, decided over there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from modelyard.base.errors import NotSupported
from modelyard.base.hub_client import HubClient
from modelyard.base.names import Part, check_name
from modelyard.base.refs import NameRef
from modelyard.objects.card import Card
from modelyard.objects.card_file import card_to_dict
from modelyard.objects.card_reader import card_from_plain
from modelyard.objects.files import ArtifactFiles
from modelyard.objects.source import Source
from modelyard.registry import queries
from modelyard.registry.http import HttpRegistry
from modelyard.registry.interface import Version
from modelyard.registry.rules import Rules
from modelyard.stores.http import BlobOpener, upload
from modelyard.yard.datasets import Dataset
from modelyard.yard.keeping import Kept, named_artifact
from modelyard.yard.models import Models
from modelyard.yard.naming import label_of
from modelyard.yard.rows import spelled
from modelyard.yard.versions import ModelVersion

if TYPE_CHECKING:
    from modelyard.registry.promoting import Plan
    from modelyard.yard.yard import Yard


def upload_source(client: HubClient, source: Source) -> Kept:
    """Send the files of an object that the hub lacks; its card goes with the request that registers it."""
    for name, entry in zip(source.files.names(), source.card.artifact, strict=True):
        with source.files.open(name) as stream:
            upload(client, entry, stream)
    digests = [entry.sha256 for entry in source.card.artifact]
    return Kept(source.card, card_sha256="", digests=digests, pin="")


def plain_card(kept: Kept) -> dict[str, Any]:
    """A card as a hub takes it."""
    return spelled(card_to_dict(named_artifact(kept.card)))


class RemoteModels(Models):
    """``yard.models`` of a yard behind a hub."""

    def __init__(self, yard: Yard, client: HubClient) -> None:
        self.yard, self._client = yard, client
        self.registry = HttpRegistry(client)  # type: ignore[assignment]  # for reading it is one

    # Registering

    def _keep(self, source: Source) -> Kept:
        return upload_source(self._client, source)

    def _origin(self, source: Source) -> dict[str, Any]:
        return {}  # what a hub is told has no place for it; a card says its commit

    def register_kept(
        self,
        kept: Kept,
        name: str,
        *,
        dataset: Dataset | None = None,
        target: str | None = None,
        run: str | None = None,
        description: str = "",
        semver: str | None = None,
        bump: Part | None = None,
        comment: str = "",
        commit: str = "",
        vouched: bool = True,
        facts: Mapping[str, Any] | None = None,
        reuse: bool = True,
    ) -> ModelVersion:
        """Register an object whose files were uploaded."""
        if not vouched or facts or not reuse:
            raise NotSupported(
                "versions are not imported through a hub",
                hint="import them on the hub's machine",
            )
        new = {
            "card": plain_card(kept),
            "dataset": dataset.ref if dataset else None,
            "target": target,
            "run": run,
            "description": description,
            "semver": semver,
            "bump": bump,
            "comment": comment,
        }
        told = self._client.ask("POST", "models", check_name(name), "versions", json=new)
        return self._told(told)

    def describe_version(self, version: Version, card: Card, **facts: Any) -> None:
        """Tell of more metrics of a version; nothing else of a card changes through a hub."""
        if set(facts) - {"metrics", "description"}:
            raise NotSupported("a hub takes metrics and descriptions of a version, nothing else")
        self._client.ask("PATCH", "models", version.name, "versions", version.label, json=facts)

    # Finding

    def _by_id(self, row_id: int) -> ModelVersion:
        state, label = self._http.state_of_row(row_id)
        return ModelVersion(self.yard, row_id, state, state.versions[label])

    @property
    def _http(self) -> HttpRegistry:
        return self.registry  # type: ignore[return-value]

    def _row_ids(self, name: str | None = None) -> Mapping[tuple[str, str], int]:
        return self._http.row_ids(name)

    def row_id(self, version: Version) -> int:
        """The number of a version's row over there."""
        return self._row_ids(version.name)[version.name, version.label]

    def _told(self, told: Mapping[str, Any]) -> ModelVersion:
        """A version that an answer names, as it is now."""
        state, ids = self._http.state_with_ids(told["name"])
        label = str(told["version"])
        return ModelVersion(self.yard, ids[state.name, label], state, state.versions[label])

    def card_of(self, version: Version) -> Card:
        """The card of a version."""
        label = f"{version.name}@{version.label}"
        told = self._client.ask("GET", "models", version.name, "versions", version.label)
        if told["card"] is None:
            raise NotSupported(
                f"{label} has no card: its files are no model that is read here",
                hint=version.facts.get("note"),
            )
        return card_from_plain(told["card"], label)

    def files_of(self, card: Card, label: str) -> ArtifactFiles:
        """The files of a version, fetched when they are read and verified then."""
        name, _, version = label.rpartition("@")
        opener = BlobOpener(self._client, "models", name, "versions", version, "files")
        return ArtifactFiles(card.artifact, opener, label)

    # Changing

    def promote(
        self, name: str, stage: str, version: int | str | None = None, comment: str = ""
    ) -> ModelVersion:
        change = {"version": version, "comment": comment}
        told = self._client.ask("PUT", "models", name, "stages", stage, json=change)
        return self._told(told)

    @property
    def rules(self) -> Rules:
        """None that are asked here: the hub asks its own."""
        return Rules()

    def plan(self, name: str, stage: str, version: int | str | None = None) -> Plan:
        """Its rules are the hub's own, which it asks when it is told to promote."""
        raise NotSupported(
            f"the promotion rules of {self.label} are the hub's own, asked when it is told to promote",
            hint="leave --dry-run out: a promotion that a rule refuses changes nothing",
        )

    def demote(
        self, name: str, stage: str, version: int | str | None = None, comment: str = ""
    ) -> None:
        query = {"version": label_of(version), "comment": comment}
        self._client.ask("DELETE", "models", name, "stages", stage, query=query)

    def rollback(self, name: str, stage: str, comment: str = "") -> ModelVersion:
        why = {"comment": comment}
        return self._told(self._client.ask("POST", "models", name, "rollback", stage, json=why))

    def set_alias(self, name: str, alias: str, version: int | str | None = None) -> None:
        change = {"version": self.get(name).version if version is None else version}
        self._client.ask("PUT", "models", name, "aliases", alias, json=change)

    def remove_alias(self, name: str, alias: str) -> None:
        self._client.ask("DELETE", "models", name, "aliases", alias)

    def deregister(
        self, name: str, version: int | str | None = None, comment: str = ""
    ) -> ModelVersion:
        label = queries.find(self.state(name), queries.selector(label_of(version))).label
        place = ("models", name, "versions", label, "deregister")
        self._client.ask("POST", *place, json={"comment": comment})
        return self._told({"name": name, "version": label})

    def deprecate(self, name: str, comment: str = "") -> None:
        self._client.ask("POST", "models", name, "deprecate", json={"comment": comment})

    def rename(self, name: str, new_name: str) -> None:
        new = {"name": check_name(new_name)}
        self._client.ask("POST", "models", name, "rename", json=new)

    def delete(self, name: str, version: int | str | None = None, comment: str = "") -> None:
        place = () if version is None else ("versions", version)
        self._client.ask("DELETE", "models", name, *place, query={"comment": comment})

    def comment(self, name: str, text: str, version: int | str | None = None) -> None:
        told = {"text": text, "version": version}
        self._client.ask("POST", "models", name, "comments", json=told)

    def lineage(self, ref: str | NameRef) -> dict[str, Any]:
        found = self.get(ref)
        return self._client.ask(
            "GET", "models", found.name, "versions", found.record.label, "lineage"
        )

    def problems(self) -> list[str]:
        """Of files that the hub keeps nobody else can tell."""
        raise NotSupported("files are checked on the hub's machine", hint="modelyard db check")
