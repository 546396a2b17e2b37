"""A hub as a process of its own, a yard for it, and bytes sent as they are."""

from __future__ import annotations

import contextlib
import io
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2


@dataclass
class Running:
    """A hub that answers at ``url``; ``said`` is what it wrote to stderr so far."""

    process: subprocess.Popen[str]
    url: str
    said: list[str] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def log(self) -> list[dict[str, Any]]:
        """The access log."""
        return [json.loads(line) for line in self.said if line.startswith("{")]


@contextlib.contextmanager
def hub(*words: str, cwd: Path, **environment: str) -> Iterator[Running]:
    """A hub on a free port. It is killed at the end when it runs still."""
    process = subprocess.Popen(
        [sys.executable, "-m", "modelyard", "hub", "--port", "0", *words],
        cwd=cwd,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **environment},
    )
    assert process.stderr is not None
    said: list[str] = []
    up = threading.Event()

    def listen() -> None:
        assert process.stderr is not None
        for line in process.stderr:
            said.append(line)
            if line.startswith("  docs"):
                up.set()
        up.set()

    reader = threading.Thread(target=listen)
    reader.start()
    try:
        assert up.wait(60), said
        first = next((line for line in said if line.startswith("Hub on ")), None)
        assert first is not None, "".join(said)
        yield Running(process, first.split()[-1], said)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(30)
        reader.join(30)
        process.stderr.close()


def send(port: int, data: bytes, *, wait: float = 10.0) -> tuple[int, bytes]:
    """Bytes over a socket as they are: the status of the answer (0 for none), and all that came back."""
    with socket.create_connection(("127.0.0.1", port), timeout=wait) as sock:
        with contextlib.suppress(OSError):  # it may have answered and closed before all was sent
            sock.sendall(data)
        got = io.BytesIO()
        with contextlib.suppress(OSError):
            while part := sock.recv(65536):
                got.write(part)
                if complete(got.getvalue()):
                    break
    answer = got.getvalue()
    status = int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0
    return status, answer


def complete(answer: bytes) -> bool:
    """Whether an answer with a told length is here."""
    head, found, body = answer.partition(b"\r\n\r\n")
    length = next(
        (line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), None
    )
    return bool(found) and length is not None and len(body) >= int(length.partition(b":")[2])


def request(method: str, target: str | bytes, *headers: str, body: bytes = b"") -> bytes:
    """The bytes of a request; a Host is added where none is given."""
    path = target if isinstance(target, bytes) else target.encode("latin-1")
    lines = list(headers)
    if not any(line.lower().startswith("host:") for line in lines):
        lines.append("Host: 127.0.0.1")
    if body and not any(
        line.lower().startswith(("content-length:", "transfer-encoding:")) for line in lines
    ):
        lines.append(f"Content-Length: {len(body)}")
    lines.append("Connection: close")
    head = b"%b %b HTTP/1.1\r\n" % (method.encode(), path)
    return head + "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def until(condition: Any, seconds: float = 20.0) -> Any:
    """Ask again and again until the answer is true."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)
    return found


def client(running: Running, token: str | None = None) -> httpx2.Client:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return httpx2.Client(base_url=running.url, headers=headers, timeout=60)
