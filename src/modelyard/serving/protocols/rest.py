"""Typed REST: ``POST /<method>``, or ``POST /<model>/<method>`` when several models are served.

Bodies: JSON in the forms of `modelyard.serving.forms` (also without a Content-Type), ``text/csv`` for a table, Parquet, Arrow
streams and ``.npy`` (`modelyard.serving.typed_bodies`), forms (``multipart/form-data``), for a method that takes one file the
file itself under its own type, and for one that takes one text ``text/plain``. The answer is the bare value (``[0, 1]``), or
what ``Accept`` prefers (`modelyard.serving.answers`). A first path segment that the server needs for itself
(`RESERVED`) is reached below ``/methods/``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from starlette.routing import BaseRoute

from modelyard.base.errors import InvalidInput, SchemaMismatch, UnsupportedFormat
from modelyard.serving.accept import prefers
from modelyard.serving.answers import CSV, TEXT, TYPED, Answers
from modelyard.serving.edge import (
    JSON,
    OFF_LOOP_BYTES,
    Call,
    Exchange,
    Reply,
    parse_json,
)
from modelyard.serving.events import FORMS, Form, Streamed
from modelyard.serving.execution import Method
from modelyard.serving.forms import REFERENCE_ID, Forms, count_rows, read_id
from modelyard.serving.interface import Answer, Json, Request
from modelyard.serving.multipart import FORM, boundary_of, read_form
from modelyard.serving.openapi import method_operations, text_argument
from modelyard.serving.paths import ExactPaths
from modelyard.serving.service import Service
from modelyard.serving.text_csv import read_csv
from modelyard.serving.typed_bodies import TypedBodies
from modelyard.serving.uploads import Uploads

RESERVED = frozenset((
    "docs", "redoc", "openapi.json", "interface.json", "favicon.ico", "health", "healthz", "readyz", "livez", "metrics",
    "version", "ping", "invocations", "models", "methods", "jobs", "page", "v1", "v2",
))  # fmt: skip
"""First path segments that this server, or a protocol it may speak, needs for itself."""

ID_KEY = REFERENCE_ID.encode()


def path_of(service: Service, method: Method) -> str:
    """The path that answers a method.

    ``/predict``, ``/churn/predict`` beside other models, ``/methods/metrics`` for a method with a reserved name.
    """
    several = service.prefixed
    path = f"{method.model.name}/{method.name}" if several else method.name
    first = path.split("/", 1)[0]
    return f"/methods/{path}" if first in RESERVED else f"/{path}"


def routes(service: Service) -> Sequence[BaseRoute]:
    def build() -> Mapping[str, Exchange]:
        return {path_of(service, method): _exchange(service, method) for method in service.methods}

    return [ExactPaths(service, build)]


def openapi(service: Service) -> Mapping[str, Any]:
    return method_operations(service, lambda method: path_of(service, method))


def _exchange(service: Service, method: Method) -> Exchange:
    identity = quote(method.identity, safe="@:+/").encode()
    rest = RestMethod(service, method)
    return Exchange(
        service,
        rest,
        body_limit=rest.body_limit,
        labels=(method.model.name, method.name),
        headers=[(b"x-modelyard-model", identity)],
    )


class RestMethod:
    """Parses a call of one method, asks the service, writes the answer."""

    def __init__(self, service: Service, method: Method) -> None:
        self._service = service
        self._method = method
        self._forms = Forms(method.signature)
        self._uploads = Uploads(method, self._forms, service.limits)
        self._typed = TypedBodies(method, service.limits)
        self._answers = Answers(method)
        self._text = text_argument(method)

    def body_limit(self, headers: Mapping[bytes, bytes]) -> int:
        """How large a body may be: more where it is a file, for a method that takes files."""
        limits, kind = self._service.limits, media_type(headers)
        larger = self._uploads.takes_files and not is_json(kind) and kind != CSV
        return max(limits.file_bytes, limits.body_bytes) if larger else limits.body_bytes

    async def __call__(self, call: Call) -> Reply:
        """The reply to one call; errors are raised."""
        request = await self.read(call)
        form = self._stream_form(call.headers.get(b"accept", b""))
        if form is not None:
            items = self._service.stream(request)
            return await Streamed(items, form, call.request_id).begin(echoed(call))
        return await self.write(call, await self._service.infer(request))

    async def read(self, call: Call) -> Request:
        """What a call asks for; `InvalidInput` and the like for what cannot be read."""
        parse = self._parser(call.headers)
        kind = self._answers.kind(call.headers.get(b"accept", b""))
        if len(call.body) > OFF_LOOP_BYTES:
            arguments, rows, ids = await asyncio.to_thread(parse, call.body)
        else:
            arguments, rows, ids = parse(call.body)
        header = call.headers.get(b"x-reference-id")
        if header is not None and not any(ids):
            ids = [read_id(header.decode("utf-8", "replace"), "X-Reference-ID")]
        return Request(
            self._method.model.name,
            self._method.name,
            arguments,
            call.request_id,
            rows=rows,
            reference_ids=ids,
            caller=call.caller,
            native=kind in TYPED,
        )

    async def write(self, call: Call, answer: Answer) -> Reply:
        """An answer in the form that the call asks for."""
        kind = self._answers.kind(call.headers.get(b"accept", b""))
        return await self._answers.reply(kind, answer, echoed(call))

    def _parser(self, headers: Mapping[bytes, bytes]) -> Any:
        content_type = media_type(headers)
        if is_json(content_type):
            return self._from_json
        if content_type == CSV:
            return self._from_csv
        if content_type == FORM:
            boundary = boundary_of(headers[b"content-type"])
            return lambda body: self._uploads.from_form(read_form(body, boundary))
        if content_type == TEXT and self._text is not None:
            return self._from_text
        if not self._uploads.takes_files and (typed := self._typed.reader(content_type)):
            return typed
        spelled = content_type.decode("latin-1")
        if self._uploads.only is not None and content_type != b"application/x-www-form-urlencoded":
            return lambda body: self._uploads.from_raw(body, spelled)
        hint = "send application/json, text/csv or a form"
        if content_type == b"application/x-www-form-urlencoded":
            hint = (
                "curl -d sends forms unless told otherwise: add -H 'Content-Type: application/json'"
            )
        raise UnsupportedFormat(f"content-type {spelled!r} is not supported", hint=hint)

    def _from_text(self, body: bytes) -> tuple[dict[str, Any], int, list[str]]:
        try:
            return {str(self._text): Json(body.decode())}, 1, []
        except UnicodeDecodeError as error:
            raise InvalidInput(f"the text is not UTF-8: byte {error.start} is wrong") from None

    def _from_json(self, body: bytes) -> tuple[dict[str, Any], int, list[str]]:
        parsed = parse_json(body, self._service.limits.depth)
        return self._from_value(parsed, self._forms.read(parsed), ID_KEY in body)

    def _from_value(
        self, parsed: Any, values: dict[str, Any], has_ids: bool
    ) -> tuple[dict[str, Any], int, list[str]]:
        ids = self._forms.take_reference_ids(parsed, values) if has_ids else []
        records = self._method.records
        rows = count_rows(values[records]) if records in values else 1
        if len(ids) > 1 and len(ids) != rows:
            raise SchemaMismatch(
                f"reference_id: expected {rows} ids, one a record, got {len(ids)}",
                field="reference_id",
                expected=f"{rows} ids",
            )
        return {name: Json(value) for name, value in values.items()}, rows, ids

    def _from_csv(self, body: bytes) -> tuple[dict[str, Any], int, list[str]]:
        value, rows, ids = read_csv(body, self._method)
        return {str(self._method.records): value}, rows, ids

    def _stream_form(self, accept: bytes) -> Form | None:
        """How to send an answer that comes piece by piece, when that is asked for."""
        if self._method.items is None:
            return None
        return next((f for kind, f in FORMS.items() if prefers(accept, kind)), None)

    async def write_spelled(self, call: Call, answer: Answer) -> Reply:
        """An answer that is kept in its JSON form, in the form that the call asks for."""
        returns = self._method.signature.returns
        kind = self._answers.kind(call.headers.get(b"accept", b""))
        if kind in TYPED and returns is not None:
            native = await asyncio.to_thread(returns.decode, answer.value)
            answer = replace(answer, value=native)
        return await self._answers.reply(kind, answer, echoed(call))


def echoed(call: Call) -> list[tuple[bytes, bytes]]:
    """The headers of a call that its answer repeats."""
    header = call.headers.get(b"x-reference-id")
    return [] if header is None else [(b"x-reference-id", header)]


def media_type(headers: Mapping[bytes, bytes]) -> bytes:
    """What a body is said to be, without its parameters."""
    return headers.get(b"content-type", JSON).split(b";", 1)[0].strip().lower()


def is_json(content_type: bytes) -> bool:
    """Whether that is JSON, which bodies are by default."""
    return content_type in (JSON, b"") or content_type.endswith(b"+json")
