"""``python -m modelyard.yard.sending FOLDER``: the process that tells a yard what training processes logged.

A recorder starts it (`tracking.spool.starting`), and nobody calls it by hand: ``modelyard sync`` does the same at once.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from modelyard.base.digests import FileEntry
from modelyard.tracking.records import ModelRegistered
from modelyard.yard.addresses import address_of
from modelyard.yard.remote import RemoteYard
from modelyard.yard.yard import Yard

if TYPE_CHECKING:
    from modelyard.tracking.interface import Tracker

LINGER = "MODELYARD_SENDER_SECONDS"
"""How long it goes on after the last training process ended, while the yard is away."""
BEAT = "MODELYARD_BEAT_SECONDS"
"""How often it says which runs are alive."""
_LINGER_SECONDS, _BEAT_SECONDS = 600.0, 15.0
_NICE = 10


class YardDestination:
    """A yard as a destination of records."""

    def __init__(self, yard: Yard) -> None:
        self.yard = yard

    @property
    def tracker(self) -> Tracker:
        """The yard's."""
        return self.yard.tracker

    def put(self, stream: IO[bytes], sha256: str, size: int) -> None:
        """A file into the yard's stores."""
        if isinstance(self.yard, RemoteYard):
            from modelyard.stores.http import upload

            upload(self.yard.client, FileEntry("file", size, sha256), stream)
        else:
            self.yard.stores.put(stream, size, expect=sha256)

    def register(self, record: ModelRegistered) -> None:
        """A logged model into the registry."""
        from modelyard.yard.logged_models import register_logged

        register_logged(self.yard, record.model_id, record.name, run_id=record.run_id)


def opened(uri: str, token: str | None, *, named_by_reader: bool) -> YardDestination:
    """The yard at an address. Where a file named it that came with a folder, no token of the environment goes there."""
    if token is None and not named_by_reader and address_of(uri).is_hub:
        from modelyard.base.config import user_settings
        from modelyard.base.hub_client import hub_address

        kept = user_settings().get("tokens", {}).get(hub_address(uri))
        if kept is None:
            with _without("MODELYARD_TOKEN"):
                return YardDestination(Yard(uri))
        token = kept
    return YardDestination(Yard(uri, token=token))


@contextlib.contextmanager
def _without(variable: str) -> Any:
    kept = os.environ.pop(variable, None)
    try:
        yield
    finally:
        if kept is not None:
            os.environ[variable] = kept


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
    with contextlib.suppress(AttributeError, OSError):
        os.nice(_NICE)
    from modelyard.tracking.sending import Sender

    uri, token = told["uri"], told.get("token")
    by_reader = bool(told.get("named_by_reader", True))
    Sender(
        Path(sys.argv[1]),
        lambda: opened(uri, token, named_by_reader=by_reader),
        linger=seconds(LINGER, _LINGER_SECONDS),
        beat=seconds(BEAT, _BEAT_SECONDS),
    ).run()


if __name__ == "__main__":
    main()
