"""Moments and durations between ISO 8601 text and integers of a unit, exactly, nanoseconds included."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

NANOSECONDS = {
    "D": 86_400_000_000_000, "h": 3_600_000_000_000, "m": 60_000_000_000, "s": 1_000_000_000,
    "ms": 1_000_000, "us": 1_000, "ns": 1,
}  # fmt: skip
"""Nanoseconds in one of each unit."""

_MOMENT = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})"
    r"(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?(Z|z|[+-]\d{2}:?\d{2}(?::\d{2}(?:\.\d+)?)?)?)?"
)
_DURATION = re.compile(
    r"(-)?P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:[.,](\d{1,9}))?S)?)?"
)
_DAY_ZERO = date(1970, 1, 1).toordinal()


def read_moment(text: str) -> tuple[int, bool] | None:
    """Nanoseconds since 1970 and whether the text named an offset (then they are UTC's); None if it is no moment.

    >>> read_moment("1970-01-01T00:00:01.000000001Z")
    (1000000001, True)
    """
    match = _MOMENT.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    try:
        days = date(int(year), int(month), int(day)).toordinal() - _DAY_ZERO
    except ValueError:
        return None
    clock = (int(hour or 0), int(minute or 0), int(second or 0))
    if clock[0] > 23 or clock[1] > 59 or clock[2] > 59:
        return None
    seconds = days * 86_400 + clock[0] * 3600 + clock[1] * 60 + clock[2]
    nanoseconds = seconds * 1_000_000_000 + int((fraction or "").ljust(9, "0") or 0)
    if offset is None:
        return nanoseconds, False
    shift = _offset(offset)
    return None if shift is None else (nanoseconds - shift * 1_000_000_000, True)


def _offset(text: str) -> int | None:
    if text in ("Z", "z"):
        return 0
    digits = text[1:].replace(":", "")
    hours, minutes = int(digits[:2]), int(digits[2:4])
    if len(digits) > 4 or hours > 23 or minutes > 59:
        return None
    return (hours * 3600 + minutes * 60) * (-1 if text[0] == "-" else 1)


def write_moment(value: int, unit: str, *, utc: bool = False) -> str | None:
    """ISO 8601 of integers of a unit since 1970; a bare date for days. None outside the years 1 to 9999.

    >>> write_moment(1_500, "ms")
    '1970-01-01T00:00:01.500'
    """
    seconds, nanoseconds = divmod(value * NANOSECONDS[unit], 1_000_000_000)
    try:
        moment = datetime(1970, 1, 1) + timedelta(seconds=seconds)
    except OverflowError:
        return None
    if unit == "D":
        return moment.date().isoformat()
    return moment.isoformat() + _fraction(nanoseconds) + ("Z" if utc else "")


def read_duration(text: str) -> int | None:
    """Nanoseconds of an ISO 8601 duration in weeks, days, hours, minutes and seconds; None if it is none.

    >>> read_duration("-P1DT0.5S")
    -86400500000000
    """
    match = _DURATION.fullmatch(text)
    if match is None or text[-1] in "PT":
        return None
    sign, *parts, fraction = match.groups()
    sizes = (604_800, 86_400, 3600, 60, 1)
    seconds = sum(int(part or 0) * size for part, size in zip(parts, sizes, strict=True))
    total = seconds * 1_000_000_000 + int((fraction or "").ljust(9, "0") or 0)
    return -total if sign else total


def write_duration(nanoseconds: int) -> str:
    """ISO 8601 of a duration, days counted as 24 hours.

    >>> write_duration(90_000_000_000)
    'PT1M30S'
    """
    sign = "-" if nanoseconds < 0 else ""
    seconds, fraction = divmod(abs(nanoseconds), 1_000_000_000)
    days, seconds = divmod(seconds, 86_400)
    hours, seconds = divmod(seconds, 3600)
    minutes, seconds = divmod(seconds, 60)
    clock = f"{hours}H" * bool(hours) + f"{minutes}M" * bool(minutes)
    if seconds or fraction or not (days or clock):
        clock += f"{seconds}{_fraction(fraction)}S"
    return f"{sign}P" + f"{days}D" * bool(days) + f"T{clock}" * bool(clock)


def _fraction(nanoseconds: int) -> str:
    """A fraction of a second in 3, 6 or 9 digits, as few as hold it."""
    if not nanoseconds:
        return ""
    digits = f"{nanoseconds:09d}"
    while digits.endswith("000"):
        digits = digits[:-3]
    return f".{digits}"


def timedelta_to_ns(value: timedelta) -> int:
    """Exactly, where ``total_seconds`` would round."""
    return ((value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds) * 1_000


def ns_to_datetime(nanoseconds: int, *, utc: bool) -> datetime:
    """A datetime of whole microseconds; `OverflowError` outside its years."""
    moment = datetime(1970, 1, 1) + timedelta(microseconds=nanoseconds // 1_000)
    return moment.replace(tzinfo=UTC) if utc else moment
