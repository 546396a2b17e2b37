"""The process around a server: its socket, its signals, its orderly end. Models and the hub are served by it alike.

The end (P18): SIGTERM or SIGINT first makes the server unready, while it goes on accepting and asks clients to close their
connections; a moment later it stops listening, finishes what is in flight, writes the rest of the log, and returns.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from modelyard.base.errors import AddressInUse, InvalidSetting, NotAllowed
from modelyard.serving.life import Drained, Life
from modelyard.serving.tls import Tls, server_context

BACKLOG = 2048
"""Connections that wait in the kernel's queue."""
HEAD_BYTES = 64 << 10
"""The longest request line and headers together."""
HEAD_SECONDS = 30.0
"""The longest they may take to arrive."""
KEEP_ALIVE_SECONDS = 75
"""Longer than the idle time of common load balancers, so that it is they who close, not we under their request."""


def listen(host: str, port: int) -> socket.socket:
    """A bound socket. `AddressInUse` names a free port; `NotAllowed` and `InvalidSetting` say what is wrong."""
    if not 0 <= port <= 65535:
        raise InvalidSetting(f"port {port} is not between 0 and 65535")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise InvalidSetting(f"cannot listen on {host!r}: {error}") from error
    family, _, _, _, address = min(found, key=lambda f: f[0] != socket.AF_INET)
    try:
        return _bound(family, address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            free = _free_port(family, address)
            raise AddressInUse(
                f"port {port} on {host} is in use", hint=f"port {free} is free"
            ) from error
        if error.errno == errno.EACCES:
            raise NotAllowed(f"port {port} needs more rights", hint="use one above 1023") from error
        raise InvalidSetting(f"cannot listen on {host!r}: {error}") from error


def _bound(family: int, address: Any) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":  # where it would allow two servers on one port
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        # Whoever connects from now on waits in the queue instead of being turned away.
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


def _free_port(family: int, address: Any) -> int:
    for port in (*range(address[1] + 1, min(address[1] + 20, 65536)), 0):
        with contextlib.suppress(OSError), _bound(family, (address[0], port, *address[2:])) as sock:
            return sock.getsockname()[1]
    return 0


def port_to_take(host: str, port: int) -> int:
    """A port that somebody else is going to bind, looked at first: for 0 a free one, and the errors of `listen`."""
    with listen(host, port) as sock:
        return sock.getsockname()[1]


def url_of(sock: socket.socket, host: str, scheme: str = "http") -> str:
    """How a browser on this machine reaches a socket that listens on a host."""
    return f"{scheme}://{target_of(host, sock.getsockname()[1])}"


def target_of(host: str, port: int) -> str:
    """Host and port by which this machine reaches what listens there.

    >>> target_of("0.0.0.0", 80), target_of("::", 80)
    ('127.0.0.1:80', '[::1]:80')
    """
    shown = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "[::1]"}.get(host, host)
    return f"[{shown}]:{port}" if ":" in shown and "[" not in shown else f"{shown}:{port}"


def run(
    app: Any,
    sock: socket.socket,
    service: Drained,
    *,
    on_ready: Callable[[], object],
    stop: threading.Event | None,
    drain_seconds: float,
    beat: Callable[[], object] | None = None,
    tls: Tls | None = None,
) -> None:
    """Serve an ASGI app on a bound socket until a signal, or ``stop``, ends it. ``beat`` is called by the event loop once a
    second."""
    config = uvicorn.Config(
        app,
        http=_Connection,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=max(1, round(drain_seconds)),
    )
    config.load()
    if tls is not None:
        # Made by us: uvicorn would take paths, and its own word on what is safe.
        config.ssl = server_context(tls)
    server = _Process(config, Life(service, on_ready, stop, beat))
    server.run(sockets=[sock])


class _Process(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, life: Life) -> None:
        super().__init__(config)
        self._life = life

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        with self._life.signals(self.handle_exit):
            yield

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._life.end(sig)
        self.force_exit = self._life.forced

    async def on_tick(self, counter: int) -> bool:
        self.should_exit = await self._life.tick(counter) or self.should_exit
        return await super().on_tick(counter)


class _Connection(HttpToolsProtocol):
    """One client: as uvicorn has it, but its headers must end, and in time."""

    _head_bytes = 0
    _in_head = True
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head_timer()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        self._head_bytes, self._in_head = 0, True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._stop_head_timer()
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self._in_head:
            return
        self._expect_head()
        self._head_bytes += len(data)
        if self._head_bytes > HEAD_BYTES and not self.transport.is_closing():
            self.transport.write(
                b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
                b"content-length: 0\r\nconnection: close\r\n\r\n"
            )
            self.transport.close()

    def _expect_head(self) -> None:
        # Heads come in one piece nearly always: then no timer is ever set but the first.
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
