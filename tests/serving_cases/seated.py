"""What processes of a `Supervisor` may do: light enough to be started often."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

from modelyard.base.errors import NotFound
from modelyard.serving.seats import Seat


def works(seat: Seat, folder: str) -> None:
    """Ready at once, alive until told to end; writes down its process id, and that it ended in order."""
    end = threading.Event()
    signal.signal(signal.SIGTERM, lambda number, frame: end.set())
    seat.ready(seat.socket.getsockname())
    (Path(folder) / str(os.getpid())).write_text("works")
    while not end.wait(0.05):
        seat.beat()
    (Path(folder) / str(os.getpid())).write_text("ended")


def stands_still_once(seat: Seat, folder: str) -> None:
    """The first of them stands still once it is ready."""
    first = Path(folder) / "first"
    try:
        first.touch(exist_ok=False)
    except FileExistsError:
        works(seat, folder)
    else:
        seat.ready(None)
        time.sleep(600)


def dies(seat: Seat, folder: str) -> None:
    os._exit(9)


def cannot(seat: Seat, folder: str) -> None:
    raise NotFound("no model named 'chrun'", hint="did you mean 'churn'?")
