"""What every request passes first, whatever route it is for, mounted ones too: an ASGI app around all others.

It judges Host and Origin, the size of what was sent before anybody reads it, and how much is being done already; names
the request; and sees to it that each answer has the headers it should, and that each error has the same form.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Any

import orjson

from modelyard.base.clock import now_ms, to_rfc3339
from modelyard.base.errors import NotFound, Overloaded
from modelyard.base.events import Caller, set_caller
from modelyard.hub.failures import failure, logger
from modelyard.hub.house import MOST_IN_FLIGHT, House
from modelyard.hub.incoming import Body, check_head
from modelyard.hub.outgoing import Answer
from modelyard.serving.edge import ASGI, CLIENT_CLOSED, Receive, Scope, Send, read_request_id

access = logging.getLogger("modelyard.hub.access")

NOBODY = "-"
"""The actor of a request until it is known who asks."""


class Edge:
    """An ASGI app around another."""

    def __init__(self, app: ASGI, house: House) -> None:
        self._app = app
        self._house = house

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._exchange(scope, receive, send)

    async def _exchange(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        headers = dict(scope["headers"])
        request_id = read_request_id(headers)
        answer = Answer(send, request_id, headers)
        answer.closing = self._house.draining
        set_caller(Caller(NOBODY, request_id))
        self._house.in_flight += 1
        try:
            await self._answer(scope, receive, answer, headers, request_id)
        finally:
            self._house.in_flight -= 1
            self._note(scope, answer, request_id, time.perf_counter() - began, headers)

    async def _answer(
        self,
        scope: Scope,
        receive: Receive,
        answer: Answer,
        headers: Mapping[bytes, bytes],
        request_id: str,
    ) -> None:
        body = None
        try:
            check_head(scope)
            hosts = sum(name == b"host" for name, _ in scope["headers"])
            self._house.hosts.check(scope["method"], headers, hosts)
            if self._house.in_flight > MOST_IN_FLIGHT:
                raise Overloaded("too many requests at once", hint="try again in a moment")
            body = Body(receive, headers)
            state = {"house": self._house, "body": body, "request_id": request_id}
            inner = {**scope, "modelyard": state, "headers": _unpacked(scope["headers"], headers)}
            scope["modelyard"] = state
            await self._app(inner, body, answer)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            if answer.started:
                # Half an answer is out: all that is left is to break the connection, so that nobody takes it for whole.
                if not answer.ended:
                    raise
                return
            if body is not None and body.refused:
                answer.closing = True
            await fail(answer, error, request_id, self._house)

    def _note(
        self,
        scope: Scope,
        answer: Answer,
        request_id: str,
        seconds: float,
        headers: Mapping[bytes, bytes],
    ) -> None:
        state = scope.get("modelyard", {})
        status = answer.status if answer.ended else CLIENT_CLOSED
        route = state.get("route", "unmatched")
        method = _known(scope["method"])
        self._house.metrics.answered(route, method, status, seconds)
        if (tracing := self._house.tracing) is not None:
            tracing.answered(method, route, status, request_id, seconds, headers)
        if self._house.settings.access_log and access.isEnabledFor(logging.INFO):
            # The path alone: a query may hold what is nobody's business, and headers do.
            facts = {
                "at": to_rfc3339(now_ms()),
                "request_id": request_id,
                "actor": state.get("actor", NOBODY),
                "client": (scope.get("client") or ("", 0))[0],
                "method": scope["method"],
                "path": scope["path"],
                "status": status,
                "bytes": answer.size,
                "ms": round(seconds * 1000, 1),
            }
            access.info(_line(facts))


async def fail(answer: Any, error: BaseException, request_id: str, house: House) -> None:
    """Answer with an error."""
    reply = failure(error, request_id, house.secrets)
    headers = [
        (b"content-type", reply.content_type),
        (b"content-length", b"%d" % len(reply.body)),
        *reply.headers,
    ]
    await answer({"type": "http.response.start", "status": reply.status, "headers": headers})
    await answer({"type": "http.response.body", "body": reply.body})


def nothing_here() -> NotFound:
    """What is said of a path that no route has."""
    return NotFound("nothing is at this path", hint="/api/docs shows what is")


def _unpacked(raw: Any, headers: Mapping[bytes, bytes]) -> Any:
    """The headers as they fit the body that is handed on: unpacked, and then of unknown length."""
    if headers.get(b"content-encoding", b"identity").strip().lower() == b"identity":
        return raw
    return [(n, v) for n, v in raw if n not in (b"content-encoding", b"content-length")]


_METHODS = frozenset(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])


def _known(method: str) -> str:
    return method if method in _METHODS else "other"


def _line(facts: Mapping[str, Any]) -> str:
    try:
        return orjson.dumps(facts).decode()
    except orjson.JSONEncodeError:
        shown = {k: ascii(v) if isinstance(v, str) else v for k, v in facts.items()}
        return orjson.dumps(shown).decode()


__all__ = ["Edge", "access", "fail", "logger", "nothing_here"]
