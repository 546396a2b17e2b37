"""A large file to a hub, in parts: what the line breaks is sent again from the part on, not from the start.

A part that is sent twice is kept once, and the whole is compared with its sha256 before the file appears.
"""

from __future__ import annotations

from contextlib import suppress
from typing import IO, Any

from modelyard.base.errors import ModelyardError, Unreachable
from modelyard.base.hub_client import HubClient, path_of

PARTS_FROM = 128 << 20
"""Bytes of a file that goes in parts. A smaller one is sent at once, and as a whole again."""
PART = 32 << 20
MOST_PARTS = 10_000
ATTEMPTS = 3
"""How often a part is tried, each with the client's own attempts; the next part has as many."""


def send_in_parts(
    client: HubClient, owner: str, path: str, stream: IO[bytes], size: int, sha256: str
) -> Any:
    """Upload the rest of a stream of ``size`` bytes; returns the entry as the hub tells it. What was sent of a file that
    cannot be finished is given up, and else goes from the hub by itself within a day."""
    new = {"owner": owner, "path": path, "size": size, "sha256": sha256}
    upload = str(client.ask("POST", "uploads", json=new, once=True)["id"])
    step = max(PART, -(-size // MOST_PARTS))
    try:
        for number in range(1, -(-size // step) + 1):
            _send(client, upload, number, stream.read(step))
        return client.ask("POST", "uploads", upload, "complete", once=True)
    except BaseException:
        with suppress(ModelyardError):
            client.ask("DELETE", "uploads", upload)
        raise


def _send(client: HubClient, upload: str, number: int, piece: bytes) -> None:
    place = path_of("uploads", upload, "parts", number)
    headers = {"content-type": "application/octet-stream"}
    for attempt in range(1, ATTEMPTS + 1):
        try:
            client.call("PUT", place, content=piece, headers=headers)
            return
        except Unreachable:
            if attempt == ATTEMPTS:
                raise
