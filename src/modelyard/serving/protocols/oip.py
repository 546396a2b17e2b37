"""The Open Inference Protocol over HTTP, version 2: ``/v2/…``, with the extensions for binary tensors and repositories.

========================================================= ==============================================================
``GET /v2``, ``/v2/health/live``, ``/v2/health/ready``    the server
``GET /v2/models``                                        ``{"models": [name]}``
``GET /v2/models/{m}[/versions/{v}][/ready]``             what a model takes and gives, by ``?method=`` another than its
                                                          default; whether it answers
``POST /v2/models/{m}[/versions/{v}]/infer``              tensors in, tensors out; ``parameters.method`` as above
``POST /v2/repository/index``                             all models that are known
``POST /v2/repository/models/{m}/load``, ``…/unload``     (re)load one of them by its name, or let it go
========================================================= ==============================================================

Errors are ``{"error": "what is wrong, and where"}``: 400 for what was sent, 404 for an unknown model or version, 503 for one that
is not loaded, 429 with ``Retry-After`` when there is too much at once.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, quote

import orjson
from starlette.routing import BaseRoute, Match

from modelyard import __version__
from modelyard.base.errors import InvalidInput, NotFound
from modelyard.serving.edge import (
    JSON,
    OFF_LOOP_BYTES,
    Call,
    Exchange,
    Handler,
    Receive,
    Reply,
    Scope,
    Send,
    dump_json,
    error_reply,
    parse_json,
    read_request_id,
    send_reply,
)
from modelyard.serving.health import Readiness
from modelyard.serving.oip_openapi import oip_operations
from modelyard.serving.paths import ExactPaths
from modelyard.serving.service import Service
from modelyard.serving.tensors.calls import Caller, TensorCalls
from modelyard.serving.tensors.frames import LENGTH, read_call, write_answer
from modelyard.serving.tensors.ports import Port

SERVER = "modelyard"
EXTENSIONS = ("binary_tensor_data", "model_repository", "model_repository(unload_dependents)")
PLATFORM = "modelyard"
_OCTETS = b"application/octet-stream"
_MODEL = re.compile(r"/v2/models/(.+?)(?:/versions/([^/]+))?(?:/(infer|ready))?")
_REPOSITORY = re.compile(r"/v2/repository/models/(.+)/(load|unload)")


def routes(service: Service) -> Sequence[BaseRoute]:
    calls = TensorCalls(service)

    def build() -> Mapping[str, Exchange]:
        return {
            path: _exchange(service, Infer(service, calls, name, version), (name, "infer"))
            for name, model in service.models.items()
            for version in {"", model.version}
            for path in [_infer_path(name, version)]
        }

    # The way of most requests is short; whatever else is below /v2 is told from its path.
    return [ExactPaths(service, build), _Tree(service, calls)]


def openapi(service: Service) -> Mapping[str, Any]:
    return oip_operations(service)


def _infer_path(model: str, version: str) -> str:
    return f"/v2/models/{model}{f'/versions/{version}' if version else ''}/infer"


def _exchange(
    service: Service, handle: Handler, labels: tuple[str, str], verb: str = "POST"
) -> Exchange:
    return Exchange(service, handle, labels=labels, methods=(verb,), write_error=write_error)


def write_error(error: BaseException, request_id: str) -> Reply:
    """An error in the protocol's words: one text with the place and what to do."""
    plain = error_reply(error, request_id)
    told = orjson.loads(plain.body)["error"]
    text = told["message"] + (f" ({told['hint']})" if "hint" in told else "")
    status = 400 if plain.status == 422 else plain.status
    return Reply(dump_json({"error": text}), headers=plain.headers, status=status)


class Infer:
    """Answers calls of one model."""

    def __init__(self, service: Service, calls: TensorCalls, model: str, version: str) -> None:
        self._service = service
        self._calls = calls
        self._model = model
        self._version = version

    async def __call__(self, call: Call) -> Reply:
        """The reply to one call; errors are raised."""
        read = (call.body, call.headers.get(LENGTH), self._model, self._version)
        depth = self._service.limits.depth
        if len(call.body) > OFF_LOOP_BYTES:
            asked, wanted = await asyncio.to_thread(read_call, *read, depth)
        else:
            asked, wanted = read_call(*read, depth)
        reference = call.headers.get(b"x-reference-id", b"").decode("utf-8", "replace")
        answer = await self._calls.infer(asked, Caller(call.request_id, call.caller, reference))
        body, length = write_answer(answer, asked.id, wanted)
        headers = [(b"x-modelyard-model", quote(answer.identity, safe="@:+/").encode())]
        if length is None:
            return Reply(body, JSON, headers)
        return Reply(body, _OCTETS, [*headers, (LENGTH, str(length).encode())])


