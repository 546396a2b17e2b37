"""HTTP for all protocols: bodies read within limits, errors written one way, request ids in and out.

An error is answered as ``{"error": {"code", "message", "hint"?, "field"?, "expected"?, …, "request_id"}}`` with the status of its row in
`modelyard.base.errors`; ``code`` is stable, ``field`` is the place in what was sent. Other exceptions than our own say
nothing but the request id; their traceback goes to the log.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import re
import zlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from modelyard.base.clock import now_ms
from modelyard.base.errors import (
    InvalidInput,
    ModelyardError,
    TooLarge,
    Unauthenticated,
    UnsupportedFormat,
    describe,
)
from modelyard.serving.asking import ASKED
from modelyard.serving.entry.auth import challenge
from modelyard.serving.packing import pack, takes_gzip
from modelyard.serving.watching import HungUp, Watch

if TYPE_CHECKING:
    from modelyard.serving.service import Service

logger = logging.getLogger("modelyard.serving")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
ASGI = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = Sequence[tuple[bytes, bytes]]

JSON = b"application/json"
CLIENT_CLOSED = 499
"""The status that metrics show for a client that hung up before its answer."""
MAX_HEADERS = 100
OFF_LOOP_BYTES = 64 << 10
"""From this size on, bodies are parsed in a thread, so that health checks are answered meanwhile."""
PACK_FROM = 32 << 10
"""From this size on, answers are packed for whoever takes gzip: below it, packing takes longer than most networks do."""
PACK_LEVEL = 1
PACKED = frozenset((JSON, b"text/csv", b"text/plain"))
TOLD = ("field", "expected", "choices", "missing", "unknown", "limit")
"""Details of an error that clients may see."""

_PACKINGS: Mapping[bytes, int] = {b"gzip": 31, b"x-gzip": 31, b"deflate": 15}
"""Content-encoding -> what zlib calls it."""
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")
_random = random.Random(random.SystemRandom().getrandbits(256))


@dataclass(frozen=True, slots=True)
class Call:
    """A request as it came in: lower-case header names; of repeated headers the last."""

    headers: Mapping[bytes, bytes]
    body: bytes
    request_id: str
    caller: str
    method: str = "POST"
    path: str = ""
    query: bytes = b""


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes out."""

    body: bytes
    content_type: bytes = JSON
    headers: Headers = ()
    status: int = 200
    stream: Pieces | None = None
    """A body that comes piece by piece, instead of ``body``."""


class Pieces(Protocol):
    """A body that is sent while it is made. ``status`` says in the end what came of it, for the metrics."""

    status: int

    def pieces(self) -> AsyncGenerator[bytes]:
        """Its bytes; raises nothing that a client should hear of."""
        ...

    async def aclose(self) -> None:
        """End it, read or not."""
        ...


Handler = Callable[[Call], Awaitable[Reply]]


