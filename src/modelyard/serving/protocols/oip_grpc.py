"""The Open Inference Protocol over gRPC: ``inference.GRPCInferenceService``, with health and reflection, on a port of its own.

Metadata says what headers say over HTTP: ``x-request-id`` and ``x-reference-id`` come in, ``x-request-id`` and ``x-modelyard-model`` go
out behind the answer. A call's deadline is the request's; a call that is cancelled gives up its place in the queue.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote, unquote

from modelyard import __version__
from modelyard.base.errors import ModelyardError, NotReady
from modelyard.serving.asking import ASKED, Asked
from modelyard.serving.edge import CLIENT_CLOSED, OFF_LOOP_BYTES, read_request_id
from modelyard.serving.health import Readiness
from modelyard.serving.protocols.oip import EXTENSIONS, PLATFORM, SERVER, change
from modelyard.serving.rpc.health import HEALTH, Health
from modelyard.serving.rpc.inference import INFERENCE, read_call, read_parameters, write_answer
from modelyard.serving.rpc.reflection import REFLECTION, Reflection
from modelyard.serving.rpc.server import GrpcServer, status_of, text_of
from modelyard.serving.service import Service
from modelyard.serving.tensors.calls import Caller, TensorCall, TensorCalls

logger = logging.getLogger("modelyard.serving")

OPEN = frozenset((
    *(f"/{INFERENCE.full_service}/{name}" for name in ("ServerLive", "ServerReady", "ModelReady")),
    *(f"/{HEALTH.full_service}/{name}" for name in ("Check", "Watch")),
))  # fmt: skip
"""Calls that are never asked for a key: probes."""
FINAL = "triton_final_response"
"""The parameter of a streamed answer that says whether more follow to the same request."""
_EMPTY_FINAL = "triton_enable_empty_final_response"
AHEAD = 32
"""Requests of one stream that are worked on at a time; answers come in their order."""


def create_server(service: Service, *, credentials: Any = None, shared: bool = False) -> GrpcServer:
    """A server that answers for a service. `MissingExtra` without grpcio and protobuf.

    ``credentials`` are grpcio's, for TLS; ``shared`` lets several processes take turns on one port.
    """
    packages = [INFERENCE, HEALTH, *REFLECTION]
    names = frozenset([INFERENCE.full_service])
    services: list[tuple[Any, Any]] = [
        (INFERENCE, Inference(service)),
        (HEALTH, Health(service, names)),
        *((own, Reflection(own, packages)) for own in REFLECTION),
    ]
    return GrpcServer(
        services,
        passage=partial(_passage, service),
        message_bytes=service.limits.body_bytes,
        credentials=credentials,
        shared=shared,
    )


@contextlib.contextmanager
def _passage(service: Service, path: str, context: Any) -> Iterator[Asked]:
    """The way of a call through the gate of the service. Probes need no key."""
    metadata = _metadata(context)
    with service.gate.passage(
        metadata,
        _address(context.peer()),
        request_id=read_request_id(metadata),
        protocol="oip_grpc",
        verb="POST",
        route=path,
        is_open=path in OPEN,
    ) as asked:
        asked.path = path
        try:
            yield asked
        except BaseException as error:
            cancelled = isinstance(error, asyncio.CancelledError | GeneratorExit)
            asked.status = CLIENT_CLOSED if cancelled else status_of(error)
            raise
        asked.status = 200


@contextlib.asynccontextmanager
async def answering(
    service: Service, host: str, port: int, *, drain_seconds: float = 30.0, **options: Any
) -> AsyncIterator[int]:
    """Answer on a port meanwhile; then finish what was begun. ``options`` are those of `create_server`."""
    server = create_server(service, **options)
    bound = await server.start(host, port)
    try:
        yield bound
    finally:
        await server.stop(drain_seconds)


class Inference:
    """One method for each call of the protocol."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._calls = TensorCalls(service)
        self._readiness = Readiness(service)

    async def ServerLive(self, request: Any, context: Any) -> Any:  # noqa: N802  as in the protocol
        """Whether the process lives."""
        return _message("ServerLiveResponse", live=True)

    async def ServerReady(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Whether requests are welcome."""
        status, _ = await self._readiness.report()
        return _message("ServerReadyResponse", ready=status == "ready")

    async def ModelReady(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Whether a model answers."""
        try:
            model = self._calls.model(request.name, request.version)
        except NotReady:
            return _message("ModelReadyResponse", ready=False)
        state = await self._readiness.state(model.name)
        return _message("ModelReadyResponse", ready=state == "ready" and self._service.ready)

    async def ServerMetadata(self, request: Any, context: Any) -> Any:  # noqa: N802
        """What runs here."""
        return _message(
            "ServerMetadataResponse", name=SERVER, version=__version__, extensions=EXTENSIONS[1:]
        )

    async def ModelMetadata(self, request: Any, context: Any) -> Any:  # noqa: N802
        """What a model's method takes and gives: the default one, or that of the metadata ``method``."""
        model = self._calls.model(request.name, request.version)
        method = _metadata(context).get(b"method", b"").decode("latin-1")
        inputs, outputs = self._calls.ports(model.name, method)
        message = _message("ModelMetadataResponse", name=model.name, platform=PLATFORM)
        message.versions.extend([model.version] if model.version else [])
        for ports, shown in ((inputs, message.inputs), (outputs, message.outputs)):
            for port in ports:
                shown.add(name=port.name, datatype=port.datatype, shape=port.shape)
        return message

    async def ModelInfer(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Tensors in, tensors out."""
        caller = _caller(context)
        told = [("x-request-id", caller.request_id)]
        context.set_trailing_metadata(tuple(told))  # a refusal has it as well
        message, identity = await self._infer(request, caller)
        told.append(("x-modelyard-model", quote(identity, safe="@:+/")))
        context.set_trailing_metadata(tuple(told))
        return message

    async def ModelStreamInfer(  # noqa: N802
        self, requests: AsyncIterator[Any], context: Any
    ) -> AsyncIterator[Any]:
        """The answers to many requests, in their order: one each, or one an item from methods that answer piece by piece.
        A request that fails says so in its answer, and the stream goes on."""
        caller = _caller(context)
        begun: asyncio.Queue[_Replies | None] = asyncio.Queue(AHEAD)
        reader = asyncio.create_task(self._begin(requests, caller, begun))
        replies: _Replies | None = None
        try:
            while (replies := await begun.get()) is not None:
                while (response := await replies.queue.get()) is not None:
                    yield response
            await reader
        finally:
            reader.cancel()
            left = [replies, *(begun.get_nowait() for _ in range(begun.qsize()))]
            for one in left:
                if one is not None:
                    one.task.cancel()

    async def _begin(
        self, requests: AsyncIterator[Any], caller: Caller, begun: asyncio.Queue[Any]
    ) -> None:
        try:
            async for request in requests:
                queue: asyncio.Queue[Any] = asyncio.Queue(AHEAD)
                task = asyncio.create_task(self._fill(request, caller, queue))
                try:
                    await begun.put(_Replies(task, queue))
                except asyncio.CancelledError:
                    task.cancel()
                    raise
        finally:
            with contextlib.suppress(asyncio.CancelledError):
                await begun.put(None)

    async def _fill(self, request: Any, caller: Caller, queue: asyncio.Queue[Any]) -> None:
        """The responses to one request, then None."""
        wrap = INFERENCE.message("ModelStreamInferResponse")
        try:
            async with contextlib.aclosing(self._answers(request, caller)) as answers:
                async for answer in answers:
                    await queue.put(wrap(infer_response=answer))
        except Exception as error:
            if not isinstance(error, ModelyardError):
                logger.error("request %s failed", caller.request_id, exc_info=error)
            response = wrap(error_message=text_of(error))
            response.infer_response.model_name = request.model_name
            response.infer_response.id = request.id
            await queue.put(response)
        await queue.put(None)

    async def _answers(self, request: Any, caller: Caller) -> AsyncGenerator[Any]:
        """The messages of one request in a stream; the last one says so."""
        raw = bool(request.raw_input_contents)
        with self._counted(request):
            call = await _read(request)
            one = True
            async with contextlib.aclosing(self._calls.stream(call, caller)) as answers:
                async for answer in answers:
                    one = not self._calls.streams(call)
                    message = write_answer(answer, call.id, raw)
                    message.parameters[FINAL].bool_param = one
                    yield message
            if not one and call.parameters.get(_EMPTY_FINAL):
                end = _message("ModelInferResponse", model_name=request.model_name, id=call.id)
                end.parameters[FINAL].bool_param = True
                yield end

    async def _infer(self, request: Any, caller: Caller) -> tuple[Any, str]:
        """An answer, and the identity of the model."""
        with self._counted(request):
            call = await _read(request)
            answer = await self._calls.infer(call, caller)
            return write_answer(answer, call.id, bool(request.raw_input_contents)), answer.identity

    @contextlib.contextmanager
    def _counted(self, request: Any) -> Iterator[None]:
        """Admitted or refused, and counted in the metrics, like a request over HTTP."""
        name = request.model_name if request.model_name in self._service.models else ""
        status = 200
        try:
            with self._service.admitted:
                yield
        except BaseException as error:
            cancelled = isinstance(error, asyncio.CancelledError | GeneratorExit)
            status = CLIENT_CLOSED if cancelled else status_of(error)
            raise
        finally:
            self._service.metrics.answered(name, "infer", status)

    async def RepositoryIndex(self, request: Any, context: Any) -> Any:  # noqa: N802
        """All models that are known, or those that are ready."""
        message = _message("RepositoryIndexResponse")
        for row in self._service.index():
            if row.state == "READY" or not request.ready:
                message.models.add(
                    name=row.name, version=row.version, state=row.state, reason=row.reason
                )
        return message

    async def RepositoryModelLoad(self, request: Any, context: Any) -> Any:  # noqa: N802
        """(Re)load a model by its name."""
        await self._change(request, "load")
        return _message("RepositoryModelLoadResponse")

    async def RepositoryModelUnload(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Let a model go."""
        await self._change(request, "unload")
        return _message("RepositoryModelUnloadResponse")

    async def _change(self, request: Any, verb: str) -> None:
        # Some clients know no repositories: for them the first field is the model.
        model = request.model_name or request.repository_name
        await change(self._service, model, verb, read_parameters(request.parameters))


@dataclass(frozen=True, slots=True)
class _Replies:
    """What is being answered to one request of a stream."""

    task: asyncio.Task[None]
    queue: asyncio.Queue[Any]


async def _read(request: Any) -> TensorCall:
    large = request.ByteSize() > OFF_LOOP_BYTES
    return await asyncio.to_thread(read_call, request) if large else read_call(request)


def _message(kind: str, /, **fields: Any) -> Any:
    return INFERENCE.message(kind)(**fields)


def _caller(context: Any) -> Caller:
    asked = ASKED.get()
    assert asked is not None, "calls come through the gate"
    left = context.time_remaining()
    reference = _metadata(context).get(b"x-reference-id", b"").decode("utf-8", "replace")
    deadline = None if left is None else time.monotonic() + left
    who = asked.caller.name or asked.remote
    return Caller(asked.request_id, who, reference, deadline)


def _metadata(context: Any) -> dict[bytes, bytes]:
    pairs = context.invocation_metadata() or ()
    return {
        key.encode(): value.encode("utf-8", "replace") if isinstance(value, str) else value
        for key, value in pairs
    }


def _address(peer: str) -> str:
    """The address in ``ipv4:127.0.0.1:5001`` or ``ipv6:%5B::1%5D:5001``."""
    address = unquote(peer).partition(":")[2].rpartition(":")[0]
    return address.strip("[]")
