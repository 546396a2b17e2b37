"""The registry of a hub, for reading: states of names and their events. What changes one is a request of its own."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from modelyard.base.clock import from_rfc3339
from modelyard.base.errors import NotFound
from modelyard.base.events import Event, Kind
from modelyard.base.hub_client import HubClient
from modelyard.registry.interface import Assignment, ModelState, Version, Versioning

Ids = Mapping[tuple[str, str], int]
Told = Mapping[str, Any]
_KINDS = frozenset(Kind)


class HttpRegistry:
    """What a hub tells of its registry."""

    versioning: Versioning = "number"

    def __init__(self, client: HubClient) -> None:
        self._client = client

    def state(self, name: str) -> ModelState:
        """The state of a name; ``exists`` is False for one that is not there."""
        return self.state_with_ids(name)[0]

    def state_with_ids(self, name: str) -> tuple[ModelState, Ids]:
        """The same, and the rows of its versions."""
        name = unicodedata.normalize("NFC", name)
        try:
            told = self._client.ask("GET", "states", name)
        except NotFound:
            return ModelState(name), {}
        return state_from(told), ids_from(told)

    def state_of_row(self, row_id: int) -> tuple[ModelState, str]:
        """The model whose version has a row, and the version's label. `VersionNotFound`."""
        told = self._client.ask("GET", "version-ids", row_id)
        label = next(label for (_, label), number in ids_from(told).items() if number == row_id)
        return state_from(told), label

    def states(self) -> Iterator[ModelState]:
        """The states of all names, by name."""
        return map(state_from, self._client.pages("states"))

    def row_ids(self, name: str | None = None) -> Ids:
        """The rows of all versions, of one model or of every one, by name and label."""
        if name is not None:
            return self.state_with_ids(name)[1]
        return {
            key: row for told in self._client.pages("states") for key, row in ids_from(told).items()
        }

    def names(self) -> Iterator[str]:
        """All names, by code point."""
        return (told["name"] for told in self._client.pages("models"))

    def events(self, name: str | None = None, *, after: int = 0) -> Iterator[Event]:
        """Events in order of ``seq``, those above ``after``: all, or those of one model."""
        place = ("events",) if name is None else ("models", name, "events")
        try:
            told = self._client.pages(*place)
            found = [event_from(one) for one in told if one["kind"] in _KINDS]
        except NotFound:
            found = []
        return (event for event in reversed(found) if event.seq > after)


def state_from(told: Told) -> ModelState:
    """A state as a hub tells it."""
    versions = [_version_from(one) for one in told["versions"]]
    return ModelState(
        name=told["name"],
        exists=True,
        deprecated=told["deprecated"],
        description=told["description"],
        created_ms=told["created_ms"],
        counter=told["counter"],
        versions={version.label: version for version in versions},
        assignments=tuple(Assignment(**_known(Assignment, one)) for one in told["assignments"]),
        aliases=told["aliases"],
        facts=told["facts"],
        seq=told["seq"],
        updated_ms=told["updated_ms"],
    )


def _version_from(told: Told) -> Version:
    return Version(**_known(Version, told))


def _known(cls: type[Any], told: Told) -> dict[str, Any]:
    """What this version of ours knows: a newer hub may tell more."""
    return {field.name: told[field.name] for field in fields(cls) if field.name in told}


def ids_from(told: Told) -> Ids:
    """The rows of a state's versions."""
    return {(one["name"], _version_from(one).label): one["id"] for one in told["versions"]}


def event_from(told: Told) -> Event:
    """An event as a hub tells it."""
    return Event(
        seq=told["seq"],
        at_ms=from_rfc3339(told["at"]),
        actor=told["actor"],
        request_id=told["request_id"],
        kind=Kind(told["kind"]),
        subject=told["subject"],
        before=told["before"],
        after=told["after"],
        comment=told["comment"],
    )
