"""The one place that calls out to a URL that somebody gave: bounded in time, size and redirects, and only to where it may go.

A host is resolved once, each address is judged, and the connection goes to the judged address: a name that answers
differently the second time leads nowhere. Addresses that are not global (this machine, its network, a cloud's metadata)
are refused, unless ``local=True``: a person typed the URL on the machine it is fetched from.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from modelyard.base.errors import FileMissing, InvalidInput, NotAllowed, TooLarge, Unreachable

MAX_BYTES = 512 << 20
MAX_REDIRECTS = 5
MAX_URL = 4096
SILENCE = 60.0
"""Seconds without a byte after which the other side is given up, however long the whole may take."""
_CHUNK = 1 << 18
_PORTS = {"http": 80, "https": 443}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_REDIRECTS = frozenset([301, 302, 303, 307, 308])


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a URL answered."""

    content: bytes
    content_type: str
    url: str
    """Where it was found in the end."""

    @property
    def name(self) -> str:
        """The last segment of the path, as a name for a file; empty when there is none."""
        return unquote(urlsplit(self.url).path).rpartition("/")[2]


def is_url(text: str) -> bool:
    """Whether a word is meant as something to fetch.

    >>> is_url("https://example.org/dog.wav"), is_url("dog.wav")
    (True, False)
    """
    return text[:8].lower().startswith(("http://", "https://"))


def fetch(
    url: str, *, limit: int = MAX_BYTES, seconds: float = 60.0, local: bool = False
) -> Fetched:
    """The content of a URL: at most ``limit`` bytes, all within ``seconds``.

    Redirects are followed a few times: to the same host, or to a global address, and never from https to http. Raises
    `NotAllowed` for an address that may not be called, `FileMissing` when nothing is there, `TooLarge`, `Unreachable`.
    """
    with answered(url, seconds=seconds, local=local) as answer:
        if answer.status in (404, 410):
            raise FileMissing(f"{answer.shown} answered {answer.status}: nothing is there")
        if answer.status != 200:
            raise Unreachable(f"{answer.shown} answered {answer.status}")
        return Fetched(answer.all(limit), answer.header("Content-Type"), answer.url)


class Answer:
    """What a URL answers: its status and headers are here, its content is still to be read."""

    def __init__(self, answer: http.client.HTTPResponse, url: str, deadline: float) -> None:
        self._answer, self._deadline = answer, deadline
        self.status = answer.status
        self.url = url
        """Where it was found in the end."""
        self.shown = _shown(url)
        length = self.header("Content-Length")
        self.length = int(length) if length.isdecimal() and len(length) < 20 else None
        """How many bytes were announced."""
        self._taken = 0

    def header(self, name: str) -> str:
        """A header's text, empty when it is not there."""
        return self._answer.getheader(name) or ""

    def read(self, size: int = _CHUNK) -> bytes:
        """The next bytes, empty at the end. `Unreachable` when less comes than was announced, or not in time."""
        with _told(self.shown):
            piece = self._answer.read1(size)
            if not piece:
                _left(self._deadline)  # what was cut off by the alarm is not whole
                self._whole()
            self._taken += len(piece)
            return piece

    def _whole(self) -> None:
        if self.length is not None and self._taken != self.length:
            raise Unreachable(f"{self.shown} broke off after {self._taken} of {self.length} bytes")

    def all(self, limit: int) -> bytes:
        """Everything. `TooLarge` when that is more than ``limit`` bytes."""
        parts: list[bytes] = []
        while (self.length or 0) <= limit and self._taken <= limit:
            if not (piece := self.read()):
                return b"".join(parts)
            parts.append(piece)
        raise TooLarge(f"{self.shown} has more than {limit} bytes", limit=limit)


@contextlib.contextmanager
def answered(
    url: str,
    method: str = "GET",
    headers: Callable[[str], Mapping[str, str]] | None = None,
    *,
    seconds: float = 60.0,
    local: bool = False,
) -> Generator[Answer]:
    """The answer in the end of the redirects, whatever its status, to be read within the block and ``seconds``.

    ``headers`` are asked for each URL on the way: what may be told to one host is not for the next.
    """
    deadline = time.monotonic() + seconds
    at, trusted = _split(url), local
    for _ in range(MAX_REDIRECTS + 1):
        sent: Mapping[str, str] = headers(at.geturl()) if headers else {}
        with _asked(at, method, None, sent, deadline, trusted) as answer:
            target = answer.getheader("Location") if answer.status in _REDIRECTS else None
            if not target:
                yield Answer(answer, at.geturl(), deadline)
                return
        then = _split(urljoin(at.geturl(), target))
        if at.scheme == "https" and then.scheme != "https":
            raise NotAllowed(
                f"{_shown(at.geturl())} redirects from https to http, which is not followed"
            )
        trusted = trusted and then.netloc == at.netloc
        at = then
    raise Unreachable(f"{_shown(url)} redirects more than {MAX_REDIRECTS} times")


