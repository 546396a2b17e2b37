"""A TCP proxy on loopback that breaks what passes through it: drops an answer, cuts at a byte, goes silent.

>>> from fault_proxy import Proxy
>>> with Proxy(5000) as proxy:
...     proxy.drop_answers(1)      # the next request reaches the server; its answer does not come back
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from types import TracebackType
from typing import Self

CHUNK = 1 << 16


class Proxy:
    """In front of a port of this machine; ``port`` is where it listens. Faults may be set while it runs."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._drop = 0
        self._cut_after: int | None = None
        self._lock = threading.Lock()
        self._closing = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads: list[threading.Thread] = []
        self.dropped = 0

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing = True
        with contextlib.suppress(OSError):  # wakes whoever waits for a connection
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)

    def drop_answers(self, count: int) -> None:
        """Of the next requests, let the server do the work and cut the connection instead of its answer."""
        with self._lock:
            self._drop = count

    def cut_after(self, size: int | None) -> None:
        """Let so many bytes of a connection's request through, then cut it; None for whole ones."""
        with self._lock:
            self._cut_after = size

    def _start(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._closing:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._start(self._pass, client)

    def _pass(self, client: socket.socket) -> None:
        with (
            client,
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", self._target)) as server,
            selectors.DefaultSelector() as waiting,
        ):
            waiting.register(client, selectors.EVENT_READ, server)
            waiting.register(server, selectors.EVENT_READ, client)
            sent = 0
            while not self._closing:
                for key, _ in waiting.select(0.2):
                    data = key.fileobj.recv(CHUNK)  # type: ignore[union-attr]
                    if not data or (key.fileobj is server and self._dropped()):
                        return
                    if key.fileobj is client:
                        data, cut = self._cut(data, sent)
                        sent += len(data)
                        server.sendall(data)
                        if cut:
                            return
                    else:
                        client.sendall(data)

    def _dropped(self) -> bool:
        with self._lock:
            if self._drop:
                self._drop -= 1
                self.dropped += 1
                return True
            return False

    def _cut(self, data: bytes, sent: int) -> tuple[bytes, bool]:
        with self._lock:
            if self._cut_after is None or sent + len(data) < self._cut_after:
                return data, False
            return data[: self._cut_after - sent], True
