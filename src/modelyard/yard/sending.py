"""``python -m modelyard.yard.sending FOLDER``: the process that tells a yard what training processes logged.

A recorder starts it (`tracking.spool.starting`), and nobody calls it by hand: ``modelyard sync`` does the same at once.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from modelyard.base.hub_client import is_hub_address
from modelyard.tracking.sending import Sender

if TYPE_CHECKING:
    from modelyard.tracking.delivering import Destination
    from modelyard.tracking.interface import Tracker
    from modelyard.tracking.records import ModelRegistered

LINGER = "MODELYARD_SENDER_SECONDS"
BEAT = "MODELYARD_BEAT_SECONDS"
_LINGER_SECONDS, _BEAT_SECONDS = 600.0, 15.0
_NICE = 10


def opener(uri: str, token: str | None, *, named_by_reader: bool) -> Callable[[], Destination]:
    """What opens the yard at an address. All that it needs is loaded here: what takes time later is the yard's.

    Where a file named it that came with a folder, no token of the environment goes there.
    """
    if not is_hub_address(uri):
        from modelyard.yard.yard import Yard

        return lambda: _LocalDestination(Yard(uri))
    import httpx2

    from modelyard.base.hub_client import HubClient, hub_address
    from modelyard.tracking.http import HttpTracker
    from modelyard.yard.addresses import Address, address_of

    assert httpx2
    assert HttpTracker

    def opened() -> Destination:
        found = address_of(uri)
        known = Address(hub_address(uri), found.config, by_reader=named_by_reader)
        client = HubClient(known.uri, token or known.token(), open_wire=token is not None)
        return _HubDestination(client, token)

    return opened


class _LocalDestination:
    """A yard whose database is opened here."""

    def __init__(self, yard: Any) -> None:
        self._yard = yard

    @property
    def tracker(self) -> Tracker:
        return self._yard.tracker

    def put(self, stream: IO[bytes], sha256: str, size: int) -> None:
        self._yard.stores.put(stream, size, expect=sha256)

    def register(self, record: ModelRegistered) -> None:
        _register(self._yard, record)

    def close(self) -> None:
        self._yard.close()


class _HubDestination:
    """A yard behind a hub: of it only what tells of runs is loaded."""

    def __init__(self, client: Any, token: str | None) -> None:
        from modelyard.tracking.http import HttpTracker

        self._client, self._token = client, token
        self.tracker: Tracker = HttpTracker(client)

    def put(self, stream: IO[bytes], sha256: str, size: int) -> None:
        from modelyard.base.digests import FileEntry
        from modelyard.stores.http import upload

        upload(self._client, FileEntry("file", size, sha256), stream)

    def register(self, record: ModelRegistered) -> None:
        from modelyard.yard.yard import Yard

        with Yard(self._client.address, token=self._token) as yard:
            _register(yard, record)

    def close(self) -> None:
        self._client.close()


def _register(yard: Any, record: ModelRegistered) -> None:
    from modelyard.yard.logged_models import register_logged

    register_logged(yard, record.model_id, record.name, run_id=record.run_id)


def seconds(variable: str, default: float) -> float:
    """A number of seconds from the environment, or the default where it says none."""
    with contextlib.suppress(ValueError):
        return max(0.05, float(os.environ.get(variable) or default))
    return default


def main() -> None:
    """Take what is secret from standard input, and send."""
    told: dict[str, Any] = json.load(sys.stdin)
    if told.get("path") is None:
        os.environ.pop("PYTHONPATH", None)
    else:
        os.environ["PYTHONPATH"] = told["path"]
    uri, by_reader = told["uri"], bool(told.get("named_by_reader", True))
    connect = opener(uri, told.get("token"), named_by_reader=by_reader)
    with contextlib.suppress(AttributeError, OSError):
        os.nice(_NICE)  # not before: the end of a short run waits for what was done until here
    Sender(
        Path(sys.argv[1]),
        connect,
        linger=seconds(LINGER, _LINGER_SECONDS),
        beat=seconds(BEAT, _BEAT_SECONDS),
        sure=uri.startswith("sqlite"),
    ).run()


if __name__ == "__main__":
    main()
