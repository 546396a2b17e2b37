"""Dates, times and durations of Python's own."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone

from modelyard.testing.types import Refused, TypeCase

EAST = timezone(timedelta(hours=5, minutes=30))

CASES = [
    TypeCase(
        "naive datetime",
        lambda: datetime(2026, 2, 28, 23, 59, 59, 1),
        {"type": "datetime", "aware": False},
        "2026-02-28T23:59:59.000001",
        also=("2026-02-28 23:59:59.000001",),
        refused=(
            Refused(
                "2026-02-28T23:59:59Z",
                "X: expected an ISO 8601 date and time without an offset, got the string '2026-02-28T23:59:59Z'",
                by_schema=False,
            ),
            Refused(
                "2026-02-30T00:00:00",
                "X: expected an ISO 8601 date and time, got the string '2026-02-30T00:00:00'",
                by_schema=False,
            ),
            Refused(
                "2026-02-28T23:59:59.000000001",
                "X: expected an ISO 8601 date and time, got the string '2026-02-28T23:59:59.000000001'",
                by_schema=False,
            ),
            Refused(1790000000, "X: expected an ISO 8601 date and time, got the number 1790000000"),
        ),
        not_native=(
            Refused(
                lambda: datetime(2026, 1, 1, tzinfo=UTC),
                "X: expected an ISO 8601 date and time without an offset, got 2026-01-01T00:00:00+00:00",
            ),
            Refused(
                lambda: date(2026, 1, 1),
                "X: expected an ISO 8601 date and time, got a datetime.date",
            ),
        ),
    ),
    TypeCase(
        "aware datetime",
        lambda: datetime(2026, 2, 28, 12, tzinfo=EAST),
        {"type": "datetime", "aware": True},
        "2026-02-28T12:00:00+05:30",
        also=("2026-02-28T06:30:00Z",),
        refused=(
            Refused(
                "2026-02-28T12:00:00",
                "X: expected an ISO 8601 date and time with an offset, got the string '2026-02-28T12:00:00'",
                by_schema=False,
            ),
        ),
    ),
    TypeCase(
        "date",
        lambda: date(1, 1, 1),
        {"type": "date"},
        "0001-01-01",
        refused=(
            Refused(
                "2026-13-01",
                "X: expected an ISO 8601 date, got the string '2026-13-01'",
                by_schema=False,
            ),
            Refused(20260101, "X: expected an ISO 8601 date, got the number 20260101"),
        ),
        not_native=(
            Refused(
                lambda: datetime(2026, 1, 1),
                "X: expected an ISO 8601 date, got a datetime.datetime",
            ),
        ),
    ),
    TypeCase(
        "time",
        lambda: time(23, 59, 59, 999_999, tzinfo=UTC),
        {"type": "time"},
        "23:59:59.999999+00:00",
        refused=(
            Refused(
                "25:00", "X: expected an ISO 8601 time, got the string '25:00'", by_schema=False
            ),
        ),
    ),
    TypeCase(
        "timedelta",
        lambda: timedelta(days=-1, microseconds=1),
        {"type": "timedelta"},
        "-PT23H59M59.999999S",
        refused=(
            Refused(
                "P1M", "X: expected an ISO 8601 duration, got the string 'P1M'", by_schema=False
            ),
            Refused("PT", "X: expected an ISO 8601 duration, got the string 'PT'", by_schema=False),
            Refused(60, "X: expected an ISO 8601 duration, got the number 60"),
        ),
    ),
    TypeCase("no duration", timedelta, {"type": "timedelta"}, "PT0S"),
    TypeCase(
        "longest duration",
        lambda: timedelta.max,
        {"type": "timedelta"},
        "P999999999DT23H59M59.999999S",
    ),
]
