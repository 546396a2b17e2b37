"""A call of a model in a thread of its own, beside the workers: for what takes long and nobody waits for."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

from modelyard.base.errors import ModelyardError
from modelyard.serving.execution import Method, Outcome, answer
from modelyard.serving.interface import Request
from modelyard.serving.isolation import IsolatedModel

NICE = 10
"""Where the system knows niceness of threads, these let the others go first."""


def answer_apart(
    method: Method, request: Request, on_end: Callable[[], object]
) -> asyncio.Future[Any]:
    """The outcome of a request, as `execution.answer` gives it. Who stops waiting does not stop the model: ``on_end`` is
    called on the loop when it is really through."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()

    def end(outcome: Any) -> None:
        if not done.done():
            done.set_result(outcome)
        on_end()

    def work() -> None:
        if sys.platform == "linux":
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
        outcome = _outcome(method, request)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to tell
            loop.call_soon_threadsafe(end, outcome)

    threading.Thread(target=work, name=f"job-{request.request_id}", daemon=True).start()
    return done


def _outcome(method: Method, request: Request) -> Outcome:
    if not isinstance(method.model, IsolatedModel):
        return answer(method, [request])[0]
    try:
        # Beside the calls that somebody waits for, there as here.
        return next(iter(method.model.stream(method, request)))
    except ModelyardError as error:
        return error
