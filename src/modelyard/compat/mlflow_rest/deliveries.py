"""Tells webhooks what happened: follows the table of events, signs and sends, tries again, and gives up in the end.

Each webhook remembers the last event that it was told of, so that nothing is lost when the hub stops, and several hubs on one
database share the work: who takes a webhook puts off its next turn first. An event may be told twice when a hub dies between
sending and noting that; the delivery id is the same then.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

from sqlalchemy import select, update

from modelyard.base import outbound
from modelyard.base.clock import now_ms
from modelyard.base.errors import InvalidInput, ModelyardError, NotAllowed
from modelyard.base.events import Event
from modelyard.compat.mlflow_rest.registry_answers import PROMPT
from modelyard.compat.mlflow_rest.webhook_events import EXAMPLES, told_of
from modelyard.compat.mlflow_rest.webhooks import ACTIVE
from modelyard.compat.mlflow_rest.wire import given
from modelyard.compat.tables import webhooks

if TYPE_CHECKING:
    from modelyard.yard.yard import Yard

ATTEMPTS = 8
FIRST_WAIT_MS, LONGEST_WAIT_MS = 1_000, 60_000
SECONDS = 30.0
TURN_MS = 120_000
"""How long one hub has a webhook to itself."""
SETTLED_MS = 5_000
"""How long a gap in the numbers of events may still be filled by a transaction that began earlier."""
_AT_ONCE = 4
_LATER = frozenset([408, 425, 429, 500, 502, 503, 504])

_logger = logging.getLogger("modelyard.webhooks")


def signature(secret: str, delivery_id: str, timestamp: str, body: str) -> str:
    """What a receiver checks: that it was sent by who knows the secret, now, and as it is."""
    signed = f"{delivery_id}.{timestamp}.{body}".encode()
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def send(row: Any, word: str, data: Mapping[str, Any], at_ms: int, once: str, *, local: bool) -> outbound.Answered:  # fmt: skip
    """One attempt. ``once`` is the same for each of one delivery."""
    entity, _, action = word.partition(".")
    moment = datetime.fromtimestamp(at_ms / 1000, UTC).isoformat()
    body = json.dumps({"entity": entity, "action": action, "timestamp": moment, "data": data})
    timestamp = str(now_ms() // 1000)
    delivery_id = str(uuid5(NAMESPACE_URL, f"{row.webhook_id}/{once}"))
    headers = {
        "Content-Type": "application/json",
        "X-MLflow-Delivery-Id": delivery_id,
        "X-MLflow-Timestamp": timestamp,
    }
    if row.secret:
        headers["X-MLflow-Signature"] = signature(row.secret, delivery_id, timestamp, body)
    return outbound.post(row.url, body.encode(), headers, seconds=SECONDS, local=local)


def send_example(row: Any, word: str, *, local: bool) -> dict[str, Any]:
    """Send an example, and say what came of it."""
    try:
        got = send(row, word, EXAMPLES[word], now_ms(), f"test/{now_ms()}", local=local)
    except ModelyardError as error:
        return {"success": False, "error_message": error.message}
    success = 200 <= got.status < 300
    return {"success": success, **given(response_status=got.status, response_body=got.text)}


class Deliveries:
    """The worker of one hub: a thread that looks for news, and some that send."""

    def __init__(self, yard: Yard, *, local: bool = False, every: float = 1.0) -> None:
        self._yard, self._local, self._every = yard, local, every
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, in the background."""
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End; what is being sent is waited for."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(SECONDS + 5)

    def _run(self) -> None:
        with ThreadPoolExecutor(_AT_ONCE, "webhook") as pool:
            while not self._stop.wait(self._every):
                try:
                    list(pool.map(self.turn, self._due()))
                except Exception:
                    _logger.exception("webhooks: looking for news failed")

    def _due(self) -> list[Any]:
        query = select(webhooks).where(webhooks.c.status == ACTIVE, webhooks.c.due_ms <= now_ms())
        with self._yard.database.read() as connection:
            return list(connection.execute(query).all())

    def turn(self, row: Any) -> None:
        """Tell one webhook its news, as far as it listens."""
        until = now_ms() + TURN_MS
        while not self._stop.is_set():
            event = self._next(row.seq)
            if event is None or now_ms() > until - SECONDS * 1000:
                return
            if not self._take(row, until):
                return
            wait = self._tell(row, event)
            done = wait is None
            changes = {
                "seq": event.seq if done else row.seq,
                "attempts": 0 if done else row.attempts + 1,
                "due_ms": now_ms() + (wait or 0),
            }
            self._note(row, changes)
            row = self._again(row) if done else None
            if row is None:
                return

    def _next(self, after: int) -> Event | None:
        """The event after one; None as well when there might still come one between."""
        event = next(self._yard.models.registry.events(after=after), None)
        gap = event is not None and event.seq != after + 1
        if gap and self._yard.database.dialect != "sqlite" and event.at_ms > now_ms() - SETTLED_MS:  # type: ignore[union-attr]
            return None
        return event

    def _take(self, row: Any, until: int) -> bool:
        """Whether this hub has the webhook now: nobody else moved its turn since we looked."""
        mine = (webhooks.c.id == row.id, webhooks.c.due_ms == row.due_ms, webhooks.c.seq == row.seq)
        taken = update(webhooks).where(*mine).values(due_ms=until)
        return bool(self._yard.database.transact(lambda c: c.execute(taken).rowcount))

    def _note(self, row: Any, changes: Mapping[str, Any]) -> None:
        mine = update(webhooks).where(webhooks.c.id == row.id).values(**changes)
        self._yard.database.transact(lambda connection: connection.execute(mine))

    def _again(self, row: Any) -> Any:
        """The row as it is now; None when it was deleted or sleeps."""
        query = select(webhooks).where(webhooks.c.id == row.id, webhooks.c.status == ACTIVE)
        with self._yard.database.read() as connection:
            return connection.execute(query).first()

    def _tell(self, row: Any, event: Event) -> int | None:
        """None when it is dealt with, else after how many milliseconds to try again."""
        for word, data in told_of(event, prompt=self._is_prompt(event)):
            if word not in row.events:
                continue
            try:
                once = f"{event.seq}/{word}/{data.get('key', '')}"
                got = send(row, word, data, event.at_ms, once, local=self._local)
                again, said = got.status in _LATER, f"answered {got.status}"
                if 200 <= got.status < 300:
                    continue
            except (NotAllowed, InvalidInput) as error:
                again, said = False, error.message
            except ModelyardError as error:
                again, said = True, error.message
            if again and row.attempts + 1 < ATTEMPTS:
                return min(FIRST_WAIT_MS * 2**row.attempts, LONGEST_WAIT_MS)
            _logger.warning("webhook %s: event %d is not delivered: %s", row.webhook_id, event.seq, said)  # fmt: skip
        return None

    def _is_prompt(self, event: Event) -> bool:
        kind, _, name = event.subject.partition(":")
        if kind != "model":
            return False
        tags = event.after.get("facts", {}).get("tags") or {}
        known = self._yard.models.registry.state(name).facts.get("tags", {})
        return {**known, **tags}.get(PROMPT, "").lower() == "true"
