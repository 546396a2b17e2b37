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
from modelyard.serving.life import TICK_SECONDS, Drained, Life
from modelyard.serving.process import BACKLOG, HEAD_BYTES, HEAD_SECONDS
from modelyard.serving.servers import fastapi
from modelyard.serving.tls import Tls

if TYPE_CHECKING:
    from fastapi import FastAPI
    from granian.server.embed import Server

EXTRA = "granian"


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
    server = _server(app, sock, tls)
    with life.signals(life.end), asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_live(app, server, life, drain_seconds))


async def _live(app: FastAPI, server: Server, life: Life, drain_seconds: float) -> None:
    async with app.router.lifespan_context(app):
        serving = asyncio.create_task(server.serve())
        counter = 0
        while not serving.done() and not await life.tick(counter):
            counter += 1
            await asyncio.sleep(TICK_SECONDS)
        server.stop()
        until = asyncio.get_running_loop().time() + drain_seconds
        while not serving.done() and not life.forced and asyncio.get_running_loop().time() < until:
            await asyncio.wait([serving], timeout=TICK_SECONDS)
        if serving.done():
            serving.result()
        serving.cancel()


def _server(app: FastAPI, sock: socket.socket, tls: Tls | None) -> Server:
    from granian.constants import HTTPModes, Interfaces, SSLProtocols
    from granian.http import HTTP1Settings
    from granian.log import LogLevels

    cert = tls and {
        "ssl_cert": Path(tls.cert),
        "ssl_key": Path(tls.key),
        "ssl_ca": tls.client_ca and Path(tls.client_ca),
        "ssl_client_verify": tls.client_ca is not None,
        "ssl_protocol_min": SSLProtocols.tls12,
    }
    return _server_class()(
        sock,
        target=app,
        interface=Interfaces.ASGINL,  # the lifespan is ours: what fails in it is to be raised here
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(
            header_read_timeout=round(HEAD_SECONDS * 1000), max_buffer_size=HEAD_BYTES
        ),
        backlog=BACKLOG,
        backpressure=BACKLOG,
        websockets=False,
        log_level=LogLevels.error,
        **cert or {},
    )


@functools.cache
def _server_class() -> type[Server]:
    from granian._granian import SocketHolder
    from granian.server.embed import Server

    class Ours(Server):
        """granian's, on a socket that is bound already: it would bind one itself, and know no free port."""

        def __init__(self, sock: socket.socket, **options: Any) -> None:
            super().__init__(**options)
            self._sock = sock

        def _init_shared_socket(self) -> None:
            # It closes what it is given.
            self._shd = SocketHolder(os.dup(self._sock.fileno()), False, BACKLOG)

    return Ours


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    with contextlib.suppress(ModuleNotFoundError):
        import uvloop

        return uvloop.new_event_loop
    return None
