"""A long call that the server works on by itself: ask how it stands, wait for it, fetch its result, cancel it."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from modelyard.base.errors import NotReady
from modelyard.serving.calling.bodies import Spelling
from modelyard.serving.calling.plans import Outgoing, Plan, answered
from modelyard.serving.calling.refusals import json_of

if TYPE_CHECKING:
    from modelyard.serving.calling.wire import Wire

ASKED_SECONDS = 20.0
"""How long the server is asked to hold one answer back while a job runs."""


class RemoteJob:
    """One job. What it does over the wire is awaited when it is that of an `AsyncClient`."""

    def __init__(self, wire: Wire, spelling: Spelling, told: Mapping[str, Any]) -> None:
        self._wire = wire
        self._spelling = spelling
        self.id = str(told["id"])
        self.status = ""
        """``queued``, ``running``, ``done``, ``failed`` or ``cancelled``, as it was last heard of."""
        self.progress: Mapping[str, Any] = {}
        """``done`` and ``total``, where the server knows."""
        self._heard(told)

    @property
    def finished(self) -> bool:
        """Whether it had come to an end when it was last heard of."""
        return self.status not in ("queued", "running")

    def refresh(self) -> Any:
        """Ask how it stands. Gives the job."""
        return self._wire.run(self._waiting(0.0))

    def wait(self, timeout: float = math.inf) -> Any:
        """Wait until it has come to an end. Gives the job; `NotReady` after so many seconds without."""
        return self._wire.run(self._waiting(timeout, must_end=True))

    def result(self, timeout: float = math.inf) -> Any:
        """What the method gave, as soon as it is there. Raises what the method would raise; `NotReady` after so many seconds
        without."""
        return self._wire.run(self._result(timeout))

    def cancel(self) -> Any:
        """Have it stopped; one that has come to an end stays as it is. Gives the job."""
        return self._wire.run(self._cancelling())

    def _ask(self, request: Outgoing) -> Plan[Any]:
        address = self._wire.address
        return (yield from answered(request, address.patience, address.url))

    def _waiting(self, seconds: float, *, must_end: bool = False) -> Plan[RemoteJob]:
        until = time.monotonic() + seconds
        longest = min(ASKED_SECONDS, self._wire.address.patience.timeout / 2)
        while True:
            held = min(longest, max(0.0, until - time.monotonic()))
            headers = {"prefer": f"wait={held:.3f}"}
            response = yield from self._ask(Outgoing("GET", f"/jobs/{self.id}", headers=headers))
            self._heard(json_of(response))
            if self.finished or not must_end:
                return self
            if time.monotonic() >= until:
                raise NotReady(f"job {self.id} is still {self.status} after {seconds:g} s")

    def _result(self, seconds: float) -> Plan[Any]:
        if not self.finished:
            yield from self._waiting(seconds, must_end=True)
        response = yield from self._ask(Outgoing("GET", f"/jobs/{self.id}/result"))
        return self._spelling.read(response)

    def _cancelling(self) -> Plan[RemoteJob]:
        response = yield from self._ask(Outgoing("DELETE", f"/jobs/{self.id}"))
        self._heard(json_of(response))
        return self

    def _heard(self, told: Mapping[str, Any]) -> None:
        self.status = str(told["status"])
        self.progress = dict(told.get("progress") or {})

    def __repr__(self) -> str:
        return f"RemoteJob({self.id!r}, {self.status})"


def sent_as_job(request: Outgoing) -> Outgoing:
    """The same call, for the server to work on by itself."""
    headers = {k: v for k, v in request.headers.items() if k != "accept"}
    return replace(request, path=f"/jobs{request.path.removeprefix('/methods')}", headers=headers)
