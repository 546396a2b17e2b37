"""``POST /invocations``: one path for one model, as scoring servers of other tools answer it.

JSON is an object with one of ``dataframe_split``, ``dataframe_records``, ``instances`` and ``inputs``, and ``params`` beside it for
further arguments of the method; and all that REST takes: its own JSON forms, csv, Parquet, Arrow streams, ``.npy``, forms and
files. What differs from REST, since clients of those tools count on it:

* JSON answers are ``{"predictions": …}``, whatever came in;
* csv may come without a header, and goes without one; ``application/jsonlines`` has a record a line, both ways;
* ``NaN``, which Python's own ``json`` writes, is a missing value;
* errors are ``{"error_code", "message"}``, with REST's own words beside them, and 400 where REST says 422.

Where several models are served, ``?model=NAME`` or the header ``X-Amzn-SageMaker-Target-Model`` says which; ``?method=NAME``,
``"params": {"method": NAME}`` in JSON, or ``modelyard-method=NAME`` among ``X-Amzn-SageMaker-Custom-Attributes`` asks for another
method than the default.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import parse_qs, quote

import orjson
from starlette.requests import Request as StarletteRequest
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from modelyard.base.errors import InvalidInput, ModelyardError, describe
from modelyard.serving.accept import prefers
from modelyard.serving.answers import CSV
from modelyard.serving.edge import (
    ASGI,
    JSON,
    Call,
    Exchange,
    Headers,
    Receive,
    Reply,
    Scope,
    Send,
    dump_json,
    error_reply,
)
from modelyard.serving.execution import Method
from modelyard.serving.health import Readiness
from modelyard.serving.interface import Answer
from modelyard.serving.paths import ExactPaths
from modelyard.serving.plain_csv import read_plain_csv
from modelyard.serving.protocols.rest import ID_KEY, RestMethod, echoed, media_type
from modelyard.serving.scoring_forms import ScoringForms, parse_lenient
from modelyard.serving.service import Service
from modelyard.serving.text_csv import write_csv

LINES = (b"application/jsonlines", b"application/x-jsonlines", b"application/jsonl", b"application/x-ndjson")  # fmt: skip
ATTRIBUTES = b"x-amzn-sagemaker-custom-attributes"
TARGET = b"x-amzn-sagemaker-target-model"

_METHOD = re.compile(rb"(?:^|[,;\s])modelyard-method=([\w.]+)")
_HEADER = re.compile(rb";\s*header=\"?(present|absent)\b", re.IGNORECASE)
_Read = tuple[dict[str, Any], int, list[str]]


class ScoringMethod(RestMethod):
    """REST for one method, with the forms and the answers of scoring servers."""

    def __init__(self, service: Service, method: Method) -> None:
        super().__init__(service, method)
        self._scoring = ScoringForms(method, self._forms)

    async def __call__(self, call: Call) -> Reply:
        """The reply of this method, or of the one that the body's params name."""
        try:
            return await super().__call__(call)
        except _Elsewhere as elsewhere:
            other = self._service.find(self._method.model.name, elsewhere.method)
            return await ScoringMethod(self._service, other)(call)

    async def write(self, call: Call, answer: Answer) -> Reply:
        """``{"predictions": …}``, or the bare value in another format that is asked for."""
        accept = call.headers.get(b"accept", b"")
        headers = scored(call)
        kind = next((line for line in LINES if prefers(accept, line)), self._answers.kind(accept))
        if kind in LINES:
            values = answer.value if isinstance(answer.value, list) else [answer.value]
            lines = b"".join(dump_json(value) + b"\n" for value in values)
            return Reply(lines, kind, headers)
        if kind == CSV:
            body = write_csv(answer.value, self._method.name, headed=False)
            return Reply(body, b"text/csv; charset=utf-8", headers)
        if kind == JSON:
            return Reply(b'{"predictions":' + dump_json(answer.value) + b"}", JSON, headers)
        return await self._answers.reply(kind, answer, headers)

    def _parser(self, headers: Mapping[bytes, bytes]) -> Any:
        kind = media_type(headers)
        if kind in LINES:
            return self._from_lines
        if kind == CSV:
            told = _HEADER.search(headers[b"content-type"])
            return partial(
                read_plain_csv,
                method=self._method,
                header=told[1].decode().lower() if told else "",
            )
        return super()._parser(headers)

    def _from_json(self, body: bytes) -> _Read:
        parsed = parse_lenient(body, self._service.limits.depth)
        named = self._scoring.other_method(parsed)
        if named not in (None, self._method.name):
            raise _Elsewhere(named)
        return self._from_value(parsed, self._scoring.read(parsed), ID_KEY in body)

    def _from_lines(self, body: bytes) -> _Read:
        depth = self._service.limits.depth
        records = [parse_lenient(line, depth) for line in body.splitlines() if line.strip()]
        if not records:
            raise InvalidInput("the body is empty", hint="send a record a line")
        return self._from_value(records, self._forms.read(records), ID_KEY in body)


