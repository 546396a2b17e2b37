"""One hub at work: its yard, its settings, and what its process has to know for each request."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from functools import cached_property

from modelyard.base.errors import NotAllowed, Unauthenticated
from modelyard.base.events import local_user
from modelyard.hub import accounts, tracing
from modelyard.hub.hosts import Hosts, exposes
from modelyard.hub.interface import HubSettings, Principal
from modelyard.hub.metrics import Metrics
from modelyard.hub.stream import Feed
from modelyard.yard.yard import Yard

MOST_IN_FLIGHT = 512
"""Requests at once in one process; who comes then is told to come again."""


class House:
    """What all requests of a process share. Nothing in it but counters outlives a request."""

    def __init__(self, yard: Yard, settings: HubSettings) -> None:
        self.yard = yard
        self.settings = settings
        self.hosts = Hosts(settings.host, settings.allowed_hosts)
        self.exposed = exposes(settings.host, settings.allowed_hosts)
        self.in_flight = 0
        self.draining = False
        self.metrics = Metrics(lambda: self.in_flight)
        self.tracing = tracing.begin()
        self.feed = Feed(yard)
        self._started = False

    # As its process sees it

    @property
    def ready(self) -> bool:
        """Whether it takes requests."""
        return self._started and not self.draining

    def start(self) -> None:
        """From now on it answers."""
        self._started = True

    def drain(self) -> None:
        """Finish what is in flight; streams, which never end by themselves, end now."""
        self.draining = True
        self.feed.stop()

    # Who asks

    def identify(self, headers: Mapping[bytes, bytes]) -> Principal:
        """Who sent a request, by its Authorization header. `Unauthenticated` when that is needed and not there."""
        given = headers.get(b"authorization")
        if given is not None:
            user, secret = _credentials(given)
            if secret.startswith(accounts.PREFIX) or accounts.has_users(self.yard.database):
                return accounts.authenticate(self.yard.database, secret, user)
        elif accounts.has_users(self.yard.database):
            raise Unauthenticated(
                "this hub wants to know who asks",
                hint="modelyard login HUB keeps a token for it; other clients send it as Bearer or Basic",
            )
        if self.exposed and not self.settings.insecure:
            raise NotAllowed(
                "nobody can use this hub: it has no users any more",
                hint="modelyard user add NAME --role admin, on the hub's machine",
            )
        return Principal(local_user())

    @cached_property
    def secrets(self) -> Sequence[str]:
        """Words that no answer may have: where the yard is."""
        address = self.yard.database.address
        paths = [] if address.path is None else [address.path, address.path.absolute()]
        words = [address.shown, *map(str, paths)]
        return sorted({w for w in words if len(w) > 3 and "/" in w}, key=len, reverse=True)


def _credentials(header: bytes) -> tuple[str | None, str]:
    """User (of Basic) and token. MLflow's clients send either, as they are told."""
    scheme, _, rest = header.decode("latin-1").strip().partition(" ")
    if scheme.lower() == "bearer":
        return None, rest.strip()
    if scheme.lower() == "basic":
        try:
            user, _, secret = base64.b64decode(rest, validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            raise Unauthenticated("the Authorization header cannot be read") from None
        return user or None, secret
    raise Unauthenticated("this way to say who asks is not known here", hint="Bearer, or Basic with a token as password")  # fmt: skip
