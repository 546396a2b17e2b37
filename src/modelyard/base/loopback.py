"""Which hosts are always this machine itself."""

from __future__ import annotations

import ipaddress

LOCAL_NAMES = frozenset(["localhost", "127.0.0.1", "::1"])


def is_address(name: str) -> bool:
    """Whether a host is an address in figures."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether a host to listen on can be reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_local(name: str) -> bool:
    """Whether a name is always this machine itself.

    >>> is_local("127.0.0.2"), is_local("hub.example")
    (True, False)
    """
    return name in LOCAL_NAMES or (is_address(name) and ipaddress.ip_address(name).is_loopback)
