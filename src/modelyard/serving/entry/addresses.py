"""Where a request really comes from, behind proxies that are known.

What stands in ``X-Forwarded-For`` is believed only as far as it was written by somebody we know: it is read from its end, and
the first address that is none of ours is the client's.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping

from modelyard.base.errors import InvalidSetting
from modelyard.base.loopback import is_address

Networks = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]


def read_networks(proxies: Iterable[str]) -> Networks:
    """Addresses and networks of proxies, as ``10.0.0.0/8``."""
    found = []
    if isinstance(proxies, str):
        proxies = proxies.split(",")
    for proxy in proxies:
        try:
            found.append(ipaddress.ip_network(proxy.strip(), strict=False))
        except ValueError:
            raise InvalidSetting(
                f"trusted_proxies: {proxy!r} is no address", hint="as in 10.0.0.0/8"
            ) from None
    return tuple(found)


def client_address(peer: str, headers: Mapping[bytes, bytes], proxies: Networks) -> str:
    """The client's address: the peer's own, or what a proxy of ours says it is."""
    if not proxies or not _is_one_of(peer, proxies):
        return peer
    for hop in reversed(headers.get(b"x-forwarded-for", b"").decode("latin-1").split(",")):
        address = hop.strip()
        if not is_address(address):
            break
        peer = address
        if not _is_one_of(address, proxies):
            break
    return peer


def _is_one_of(address: str, networks: Networks) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)
