"""A server that answers as it is told, one answer a request, and keeps what it was asked."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

DESCRIPTION = {
    "modelyard": {
        "version": "1",
        "formats": ["application/json"],
        "limits": {"body_bytes": 1 << 20, "repeat_seconds": 300},
        "models": {
            "m": {
                "identity": "m@1",
                "methods": {
                    "predict": {"path": "/predict", "args": {"x": "number"}, "returns": "number"}
                },
            }
        },
    }
}


@dataclass
class Answering:
    """``answers`` to POSTs, the last one again and again: a status, headers and what stands in the body."""

    answers: list[tuple[int, Mapping[str, str], Any]]
    description: Any = field(default_factory=lambda: DESCRIPTION)
    asked: list[Mapping[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    url: str = ""

    def next(self) -> tuple[int, Mapping[str, str], Any]:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextlib.contextmanager
def answering(
    answers: Sequence[tuple[int, Mapping[str, str], Any]], description: Any = None
) -> Iterator[Answering]:
    """Such a server on a loopback port."""
    state = Answering(list(answers), description or DESCRIPTION)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._say(200, {}, state.description)

        def do_POST(self) -> None:
            state.bodies.append(self.rfile.read(int(self.headers["content-length"])))
            state.asked.append({k.lower(): v for k, v in self.headers.items()})
            self._say(*state.next())

        def _say(self, status: int, headers: Mapping[str, str], value: Any) -> None:
            body = json.dumps(value).encode()
            self.send_response(status)
            for name, text in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join(30)
        server.server_close()
