"""Time and ids."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.base.clock import from_rfc3339, new_id, now_ms, to_rfc3339

LAST = int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp() * 1000)


@given(st.integers(0, LAST))
def test_times_round_trip(at_ms):
    text = to_rfc3339(at_ms)
    assert text.endswith("Z")
    assert from_rfc3339(text) == at_ms


@pytest.mark.parametrize(
    ("at_ms", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1_795_216_620_000, "2026-11-20T23:17:00Z"),
        (1_795_216_620_007, "2026-11-20T23:17:00.007Z"),
        (1_795_216_620_100, "2026-11-20T23:17:00.100Z"),
    ],
)
def test_how_times_are_written(at_ms, text):
    assert to_rfc3339(at_ms) == text


def test_other_zones_and_none_are_read():
    assert from_rfc3339("2026-11-21T00:17:00+01:00") == 1_795_216_620_000
    assert from_rfc3339("2026-11-20T23:17:00") == 1_795_216_620_000


def test_now_is_utc():
    now = datetime.fromtimestamp(now_ms() / 1000, UTC)
    assert abs(datetime.now(UTC) - now) < timedelta(minutes=1)


def test_an_id_is_a_uuid_of_version_7():
    made = uuid.UUID(new_id())
    assert made.version == 7
    assert made.variant == uuid.RFC_4122


@given(st.integers(0, 2**48 - 1), st.integers(0, 2**48 - 1))
def test_ids_sort_by_their_time(one, other):
    first, second = new_id(one), new_id(other)
    assert len(first) == 32
    assert int(first[:12], 16) == one
    if one != other:
        assert (first < second) == (one < other)


def test_ids_differ():
    assert len({new_id(0) for _ in range(10_000)}) == 10_000
