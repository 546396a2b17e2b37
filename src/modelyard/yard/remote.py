"""A yard behind a hub: the same yard, asked over HTTP.

What needs the database itself (checks, backups, users) is done on the hub's machine and is `NotSupported` here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NoReturn

from modelyard.base.clock import from_rfc3339, to_rfc3339
from modelyard.base.errors import InvalidInput, NotFound, NotSupported
from modelyard.base.hub_client import HubClient
from modelyard.base.names import check_name
from modelyard.base.notes import note
from modelyard.objects.card import Card
from modelyard.objects.card_reader import card_from_plain
from modelyard.objects.files import ArtifactFiles
from modelyard.objects.source import Source
from modelyard.predictions.http import HttpPredictionLog
from modelyard.registry.trail import EventQuery
from modelyard.stores.http import BlobOpener, HttpArtifacts
from modelyard.tracking.http import HttpTracker
from modelyard.yard.addresses import Address, address_of
from modelyard.yard.audit import Audit
from modelyard.yard.datasets import COLUMNS, Dataset, Datasets, split_ref
from modelyard.yard.keeping import Kept
from modelyard.yard.predictions import Predictions
from modelyard.yard.remote_models import RemoteModels, plain_card, upload_source
from modelyard.yard.runs import Runs
from modelyard.yard.yard import Yard


class RemoteYard(Yard):
    """What ``Yard("https://hub.example")`` is."""

    def __init__(
        self,
        uri: str | os.PathLike[str] | None = None,
        *,
        token: str | None = None,
        artifacts: str | os.PathLike[str] | None = None,
        project: str | os.PathLike[str] | None = None,
    ) -> None:
        found = address_of(uri, project)
        if artifacts is not None:
            raise InvalidInput("artifacts= is for the hub itself", hint="modelyard hub --artifacts")
        self.client = HubClient(found.uri, token or found.token(), open_wire=token is not None)
        self.uri = self.client.address
        self.stage_names: Mapping[str, str] = dict(found.config.get("registry.stages") or {})
        self.trusted = found.trusted
        self.token, self.address_by_reader = token, found.by_reader
        try:
            self.id = self._identity_over_there(found)
        except BaseException:
            self.client.close()
            raise
        self.artifacts = HttpArtifacts(self.client)  # type: ignore[assignment]
        self.datasets = RemoteDatasets(self.client)
        self.predictions = RemotePredictions(self.client)
        self.models = RemoteModels(self, self.client)
        self.audit = RemoteAudit(self.client)
        self.runs = Runs(self)
        self._http_tracker = HttpTracker(self.client)

    def _identity_over_there(self, found: Address) -> str:
        try:
            return str(self.client.ask("GET", "server")["yard"])
        except (NotFound, KeyError, TypeError):
            raise NotSupported(
                f"{self.client.address} is not a Modelyard hub",
                hint="name the address of one" + (f" in {found.source}" if found.source else ""),
            ) from None

    @property
    def path(self) -> None:
        """No file."""

    @property
    def tracker(self) -> HttpTracker:  # type: ignore[override]
        """Experiments, runs and what they logged."""
        return self._http_tracker

    @property
    def label(self) -> str:
        """The hub's address."""
        return self.client.address

    @property
    def database(self) -> NoReturn:  # type: ignore[override]
        """Not here."""
        raise NotSupported(
            f"{self.label}: this needs the yard's database itself",
            hint="do it on the hub's machine, with the address of its database",
        )

    @property
    def stores(self) -> Any:  # type: ignore[override]
        """Not here."""
        return self.database

    @property
    def uploads(self) -> Any:  # type: ignore[override]
        """Not here."""
        return self.database

    def reach(self) -> None:
        """Ask the hub for next to nothing."""
        self.client.ask("GET", "server")

    @property
    def actor(self) -> str:
        """Whoever the hub knows by the token: it says so itself."""
        return ""

    def integrity(self) -> list[str]:
        """Its database is the hub's own affair."""
        self.reach()
        return []

    def export(self, target: str | os.PathLike[str]) -> int:
        """Not through a hub."""
        return self.database

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    def __repr__(self) -> str:
        return f"Yard({self.label!r})"