class _Tree(BaseRoute):
    """All of ``/v2`` but calls of the models that are there."""

    def __init__(self, service: Service, calls: TensorCalls) -> None:
        self._service = service
        self._calls = calls
        self._readiness = Readiness(service)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Full for every path below."""
        path = scope.get("path", "") if scope["type"] == "http" else ""
        return (Match.FULL if path == "/v2" or path.startswith("/v2/") else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        path = scope["path"]
        if path in ("/v2/health/live", "/v2/health/ready") and scope["method"] in ("GET", "HEAD"):
            await self._health(path.rpartition("/")[2], scope, send)
            return
        await self._find(path)(scope, receive, send)

    async def _health(self, what: str, scope: Scope, send: Send) -> None:
        # Not one of the requests that are counted: under load, too, it says how things are.
        good = what == "live" or (await self._readiness.report())[0] == "ready"
        reply = Reply(dump_json({what: good}), status=200 if good else 503)
        await send_reply(send, reply, read_request_id(dict(scope["headers"])))

    def _find(self, path: str) -> Exchange:
        fixed: Mapping[str, tuple[Handler, str]] = {
            "/v2": (self._server, "GET"),
            "/v2/models": (self._models, "GET"),
            "/v2/repository/index": (self._index, "POST"),
        }
        if path in fixed:
            return self._exchange(*fixed[path])
        if _REPOSITORY.fullmatch(path):
            return self._exchange(self._load, "POST")
        match = _MODEL.fullmatch(path)
        if match is not None and match[3] == "infer":
            infer = Infer(self._service, self._calls, match[1], match[2] or "")
            return self._exchange(infer, "POST")
        return self._exchange(self._model if match else self._nothing, "GET")

    def _exchange(self, handle: Handler, verb: str) -> Exchange:
        return _exchange(self._service, handle, ("", "v2"), verb)

    async def _server(self, call: Call) -> Reply:
        facts = {"name": SERVER, "version": __version__, "extensions": EXTENSIONS}
        return Reply(dump_json(facts))

    async def _models(self, call: Call) -> Reply:
        return Reply(dump_json({"models": list(self._service.models)}))

    async def _model(self, call: Call) -> Reply:
        match = _MODEL.fullmatch(call.path)
        assert match is not None, "asked for such paths only"
        model = self._calls.model(match[1], match[2] or "")
        if match[3] == "ready":
            state = await self._readiness.state(model.name)
            ready = state == "ready" and self._service.ready
            return Reply(
                dump_json({"name": model.name, "ready": ready}), status=200 if ready else 503
            )
        method = parse_qs(call.query.decode("latin-1")).get("method", [""])[-1]
        inputs, outputs = self._calls.ports(model.name, method)
        facts = {
            "name": model.name,
            "versions": [model.version] if model.version else [],
            "platform": PLATFORM,
            "inputs": [_port(port) for port in inputs],
            "outputs": [_port(port) for port in outputs],
        }
        return Reply(dump_json(facts))

    async def _index(self, call: Call) -> Reply:
        wanted = self._object(call).get("ready", False)
        if type(wanted) is not bool:
            raise InvalidInput("ready: expected true or false", field="ready")
        rows = [row for row in self._service.index() if not wanted or row.state == "READY"]
        shown = [
            {"name": r.name, "version": r.version, "state": r.state, "reason": r.reason}
            for r in rows
        ]
        return Reply(dump_json(shown))

    async def _load(self, call: Call) -> Reply:
        match = _REPOSITORY.fullmatch(call.path)
        assert match is not None, "asked for such paths only"
        parameters = self._object(call).get("parameters") or {}
        await change(self._service, match[1], match[2], parameters)
        return Reply(dump_json({"name": match[1], match[2]: True}))

    async def _nothing(self, call: Call) -> Reply:
        raise NotFound("nothing is at this path", hint="/v2/models lists the models")

    def _object(self, call: Call) -> dict[str, Any]:
        parsed = parse_json(call.body, self._service.limits.depth) if call.body else {}
        if type(parsed) is not dict:
            raise InvalidInput("expected an object, or no body")
        return parsed


async def change(service: Service, model: str, verb: str, parameters: Any) -> None:
    """Load a model of this server by its name, or let it go. What else a client asks for is refused: where a model is,
    and what is in it, is the server's own business."""
    known = {"unload_dependents"} if verb == "unload" else set[str]()
    strange = sorted(set(parameters if isinstance(parameters, Mapping) else ["parameters"]) - known)
    if strange:
        raise InvalidInput(
            f"parameters.{strange[0][:40]}: models are loaded by their name alone",
            hint="what a name stands for is configured on the server",
        )
    await (service.load(model) if verb == "load" else service.unload(model))


def _port(port: Port) -> dict[str, Any]:
    return {"name": port.name, "datatype": port.datatype, "shape": list(port.shape)}
