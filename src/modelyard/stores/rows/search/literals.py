"""What people write for times and durations."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime

from modelyard.base.filters import Value

_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_LENGTH = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|[smhdw])\s*)+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdw])")


def moment(value: Value) -> float | None:
    """Milliseconds since 1970 of a number of them, or of a time as RFC 3339 writes it (UTC when it says no zone).

    >>> moment("2026-01-31T12:00:00Z"), moment(5)
    (1769860800000.0, 5)
    """
    if not isinstance(value, str):
        return None if isinstance(value, bool) else value
    try:
        found = datetime.fromisoformat(value.strip())
        found = found if found.tzinfo else found.replace(tzinfo=UTC)
        return float((found - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000)
    except (ValueError, OverflowError):
        return whole(value)


def length(value: Value) -> float | None:
    """Milliseconds of a number of them, or of a text such as ``90s``, ``5m`` or ``1h30m``.

    >>> length("1h30m"), length(250), length("soon")
    (5400000.0, 250, None)
    """
    if not isinstance(value, str):
        return None if isinstance(value, bool) else value
    if len(value) > 40 or not _LENGTH.fullmatch(value.strip()):
        return whole(value)
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(value))


def whole(value: Value) -> float | None:
    """A number, or a text that is an integer.

    >>> whole("12"), whole(1.5), whole("x")
    (12, 1.5, None)
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        short = len(value) < 20 and value.isascii()
        return (
            int(value) if short and value.lstrip("-").isdigit() and value.count("-") < 2 else None
        )
    return value if not isinstance(value, float) or not math.isnan(value) else None
