"""A line for each request: who asked what, what came of it, and where the time went. Never a body, a header, a query or a key.

::

    --access-log json       lines of JSON on stderr
    --access-log text       lines for people on stderr
    --access-log PATH       lines of JSON at the end of a file, which may be moved away at any time

Answers do not wait for the log: lines are gathered and written by a thread a few times a second, and when whoever reads them
is too slow, lines are dropped and counted.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson

from modelyard.base.clock import now_ms, to_rfc3339
from modelyard.base.errors import InvalidSetting
from modelyard.serving.asking import Asked

FLUSH_SECONDS = 0.1
MOST_LINES = 20_000
"""Waiting to be written."""
LONGEST_PATH = 300
PIECE = 4096
"""Bytes that the system writes to a pipe without another process's bytes among them."""

Writer = Callable[[bytes], object]


class AccessLog:
    """Takes requests that are done; writes their lines from a thread of its own."""

    def __init__(
        self,
        write: Writer,
        spell: Callable[[Asked], bytes],
        *,
        on_dropped: Callable[[int], object] = lambda lines: None,
    ) -> None:
        self._write = write
        self._spell = spell
        self._on_dropped = on_dropped
        self._lines: deque[bytes] = deque()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def put(self, asked: Asked) -> None:
        """Take one request. Never waits."""
        if self._thread is None:  # not before: threads do not survive a fork
            self._thread = threading.Thread(target=self._run, name="access-log", daemon=True)
            self._thread.start()
        if len(self._lines) < MOST_LINES:
            self._lines.append(self._spell(asked))
        else:
            self._on_dropped(1)

    def close(self, timeout: float = 5.0) -> None:
        """Write what is left."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join(timeout)

    def _run(self) -> None:
        while not self._ending.wait(FLUSH_SECONDS):
            self._flush()
        self._flush()

    def _flush(self) -> None:
        lines = [self._lines.popleft() for _ in range(len(self._lines))]
        if not lines:
            return
        try:
            for piece in _pieces(lines):
                self._write(piece)
        except OSError:  # the disk is full, the pipe is closed: requests go on
            self._on_dropped(len(lines))


def access_log(
    option: str | None, *, on_dropped: Callable[[int], object] = lambda lines: None
) -> AccessLog | None:
    """The log of an ``access_log`` option: ``json``, ``text``, ``off`` or a file's path."""
    if option in (None, "", "off"):
        return None
    if option in ("json", "text"):
        spell = as_json if option == "json" else as_text
        return AccessLog(_to_stderr, spell, on_dropped=on_dropped)
    path = Path(str(option)).expanduser()
    try:
        with path.open("ab"):
            pass
    except OSError as error:
        raise InvalidSetting(
            f"access_log: {path} cannot be written: {error.strerror}",
            hint="json, text, off, or the path of a file",
        ) from None

    def append(piece: bytes) -> None:
        # Opened anew: a file that was moved away is not written to any more, and needs no signal.
        with path.open("ab", buffering=0) as file:
            file.write(piece)

    return AccessLog(append, as_json, on_dropped=on_dropped)


def as_json(asked: Asked) -> bytes:
    """One line of JSON. Whatever a client wrote is text in it, without line ends."""
    facts = _facts(asked)
    try:
        line = orjson.dumps(facts, option=orjson.OPT_APPEND_NEWLINE)
    except orjson.JSONEncodeError:  # halves of surrogate pairs
        line = b"\x7f"
    if line.isascii() and b"\x7f" not in line:
        return line
    # Escaped: a terminal must not take what a client wrote for a command.
    return json.dumps(facts).encode().replace(b"\x7f", rb"\u007f") + b"\n"


def as_text(asked: Asked) -> bytes:
    """One line for people; what a client wrote is written as in a URL."""
    facts = _facts(asked)
    words = [
        facts["time"],
        facts["remote"] or "-",
        _plain(facts["caller"]) or "-",
        f"{_plain(asked.verb)} {_plain(facts['path'])}",
        str(facts["status"]),
        f"{facts['ms']:.1f} ms",
        _plain(facts["model"]),
        _plain(facts["method"]),
        f"{facts['rows']} rows" if facts["rows"] else "",
        f"wait {facts['wait_ms']:.1f} run {facts['run_ms']:.1f} batch {facts['batch_rows']}"
        if facts["batch_rows"]
        else "",
        facts["request_id"],
    ]
    return " ".join(word for word in words if word).encode("ascii", "replace") + b"\n"


def _facts(asked: Asked) -> dict[str, Any]:
    return {
        "time": to_rfc3339(now_ms()),
        "request_id": asked.request_id,
        "remote": asked.remote,
        "caller": asked.caller.name,
        "protocol": asked.protocol,
        "verb": asked.verb,
        "route": asked.route,
        "path": asked.path[:LONGEST_PATH],
        "model": asked.model,
        "method": asked.method,
        "status": asked.status,
        "rows": asked.rows,
        "bytes_in": asked.bytes_in,
        "bytes_out": asked.bytes_out,
        "ms": round((time.perf_counter() - asked.began) * 1000, 2),
        "wait_ms": round(asked.wait_ms, 2),
        "run_ms": round(asked.run_ms, 2),
        "batch_rows": asked.batch_rows,
    }


def _plain(text: str) -> str:
    return quote(text, safe="/@:+.,{}[]()-_~ ")


def _to_stderr(piece: bytes) -> None:
    try:
        target = sys.stderr.fileno()
    except (OSError, ValueError, AttributeError):  # a stream of somebody's own
        sys.stderr.write(piece.decode())
        return
    view = memoryview(piece)
    while view:
        view = view[os.write(target, view) :]


def _pieces(lines: list[bytes]) -> list[bytes]:
    """Whole lines, as many as fit together."""
    pieces: list[bytes] = []
    piece = b""
    for line in lines:
        if piece and len(piece) + len(line) > PIECE:
            pieces.append(piece)
            piece = b""
        piece += line
    return [*pieces, piece]