def _shown(url: str) -> str:
    """For messages: without the query, which may hold a signature."""
    return url.partition("?")[0]


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back from `post`: any status, and the beginning of the text."""

    status: int
    text: str


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    seconds: float = 30.0,
    limit: int = 1 << 14,
    local: bool = False,
) -> Answered:
    """Send a body to a URL. A redirect is an answer like any other: nothing is sent on.

    Raises `NotAllowed` for an address that may not be called, `Unreachable` without an answer in time.
    """
    deadline, at = time.monotonic() + seconds, _split(url)
    with (
        _asked(at, "POST", body, headers, deadline, local) as answer,
        _told(f"{at.scheme}://{at.netloc}"),
    ):
        text = answer.read(limit)
        _left(deadline)
        return Answered(answer.status, text.decode("utf-8", "replace"))


def check(url: str, *, local: bool = False) -> str:
    """The URL itself, when its host may be called now. `InvalidInput`, `NotAllowed` or `Unreachable`."""
    at = _split(url)
    with _told(f"{at.scheme}://{at.netloc}"):
        _judged(str(at.hostname), at.port or _PORTS[at.scheme], local)
    return url


def leads_inside(origin: str, url: str) -> bool:
    """Whether a URL that something at ``origin`` (a URL too) names is of this machine or its network, and ``origin`` is
    not: then whoever wrote it sends us where only we can go."""
    return _is_inside(url) and not _is_inside(origin)


def _is_inside(url: str) -> bool:
    try:
        found = socket.getaddrinfo(urlsplit(url).hostname, None, type=socket.SOCK_STREAM)
    except (OSError, ValueError):  # a host that nobody knows leads nowhere
        return False
    return not all(_is_global(str(entry[4][0]).partition("%")[0]) for entry in found)


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise InvalidInput(f"{url[:80]!r} is no URL: {error}") from None
    plain = url.isascii() and url.isprintable() and " " not in url and len(url) <= MAX_URL
    if parts.scheme not in ("http", "https") or not parts.hostname or not plain:
        raise InvalidInput(
            f"{url[:80]!r} is no http:// or https:// URL", hint="blanks and accents are %-encoded"
        )
    if parts.username is not None or parts.password is not None:
        raise InvalidInput(f"the URL of {parts.hostname} has a user name in it, which is not sent")
    return parts


@contextlib.contextmanager
def _asked(
    at: SplitResult,
    method: str,
    body: bytes | None,
    headers: Mapping[str, str],
    deadline: float,
    local: bool,
) -> Generator[http.client.HTTPResponse]:
    """The answer to one request, read within the block, where the other side's faults are `_told` by who reads."""
    host, port = str(at.hostname), at.port or _PORTS[at.scheme]
    with contextlib.ExitStack() as ending:
        with _told(f"{at.scheme}://{at.netloc}"):
            address = _judged(host, port, local)
            connection = _Connection(host, port, address, at.scheme == "https", deadline)
            ending.callback(connection.close)
            # A server may send a byte a minute: no timeout of a single read would ever end that.
            alarm = threading.Timer(_left(deadline), connection.abort)
            alarm.daemon = True
            alarm.start()
            ending.callback(alarm.cancel)
            try:
                path = (at.path or "/") + (f"?{at.query}" if at.query else "")
                usual = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "modelyard"}
                connection.request(method, path, body=body, headers={**usual, **headers})
                answer = connection.getresponse()
            except (OSError, http.client.HTTPException):
                _left(deadline)
                raise
        ending.callback(answer.close)  # it holds the socket open by itself
        yield answer


@contextlib.contextmanager
def _told(where: str) -> Generator[None]:
    try:
        yield
    except (Unreachable, FileMissing, NotAllowed, TooLarge):
        raise
    except TimeoutError:
        raise Unreachable(f"{where} took too long") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unreachable(f"no answer from {where}: {error or type(error).__name__}") from None


def _judged(host: str, port: int, local: bool) -> tuple[str, int]:
    """The first address of a host, when every one of them may be called."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]).partition("%")[0] for entry in found]
    for address in addresses:
        if not local and not _is_global(address):
            raise NotAllowed(
                f"{host} is at {address}, which is not an address of the internet: it is not called"
            )
    return addresses[0], port


def _is_global(address: str) -> bool:
    parsed = ipaddress.ip_address(address)
    mapped = getattr(parsed, "ipv4_mapped", None) or getattr(parsed, "sixtofour", None)
    if parsed in _NAT64:  # the last four bytes are the address that is called
        mapped = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
    return (mapped or parsed).is_global and not parsed.is_multicast


class _Connection(http.client.HTTPConnection):
    """To an address that was judged, under the name that it was asked by."""

    def __init__(
        self, host: str, port: int, address: tuple[str, int], tls: bool, deadline: float
    ) -> None:
        super().__init__(host, port, timeout=min(_left(deadline), SILENCE))
        self._address, self._tls, self._deadline = address, tls, deadline
        self._held: socket.socket | None = None
        self.default_port = 443 if tls else 80  # so that the Host header names no usual port

    def connect(self) -> None:
        """To the judged address, whatever the name resolves to by now."""
        seconds = min(_left(self._deadline), SILENCE)
        plain = socket.create_connection(self._address, timeout=seconds)
        if self._tls:
            context = ssl.create_default_context()
            plain = context.wrap_socket(plain, server_hostname=self.host)
        self.sock = self._held = plain

    def abort(self) -> None:
        """End whatever waits for the other side."""
        if self._held is not None:
            with contextlib.suppress(OSError):
                self._held.shutdown(socket.SHUT_RDWR)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