class Exchange:
    """An ASGI endpoint: reads a request within the limits, lets a handler answer, writes and counts what came of it.

    ``labels`` are the model and the method that metrics show; ``headers`` go with every answer; ``body_limit`` tells from a
    request's headers how large its body may be; ``methods`` are the verbs that are answered; ``write_error`` words errors as
    a protocol has them.
    """

    def __init__(
        self,
        service: Service,
        handle: Handler,
        *,
        labels: tuple[str, str],
        headers: Headers = (),
        body_limit: Callable[[Mapping[bytes, bytes]], int] | None = None,
        methods: Sequence[str] = ("POST",),
        write_error: Callable[[BaseException, str], Reply] | None = None,
    ) -> None:
        self._service = service
        self._methods = tuple(methods)
        self.write_error = write_error or error_reply
        self._body_limit = body_limit or (lambda headers: service.limits.body_bytes)
        self._handle = handle
        # A protocol is known by the file that its handlers stand in.
        self._protocol = str(getattr(handle, "__module__", "")).rpartition(".")[2]
        self._labels = labels
        self._headers = tuple(headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        request_id = read_request_id(headers)
        asked = ASKED.get()
        if asked is not None:
            asked.protocol = self._protocol
            asked.model, asked.method = self._labels
        try:
            if scope["method"] not in self._methods:
                reply = method_not_allowed(request_id, ", ".join(self._methods))
            else:
                reply = await self._answer(scope, headers, receive, send, request_id)
        except HungUp:
            self._service.metrics.answered(*self._labels, CLIENT_CLOSED)
            return
        except Exception as error:  # noqa: BLE001  the last line: everything becomes an answer
            reply = self.write_error(error, request_id)
        status = reply.status if reply.stream is None else reply.stream.status
        self._service.metrics.answered(*self._labels, status)
        if reply.stream is None:
            closing = self._service.draining
            await send_reply(send, reply, request_id, headers=self._headers, closing=closing)

    async def _answer(
        self,
        scope: Scope,
        headers: Mapping[bytes, bytes],
        receive: Receive,
        send: Send,
        request_id: str,
    ) -> Reply:
        """The reply, for the caller to send; one that streams is sent here, while the client is watched."""
        limits = self._service.limits
        with self._service.admitted:
            watch = Watch(receive, limits.read_seconds)
            try:
                body = await read_body(headers, receive, self._body_limit(headers))
                watch.body_is_here()
                call = _call(scope, headers, body, request_id)
                repeats = self._service.repeats
                reply = await repeats.answer(call, self._handle, self.write_error)
                if reply.stream is not None:
                    await self._send_stream(send, reply, request_id)
                    return reply
                return await _packed(reply, headers) if len(reply.body) >= PACK_FROM else reply
            except asyncio.CancelledError:
                raise watch.verdict() from None
            finally:
                watch.close()

    async def _send_stream(self, send: Send, reply: Reply, request_id: str) -> None:
        assert reply.stream is not None
        seconds = self._service.limits.send_seconds
        closing = self._service.draining
        async with contextlib.aclosing(reply.stream):
            start = reply_start(reply, request_id, headers=self._headers, closing=closing)
            await send(start)
            async with contextlib.aclosing(reply.stream.pieces()) as pieces:
                async for piece in pieces:
                    try:
                        async with asyncio.timeout(seconds):
                            await send(
                                {"type": "http.response.body", "body": piece, "more_body": True}
                            )
                    except TimeoutError:
                        raise HungUp from None  # it is there, but does not read
            await send({"type": "http.response.body", "body": b""})


async def _packed(reply: Reply, headers: Mapping[bytes, bytes]) -> Reply:
    """Long texts as gzip for whoever takes that; what is binary hardly shrinks."""
    if reply.content_type.split(b";", 1)[0] not in PACKED:
        return reply
    varies = (*reply.headers, (b"vary", b"accept-encoding"))
    if not takes_gzip(headers.get(b"accept-encoding", b"")):
        return replace(reply, headers=varies)
    encoded = (*varies, (b"content-encoding", b"gzip"))
    return replace(reply, body=await pack(reply.body, PACK_LEVEL), headers=encoded)


def _call(scope: Scope, headers: Mapping[bytes, bytes], body: bytes, request_id: str) -> Call:
    asked, client = ASKED.get(), scope.get("client")
    caller = client[0] if client else ""
    if asked is not None:
        caller = asked.caller.name or asked.remote
    query = scope.get("query_string", b"")
    return Call(headers, body, request_id, caller, scope["method"], scope["path"], query)


async def send_reply(
    send: Send, reply: Reply, request_id: str, *, headers: Headers = (), closing: bool = False
) -> None:
    """Write a reply with the headers that all answers carry; ``closing`` asks the client to open a new connection."""
    await send(reply_start(reply, request_id, headers=headers, closing=closing))
    await send({"type": "http.response.body", "body": reply.body})


def reply_start(
    reply: Reply, request_id: str, *, headers: Headers = (), closing: bool = False
) -> dict[str, Any]:
    """The status and the headers of a reply; the length of one that streams is not known."""
    out = [
        (b"content-type", reply.content_type),
        (b"x-content-type-options", b"nosniff"),
        (b"x-request-id", request_id.encode()),
        *headers,
        *reply.headers,
    ]
    if reply.stream is None:
        out.append((b"content-length", b"%d" % len(reply.body)))
    if closing:
        out.append((b"connection", b"close"))
    return {"type": "http.response.start", "status": reply.status, "headers": out}


def read_request_id(headers: Mapping[bytes, bytes]) -> str:
    """The caller's id when it is a plain one, else a new one."""
    given = headers.get(b"x-request-id")
    return given.decode() if given and _REQUEST_ID.fullmatch(given) else new_request_id()


def new_request_id() -> str:
    """32 hex digits, in order of time.

    Not from the system's randomness: that call gives the interpreter lock away, and under load the way back costs
    a tenth of a millisecond.
    """
    return f"{now_ms():012x}{_random.getrandbits(80):020x}"


async def read_body(headers: Mapping[bytes, bytes], receive: Receive, limit: int) -> bytes:
    """The body, unpacked. `TooLarge` as soon as that is known; before anything is read when its length is told."""
    if len(headers) > MAX_HEADERS:
        raise InvalidInput(f"more than {MAX_HEADERS} headers")
    length = headers.get(b"content-length", b"0")
    if length.isdigit() and int(length[:20]) > limit:
        raise _too_large(limit)
    body = await _received(receive, limit)
    encoding = headers.get(b"content-encoding", b"identity").strip().lower()
    if encoding == b"identity":
        return body
    if encoding not in _PACKINGS:
        raise UnsupportedFormat(
            f"content-encoding {encoding.decode('latin-1')!r} is not supported",
            hint="gzip and deflate are",
        )
    return await asyncio.to_thread(_unpacked, body, encoding, limit)


async def _received(receive: Receive, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise HungUp
        part = message.get("body", b"")
        parts.append(part)
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        if not message.get("more_body"):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(
        f"the body is larger than {limit} bytes", hint="send less at a time", limit=limit
    )


def _unpacked(packed: bytes, encoding: bytes, limit: int) -> bytes:
    name = encoding.decode()
    stream = zlib.decompressobj(wbits=_PACKINGS[encoding])
    try:
        body = stream.decompress(packed, limit + 1)
    except zlib.error as error:
        raise InvalidInput(f"the body says that it is {name}, and is not") from error
    if len(body) > limit:
        raise _too_large(limit)
    if not stream.eof or stream.unused_data:
        raise InvalidInput(f"the {name} body is cut short, or followed by something else")
    return body


def parse_json(body: bytes, depth: int) -> Any:
    """Parsed JSON, or `InvalidInput` saying where it goes wrong. A key that stands twice counts as its last."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _not_json(body, error) from None
    # Deeper than the number of opening brackets it cannot be; only then is it worth a walk.
    if body.count(b"[") + body.count(b"{") > depth and _is_deeper(value, depth):
        raise InvalidInput(f"the JSON is nested deeper than {depth} levels", limit=depth)
    return value


def _is_deeper(value: Any, depth: int) -> bool:
    level = [value] if isinstance(value, (list, dict)) else []
    for _ in range(depth):
        if not level:
            return False
        level = [
            inner
            for outer in level
            for inner in (outer.values() if type(outer) is dict else outer)
            if type(inner) is list or type(inner) is dict
        ]
    return bool(level)


def _not_json(body: bytes, error: orjson.JSONDecodeError) -> InvalidInput:
    if not body:
        return InvalidInput("the body is empty", hint="send JSON, or text/csv for a table")
    near = body[max(0, error.pos - 1) : error.pos + 9]
    if "depth" in str(error):
        return InvalidInput("the JSON is nested too deep")
    if b"NaN" in near or b"Infinity" in near or "infinity" in str(error):
        return InvalidInput(
            f"not JSON: {error}",
            hint="JSON has no NaN or Infinity: send null for a missing value",
        )
    return InvalidInput(f"not JSON: {error}")


def error_reply(error: BaseException, request_id: str) -> Reply:
    """An error as an answer; exceptions that are not our own are logged and say nothing of themselves."""
    headers: list[tuple[bytes, bytes]] = []
    if not isinstance(error, ModelyardError):
        logger.error("request %s failed", request_id, exc_info=error)
        error = ModelyardError(
            "internal error", hint="the server's log has more under this request id"
        )
    elif isinstance(error, Unauthenticated):
        headers.append((b"www-authenticate", challenge(error)))
    elif "retry_after" in error.details:
        headers.append((b"retry-after", str(error.details["retry_after"]).encode()))
    row = describe(error)
    told = {k: error.details[k] for k in TOLD if error.details.get(k) not in (None, "")}
    body = error_body(row.code, error.message, request_id, hint=error.hint, **told)
    return Reply(body, headers=headers, status=row.http_status)


def error_body(code: str, message: str, request_id: str, **more: Any) -> bytes:
    """The JSON of an error; what is None is left out."""
    facts = {"code": code, "message": message, **more, "request_id": request_id}
    return dump_json({"error": {k: v for k, v in facts.items() if v is not None}})


def method_not_allowed(request_id: str, allowed: str) -> Reply:
    """405, with the methods that are."""
    body = error_body("method_not_allowed", f"this path answers {allowed} only", request_id)
    return Reply(body, headers=[(b"allow", allowed.encode())], status=405)


def dump_json(value: Any) -> bytes:
    """What a data type's `encode` gives, as bytes."""
    return orjson.dumps(value)
