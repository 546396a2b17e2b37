"""Typed REST: ``POST /<method>``, or ``POST /<model>/<method>`` when several models are served.

Bodies: JSON in the forms of `modelyard.serving.forms` (also without a Content-Type), and ``text/csv`` for a table. The answer is the
bare value (``[0, 1]``), or ``text/csv`` when ``Accept`` asks for it. A first path segment that the server needs for itself
(`RESERVED`) is reached below ``/methods/``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from starlette.routing import BaseRoute

from modelyard.base.errors import SchemaMismatch, UnsupportedFormat
from modelyard.serving.edge import (
    JSON,
    OFF_LOOP_BYTES,
    Call,
    ExactPaths,
    Exchange,
    Reply,
    dump_json,
    parse_json,
)
from modelyard.serving.execution import Method
from modelyard.serving.forms import REFERENCE_ID, Forms, count_rows, read_id
from modelyard.serving.interface import Answer, Json, Request
from modelyard.serving.openapi import method_operations
from modelyard.serving.service import Service
from modelyard.serving.text_csv import read_csv, write_csv

RESERVED = frozenset((
    "docs", "redoc", "openapi.json", "interface.json", "favicon.ico", "healthz", "readyz", "livez", "metrics", "version",
    "ping", "invocations", "models", "methods", "jobs", "v1", "v2",
))  # fmt: skip
"""First path segments that this server, or a protocol it may speak, needs for itself."""

CSV = b"text/csv"
_ID_KEY = REFERENCE_ID.encode()
_TEXT_CSV = b"text/csv; charset=utf-8"


def path_of(service: Service, method: Method) -> str:
    """The path that answers a method.

    ``/predict``, ``/churn/predict`` beside other models, ``/methods/metrics`` for a method with a reserved name.
    """
    several = len(service.models) > 1
    path = f"{method.model.name}/{method.name}" if several else method.name
    first = path.split("/", 1)[0]
    return f"/methods/{path}" if first in RESERVED else f"/{path}"


def routes(service: Service) -> Sequence[BaseRoute]:
    return [ExactPaths({path_of(service, m): _exchange(service, m) for m in service.methods})]


def openapi(service: Service) -> Mapping[str, Any]:
    return method_operations(service, lambda method: path_of(service, method))


def _exchange(service: Service, method: Method) -> Exchange:
    identity = quote(method.identity, safe="@:+/").encode()
    return Exchange(
        service,
        RestMethod(service, method),
        labels=(method.model.name, method.name),
        headers=[(b"x-modelyard-model", identity)],
    )


class RestMethod:
    """Parses a call of one method, asks the service, writes the answer."""

    def __init__(self, service: Service, method: Method) -> None:
        self._service = service
        self._method = method
        self._forms = Forms(method.signature)

    async def __call__(self, call: Call) -> Reply:
        """The reply to one call; errors are raised."""
        content_type = call.headers.get(b"content-type", JSON).split(b";", 1)[0].strip().lower()
        parse = self._parser(content_type)
        if len(call.body) > OFF_LOOP_BYTES:
            arguments, rows, ids = await asyncio.to_thread(parse, call.body)
        else:
            arguments, rows, ids = parse(call.body)
        header = call.headers.get(b"x-reference-id")
        if header is not None and not any(ids):
            ids = [read_id(header.decode("utf-8", "replace"), "X-Reference-ID")]
        request = Request(
            self._method.model.name,
            self._method.name,
            arguments,
            call.request_id,
            rows=rows,
            reference_ids=ids,
            caller=call.caller,
        )
        answer = await self._service.infer(request)
        return self._reply(call, answer, [] if header is None else [(b"x-reference-id", header)])

    def _parser(self, content_type: bytes) -> Any:
        if content_type in (JSON, b"") or content_type.endswith(b"+json"):
            return self._from_json
        if content_type == CSV:
            return self._from_csv
        hint = "send application/json or text/csv"
        if content_type == b"application/x-www-form-urlencoded":
            hint = (
                "curl -d sends forms unless told otherwise: add -H 'Content-Type: application/json'"
            )
        raise UnsupportedFormat(
            f"content-type {content_type.decode('latin-1')!r} is not supported", hint=hint
        )

    def _from_json(self, body: bytes) -> tuple[dict[str, Any], int, list[str]]:
        parsed = parse_json(body, self._service.limits.depth)
        values = self._forms.read(parsed)
        ids = self._forms.take_reference_ids(parsed, values) if _ID_KEY in body else []
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

    def _reply(self, call: Call, answer: Answer, headers: list[tuple[bytes, bytes]]) -> Reply:
        if _prefers_csv(call.headers.get(b"accept", b"")):
            body = write_csv(answer.value, self._method.name, answer.reference_ids)
            return Reply(body, _TEXT_CSV, headers)
        return Reply(dump_json(answer.value), JSON, headers)


def _prefers_csv(accept: bytes) -> bool:
    if CSV not in accept:
        return False
    return _quality(accept, CSV) > _quality(accept, JSON)


def _quality(accept: bytes, wanted: bytes) -> float:
    """How much a media type is wanted, by the most specific range that names it."""
    ranges = (b"*/*", wanted.split(b"/")[0] + b"/*", wanted)
    found = dict.fromkeys(ranges, -1.0)
    for part in accept.split(b","):
        media, _, parameters = part.partition(b";")
        if media.strip() in found:
            found[media.strip()] = _q(parameters)
    return next((q for q in reversed(list(found.values())) if q >= 0), 0.0)


def _q(parameters: bytes) -> float:
    for parameter in parameters.split(b";"):
        name, _, value = parameter.partition(b"=")
        if name.strip() == b"q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
