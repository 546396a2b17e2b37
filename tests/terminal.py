"""A command in a terminal of its own: what stands on its screen, keys that are pressed, and another size of the window."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyte

SECONDS = 60


@dataclass
class Terminal:
    """A terminal and the process in it."""

    process: subprocess.Popen[bytes]
    descriptor: int
    screen: pyte.Screen
    stream: pyte.ByteStream

    @property
    def lines(self) -> list[str]:
        """What is on the screen."""
        return [line.rstrip() for line in self.screen.display]

    def until(self, seen: Callable[[str], bool]) -> str:
        """Read until the screen is as it should be."""
        end = time.monotonic() + SECONDS
        while not seen(text := "\n".join(self.lines)):
            assert time.monotonic() < end, f"the screen never was so:\n{text}"
            assert self._read(1.0) or self.process.poll() is None, f"it ended with:\n{text}"
        return text

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self.descriptor], [], [], seconds)
        if not ready:
            return False
        try:
            data = os.read(self.descriptor, 65536)
        except OSError:  # the other end is closed
            return False
        self.stream.feed(data)
        return bool(data)

    def press(self, keys: str) -> None:
        os.write(self.descriptor, keys.encode())

    def resize(self, columns: int, lines: int) -> None:
        self.screen.resize(lines, columns)
        _size(self.descriptor, columns, lines)
        self.process.send_signal(signal.SIGWINCH)

    def ended(self) -> int:
        """The exit code, when all it wrote is read."""
        end = time.monotonic() + SECONDS
        while self.process.poll() is None or self._read(0.05):
            assert time.monotonic() < end, "it does not end"
            self._read(0.05)
        return self.process.wait(SECONDS)

    def echoes(self) -> bool:
        """Whether keys are shown as they are pressed: the terminal is as it was."""
        return bool(termios.tcgetattr(self.descriptor)[3] & termios.ECHO)


def _size(descriptor: int, columns: int, lines: int) -> None:
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))


@contextlib.contextmanager
def terminal(
    *words: object, cwd: Path, columns: int = 100, lines: int = 30, **environment: str
) -> Iterator[Terminal]:
    """Modelyard with some words, in a terminal; it is killed at the end when it runs still."""
    ours, theirs = pty.openpty()
    _size(ours, columns, lines)
    known = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES", "NO_COLOR")}
    process = subprocess.Popen(
        [sys.executable, "-m", "modelyard", *map(str, words)],
        cwd=cwd,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        env={**known, "TERM": "xterm-256color", "PYTHONUTF8": "1", **environment},
    )
    os.close(theirs)
    screen = pyte.Screen(columns, lines)
    try:
        yield Terminal(process, ours, screen, pyte.ByteStream(screen))
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(SECONDS)
        os.close(ours)
