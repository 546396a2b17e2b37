"""A gRPC server on a port of its own, on the event loop of the service.

Handlers are coroutines on objects that have a method for each `Rpc` of a package; whatever they raise becomes a status with
our message.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from modelyard.base.errors import AddressInUse, InvalidInput, MissingExtra, ModelyardError, describe
from modelyard.serving.asking import Asked
from modelyard.serving.rpc.packages import Package, Rpc
from modelyard.serving.tls import Tls

logger = logging.getLogger("modelyard.serving")

Enter = Callable[[Any], contextlib.AbstractContextManager[Asked]]
"""A context around a call, given its context: may refuse it."""
Passage = Callable[[str, Any], contextlib.AbstractContextManager[Asked]]
"""The same for the call of a path."""

STATUSES: Mapping[int, str] = {
    **dict.fromkeys((400, 415, 422), "INVALID_ARGUMENT"),
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "FAILED_PRECONDITION",
    413: "RESOURCE_EXHAUSTED",
    429: "RESOURCE_EXHAUSTED",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
"""HTTP's status of an error -> gRPC's; all others are INTERNAL."""


def text_of(error: BaseException) -> str:
    """What a client is told of an error; exceptions that are not our own say nothing of themselves."""
    if not isinstance(error, ModelyardError):
        return "internal error; the server's log has more under this request id"
    return f"{error.message} ({error.hint})" if error.hint else error.message


def status_of(error: BaseException) -> int:
    """The status of HTTP that an error would have."""
    return describe(error).http_status


def credentials_of(tls: Tls | None) -> Any:
    """grpcio's credentials for a certificate; None without TLS. `MissingExtra` without grpcio in any case."""
    grpc = library()
    if tls is None:
        return None
    key, cert = Path(tls.key).read_bytes(), Path(tls.cert).read_bytes()
    known = None if tls.client_ca is None else Path(tls.client_ca).read_bytes()
    return grpc.ssl_server_credentials([(key, cert)], known, require_client_auth=known is not None)


def library() -> Any:
    """grpcio's asynchronous part, or `MissingExtra`."""
    try:
        import google.protobuf  # noqa: F401
        import grpc.aio
    except ModuleNotFoundError as error:
        raise MissingExtra("gRPC", "grpc", missing=error.name) from None
    return grpc


class GrpcServer:
    """Takes calls between `start` and `stop`."""

    def __init__(
        self,
        services: Sequence[tuple[Package, Any]],
        *,
        passage: Passage,
        message_bytes: int,
        credentials: Any = None,
        shared: bool = False,
    ) -> None:
        grpc = library()
        options = [
            ("grpc.max_receive_message_length", message_bytes),
            ("grpc.max_send_message_length", -1),
            # Else two servers would take turns on one port without knowing.
            ("grpc.so_reuseport", int(shared)),
        ]
        self._credentials = credentials
        self._server = grpc.aio.server(options=options)
        for package, handlers in services:
            methods = {
                rpc.name: _handler(grpc, package, rpc, handlers, passage) for rpc in package.rpcs
            }
            handler = grpc.method_handlers_generic_handler(package.full_service, methods)
            self._server.add_generic_rpc_handlers((handler,))

    async def start(self, host: str, port: int) -> int:
        """Listen; the port. `AddressInUse` when somebody else does."""
        address = f"[{host}]:{port}" if ":" in host and "[" not in host else f"{host}:{port}"
        try:
            if self._credentials is None:
                bound = self._server.add_insecure_port(address)
            else:
                bound = self._server.add_secure_port(address, self._credentials)
        except RuntimeError as error:
            raise AddressInUse(f"port {port} on {host} is in use") from error
        await self._server.start()
        return bound

    async def stop(self, grace: float) -> None:
        """Take no more calls, and finish those that run."""
        await self._server.stop(grace)


def _handler(grpc: Any, package: Package, rpc: Rpc, handlers: Any, passage: Passage) -> Any:
    behave: Callable[..., Any] = getattr(handlers, rpc.name)
    enter = partial(passage, f"/{package.full_service}/{rpc.name}")
    kind = f"{'stream' if rpc.asks_many else 'unary'}_{'stream' if rpc.answers_many else 'unary'}"
    wrap = _streaming if rpc.answers_many else _answering
    parse = _parser(package.message(rpc.request))
    # Parsed by ourselves: bytes that are no message are the client's fault, and grpcio says that it was ours.
    return getattr(grpc, f"{kind}_rpc_method_handler")(
        wrap(grpc, behave, enter, partial(_each, parse) if rpc.asks_many else parse),
        response_serializer=package.message(rpc.response).SerializeToString,
    )


def _parser(message: Any) -> Callable[[bytes], Any]:
    from google.protobuf.message import DecodeError

    def parse(body: bytes) -> Any:
        try:
            return message.FromString(body)
        except DecodeError:
            name = message.DESCRIPTOR.full_name
            raise InvalidInput(f"the bytes are no message {name}") from None

    return parse


async def _each(parse: Callable[[bytes], Any], bodies: AsyncIterator[bytes]) -> AsyncIterator[Any]:
    async for body in bodies:
        yield parse(body)


def _answering(
    grpc: Any, behave: Callable[..., Any], enter: Enter, parse: Callable[[Any], Any]
) -> Callable[..., Any]:
    async def answer(body: Any, context: Any) -> Any:
        try:
            with enter(context) as asked:
                asked.bytes_in = len(body)
                answer = await behave(parse(body), context)
                asked.bytes_out = answer.ByteSize()
                return answer
        except Exception as error:  # noqa: BLE001  the last line: everything becomes a status
            await _abort(grpc, context, error)

    return answer


def _streaming(
    grpc: Any, behave: Callable[..., Any], enter: Enter, parse: Callable[[Any], Any]
) -> Callable[..., Any]:
    async def answer(body: Any, context: Any) -> AsyncIterator[Any]:
        try:
            with enter(context):
                async with contextlib.aclosing(behave(parse(body), context)) as items:
                    async for item in items:
                        yield item
        except Exception as error:  # noqa: BLE001
            await _abort(grpc, context, error)

    return answer


async def _abort(grpc: Any, context: Any, error: Exception) -> None:
    if isinstance(error, grpc.aio.AbortError):
        raise error
    if not isinstance(error, ModelyardError):
        logger.error("a gRPC call failed", exc_info=error)
    elif "retry_after" in error.details:
        told = (
            *(context.trailing_metadata() or ()),
            ("retry-after", str(error.details["retry_after"])),
        )
        context.set_trailing_metadata(told)
    code = STATUSES.get(status_of(error), "INTERNAL")
    await context.abort(getattr(grpc.StatusCode, code), text_of(error))
