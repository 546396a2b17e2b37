"""The live feed: nothing is lost, whatever order a database shows it in."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx2
from hypothesis import given
from hypothesis import strategies as st

from hub_cases.server import client as client_of
from hub_cases.server import hub
from modelyard.base.events import Event, Kind
from modelyard.hub.stream import GAP_SECONDS, Follower, Watch
from modelyard.tracking.changes import Change


def event(seq: int) -> Event:
    return Event(seq, 0, "ana", "", Kind.MODEL_CREATED, "model:x", {}, {})


def numbers(events: list[Event]) -> list[int]:
    return [e.seq for e in events]


def test_a_follower_tells_each_event_once() -> None:
    follower = Follower(3)
    assert numbers(follower.take([event(4), event(5)], 0)) == [4, 5]
    assert follower.take([event(4), event(5)], 1) == []
    assert follower.settled == 5


def test_a_number_that_comes_late_is_told() -> None:
    follower = Follower(0)
    assert numbers(follower.take([event(1), event(3)], 0)) == [1, 3]
    assert follower.settled == 1
    assert numbers(follower.take([event(2), event(3)], 1)) == [2]
    assert follower.settled == 3


def test_a_number_that_never_comes_is_waited_for_and_then_passed() -> None:
    follower = Follower(0)
    follower.take([event(2)], 0)
    follower.take([event(2)], GAP_SECONDS - 1)
    assert follower.settled == 0
    follower.take([event(2)], GAP_SECONDS + 1)
    assert follower.settled == 2


@given(st.permutations(range(1, 20)), st.sets(st.integers(1, 19)))
def test_in_any_order_all_are_told_once(order: list[int], rolled_back: set[int]) -> None:
    """Numbers become visible one by one; those of transactions that were undone never do."""
    follower, visible, told = Follower(0), set(), []
    for seq in order:
        if seq not in rolled_back:
            visible.add(seq)
        page = [event(n) for n in sorted(visible) if n > follower.settled]
        told += numbers(follower.take(page, 0))
    assert sorted(told) == sorted(set(range(1, 20)) - rolled_back)


def events_of(lines: Iterator[str]) -> Iterator[tuple[int, str, dict]]:
    found: dict[str, str] = {}
    for line in lines:
        if not line and "data" in found:
            yield int(found.get("id", 0)), found["event"], json.loads(found["data"])
            found = {}
        elif ": " in line and not line.startswith(":"):
            key, _, value = line.partition(": ")
            found[key] = value


def test_what_happens_is_told_while_it_happens_and_a_lost_listener_goes_on(tmp_path) -> None:
    """Two hubs on one yard: what is done through one is heard at the other."""
    with (
        hub(cwd=tmp_path) as one,
        hub(cwd=tmp_path) as other,
        client_of(one) as here,
        client_of(other) as there,
    ):
        here.post("/api/v1/models", json={"name": "before"})
        with there.stream("GET", "/api/v1/events/stream") as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            lines = stream.iter_lines()
            assert next(lines) == "retry: 2000"
            here.post("/api/v1/models", json={"name": "first"})
            here.post("/api/v1/models", json={"name": "second"})
            heard = events_of(lines)
            last, kind, told = next(heard)
            assert (kind, told["subject"]) == ("model.created", "model:first")
        here.post("/api/v1/models", json={"name": "third"})
        headers = {"Last-Event-ID": str(last)}
        with there.stream("GET", "/api/v1/events/stream", headers=headers) as stream:
            heard = events_of(stream.iter_lines())
            subjects = [next(heard)[2]["subject"] for _ in range(2)]
        assert subjects == ["model:second", "model:third"]
        wrong = there.get("/api/v1/events/stream", headers={"Last-Event-ID": "x"})
        assert wrong.status_code == 400


def test_a_stream_does_not_hold_up_the_end(tmp_path) -> None:
    with hub(cwd=tmp_path) as running, client_of(running) as client:
        with client.stream("GET", "/api/v1/events/stream") as stream:
            lines = stream.iter_lines()
            assert next(lines) == "retry: 2000"
            running.process.terminate()
            try:
                assert list(lines) in (["", ""], [""], [])
            except httpx2.RemoteProtocolError as error:  # pragma: no cover - says what went wrong
                raise AssertionError("the stream was cut, not ended") from error
        assert running.process.wait(10) == 0


def test_runs_that_change_are_told_to_who_watches_their_experiment(tmp_path) -> None:
    with hub(cwd=tmp_path) as running, client_of(running) as client, client_of(running) as other:
        mine = client.post("/api/v1/experiments", json={"name": "mine"}).json()["id"]
        watching = {"experiment": [mine]}
        with other.stream("GET", "/api/v1/events/stream", params=watching) as stream:
            lines = stream.iter_lines()
            assert next(lines) == "retry: 2000"
            client.post("/api/v1/runs", json={"experiment_id": 0})
            run = client.post("/api/v1/runs", json={"experiment_id": mine}).json()["run_id"]
            heard = events_of(lines)
            _, kind, told = next(heard)
            assert (kind, told["run_id"], told["status"]) == ("run.changed", run, "RUNNING")
            client.patch(f"/api/v1/runs/{run}", json={"status": "FINISHED"})
            _, kind, told = next(heard)
            assert (kind, told["run_id"], told["status"]) == ("run.changed", run, "FINISHED")


def test_a_change_is_told_once_though_it_is_looked_at_again() -> None:
    first, second = (Change("r", 0, "RUNNING", at, False) for at in (10_000, 10_001))
    watch = Watch(9_000)
    assert watch.take([first]) == [first]
    assert watch.take([first, second]) == [second]
    late = Change("s", 0, "RUNNING", 9_999, False)  # another hub's clock is behind
    assert watch.since_ms <= late.changed_ms
    assert watch.take([late, first, second]) == [late]
