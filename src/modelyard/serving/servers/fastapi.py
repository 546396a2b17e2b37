"""FastAPI on uvicorn: the models, typed docs, health, metrics.

``/docs`` is FastAPI's own page. It loads its scripts from a public CDN, so a browser without internet shows it empty; ``/openapi.json``
needs nothing and opens in any OpenAPI viewer.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from modelyard import __version__
from modelyard.base import plugins
from modelyard.base.errors import (
    ModelyardError,
    NotFound,
    UnknownMethod,
    did_you_mean,
)
from modelyard.objects.model import Model
from modelyard.predictions.interface import PredictionLog
from modelyard.serving.announcing import announce, running
from modelyard.serving.description import describe_service
from modelyard.serving.edge import (
    error_reply,
    method_not_allowed,
    read_request_id,
)
from modelyard.serving.entry.auth import AuthSettings
from modelyard.serving.entry.gate import Gate
from modelyard.serving.entry.opening import EntryOptions, open_gate
from modelyard.serving.entry.origins import read_origins
from modelyard.serving.front import Front, own_names
from modelyard.serving.health import Readiness, stuck_models
from modelyard.serving.interface import Batching, Jobs, Limits, Running
from modelyard.serving.metrics import CONTENT_TYPE, names_of
from modelyard.serving.openapi import add_security
from modelyard.serving.page.routes import page_routes
from modelyard.serving.paths import DirectPaths
from modelyard.serving.process import listen, port_to_take, run, target_of
from modelyard.serving.protocols.rest import path_of
from modelyard.serving.seats import Seat
from modelyard.serving.service import Service
from modelyard.serving.settings import options_of
from modelyard.serving.tls import Tls, tls_options

Beside = Callable[[Service], contextlib.AbstractAsyncContextManager[object]]
"""Answers for a service on a port of its own meanwhile."""


def serve(
    models: Model | Sequence[Model],
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    log: PredictionLog | None = None,
    opener: Callable[[str], Model] | None = None,
    compile: str = "off",
    limits: Limits | Mapping[str, Any] | None = None,
    batching: Batching | Mapping[str, Any] | None = None,
    jobs: Jobs | Mapping[str, Any] | None = None,
    auth: AuthSettings | Mapping[str, Any] | None = None,
    tls_cert: str | None = None,
    tls_key: str | None = None,
    tls_client_ca: str | None = None,
    access_log: str = "off",
    metrics: Mapping[str, Any] | None = None,
    on_ready: Callable[[Running], object] = announce,
    stop: threading.Event | None = None,
    seat: Seat | None = None,
    allowed_hosts: Iterable[str] | None = None,
    allowed_origins: Iterable[str] = (),
    trusted_proxies: Iterable[str] = (),
    drain_seconds: float = 30.0,
    grpc_port: int | None = None,
    run: Callable[..., None] = run,
) -> None:
    """Answer requests until SIGTERM or SIGINT; then finish those in flight, write the rest of the log, and return.

    ``port=0`` takes a free one; ``on_ready`` is told which (the default prints it to stderr). In another thread than the main one
    there are no signals: set ``stop`` instead. ``allowed_hosts`` defaults to this machine's own names on a loopback host, and
    to any elsewhere. ``compile="auto"`` compiles the models while they are served already. ``opener`` opens one of the models anew, by its name, when a protocol asks for it. ``auth``
    says who may ask (`AuthSettings`), ``tls_…`` are paths of PEM files, ``access_log`` is ``json``, ``text``, ``off`` or a
    file. ``grpc_port`` is another port, for gRPC, with the same TLS. With a ``seat`` it is one of several processes on that
    socket. ``run`` speaks HTTP (`process.run`). Raises `AddressInUse` with a free port as hint.
    """
    tls = tls_options(tls_cert, tls_key, tls_client_ca)
    served = [models] if isinstance(models, Model) else list(models)
    service = Service(
        served,
        log=log,
        limits=options_of(Limits, limits),
        batching=options_of(Batching, batching),
        jobs=options_of(Jobs, jobs),
        opener=opener,
        compile=compile,
    )
    entry = EntryOptions(auth, access_log, trusted_proxies)
    service.gate = open_gate(entry, service.limits, service.metrics)
    service.metrics.also(names_of(metrics))
    with contextlib.closing(seat.socket if seat else listen(host, port)) as socket:
        hosts = own_names(host) if allowed_hosts is None else frozenset(allowed_hosts)
        beside = _grpc(host, grpc_port, drain_seconds, tls, shared=seat is not None)
        app = create_app(
            service,
            allowed_hosts=hosts,
            allowed_origins=allowed_origins,
            beside=beside.values(),
            drain_seconds=drain_seconds,
        )
        facts = running(service, socket, host, scheme="http" if tls is None else "https")
        facts = dataclasses.replace(facts, grpc=next(iter(beside), ""))
        run(
            app,
            socket,
            service,
            on_ready=lambda: on_ready(facts),
            stop=stop,
            drain_seconds=drain_seconds,
            beat=seat.beat if seat else None,
            tls=tls,
        )


def _grpc(
    host: str, port: int | None, drain_seconds: float, tls: Tls | None, *, shared: bool
) -> dict[str, Beside]:
    """What answers gRPC, by its address; nothing where no port is given. ``shared`` with other processes, which have made
    sure that the port is free."""
    if port is None:
        return {}
    from modelyard.serving.protocols import oip_grpc
    from modelyard.serving.rpc.server import credentials_of

    bound = port if shared else port_to_take(host, port)
    answering = partial(
        oip_grpc.answering,
        host=host,
        port=bound,
        drain_seconds=drain_seconds,
        credentials=credentials_of(tls),
        shared=shared,
    )
    return {target_of(host, bound): answering}


def create_app(
    service: Service,
    *,
    protocols: Sequence[str] = ("rest", "jobs", "oip", "mlflow", "sagemaker"),
    allowed_hosts: Iterable[str] | None = None,
    allowed_origins: Iterable[str] = (),
    beside: Iterable[Beside] = (),
    drain_seconds: float = 30.0,
) -> FastAPI:
    """The ASGI app; its lifespan starts and closes the service, and what answers ``beside`` it on ports of its own.
    Middleware may be added to it as to any FastAPI app."""
    known = [plugins.load("protocols", name) for name in protocols]
    routes = [route for protocol in known for route in protocol.routes(service)]
    direct = DirectPaths(service, routes)
    app = _App(
        direct=direct,
        hosts=None if allowed_hosts is None else frozenset(h.lower() for h in allowed_hosts),
        origins=read_origins(allowed_origins),
        gate=service.gate,
        title=", ".join(service.models) or "Modelyard",
        version=_version(service),
        description=_description(service),
        lifespan=lambda app: _lifespan(service, list(beside), drain_seconds),
        redirect_slashes=False,
    )
    app.router.routes.extend(routes)
    _add_own_routes(app, service)
    _add_error_handlers(app, service)
    _add_openapi(app, service, known)
    return app


class _App(FastAPI):
    def __init__(
        self,
        *,
        direct: DirectPaths,
        hosts: frozenset[str] | None,
        origins: frozenset[str],
        gate: Gate,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._direct, self._hosts, self._origins, self._gate = direct, hosts, origins, gate
        self._front: Front | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._front is None:
            # What somebody wraps around the app (authentication, say) must see every request.
            direct = None if self.user_middleware else self._direct
            inner = super().__call__
            self._front = Front(
                inner, direct=direct, hosts=self._hosts, origins=self._origins, gate=self._gate
            )
        await self._front(scope, receive, send)


@contextlib.asynccontextmanager
async def _lifespan(
    service: Service, beside: Sequence[Beside], drain_seconds: float
) -> AsyncIterator[None]:
    await service.start()
    warming = asyncio.create_task(service.warm_up())
    try:
        async with contextlib.AsyncExitStack() as stack:
            for answering in beside:
                await stack.enter_async_context(answering(service))
            yield
    finally:
        warming.cancel()
        await service.close(timeout=10.0, calls=drain_seconds)


def _version(service: Service) -> str:
    if service.prefixed or not service.models:
        return __version__
    only = next(iter(service.models.values()))
    return only.version or only.card.digest[:19]


def _description(service: Service) -> str:
    return "\n\n".join(
        f"**{model.identity}** {model.card.description}".strip()
        for model in service.models.values()
    )


def _add_own_routes(app: FastAPI, service: Service) -> None:
    app.router.routes.extend(page_routes(service))
    readiness = Readiness(service)

    @app.get(
        "/healthz",
        tags=["server"],
        summary="The process lives, and no model hangs",
        responses={503: {"description": "A model hangs in a call while requests wait for it."}},
    )
    async def healthz() -> JSONResponse:
        stuck = stuck_models(service)
        return JSONResponse({"status": "stuck" if stuck else "ok"}, 503 if stuck else 200)

    @app.get(
        "/readyz",
        tags=["server"],
        summary="Models are loaded, and requests welcome",
        responses={503: {"description": "Still starting, about to stop, or a model is not ready."}},
    )
    async def readyz() -> JSONResponse:
        status, models = await readiness.report()
        # Where keys are asked for, names are nothing for who has none.
        told = {} if service.gate.auth is not None else {"models": models}
        return JSONResponse({"status": status, **told}, 200 if status == "ready" else 503)

    @app.get("/version", tags=["server"], summary="What runs here")
    async def version() -> dict[str, Any]:
        models = {name: model.identity for name, model in service.models.items()}
        engines = {housed.model.name: housed.engine for housed in service.housed}
        return {"modelyard": __version__, "models": models, "engines": engines}

    @app.get("/metrics", tags=["server"], summary="Figures for Prometheus", response_class=Response)
    async def metrics() -> Response:
        return Response(service.metrics.text(), media_type=CONTENT_TYPE)

    @app.get("/interface.json", tags=["server"], summary="The schema, for programs")
    async def interface() -> dict[str, Any]:
        return describe_service(service, lambda method: path_of(service, method))


def _add_error_handlers(app: FastAPI, service: Service) -> None:
    async def refused(request: Request, error: Exception) -> Response:
        request_id = read_request_id(dict(request.scope["headers"]))
        status = error.status_code if isinstance(error, HTTPException) else 500
        if status == 405:
            allowed = (getattr(error, "headers", None) or {}).get("Allow", "GET")
            reply = method_not_allowed(request_id, allowed)
        elif status == 404:
            paths = [path_of(service, method) for method in service.methods]
            reply = error_reply(_unknown_path(request, paths), request_id)
        else:
            reply = error_reply(error, request_id)
        headers = {k.decode(): v.decode() for k, v in reply.headers}
        headers["x-request-id"] = request_id
        return Response(reply.body, reply.status, headers, media_type="application/json")

    app.add_exception_handler(HTTPException, refused)
    app.add_exception_handler(Exception, refused)


def _unknown_path(request: Request, paths: Sequence[str]) -> ModelyardError:
    path = request.url.path
    if request.method == "POST":
        hint = did_you_mean(path, paths) or f"there are: {', '.join(paths)}"
        return UnknownMethod(
            "no method answers this path", hint=hint, choices=[p.lstrip("/") for p in paths]
        )
    return NotFound("nothing is at this path", hint="/docs shows what is")


def _add_openapi(app: FastAPI, service: Service, protocols: Sequence[Any]) -> None:
    own = app.openapi
    made_of = service.generation

    def openapi() -> dict[str, Any]:
        nonlocal made_of
        if app.openapi_schema is None or made_of != service.generation:
            made_of, app.openapi_schema = service.generation, None
            schema = own()
            schemas = schema.setdefault("components", {}).setdefault("schemas", {})
            for part in [protocol.openapi(service) for protocol in protocols]:
                schema["paths"] = {**part["paths"], **schema["paths"]}
                schemas.update(part["components"]["schemas"])
            if service.gate.auth is not None:
                add_security(schema, service.gate.auth.is_open)
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # the way FastAPI documents
