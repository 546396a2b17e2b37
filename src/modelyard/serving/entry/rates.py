"""How often one caller may ask: a bucket for each, which fills by the second and holds a burst.

A bucket is one number, the moment at which it will be full again. There are as many as callers of late, and never more
than `MOST`: who comes from ever new addresses pushes out the oldest, not the process.
"""

from __future__ import annotations

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable

from modelyard.base.errors import Overloaded

MOST = 10_000


class Rates:
    """``rate`` requests a second for each caller, ``burst`` of them at once."""

    def __init__(
        self, rate: float, burst: int = 0, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._each = 1.0 / rate
        self._rate = rate
        self._room = (max(burst or math.ceil(rate), 1) - 1) * self._each
        self._full_at: OrderedDict[str, float] = OrderedDict()
        self._clock = clock

    def take(self, who: str) -> None:
        """Count one request; `Overloaded` says when to come again."""
        now = self._clock()
        full_at = max(self._full_at.get(who, now), now)
        if full_at - now > self._room + 1e-9:
            seconds = max(1, math.ceil(full_at - now - self._room))
            raise Overloaded(
                f"more than {self._rate:g} requests a second of one caller",
                hint=f"try again in {seconds} s",
                retry_after=seconds,
            )
        self._full_at[who] = full_at + self._each
        self._full_at.move_to_end(who)
        if len(self._full_at) > MOST:
            self._full_at.popitem(last=False)

    def __len__(self) -> int:
        return len(self._full_at)


def one_caller(address: str) -> str:
    """What counts as one caller among addresses: one of IPv4, a network of IPv6, of which a home has one.

    >>> one_caller("203.0.113.9"), one_caller("2001:db8::1:2:3:4")
    ('203.0.113.9', '2001:db8::/64')
    """
    if ":" not in address:
        return address
    try:
        return str(ipaddress.ip_network((address.partition("%")[0], 64), strict=False))
    except ValueError:
        return address