class RemoteDatasets(Datasets):
    """``yard.datasets`` behind a hub."""

    def __init__(self, client: HubClient) -> None:
        self._client = client

    def _keep(self, source: Source) -> Kept:
        return upload_source(self._client, source)

    def add_kept(self, kept: Kept, name: str, description: str = "") -> Dataset:
        """Add data whose files were uploaded."""
        new = {
            "name": check_name(name, kind="dataset"),
            "description": description,
            "card": plain_card(kept),
        }
        told = self._client.ask("POST", "datasets", json=new)
        for line in told.get("notes", ()):
            note(str(line))
        return self._told(told)

    def get(self, ref: str | int) -> Dataset:
        """By ``name``, ``name@version`` or ``name@latest`` — or by its id, a number."""
        if isinstance(ref, int):
            for row in self.page(limit=None):
                if row["id"] == ref:
                    return self.get(f"{row['name']}@{row['version']}")
            raise NotFound(f"no data set with id {ref}")
        name, version = split_ref(ref)
        return self._told(self._client.ask("GET", "datasets", name, version or "latest"))

    def _told(self, told: Mapping[str, Any]) -> Dataset:
        return Dataset(
            id=told["id"],
            name=told["name"],
            version=told["version"],
            digest=told["digest"].removeprefix("sha256:"),
            description=told["description"],
            size_cols=told["size_cols"],
            size_rows=told["size_rows"],
            created_ms=from_rfc3339(told["created_at"]),
            created_by=told["created_by"],
            card=card_from_plain(told["card"], f"{told['name']}@{told['version']}"),
            _files=self._files,
        )

    def _files(self, card: Card, label: str) -> ArtifactFiles:
        name, _, version = label.rpartition("@")
        opener = BlobOpener(self._client, "datasets", name, version, "files")
        return ArtifactFiles(card.artifact, opener, label)

    def page(
        self, *, name: str | None = None, after: int = 0, limit: int | None = 100
    ) -> list[dict[str, Any]]:
        """The next versions of all data sets, or of one, by their id."""
        found: list[dict[str, Any]] = []
        for told in self._client.pages("datasets", query={"name": name}):
            if limit is not None and len(found) == limit:
                break
            if told["id"] > after:
                found.append({column: told[column] for column in COLUMNS})
        return found

    def problems(self) -> list[str]:
        """Of files that the hub keeps nobody else can tell."""
        raise NotSupported("files are checked on the hub's machine", hint="modelyard db check")


class RemotePredictions(Predictions):
    """``yard.predictions`` behind a hub."""

    def __init__(self, client: HubClient) -> None:
        self.log = HttpPredictionLog(client)

    def erase(self, **which: Any) -> int:
        """Not through a hub."""
        raise NotSupported(
            "predictions are not erased through a hub",
            hint="on the hub's machine: modelyard predictions erase",
        )


class RemoteAudit(Audit):
    """``yard.audit`` behind a hub."""

    def __init__(self, client: HubClient) -> None:
        self._client = client

    def page(self, query: EventQuery) -> list[dict[str, Any]]:
        """What a query selects, as rows."""
        unknown = replace(
            query,
            subject=None,
            kind=None,
            actor=None,
            request_id=None,
            since_ms=None,
            until_ms=None,
        )
        if unknown != EventQuery():
            raise NotSupported("a hub selects events by subject, kind, actor, request and time")
        asked = {
            "subject": query.subject,
            "kind": query.kind,
            "actor": query.actor,
            "request_id": query.request_id,
            "since": None if query.since_ms is None else to_rfc3339(query.since_ms),
            "until": None if query.until_ms is None else to_rfc3339(query.until_ms),
        }
        return list(self._client.pages("events", query=asked))[::-1]
