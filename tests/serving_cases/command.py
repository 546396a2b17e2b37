"""``modelyard serve`` as a process of its own, and clients that check every answer."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2


@dataclass
class Running:
    """A server that answers at ``url``; ``said`` is what it wrote to stderr so far."""

    process: subprocess.Popen[str]
    url: str
    said: list[str] = field(default_factory=list)

    @property
    def pid(self) -> int:
        return self.process.pid


@contextlib.contextmanager
def served(*words: object, cwd: Path) -> Iterator[Running]:
    """A server on a free port. It is killed at the end when it runs still."""
    process = subprocess.Popen(
        [sys.executable, "-m", "modelyard", "serve", *map(str, words), "--port", "0"],
        cwd=cwd,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
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
        assert up.wait(120), said
        first = next((line for line in said if line.startswith("Serving ")), None)
        assert first is not None, "".join(said)
        yield Running(process, first.split()[-1], said)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(30)
        reader.join(30)
        process.stderr.close()


def children(pid: int) -> list[int]:
    """The processes that a process started, whichever of its threads did."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            found += [int(child) for child in (task / "children").read_text().split()]
    return sorted(found)


def alive(pid: int) -> bool:
    """Whether a process runs: one that ended and is not waited for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def until(true: Callable[[], Any], seconds: float = 120.0) -> Any:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not (value := true()):
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.01)
    return value


@dataclass
class Load:
    """Threads that ask for twice a number, again and again, each on a connection that it keeps."""

    url: str
    threads: int = 4
    right: int = 0
    wrong: list[Any] = field(default_factory=list[Any])
    """Answers that are no right ones: there must never be any."""
    broken: int = 0
    """Connections that ended under a request."""
    stop: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _running: list[threading.Thread] = field(default_factory=list[threading.Thread])

    def __enter__(self) -> Load:
        self._running = [threading.Thread(target=self._ask, args=(n,)) for n in range(self.threads)]
        for thread in self._running:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop.set()
        for thread in self._running:
            thread.join(60)
            assert not thread.is_alive()

    def more(self, answers: int) -> None:
        """Wait for so many further right answers."""
        before = self.right
        until(lambda: self.right >= before + answers)

    def _ask(self, thread: int) -> None:
        x = float(thread * 1_000_000)
        while not self.stop.is_set():
            with contextlib.suppress(httpx2.TransportError), self._client() as http:
                while not self.stop.is_set():
                    x += 1
                    self._one(http, x)

    def _client(self) -> httpx2.Client:
        return httpx2.Client(base_url=self.url, timeout=60)

    def _one(self, http: httpx2.Client, x: float) -> None:
        try:
            answer = http.post("/predict", json=x)
        except httpx2.TransportError:
            with self._lock:
                self.broken += 1
            raise
        with self._lock:
            if answer.status_code == 200 and answer.json() == 2 * x:
                self.right += 1
            else:
                self.wrong.append((x, answer.status_code, answer.text))
