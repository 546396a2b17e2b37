"""Webhooks: who is told of what. `deliveries` tells them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete as remove
from sqlalchemy import func, insert, select, update

from modelyard.base import outbound
from modelyard.base.clock import new_id, now_ms
from modelyard.base.errors import InvalidInput, NotAllowed, Unreachable
from modelyard.compat.mlflow_rest.errors import Refusal, refused
from modelyard.compat.mlflow_rest.routing import Endpoint
from modelyard.compat.mlflow_rest.wire import Call, given, invalid, missing

if TYPE_CHECKING:
    from modelyard.yard.yard import Yard

ACTIVE = "ACTIVE"
STATUSES = (ACTIVE, "DISABLED")
ENTITIES = (
    "REGISTERED_MODEL", "MODEL_VERSION", "MODEL_VERSION_TAG", "MODEL_VERSION_ALIAS", "PROMPT",
    "PROMPT_VERSION", "PROMPT_TAG", "PROMPT_VERSION_TAG", "PROMPT_ALIAS",
)  # fmt: skip
ACTIONS = ("CREATED", "UPDATED", "DELETED", "SET")
KNOWN = frozenset(
    [
        "registered_model.created", "model_version.created", "model_version_tag.set",
        "model_version_tag.deleted", "model_version_alias.created", "model_version_alias.deleted",
        "prompt.created", "prompt_version.created", "prompt_tag.set", "prompt_tag.deleted",
        "prompt_version_tag.set", "prompt_version_tag.deleted", "prompt_alias.created",
        "prompt_alias.deleted",
    ]
)  # fmt: skip
_NAME = re.compile(r"[A-Za-z0-9](?:[\w.\- ]{0,61}[A-Za-z0-9])?")
_ID = re.compile(r"[0-9a-f]{32}")

Sender = Callable[[Any, str], Mapping[str, Any]]
"""Sends an example of an event to a webhook; what came of it."""


def checked_events(call: Call) -> list[str]:
    """The events of a request as words, sorted."""
    found: set[str] = set()
    for at, item in enumerate(call.items("events")):
        found.add(event_word(item, f"events[{at}]"))
    if call.has("events") and not found:
        raise missing("events")
    return sorted(found)


def event_word(item: Mapping[str, Any], where: str) -> str:
    """``model_version.created``, from an entity and an action, by name or number."""
    call = Call(item)
    entity, action = call.word("entity", ENTITIES), call.word("action", ACTIONS)
    word = f"{entity}.{action}".lower()
    if word not in KNOWN:
        raise invalid(where, dict(item), f" There is no event {word!r}.")
    return word


def _checked_url(url: str, local: bool) -> str:
    try:
        return outbound.check(url, local=local)
    except (InvalidInput, NotAllowed, Unreachable) as error:
        raise Refusal(f"Invalid webhook URL: {error.message}") from error


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise Refusal(
            f"Webhook name {name[:80]!r} is invalid. It must start and end with a letter or digit, "
            "have at most 63 characters, and only letters, digits, '_', '-', '.' and blanks between."
        )
    return name


def fields_of(row: Any) -> dict[str, Any]:
    """A webhook as clients read it: without its secret."""
    pairs = (word.upper().partition(".") for word in row.events)
    return given(
        webhook_id=row.webhook_id,
        name=row.name,
        description=row.description,
        url=row.url,
        events=[{"entity": entity, "action": action} for entity, _, action in pairs],
        status=row.status,
        creation_timestamp=row.created_ms,
        last_updated_timestamp=row.updated_ms,
    )


def find(yard: Yard, webhook_id: str) -> Any:
    """The row of a webhook."""
    from modelyard.compat.tables import webhooks

    row = None
    if _ID.fullmatch(webhook_id):
        with yard.database.read() as connection:
            query = select(webhooks).where(webhooks.c.webhook_id == webhook_id)
            row = connection.execute(query).first()
    if row is None:
        raise refused("webhook", webhook_id[:80])
    return row


class _Webhooks:
    """The endpoints. ``local`` lets URLs lead to this machine and its network."""

    def __init__(self, send: Sender, local: bool) -> None:
        self._send, self._local = send, local

    def create(self, yard: Yard, call: Call) -> dict[str, Any]:
        from modelyard.compat.tables import webhooks
        from modelyard.registry.tables import events

        if not call.has("events"):
            raise missing("events")
        at_ms, webhook_id = now_ms(), new_id()
        values = {
            "webhook_id": webhook_id,
            "name": _checked_name(call.text("name", needed=True)),
            "description": call.text("description"),
            "events": checked_events(call),
            "secret": call.text("secret"),
            "status": call.word("status", STATUSES, ACTIVE),
            "url": _checked_url(call.text("url", needed=True), self._local),
            "created_ms": at_ms,
            "updated_ms": at_ms,
            "attempts": 0,
            "due_ms": at_ms,
        }

        def change(connection: Any) -> None:
            last = connection.scalar(select(func.max(events.c.seq))) or 0
            connection.execute(insert(webhooks).values(**values, seq=last))

        yard.database.transact(change)
        return {"webhook": fields_of(find(yard, webhook_id))}

    def update(self, yard: Yard, call: Call) -> dict[str, Any]:
        from modelyard.compat.tables import webhooks

        row = find(yard, call.place["webhook_id"])
        changes: dict[str, Any] = {"updated_ms": now_ms()}
        for name in ("description", "secret"):
            if call.has(name):
                changes[name] = call.text(name)
        if name := call.text("name"):
            changes["name"] = _checked_name(name)
        if url := call.text("url"):
            changes["url"] = _checked_url(url, self._local)
        if call.has("events"):
            changes["events"] = checked_events(call)
        if status := call.word("status", STATUSES):
            changes["status"] = status
        mine = update(webhooks).where(webhooks.c.id == row.id).values(**changes)
        yard.database.transact(lambda connection: connection.execute(mine))
        return {"webhook": fields_of(find(yard, row.webhook_id))}

    def test(self, yard: Yard, call: Call) -> dict[str, Any]:
        row = find(yard, call.place["webhook_id"])
        event = call.fields.get("event")
        word = event_word(event, "event") if isinstance(event, dict) else row.events[0]
        return {"result": self._send(row, word)}


def get(yard: Yard, call: Call) -> dict[str, Any]:
    """By id."""
    return {"webhook": fields_of(find(yard, call.place["webhook_id"]))}


def listing(yard: Yard, call: Call) -> dict[str, Any]:
    """All, a page at a time."""
    from modelyard.compat.tables import webhooks

    limit = call.integer("max_results", 100, low=1, high=1000)
    token = call.text("page_token")
    if token and not token.isdecimal():
        raise Refusal("Invalid page token")
    query = select(webhooks).where(webhooks.c.id > int(token or 0)).order_by(webhooks.c.id)
    with yard.database.read() as connection:
        rows = connection.execute(query.limit(limit + 1)).all()
    more = str(rows[limit - 1].id) if len(rows) > limit else None
    return given(webhooks=[fields_of(row) for row in rows[:limit]], next_page_token=more)


def delete(yard: Yard, call: Call) -> dict[str, Any]:
    from modelyard.compat.tables import webhooks

    row = find(yard, call.place["webhook_id"])
    mine = remove(webhooks).where(webhooks.c.id == row.id)
    yard.database.transact(lambda connection: connection.execute(mine))
    return {}


def endpoints(send: Sender, *, local: bool = False) -> Sequence[Endpoint]:
    """The endpoints, given what sends examples."""
    mine = _Webhooks(send, local)
    return [
        Endpoint("POST", "webhooks", "webhook.write", mine.create),
        Endpoint("GET", "webhooks", "webhook.read", listing),
        Endpoint("GET", "webhooks/{webhook_id}", "webhook.read", get),
        Endpoint("PATCH", "webhooks/{webhook_id}", "webhook.write", mine.update),
        Endpoint("DELETE", "webhooks/{webhook_id}", "webhook.write", delete),
        Endpoint("POST", "webhooks/{webhook_id}/test", "webhook.write", mine.test),
    ]
