"""What happens to recorders when a process forks, is told to end, or ends: all there are, in one table."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelyard.tracking.spool.recorder import SpoolRecorder

RECORDERS: dict[tuple[str, str | None, bool], SpoolRecorder] = {}
"""The recorders of this process, by what they were asked for."""
_watched = False


def watch() -> None:
    """From now on forks, SIGTERM and the end of the process are seen. Called again it looks at SIGTERM again."""
    global _watched
    if not _watched:
        _watched = True
        atexit.register(_at_exit)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_in_child)
    if threading.current_thread() is threading.main_thread():
        _mind_sigterm()


def _mind_sigterm() -> None:
    """Only where nobody else minds it: the default would end the process without a word of why."""
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _told_to_end)


def _told_to_end(number: int, frame: Any) -> None:
    """Write it down, with no lock and no call that could wait, and end as the process would have."""
    at_ms = time.time_ns() // 1_000_000
    for recorder in list(RECORDERS.values()):
        recorder.told_to_end(at_ms)
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)


def _in_child() -> None:
    for recorder in RECORDERS.values():
        recorder.in_child()


def _at_exit() -> None:
    for recorder in list(RECORDERS.values()):
        recorder.close()
    nobody_caught = isinstance(getattr(sys, "last_value", None), KeyboardInterrupt)
    if nobody_caught and not hasattr(sys, "ps1") and "IPython" not in sys.modules:
        _still_interrupted()


def _still_interrupted() -> None:
    """A program that Ctrl-C ended dies of SIGINT, which shells and schedulers look at. The interpreter keeps that in mind
    until text is run as code, as every ``@dataclass`` of a module does that the end of a run imports: it is told again."""
    with contextlib.suppress(KeyboardInterrupt):
        exec("raise KeyboardInterrupt")
