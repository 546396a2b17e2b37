"""One call as a plan: send, wait, send again, until there is an answer or the time is up. No I/O here."""

from __future__ import annotations

import email.utils
import math
import random
import ssl
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from modelyard.base.clock import new_id
from modelyard.base.errors import InvalidInput, Unreachable
from modelyard.serving.calling.refusals import error_of

if TYPE_CHECKING:
    import httpx2

FIRST_PAUSE = 0.1
MOST_PAUSE = 5.0
_LATER = frozenset([429, 503])
"""The server did nothing, and says so."""
_LOST = frozenset([502, 504])
"""Something in between does not know what the server did."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request, the same on each attempt."""

    verb: str
    path: str
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    repeatable: bool = True
    """Whether it may be sent again although it may have arrived."""
    streamed: bool = False
    """Whether its answer is read piece by piece."""


@dataclass(frozen=True, slots=True)
class Send:
    """To be done outside: send it; the plan goes on with the response, or with what httpx raised."""

    request: Outgoing
    seconds: float
    """How long that may take."""


@dataclass(frozen=True, slots=True)
class Pause:
    """To be done outside: wait."""

    seconds: float


_T = TypeVar("_T")
Plan = Generator[Send | Pause, Any, _T]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long, and how often, a call is tried."""

    timeout: float = 60.0
    """Seconds for all of it, attempts and pauses together."""
    retries: int = 4
    """How often a request is sent again at most."""

    def __post_init__(self) -> None:
        if not 0 < self.timeout < math.inf:
            raise InvalidInput(f"timeout={self.timeout} is no number of seconds")
        if self.retries < 0:
            raise InvalidInput(f"retries={self.retries} is less than none")


def once(request: Outgoing) -> Outgoing:
    """The request under a key of its own, by which the server knows it again: it is carried out once."""
    key = new_id()
    headers = {"X-Request-ID": key, "Idempotency-Key": key, **request.headers}
    return Outgoing(
        request.verb, request.path, request.body, headers, request.repeatable, request.streamed
    )


def answered(request: Outgoing, patience: Patience, address: str) -> Plan[httpx2.Response]:
    """The response to a request. What the server refuses is raised as the error it would be here."""
    import httpx2

    never_arrived = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
    until = time.monotonic() + patience.timeout
    failed = response = None
    for attempt in range(patience.retries + 1):
        failed = response = None
        try:
            response = yield Send(request, max(until - time.monotonic(), 0.001))
        except httpx2.TransportError as error:
            failed = error
            again = isinstance(error, never_arrived) or request.repeatable
        else:
            if response.is_success:
                return response
            status = response.status_code
            again = status in _LATER or (request.repeatable and status in _LOST)
        pause = _pause(attempt, response)
        over = attempt == patience.retries or time.monotonic() + pause >= until
        if not again or over or _is_distrust(failed):
            break
        yield Pause(pause)
    if response is not None:
        raise error_of(response, address)
    _unreachable(address, failed, patience)


def _pause(attempt: int, response: httpx2.Response | None) -> float:
    """Seconds until the next attempt: as long as the server says, else longer each time, and never all clients at once."""
    told = None if response is None else _seconds(response.headers.get("retry-after", ""))
    if told is not None:
        return told * random.uniform(1.0, 1.25)
    return min(MOST_PAUSE, FIRST_PAUSE * 2**attempt) * random.uniform(0.5, 1.0)


def _seconds(header: str) -> float | None:
    """What ``Retry-After`` says: a number of seconds, or a date."""
    if header.isdecimal():
        return float(header[:6])
    try:
        return max(0.0, email.utils.parsedate_to_datetime(header).timestamp() - time.time())
    except ValueError:
        return None


def _is_distrust(error: BaseException | None) -> bool:
    """Whether a certificate was refused: it will be the same one the next time."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _unreachable(address: str, error: BaseException | None, patience: Patience) -> NoReturn:
    import httpx2

    hint = "is it running, and is the address right?"
    said = str(error) or type(error).__name__
    if isinstance(error, httpx2.ReadTimeout | httpx2.WriteTimeout):
        said, hint = f"it took longer than {patience.timeout:g} s", "timeout= gives it longer"
    elif _is_distrust(error):
        hint = "verify= (--ca on the command line) names the certificate of who signed the server's"
    raise Unreachable(f"no answer from {address}: {said}", hint=hint, url=address) from error
