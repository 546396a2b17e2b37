"""Start a process of our own that runs one function, with a `Channel` between the two.

A fresh interpreter each time, never a fork: models and their libraries hold threads and locks that a fork would break. Nor is the
program's own main module run again, as `multiprocessing` would: a script may serve without a guard around it.

The process is in a group of its own, so that Ctrl+C reaches the one who started it alone, and it ends when that one is gone.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelyard.base.errors import NotSupported
from modelyard.serving.channel import Channel

PATH = "PYTHONPATH"
QUIET = "MODELYARD_QUIET"
"""For processes that would say once more what the first one said (`base.notes`)."""


@dataclass(eq=False)
class Spawned:
    """A process that was started here."""

    process: subprocess.Popen[bytes]
    channel: Channel

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> None:
        """End it now, whatever it does."""
        self.process.kill()

    def how_it_ended(self) -> str:
        """In words; waits for the end."""
        code = self.process.wait()
        self.channel.close()
        return ending(code)


def spawn(
    function: Callable[..., Any],
    *arguments: Any,
    environment: Mapping[str, str] | None = None,
    pass_fds: Iterable[int] = (),
) -> Spawned:
    """Start ``function(channel, *arguments)`` in a process of its own; all of it must be picklable.

    ``environment`` is added to ours before any library is loaded there.
    """
    if sys.platform == "win32":
        raise NotSupported(
            "processes beside this one are started on Linux and macOS only",
            hint="serve without workers and isolate, one process a port",
        )
    ours, theirs = socket.socketpair()
    with theirs:
        # Modules are found there as here. `-P`: and not in the folder it happens to start in.
        path = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "modelyard.serving.spawned", str(theirs.fileno())],
            pass_fds=[theirs.fileno(), *pass_fds],
            env={**os.environ, **(environment or {}), PATH: path},
            stdin=subprocess.DEVNULL,
            process_group=0,
        )
    channel = Channel(ours)
    try:
        channel.send((os.environ.get(PATH), function, arguments))
    except BaseException:
        process.kill()
        process.wait()
        channel.close()
        raise
    return Spawned(process, channel)


def ending(code: int) -> str:
    """How a process ended, by its exit code.

    >>> ending(-9), ending(3)
    ('killed by SIGKILL', 'ended with code 3')
    """
    if code >= 0:
        return f"ended with code {code}"
    import signal

    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