class _Elsewhere(Exception):
    def __init__(self, method: str | None) -> None:
        super().__init__(method)
        self.method = method


def scored(call: Call) -> list[tuple[bytes, bytes]]:
    """The headers of a call that its answer repeats; custom attributes are the caller's own business."""
    attributes = call.headers.get(ATTRIBUTES)
    return [*echoed(call), *([(ATTRIBUTES, attributes)] if attributes else [])]


def scoring_exchange(service: Service, method: Method) -> Exchange:
    """What answers for one method."""
    answering = ScoringMethod(service, method)
    identity = quote(method.identity, safe="@:+/").encode()
    return Exchange(
        service,
        answering,
        body_limit=answering.body_limit,
        labels=(method.model.name, method.name),
        headers=[(b"x-modelyard-model", identity)],
        write_error=write_error,
    )


class Invocations:
    """Finds the model and the method that a request is for, and lets it be answered."""

    def __init__(self, service: Service, model: str | None = None) -> None:
        self._service = service
        self._model = model
        self._exchanges: dict[tuple[str, str], Exchange] = {}
        self.write_error = write_error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        try:
            answering = self._found(scope)
        except ModelyardError as error:
            answering = refusing(self._service, error)
        await answering(scope, receive, send)

    def _found(self, scope: Scope) -> ASGI:
        model, name = self._model, None
        headers: Headers = scope["headers"]
        for header, value in headers:
            if header == TARGET and model is None:
                model = value.decode("latin-1").removesuffix(".tar.gz")
            elif header == ATTRIBUTES and (found := _METHOD.search(value)):
                name = found[1].decode()
        if query := scope.get("query_string"):
            asked = parse_qs(query.decode("latin-1"))
            model = asked.get("model", [model])[-1] if self._model is None else model
            name = asked.get("method", [name])[-1]
        method = self._service.find(model, name)
        key = (method.model.name, method.name)
        if key not in self._exchanges:
            self._exchanges[key] = scoring_exchange(self._service, method)
        return self._exchanges[key]


def refusing(
    service: Service, error: ModelyardError, methods: Sequence[str] = ("POST",)
) -> Exchange:
    """What answers nothing but an error, once the body was read within its limits."""

    async def refuse(call: Call) -> Reply:
        raise error

    return Exchange(
        service, refuse, labels=("", "invocations"), methods=methods, write_error=write_error
    )


def common_routes(service: Service) -> Sequence[BaseRoute]:
    """``/invocations`` and ``/ping``, which several protocols have in common."""
    scoring = ExactPaths(service, lambda: {"/invocations": Invocations(service)})
    return [scoring, ping_route(service, "/ping")]


def ping_route(service: Service, path: str) -> BaseRoute:
    """200 while requests are welcome, 503 before and after."""
    readiness = Readiness(service)

    async def ping(request: StarletteRequest) -> Response:
        status, _ = await readiness.report()
        return Response("\n", 200 if status == "ready" else 503, media_type="application/json")

    return Route(path, ping, methods=["GET"])


def write_error(error: BaseException, request_id: str) -> Reply:
    """An error in the words of scoring servers, with ours beside them."""
    reply = error_reply(error, request_id)
    facts = orjson.loads(reply.body)["error"]
    row = describe(error if isinstance(error, ModelyardError) else ModelyardError(""))
    hint = facts.get("hint")
    message = f"{facts['message']} ({hint})" if hint else facts["message"]
    body = dump_json({"error_code": row.mlflow_code, **facts, "message": message})
    return Reply(body, JSON, reply.headers, 400 if reply.status == 422 else reply.status)
