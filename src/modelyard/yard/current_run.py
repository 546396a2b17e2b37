"""Which run is the current one: of this thread or task, else of the process."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelyard.yard.active_run import ActiveRun

_mine: ContextVar[tuple[ActiveRun, ...]] = ContextVar("modelyard_runs", default=())
"""Runs that this thread or task began or entered, the innermost last."""
_open: dict[str, ActiveRun] = {}
"""All that are open in this process, in the order in which they began."""
_shared: list[tuple[int, ActiveRun]] = []
"""Those that `start_run` began, with the thread that did: what threads without a run of their own log to."""
_lock = threading.Lock()


def opened(run: ActiveRun) -> None:
    """A run began: it ends with the process at the latest."""
    with _lock:
        _open[run.run_id] = run
    _watch()


def enter(run: ActiveRun) -> None:
    """What follows in this thread or task is logged to the run."""
    if not (_mine.get() and _mine.get()[-1] is run):
        _mine.set((*_mine.get(), run))


def share(run: ActiveRun) -> None:
    """Threads that have no run of their own log to it as well."""
    enter(run)
    with _lock:
        _shared.append((threading.get_ident(), run))


def forget(run: ActiveRun) -> None:
    """It ended."""
    _mine.set(tuple(one for one in _mine.get() if one is not run))
    with _lock:
        if _open.get(run.run_id) is run:
            del _open[run.run_id]
        _shared[:] = [entry for entry in _shared if entry[1] is not run]


def current() -> ActiveRun | None:
    """The run that is logged to here: that of this thread or task, else the one that the process began last."""
    inherited = (run for run in reversed(_mine.get()) if _is_open(run))  # in a fork
    shared = (run for _, run in reversed(_shared) if _is_open(run))
    return own() or next(inherited, None) or next(shared, None)


def own() -> ActiveRun | None:
    """The run of this thread or task alone, begun in this process. A cell of a notebook is a task each, and all of them
    are one."""
    pid = os.getpid()
    found = next((run for run in reversed(_mine.get()) if _is_open(run) and run.pid == pid), None)
    if found is None and _in_notebook():
        here = threading.get_ident()
        found = next((r for thread, r in reversed(_shared) if thread == here and _is_open(r)), None)
    return found


def open_runs() -> list[ActiveRun]:
    """All that this process began and that did not end, the latest first."""
    return [run for run in reversed(list(_open.values())) if run.pid == os.getpid()]


def user() -> str:
    """Who runs this: the login name."""
    from modelyard.base.events import caller

    return caller().actor


def _is_open(run: ActiveRun) -> bool:
    return run.status == "RUNNING"


def _in_notebook() -> bool:
    shell: Any = sys.modules.get("IPython")
    return shell is not None and shell.get_ipython() is not None


@cache
def _watch() -> None:
    """Once in a process, and after what the recorders do at exit was asked for: what was asked last is done first."""
    atexit.register(_end_all)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_in_child)


def _in_child() -> None:
    """Another thread may have held a lock when the process forked, and is not here to release it."""
    global _lock
    _lock = threading.Lock()
    for run in [*_open.values(), *(run for _, run in _shared)]:
        run.in_child()


def _end_all() -> None:
    error = getattr(
        sys, "last_value", None
    )  # what nobody caught, told by the interpreter before it exits
    for run in open_runs():
        if error is not None and not (hasattr(sys, "ps1") or _in_notebook()):
            run.fail(error)
        else:
            run.end()
