"""Time and ids: int64 milliseconds UTC inside, RFC 3339 with ``Z`` outside, UUIDv7 for what needs a name of its own."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta

from modelyard.base.errors import InvalidInput

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


def now_ms() -> int:
    """Milliseconds since 1970, UTC."""
    return time.time_ns() // 1_000_000


def to_rfc3339(at_ms: int) -> str:
    """As cards and REST write it; milliseconds only where there are some.

    >>> to_rfc3339(1_795_216_620_000)
    '2026-11-20T23:17:00Z'
    """
    text = (_EPOCH + at_ms * _MS).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00").removesuffix(".000") + "Z"


def from_rfc3339(text: str) -> int:
    """Milliseconds of an RFC 3339 time; one without a zone is UTC. Any other text is `InvalidInput`.

    >>> from_rfc3339("2026-11-20T23:17:00Z")
    1795216620000
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(
            f"{text!r} is not a time", hint="as in 2026-11-20T12:00:00Z, or 2026-11-20"
        ) from error
    since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH
    return (since + _MS / 2) // _MS  # integers all the way: floats lose milliseconds after 2248


def new_id(at_ms: int | None = None) -> str:
    """A UUIDv7 as 32 hex digits: 48 bits of time, then 74 random bits (RFC 9562)."""
    at = now_ms() if at_ms is None else at_ms
    random = int.from_bytes(os.urandom(10), "big")
    value = (at & (1 << 48) - 1) << 80 | 0x7 << 76 | (random >> 68 & 0xFFF) << 64
    return f"{value | 0b10 << 62 | random & (1 << 62) - 1:032x}"


_UNITS_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


def duration_ms(text: str) -> int:
    """A length of time in milliseconds; a bare number is seconds.

    >>> duration_ms("24h"), duration_ms("90"), duration_ms("0")
    (86400000, 90000, 0)
    """
    number = text.rstrip("msdhw")
    unit = _UNITS_MS.get(text[len(number) :] or "s")
    if unit is None or not number.isascii() or not number.isdecimal() or len(number) > 9:
        raise InvalidInput(f"{text!r} is not a length of time", hint="as in 24h, 30m, 7d or 0")
    return int(number) * unit
