"""Run a hub: one process, or several on one socket.

Workers share nothing but the socket and their counts: what they know of each other is in the database. `Supervisor` looks after
them: one that dies is replaced; SIGTERM to the first process lets each finish what it has in hand.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import sys
import threading
from collections.abc import Callable

from modelyard.base.errors import InvalidSetting, NotAllowed
from modelyard.base.notes import note
from modelyard.hub.accounts import has_users
from modelyard.hub.hosts import exposes
from modelyard.hub.interface import HubSettings
from modelyard.serving.process import listen, run, url_of
from modelyard.serving.seats import Seat
from modelyard.serving.supervisor import MOST_WORKERS, Supervisor
from modelyard.yard.yard import Yard


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
        Supervisor(
            sock,
            work_beside_others,
            (settings, drain_seconds),
            workers,
            on_ready=lambda facts: tell(url),
            drain_seconds=drain_seconds,
            stop=stop,
        ).run()


def work_beside_others(seat: Seat, settings: HubSettings, drain_seconds: float) -> None:
    """One of several processes."""
    _log_to_stderr(settings.access_log)
    _work(settings, seat.socket, lambda: seat.ready(None), None, drain_seconds, seat.beat)


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
    beat: Callable[[], object] | None = None,
) -> None:
    from modelyard.hub.app import create_app

    with Yard(settings.uri, artifacts=settings.artifacts) as yard:
        check_exposure(settings, yard)
        app = create_app(settings, yard)
        house = app.house
        run(app, sock, house, on_ready=on_ready, stop=stop, drain_seconds=drain_seconds, beat=beat)


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
