"""Run a hub: one process, or several on one socket.

Workers are forked before the yard is opened and share nothing but the socket: what they know of each other is in the
database. One that dies is replaced; SIGTERM to the first process lets each finish what it has in hand.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType

from modelyard.base.errors import InvalidSetting, NotAllowed, NotSupported
from modelyard.base.notes import note
from modelyard.hub.accounts import has_users
from modelyard.hub.hosts import exposes
from modelyard.hub.interface import HubSettings
from modelyard.serving.process import listen, run, url_of
from modelyard.yard.yard import Yard

MOST_WORKERS = 64
DIED_TOO_SOON = 2.0
"""Seconds: a worker that ends sooner will not be better the next time."""


def serve_hub(
    settings: HubSettings,
    *,
    port: int = 5000,
    workers: int = 1,
    drain_seconds: float = 30.0,
    on_ready: Callable[[str], object] | None = None,
    stop: threading.Event | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; then finish what is in flight and return.

    `NotAllowed` for an address that others can reach, when authentication is not set up and nobody said ``insecure``.
    """
    if not 1 <= workers <= MOST_WORKERS:
        raise InvalidSetting(f"{workers} workers: 1 to {MOST_WORKERS}")
    _log_to_stderr(settings.access_log)
    with contextlib.closing(listen(settings.host, port)) as sock:
        url = url_of(sock, settings.host)
        tell = on_ready or _announce
        if workers == 1:
            _work(settings, sock, lambda: tell(url), stop, drain_seconds)
            return
        # Made, brought up to date and judged once, so that a start that cannot succeed fails once.
        with Yard(settings.uri, artifacts=settings.artifacts) as yard:
            check_exposure(settings, yard)
        _several(settings, sock, workers, lambda: tell(url), drain_seconds)


def check_exposure(settings: HubSettings, yard: Yard) -> None:
    """`NotAllowed` for a hub that anybody could use."""
    if not exposes(settings.host, settings.allowed_hosts) or has_users(yard.database):
        return
    if settings.insecure:
        note("--insecure: whoever can reach this hub may do everything in it")
        return
    raise NotAllowed(
        f"a hub on {settings.host} that others can reach needs to know who they are",
        hint="modelyard user add NAME --role admin, then modelyard token create NAME; or --insecure",
    )


def _work(
    settings: HubSettings,
    sock: socket.socket,
    on_ready: Callable[[], object],
    stop: threading.Event | None,
    drain_seconds: float,
) -> None:
    from modelyard.hub.app import create_app

    with Yard(settings.uri, artifacts=settings.artifacts) as yard:
        check_exposure(settings, yard)
        app = create_app(settings, yard)
        run(app, sock, app.house, on_ready=on_ready, stop=stop, drain_seconds=drain_seconds)


def _several(
    settings: HubSettings,
    sock: socket.socket,
    count: int,
    on_ready: Callable[[], object],
    drain_seconds: float,
) -> None:
    if not hasattr(os, "fork"):
        raise NotSupported("--workers needs fork", hint="start several hubs on ports of their own")
    import modelyard.hub.app  # noqa: F401  loaded once, shared by all

    ready, told = os.pipe()
    alive = (
        os.pipe()
    )  # its writing end is ours alone: a worker that reads its end has lost its parent
    pipes = told, alive
    children: dict[int, float] = {}
    ending = False

    def end(number: int, frame: FrameType | None) -> None:
        nonlocal ending
        ending = True
        for child in list(children):
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGTERM)

    before = {n: signal.signal(n, end) for n in (signal.SIGTERM, signal.SIGINT)}
    try:
        for _ in range(count):
            children[_fork(settings, sock, pipes, drain_seconds)] = time.monotonic()
        threading.Thread(target=_when_all, args=(ready, count, on_ready), daemon=True).start()
        while children:
            child, status = os.wait()
            began = children.pop(child, None)
            if began is None or ending:
                continue
            if time.monotonic() - began < DIED_TOO_SOON:
                end(0, None)
                raise InvalidSetting("a worker ended as soon as it began; its words stand above")
            sys.stderr.write(f"a worker ended ({os.waitstatus_to_exitcode(status)}); another takes its place\n")  # fmt: skip
            children[_fork(settings, sock, pipes, drain_seconds)] = time.monotonic()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _fork(
    settings: HubSettings,
    sock: socket.socket,
    pipes: tuple[int, tuple[int, int]],
    drain_seconds: float,
) -> int:
    told, (alive, ours) = pipes
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        os.close(ours)
        threading.Thread(target=_end_with_parent, args=(alive,), daemon=True).start()
        _work(settings, sock, lambda: os.write(told, b"."), None, drain_seconds)
        code = 0
    except BaseException as error:  # noqa: BLE001  nothing of the parent's may run in here
        sys.stderr.write(f"error: {error}\n")
    finally:
        sys.stderr.flush()
        os._exit(code)


def _end_with_parent(alive: int) -> None:
    os.read(alive, 1)
    os.kill(os.getpid(), signal.SIGTERM)


def _when_all(ready: int, count: int, on_ready: Callable[[], object]) -> None:
    while count > 0:
        count -= len(os.read(ready, count))
    on_ready()


def _announce(url: str) -> None:
    from modelyard.hub import ui

    missing = "" if ui.is_built() else f"  note  {ui.NOT_BUILT}\n"
    sys.stderr.write(f"Hub on {url}\n{missing}  docs  {url}/api/docs\n")
    sys.stderr.flush()


def _log_to_stderr(access_log: bool) -> None:
    """Requests as a line of JSON each; what went wrong in words."""
    for name, form, wanted in (
        ("modelyard.hub.access", "%(message)s", access_log),
        ("modelyard.hub", "%(levelname)s %(message)s", True),
    ):
        logger = logging.getLogger(name)
        logger.propagate = False
        logger.setLevel(logging.INFO if wanted else logging.ERROR)
        if not logger.handlers:
            handler = logging.StreamHandler()
            handler.setFormatter(logging.Formatter(form))
            logger.addHandler(handler)
