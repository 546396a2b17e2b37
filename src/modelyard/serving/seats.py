"""What a process has that serves together with others: the socket they share, and a line to the one that looks after them all."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from modelyard.base.errors import ModelyardError
from modelyard.serving.channel import Channel
from modelyard.serving.isolated import pack_error


@dataclass(frozen=True)
class Ready:
    """Told once, when requests are welcome; the facts are what `Supervisor.on_ready` gets."""

    facts: Any


@dataclass(frozen=True)
class Seat:
    """A place among the processes on one socket."""

    socket: socket.socket
    channel: Channel

    def ready(self, facts: Any) -> None:
        """Say that requests are welcome."""
        self.channel.send(Ready(facts))

    def beat(self) -> None:
        """Say that the event loop runs; called once a second by it."""
        from modelyard.serving.exposition import write_gauges

        write_gauges()
        self.channel.beat()


def take_seat(
    channel: Channel, fd: int, number: int, folder: str, work: Callable[..., None], *arguments: Any
) -> None:
    """In a process that was started to serve: run ``work(seat, *arguments)`` until it is told to end.

    An error of ours is handed to who started us, who says it once for all.
    """
    threading.Thread(target=_listen, args=(channel,), name="supervisor", daemon=True).start()
    from modelyard.serving.exposition import share_counts

    share_counts(folder, number)
    try:
        work(Seat(socket.socket(fileno=fd), channel), *arguments)
    except ModelyardError as error:
        channel.send(pack_error(error))
        sys.exit(1)


def _listen(channel: Channel) -> None:
    channel.wait_for_end()
    # The one that looked after us is gone: finish what was begun, and end.
    os.kill(os.getpid(), signal.SIGTERM)
