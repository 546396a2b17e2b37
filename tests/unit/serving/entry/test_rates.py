"""How often one caller may ask."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.base.errors import Overloaded
from modelyard.serving.entry import rates as rates_module
from modelyard.serving.entry.rates import Rates, one_caller


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_then_the_rate_and_a_time_to_come_back() -> None:
    clock = Clock()
    rates = Rates(2.0, 3, clock=clock)
    for _ in range(3):
        rates.take("a")
    with pytest.raises(Overloaded, match="more than 2 requests a second") as refused:
        rates.take("a")
    assert refused.value.details["retry_after"] == 1
    rates.take("b")
    clock.now += 0.5
    rates.take("a")
    with pytest.raises(Overloaded):
        rates.take("a")


def test_slow_rates_name_the_seconds() -> None:
    clock = Clock()
    rates = Rates(0.1, clock=clock)
    rates.take("a")
    with pytest.raises(Overloaded) as refused:
        rates.take("a")
    assert refused.value.details["retry_after"] == 10
    clock.now += 10
    rates.take("a")


@given(st.floats(0.5, 50), st.integers(1, 20), st.lists(st.floats(0, 2), min_size=1, max_size=60))
def test_never_more_than_the_rate_and_the_burst(
    rate: float, burst: int, pauses: list[float]
) -> None:
    clock = Clock()
    rates = Rates(rate, burst, clock=clock)
    taken: list[float] = []
    for pause in pauses:
        clock.now += pause / rate
        try:
            rates.take("a")
            taken.append(clock.now)
        except Overloaded:
            pass
    for i, first in enumerate(taken):
        for j in range(i, len(taken)):
            assert j - i + 1 <= burst + (taken[j] - first) * rate + 1e-6


def test_memory_is_bounded_however_many_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates_module, "MOST", 100)
    rates = Rates(1.0)
    for n in range(1000):
        rates.take(f"10.0.{n // 250}.{n % 250}")
    assert len(rates) == 100


def test_a_home_of_ipv6_is_one_caller() -> None:
    assert one_caller("2001:db8:1:2:3::4") == one_caller("2001:db8:1:2:ffff::1")
    assert one_caller("2001:db8:1:3::1") != one_caller("2001:db8:1:2::1")
    assert one_caller("fe80::1%eth0") == "fe80::/64"
    assert one_caller("no: address") == "no: address"
