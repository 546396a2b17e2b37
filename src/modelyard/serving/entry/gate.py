"""What every request passes, whatever protocol it speaks: who asks, how often, by when; and the note of what became of it.

HTTP passes it in `modelyard.serving.front`. A protocol on a port of its own does in its handler::

    with service.gate.passage(headers, remote, protocol="grpc", verb="POST", route=name) as asked:
        ...                                 # ask the service; its errors may be raised through here
        asked.status = 200

``headers`` are lower-case names and values in bytes: gRPC's metadata fits.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from modelyard.base.errors import (
    InvalidInput,
    ModelyardError,
    Overloaded,
    Unauthenticated,
    describe,
)
from modelyard.serving.asking import ASKED, NOBODY, Asked, Caller
from modelyard.serving.entry.access_log import AccessLog
from modelyard.serving.entry.addresses import Networks, client_address
from modelyard.serving.entry.auth import OPEN, Authenticator
from modelyard.serving.entry.rates import Rates, one_caller
from modelyard.serving.tracing import Part, Tracing

TIMEOUT = b"x-request-timeout"
"""The header in which a client says how many seconds it waits."""
QUIET = OPEN | {"/metrics"}
"""Routes that a machine asks every few seconds: no line and no span, unless they fail."""


@dataclass(slots=True)
class Gate:
    """Everything it has is optional; a gate with nothing is passed without a look."""

    auth: Authenticator | None = None
    rates: Rates | None = None
    log: AccessLog | None = None
    tracing: Tracing | None = None
    proxies: Networks = ()
    on_refused: Callable[[str], object] = lambda reason: None
    """Told ``key``, ``rate`` …: why somebody was turned away."""

    @property
    def looks(self) -> bool:
        """Whether it looks at every request."""
        parts = (self.auth, self.rates, self.log, self.tracing, self.proxies or None)
        return any(part is not None for part in parts)

    def admit(self, headers: Mapping[bytes, bytes], remote: str) -> Caller:
        """Who asks, counted. `Unauthenticated`, or `Overloaded` for who asks too often."""
        if self.auth is None:
            self._count(one_caller(remote))
            return NOBODY
        try:
            caller = self.auth.authenticate(headers)
        except Unauthenticated:
            # Guessing is limited like asking; who waits is not told whether the guess was right.
            self._count(one_caller(remote))
            self.on_refused("key")
            raise
        self._count(f"key:{caller.name}")
        return caller

    def _count(self, who: str) -> None:
        if self.rates is None:
            return
        try:
            self.rates.take(who)
        except Overloaded:
            self.on_refused("rate")
            raise

    @contextlib.contextmanager
    def passage(
        self,
        headers: Mapping[bytes, bytes],
        remote: str,
        *,
        request_id: str = "",
        protocol: str = "",
        verb: str = "",
        route: str = "",
        path: str = "",
        is_open: bool = False,
    ) -> Iterator[Asked]:
        """The way of one request: what is raised goes through, and is noted. ``is_open`` lets anybody pass."""
        asked = Asked(request_id, client_address(remote, headers, self.proxies))
        asked.protocol, asked.verb, asked.route, asked.path = protocol, verb, route, path
        token = ASKED.set(asked)
        try:
            if not is_open:
                asked.caller = self.admit(headers, asked.remote)
            if TIMEOUT in headers:
                asked.deadline = deadline_of(headers[TIMEOUT])
            yield asked
        except ModelyardError as error:
            asked.status = asked.status or describe(error).http_status
            raise
        finally:
            with contextlib.suppress(
                ValueError
            ):  # a stream that was dropped ends in another context
                ASKED.reset(token)
            self._note(asked, headers)

    def _note(self, asked: Asked, headers: Mapping[bytes, bytes]) -> None:
        if asked.route in QUIET and asked.status < 400:
            return
        if self.log is not None:
            self.log.put(asked)
        if self.tracing is not None:
            seconds = time.perf_counter() - asked.began
            facts = _attributes(asked)
            name = f"{asked.verb} {asked.route}".strip()
            failed = asked.status >= 500
            self.tracing.record(name, seconds, facts, headers, failed=failed, parts=_parts(asked))

    def close(self) -> None:
        """Write the rest of the log, send the last spans."""
        if self.log is not None:
            self.log.close()
        if self.tracing is not None:
            self.tracing.stop()


def deadline_of(header: bytes) -> float:
    """The moment, by `time.monotonic()`, after so many seconds.

    >>> deadline_of(b"1.5") > time.monotonic()
    True
    """
    try:
        seconds = float(header)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise InvalidInput("X-Request-Timeout is a number of seconds", hint="as in 2.5")
    return time.monotonic() + seconds


def _attributes(asked: Asked) -> dict[str, str | int]:
    facts = {
        "http.request.method": asked.verb,
        "http.route": asked.route,
        "http.response.status_code": asked.status,
        "modelyard.request_id": asked.request_id,
        "modelyard.protocol": asked.protocol,
        "modelyard.model": asked.model,
        "modelyard.method": asked.method,
        "modelyard.caller": asked.caller.name,
        "modelyard.rows": asked.rows,
    }
    return {key: value for key, value in facts.items() if value}


def _parts(asked: Asked) -> list[Part]:
    """Waiting, and the call of the model, as far as it came to that."""
    if not asked.run_began:
        return []
    # One clock measures lengths, another says what time it is: the distance between them is taken once.
    shift = time.time_ns() - time.perf_counter_ns()
    begin = round(asked.run_began * 1e9) + shift
    waited, ran = round(asked.wait_ms * 1e6), round(asked.run_ms * 1e6)
    facts = {"modelyard.model": asked.model, "modelyard.batch_rows": asked.batch_rows}
    return [Part("wait", begin - waited, begin), Part("model call", begin, begin + ran, facts)]
