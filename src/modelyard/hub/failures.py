"""Errors as answers: ``{"error": {"code", "message", "hint"?, "details"?, "request_id"}}`` with the status of their row
in `modelyard.base.errors`.

``code`` is stable. An exception that is not ours says nothing but the request's id; what is ours says neither where the
hub keeps its files nor which database it has.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from modelyard.base.errors import InvalidInput, ModelyardError, Unauthenticated, describe
from modelyard.serving.edge import TOLD, Reply, error_body

logger = logging.getLogger("modelyard.hub")

CHALLENGE = 'Bearer realm="modelyard", Basic realm="modelyard"'
"""How who asks may say who they are."""

DETAILS = (*TOLD, "errors")
"""Details of an error that clients may see."""


def failure(error: BaseException, request_id: str, secrets: Sequence[str] = ()) -> Reply:
    """The answer to an error; ``secrets`` are words that must not stand in it."""
    headers: list[tuple[bytes, bytes]] = []
    if not isinstance(error, ModelyardError):
        logger.error("request %s failed", request_id, exc_info=error)
        error = ModelyardError(
            "internal error", hint="the hub's log has more under this request id"
        )
    row = describe(error)
    if row.http_status >= 500 and error.__traceback__ is not None:
        logger.warning("request %s: %s", request_id, error.message, exc_info=error.__cause__)
    if isinstance(error, Unauthenticated):
        headers.append((b"www-authenticate", CHALLENGE.encode()))
    if row.http_status == 429:
        headers.append((b"retry-after", str(error.details.get("retry_after", 1)).encode()))
    told = {k: error.details[k] for k in DETAILS if error.details.get(k) not in (None, "")}
    body = error_body(
        row.code,
        _without(error.message, secrets),
        request_id,
        hint=_without(error.hint, secrets) if error.hint else None,
        details=told or None,
    )
    return Reply(body, headers=headers, status=row.http_status)


def _without(text: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, "the hub's database")
    return text


def invalid_request(problems: Sequence[Mapping[str, Any]]) -> InvalidInput:
    """What FastAPI found wrong with a request, as an error of ours: the first problem, and all in the details."""
    found = [
        {"field": _place(p.get("loc", ())), "message": str(p.get("msg", ""))} for p in problems
    ]
    first = found[0] if found else {"field": "", "message": "cannot be read"}
    where = f"{first['field']}: " if first["field"] else ""
    return InvalidInput(f"{where}{first['message']}"[:500], field=first["field"], errors=found[:20])


def _place(location: Sequence[Any]) -> str:
    place = ""
    for part in location[1:] if location and location[0] in _PARTS else location:
        place += f"[{part}]" if isinstance(part, int) else f".{part}" if place else str(part)
    return place[:200]


_PARTS = ("body", "query", "path", "header")
