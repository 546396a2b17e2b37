"""A web server of files on loopback that can be asked to misbehave: no parts, cut off answers, lies about lengths.

>>> from web_server import Web
>>> with Web({"/models/churn": b"bytes"}) as web:
...     web.cut = 2                 # the next two answers end in the middle
...     web.ranges = False          # files are given whole only
"""

from __future__ import annotations

import contextlib
import re
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import unquote, urlsplit

PIECE = 1 << 16


class Web:
    """Files by their paths. What is to go wrong may be set while it runs; what was asked is counted."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = dict(files)
        self.ranges = True
        self.lengths = True
        self.head = True
        self.cut = 0
        """Of so many answers half is sent."""
        self.refuse: list[int] = []
        """Statuses for the next answers."""
        self.redirects: dict[str, str] = {}
        self.headers: dict[str, str] = {}
        self.longer = 0
        """How many bytes more are announced than sent."""
        self.wrong_part = False
        self.queries: set[str] = set()
        self.asked: list[tuple[str, str, str]] = []
        """Method, path and range of each request."""
        self.sent: Counter[str] = Counter()
        """Bytes of content by path."""
        self.tokens: list[str] = []
        self.after: Callable[[], None] | None = None
        """Called when a request was answered."""
        self._lock = threading.Lock()
        web = self

        class Handler(_Handler):
            def __init__(self, *arguments: Any) -> None:
                self.web = web
                super().__init__(*arguments)

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self.port: int = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def fault(self) -> tuple[int | None, bool]:
        """The status to refuse with, and whether to cut the answer off; each once."""
        with self._lock:
            if self.refuse:
                return self.refuse.pop(0), False
            if self.cut:
                self.cut -= 1
                return None, True
            return None, False


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Who asked went away, which is what the tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    web: Web

    def log_message(self, *_: object) -> None:
        return

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        with contextlib.suppress(ConnectionError):
            self._answered(body)
        if self.web.after:
            self.web.after()

    def _answered(self, body: bool) -> None:
        web, parts = self.web, urlsplit(self.path)
        path, part = unquote(parts.path), self.headers.get("Range", "")
        web.asked.append((self.command, path, part))
        web.queries.add(parts.query)
        web.tokens.append(self.headers.get("Authorization", ""))
        if not body and not web.head:
            self._empty(405)
        elif target := web.redirects.get(path):
            self._empty(302, Location=target)
        elif body and (status := (fault := web.fault())[0]):
            self._empty(status)
        elif path not in web.files:
            self._missing(path)
        else:
            self._file(path, part, body, body and fault[1])

    def _missing(self, path: str) -> None:
        below = any(name.startswith(f"{path.rstrip('/')}/") for name in self.web.files)
        if below and not path.endswith("/"):
            self._empty(301, Location=f"{self.path}/")
        else:
            self._empty(403 if below else 404)

    def _empty(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _file(self, path: str, part: str, body: bool, cut: bool) -> None:
        web, data = self.web, self.web.files[path]
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", part) if web.ranges else None
        if asked and int(asked[1]) >= len(data):
            self._empty(416)
            return
        total = len(data)
        if asked:
            start, end = int(asked[1]), min(int(asked[2]), total - 1)
            data = data[start : end + 1]
            start += web.wrong_part
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{end}/{total}")
        else:
            self.send_response(200)
        if web.lengths:
            self.send_header("Content-Length", str(len(data) + web.longer))
        for name, value in web.headers.items():
            self.send_header(name, value)
        self.close_connection = True
        self.end_headers()
        if body:
            data = data[: len(data) // 2] if cut else data
            for at in range(0, len(data), PIECE):
                self.wfile.write(data[at : at + PIECE])
            web.sent[path] += len(data)
