"""The same app on granian, whose HTTP is written in Rust: ``modelyard serve MODEL granian``.

All that `fastapi` does is done here, by the same code; only sockets and HTTP/1.1 are granian's. It runs in this process, on our
event loop, by what granian calls its embedded server.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import socket
import threading
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelyard.base.errors import MissingExtra
from modelyard.serving.edge import ASGI, Receive, Scope, Send
from modelyard.serving.life import TICK_SECONDS, Drained, Life
from modelyard.serving.process import BACKLOG, HEAD_BYTES, HEAD_SECONDS
from modelyard.serving.servers import fastapi
from modelyard.serving.tls import Tls

if TYPE_CHECKING:
    from fastapi import FastAPI
    from granian.server.embed import Server

EXTRA = "granian"
GIVE_UP_SECONDS = 1.0
"""What connections may take to close when nothing is waited for."""
LOGGING = {"incremental": True, "formatters": {}, "handlers": {}, "loggers": {"_granian": {}}}
"""What granian says goes where all else goes that is logged; by itself it would write to stdout."""


@functools.wraps(fastapi.serve)
def serve(*models: Any, **options: Any) -> None:
    """As `fastapi.serve`. Raises `MissingExtra` without granian."""
    if find_spec("granian") is None:
        raise MissingExtra("the server granian", EXTRA, missing="granian")
    fastapi.serve(*models, run=run, **options)


def run(
    app: FastAPI,
    sock: socket.socket,
    service: Drained,
    *,
    on_ready: Callable[[], object],
    stop: threading.Event | None,
    drain_seconds: float,
    beat: Callable[[], object] | None = None,
    tls: Tls | None = None,
) -> None:
    """As `process.run`."""
    life = Life(service, on_ready, stop, beat)
    requests = _Requests(app)
    server = _server(requests, sock, tls)
    with life.signals(life.end), asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_live(app, requests, server, life, drain_seconds))


async def _live(
    app: FastAPI, requests: _Requests, server: Server, life: Life, drain_seconds: float
) -> None:
    async with app.router.lifespan_context(app):
        serving = asyncio.create_task(server.serve())
        counter = 0
        while not serving.done() and not await life.tick(counter):
            counter += 1
            await asyncio.sleep(TICK_SECONDS)
        server.stop()
        clock = asyncio.get_running_loop().time
        until = clock() + drain_seconds
        while not serving.done() and not life.forced and clock() < until:
            await asyncio.wait([serving], timeout=TICK_SECONDS)
        requests.give_up()
        await asyncio.wait([serving], timeout=GIVE_UP_SECONDS)
        if serving.done():
            serving.result()


class _Requests:
    """An app, and what it is asked at the moment."""

    def __init__(self, app: ASGI) -> None:
        self._app = app
        self._running: set[asyncio.Task[Any] | None] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        task = asyncio.current_task()
        self._running.add(task)
        try:
            await self._app(scope, receive, send)
        except asyncio.CancelledError:
            pass  # given up: granian would write a page about it
        finally:
            self._running.discard(task)

    def give_up(self) -> None:
        """Let go of what is not answered yet."""
        for task in self._running:
            if task is not None:
                task.cancel()


def _server(app: ASGI, sock: socket.socket, tls: Tls | None) -> Server:
    from granian._granian import SocketHolder
    from granian.constants import HTTPModes, Interfaces
    from granian.http import HTTP1Settings
    from granian.log import LogLevels
    from granian.server.embed import Server

    class OnSocket(Server):
        # granian would bind a socket by itself, and knows no free port, nor one that is shared.
        def _init_shared_socket(self) -> None:
            ours = os.dup(sock.fileno())  # it closes what it is given
            self._shd = SocketHolder(ours, False, BACKLOG)  # type: ignore[call-arg]  # its stub does not tell

    return OnSocket(
        app,
        interface=Interfaces.ASGINL,  # the lifespan is ours: what fails in it is to be raised here
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(
            header_read_timeout=round(HEAD_SECONDS * 1000), max_buffer_size=HEAD_BYTES
        ),
        backlog=BACKLOG,
        backpressure=BACKLOG,
        websockets=False,
        log_level=LogLevels.error,
        log_dictconfig=LOGGING,
        **_certificate(tls),
    )


def _certificate(tls: Tls | None) -> dict[str, Any]:
    from granian.constants import SSLProtocols

    if tls is None:
        return {}
    return {
        "ssl_cert": Path(tls.cert),
        "ssl_key": Path(tls.key),
        "ssl_ca": Path(tls.client_ca) if tls.client_ca else None,
        "ssl_client_verify": tls.client_ca is not None,
        "ssl_protocol_min": SSLProtocols.tls12,
    }


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    with contextlib.suppress(ModuleNotFoundError):
        import uvloop

        return uvloop.new_event_loop
    return None
