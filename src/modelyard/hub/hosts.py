"""Which names a hub answers to, and from which pages it may be called.

A page in a browser can reach a server on the user's own machine: by a foreign ``Origin``, or through a name of its own
that was made to point here (rebinding). So a host is compared as a whole, never by a pattern, and every method that
may change something is refused from another origin.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Collection, Iterable, Mapping

from modelyard.base.errors import InvalidInput, NotAllowed
from modelyard.base.loopback import LOCAL_NAMES, is_address, is_local, is_loopback

SAFE_METHODS = frozenset(["GET", "HEAD", "OPTIONS"])

_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9](?:[a-z0-9._-]*[a-z0-9_])?\.?))(?::(\d{1,5}))?")


def parse_host(header: str) -> tuple[str, int | None]:
    """Name and port of a Host header. Anything that is not just these is `InvalidInput`.

    >>> parse_host("[::1]:5000"), parse_host("Hub.example")
    (('::1', 5000), ('hub.example', None))
    """
    found = _HOST.fullmatch(header.lower())
    if found is None or (found[1] and not is_address(found[1])):
        raise InvalidInput("the Host header is not a name with an optional port")
    name = found[1] or found[2].rstrip(".")
    return name, int(found[3]) if found[3] else None


def answered_names(host: str, allowed: Iterable[str]) -> frozenset[str]:
    """The names a hub answers to that listens on ``host``; addresses in figures are judged by `Hosts`."""
    own = set(LOCAL_NAMES)
    if not is_loopback(host):
        own |= {host.lower(), socket.gethostname().lower()}
    return frozenset(own | {_allowed(name) for name in allowed})


def exposes(host: str, allowed: Iterable[str]) -> bool:
    """Whether others than this machine can reach it: by its address, or through a proxy that has a name for it."""
    return not is_loopback(host) or any(not is_local(_allowed(name)) for name in allowed)


def _allowed(name: str) -> str:
    try:
        return parse_host(name)[0]
    except InvalidInput:
        raise InvalidInput(
            f"--allowed-hosts {name!r} is not a host's name", hint="patterns are not taken"
        ) from None


class Hosts:
    """The judgement on one request's Host, Origin and Sec-Fetch-Site."""

    def __init__(self, host: str, allowed: Collection[str] = ()) -> None:
        self._names = answered_names(host, allowed)
        # Whoever asks for an address in figures was not led here by a name: no page can do that.
        self._figures = not is_loopback(host)

    def check(self, method: str, headers: Mapping[bytes, bytes], hosts: int) -> None:
        """Raise `InvalidInput` or `NotAllowed`. ``hosts`` is how many Host headers there were."""
        if hosts != 1:
            raise InvalidInput("a request has one Host header")
        host = headers[b"host"].decode("latin-1")
        name, _ = parse_host(host)
        if not (name in self._names or is_local(name) or (self._figures and is_address(name))):
            raise NotAllowed(
                f"this hub does not answer to {name!r}",
                hint=f"start it with --allowed-hosts {name} when that is its name",
            )
        if method not in SAFE_METHODS:
            _check_origin(host.lower(), headers)


def _check_origin(host: str, headers: Mapping[bytes, bytes]) -> None:
    origin = headers.get(b"origin")
    if origin is not None:
        if origin.decode("latin-1").lower() not in (f"http://{host}", f"https://{host}"):
            raise NotAllowed(
                "pages of another origin may not call this hub",
                hint="a proxy must pass the Host header on as it is",
            )
    elif headers.get(b"sec-fetch-site", b"none") not in (b"same-origin", b"none"):
        raise NotAllowed("pages of another site may not call this hub")
