"""Starting the process that sends, and seeing whether it is there.

It is a fresh interpreter, never a fork: training has threads, locks and a GPU. It is in a session of its own, so that Ctrl+C
and the end of the training do not reach it. What is secret goes through its standard input.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from modelyard.stores.locks import taken
from modelyard.tracking.spool.places import SENDER_LOCK

MODULE = "modelyard.yard.sending"
PATH = "PYTHONPATH"
FIRST_PAUSE, MOST_PAUSE = 1.0, 60.0
"""Seconds from one start to the next: longer each time, when it does not live."""


class SenderStarter:
    """The sender of one destination, as the process sees it that started it."""

    def __init__(self, folder: Path, uri: str, token: str | None, named_by_reader: bool) -> None:
        self._folder = folder
        self._told = {"uri": uri, "token": token, "named_by_reader": named_by_reader}
        self._pid = 0
        self._next_start = 0.0
        self._pause = FIRST_PAUSE

    def ensure(self) -> bool:
        """Start one when none is there and it is time again. Returns whether one is there."""
        if self.alive():
            return True
        now = time.monotonic()
        if now < self._next_start:
            return False
        self._next_start = now + self._pause
        self._pause = min(self._pause * 2, MOST_PAUSE)
        try:
            self._pid = started([str(self._folder)], self._told)
        except (
            OSError,
            TypeError,
            ValueError,
        ):  # an embedded interpreter has no program of its own
            return False
        return True

    def alive(self) -> bool:
        """Whether a process sends to this destination, or is about to: ours, or another one."""
        if self._pid:
            try:
                if os.waitpid(self._pid, os.WNOHANG)[0] == 0:
                    return True
            except ChildProcessError:  # somebody else waited for it
                pass
            self._pid = 0
        try:
            held = taken(self._folder / SENDER_LOCK, shared=True)
        except OSError:  # no file can be opened now: training goes on, and this is looked at again
            return True
        if held is None:
            return self._folder.exists()
        held.close()
        return False

    def in_child(self) -> None:
        """A forked child has not started it, and cannot wait for it."""
        self._pid, self._next_start, self._pause = 0, 0.0, FIRST_PAUSE


def started(words: list[str], told: dict[str, Any]) -> int:
    """Start the sender's process and tell it what no command line and no environment should show. Returns its id."""
    # Modules are found there as here. `-P`: and not in the folder it happens to start in.
    path = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
    command = [sys.executable, "-P", "-m", MODULE, *words]
    environment = {**os.environ, PATH: path, "MODELYARD_QUIET": "1"}
    text = json.dumps({**told, "path": os.environ.get(PATH)}).encode()
    if os.name == "nt":
        return _started_on_windows(command, environment, text)
    reading, writing = os.pipe()
    try:
        actions = [
            (os.POSIX_SPAWN_DUP2, reading, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        ]
        pid = _spawned(command, environment, actions)
        os.write(writing, text)
    finally:
        os.close(reading)
        os.close(writing)
    return pid


def _spawned(command: list[str], environment: dict[str, str], actions: list[Any]) -> int:
    try:
        return os.posix_spawn(
            command[0], command, environment, file_actions=actions, setsid=True, setsigmask=()
        )
    except NotImplementedError:  # some C libraries know only this
        return os.posix_spawn(
            command[0], command, environment, file_actions=actions, setpgroup=0, setsigmask=()
        )


def _started_on_windows(command: list[str], environment: dict[str, str], text: bytes) -> int:
    import subprocess

    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )
    assert process.stdin is not None
    with process.stdin as stream:
        stream.write(text)
    return process.pid
