"""Where a request really comes from, behind proxies."""

from __future__ import annotations

import pytest

from modelyard.base.errors import InvalidSetting
from modelyard.serving.entry.addresses import client_address, read_networks

PROXIES = read_networks(["10.0.0.0/8", "::1"])


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.1", "198.51.100.7", "203.0.113.1"),
        ("10.0.0.2", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.2", "1.2.3.4, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.2", "198.51.100.7, 10.9.9.9", "198.51.100.7"),
        ("10.0.0.2", "10.1.1.1, 10.9.9.9", "10.1.1.1"),
        ("10.0.0.2", "", "10.0.0.2"),
        ("10.0.0.2", "x, y", "10.0.0.2"),
        ("10.0.0.2", "x, 10.1.1.1", "10.1.1.1"),
        ("::1", "2001:db8::1", "2001:db8::1"),
        ("", "1.2.3.4", ""),
    ],
)
def test_only_what_known_proxies_wrote_is_believed(peer: str, forwarded: str, client: str) -> None:
    assert client_address(peer, {b"x-forwarded-for": forwarded.encode()}, PROXIES) == client


def test_without_proxies_nobody_is_believed() -> None:
    assert client_address("10.0.0.2", {b"x-forwarded-for": b"1.2.3.4"}, ()) == "10.0.0.2"


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(InvalidSetting, match="'my-proxy' is no address"):
        read_networks(["my-proxy"])
