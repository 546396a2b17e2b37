"""A server that answers what a test tells it to: a hub that is broken, busy or hostile."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SERVER = {"version": "0.1.0", "yard": "0" * 32, "database": "sqlite", "actor": "ana", "role": "admin", "scopes": [], "authentication": False}  # fmt: skip
"""What a hub says of itself."""


@dataclass(frozen=True)
class Answer:
    """What is answered; ``cut`` closes the connection after so many bytes of the body, ``drop`` before any answer."""

    status: int = 200
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict[str, str])
    cut: int | None = None
    drop: bool = False


@dataclass
class Pretender:
    """Where it is, and what it was asked."""

    url: str
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    def keys(self) -> list[str | None]:
        """The Idempotency-Key of each request."""
        return [headers.get("idempotency-key") for _, _, headers in self.asked]


def failure(code: str, message: str = "no", **more: Any) -> dict[str, Any]:
    """A refusal as a hub words it."""
    return {"error": {"code": code, "message": message, "request_id": "r", **more}}


@contextlib.contextmanager
def pretender(answer: Callable[[str, str, int], Answer]) -> Iterator[Pretender]:
    """``answer`` gets method, path and how many requests there were before."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            self.rfile.read(length)
            number = len(told.asked)
            headers = {key.lower(): value for key, value in self.headers.items()}
            told.asked.append((self.command, self.path, headers))
            found = answer(self.command, self.path, number)
            if found.drop:
                self.close_connection = True
                return
            body = found.body if isinstance(found.body, bytes) else json.dumps(found.body).encode()
            self.send_response(found.status)
            for name, value in {"content-type": "application/json", **found.headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: found.cut])
            self.close_connection = found.cut is not None

        do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = handle_any  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    told = Pretender(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
