"""The contract of a tracker, its part about other processes: what they told is carried out once, and the dead are seen.

A test module's class takes this beside `modelyard.testing.trackers.TrackerContract`.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from modelyard.base.clock import new_id
from modelyard.base.errors import (
    AlreadyExists,
    Conflict,
    FileMissing,
    InvalidInput,
    InvalidName,
    NotFound,
)
from modelyard.testing.tracker_bench import Bench
from modelyard.tracking.interface import Batch, Context, Input, Metric, ModelLink, Status
from modelyard.tracking.records import (
    FileAdded,
    ModelBegun,
    ModelEnded,
    ModelRegistered,
    Record,
    RunBegun,
    RunEnded,
    RunLogged,
)


class ReceivingContract:
    """Every tracker passes these."""

    @pytest.fixture
    def bench(self) -> Bench:
        """Around a tracker without runs; a subclass gives it."""
        raise NotImplementedError

    @pytest.fixture
    def put(self) -> Callable[[bytes], Any]:
        """Puts bytes where the tracker looks for files; a subclass gives it."""
        raise NotImplementedError

    def test_a_run_from_its_beginning_to_its_end(self, bench: Bench) -> None:
        run_id = new_id()
        batch = Batch(
            metrics=[
                Metric("loss", math.nan, 5, 1),
                Metric("loss", -0.0, 6, 2, Context("", "iris", "d1")),
            ],
            params={"depth": "3"},
            tags={"team": "a", "gone": None},
            inputs=[Input("iris", "d1", schema="{}", tags={"context": "training"})],
        )
        records: list[Record] = [
            RunBegun(run_id, "churn", "first", "ana", 1_000, {"gone": "x"}),
            RunLogged(run_id, batch),
            RunEnded(run_id, Status.FAILED, 9_000),
        ]
        assert bench.tracker.receive("s1", 0, list(enumerate(records, 1))) == 3
        assert bench.again().received("s1") == 3
        seen = bench.again().run(run_id)
        assert bench.again().experiment("churn").id == seen.experiment_id
        assert (seen.name, seen.user, seen.started_ms, seen.ended_ms) == (
            "first",
            "ana",
            1000,
            9000,
        )
        assert (seen.status, seen.params, seen.tags) == (
            Status.FAILED, {"depth": "3"}, {"team": "a"},
        )  # fmt: skip
        assert [one.name for one in seen.inputs] == ["iris"]
        told = bench.again().history(run_id, "loss").items
        assert (math.isnan(told[0].value), math.copysign(1, told[1].value)) == (True, -1)
        assert told[1].context == Context("", "iris", "d1")

    def test_it_happens_once_however_often_it_is_sent(self, bench: Bench) -> None:
        run_id = new_id()
        first: list[tuple[int, Record | None]] = [(1, RunBegun(run_id)), (2, _point(run_id, 1))]
        more: list[tuple[int, Record | None]] = [(3, _point(run_id, 2)), (5, _point(run_id, 3))]
        assert bench.tracker.receive("s", 0, first) == 2
        assert bench.again().receive("s", 0, first) == 2
        assert bench.again().receive("s", 0, [*first, *more]) == 2, "it goes on from where it is"
        assert bench.tracker.receive("s", 2, more) == 5
        assert bench.tracker.receive("s", 9, [(10, _point(run_id, 9))]) == 5, "a gap is not jumped"
        assert bench.tracker.receive("s", 5, []) == 5
        assert bench.tracker.received("never:heard-of") == 0
        assert _steps(bench, run_id) == [1, 2, 3]

    def test_all_who_send_at_once_send_it_once(self, bench: Bench) -> None:
        run_id = new_id()
        records: list[Record] = [RunBegun(run_id), *(_point(run_id, n) for n in range(1, 30))]

        def send(size: int) -> None:
            tracker = bench.again()
            at = tracker.received("s")
            while at < len(records):
                part = list(enumerate(records, 1))[at : at + size]
                at = tracker.receive("s", at, part)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(send, (1, 2, 3, 5)))
        assert _steps(bench, run_id) == list(range(1, 30))

    def test_what_is_refused_leaves_nothing(self, bench: Bench) -> None:
        run_id = new_id()
        bench.tracker.receive("s", 0, [(1, RunBegun(run_id)), (2, _param(run_id, "a", "1"))])
        with pytest.raises(Conflict, match="param 'a' is '1' already"):
            bench.tracker.receive("s", 2, [(3, _point(run_id, 1)), (4, _param(run_id, "a", "2"))])
        assert bench.tracker.received("s") == 2
        assert bench.tracker.receive("s", 2, [(3, _point(run_id, 1)), (4, None)]) == 4
        assert bench.tracker.receive("s", 4, [(5, _param(run_id, "b", "2"))]) == 5
        assert (bench.again().run(run_id).params, _steps(bench, run_id)) == (
            {"a": "1", "b": "2"}, [1],
        )  # fmt: skip

    def test_what_is_no_record_is_refused(self, bench: Bench) -> None:
        run_id, model_id = new_id(), f"m-{new_id()}"
        refused: list[tuple[Record, type[Exception], str]] = [
            (RunBegun("../x"), InvalidInput, "not a run's id"),
            (RunBegun(run_id, tags={"../x": "1"}), InvalidName, "reads as a path"),
            (RunBegun(run_id, ""), InvalidName, "is empty"),
            (RunBegun(run_id, 77), NotFound, "no experiment with id 77"),
            (RunLogged(run_id, Batch(params={"": "1"})), InvalidName, "is empty"),
            (_point(run_id, 1), NotFound, "no run with id"),
            (RunEnded(run_id), NotFound, "no run with id"),
            (FileAdded("run:x", "a", "0" * 64, 1), InvalidInput, "not a run's id"),
            (FileAdded("version:1", "a", "0" * 64, 1), InvalidInput, "cannot own files"),
            (FileAdded(f"run:{run_id}", "../a", "0" * 64, 1), InvalidInput, "refused"),
            (FileAdded(f"run:{run_id}", "a", "0" * 64, 1), FileMissing, "no blob sha256:00"),
            (ModelBegun("m-x"), InvalidInput, "not the id of a logged model"),
            (ModelBegun(model_id, run_id), NotFound, "no run with id"),
            (ModelEnded(model_id), NotFound, "no logged model"),
        ]
        for record, error, text in refused:
            with pytest.raises(error, match=text):
                bench.tracker.receive("s", 0, [(1, record)])
        with pytest.raises(InvalidInput, match="numbers rise"):
            bench.tracker.receive("s", 0, [(2, None), (2, None)])
        with pytest.raises(InvalidInput, match="not a spool's id"):
            bench.tracker.receive("a\nb", 0, [])
        assert bench.tracker.received("s") == 0

    def test_who_tells_first_does_not_matter(self, bench: Bench) -> None:
        """A worker's spool may be sent before that of the process that began the run."""
        parent, run_id = new_id(), new_id()
        bench.tracker.receive(
            "worker", 0,
            [(1, RunBegun(run_id, "x", resumed=True)), (2, _point(run_id, 1))],
        )  # fmt: skip
        begun = RunBegun(run_id, "mine", "named", "ana", 500, {"a": "1"}, parent)
        bench.tracker.receive("main", 0, [(1, begun), (2, _point(run_id, 2))])
        bench.tracker.receive("other", 0, [(1, RunBegun(parent, "mine", "parent"))])
        seen = bench.again().run(run_id)
        assert (seen.name, seen.user, seen.started_ms, seen.tags) == (
            "named", "ana", 500, {"a": "1"},
        )  # fmt: skip
        assert seen.experiment_id == bench.tracker.experiment("mine").id
        assert seen.parent_run_id == parent
        assert bench.again().run(parent).name == "parent"
        assert _steps(bench, run_id) == [1, 2]

    def test_a_run_goes_on(self, bench: Bench) -> None:
        run = bench.tracker.create_run(0, name="old")
        bench.tracker.update_run(run.run_id, status=Status.FINISHED)
        again = RunBegun(run.run_id, resumed=True, tags={"a": "1"})
        bench.tracker.receive("s", 0, [(1, again), (2, _point(run.run_id, 1))])
        seen = bench.again().run(run.run_id)
        assert (seen.status, seen.ended_ms, seen.name, seen.tags) == (
            Status.RUNNING, None, "old", {"a": "1"},
        )  # fmt: skip
        bench.tracker.delete_runs([run.run_id])
        with pytest.raises(Conflict, match="is deleted"):
            bench.tracker.receive("s", 2, [(3, _point(run.run_id, 2))])

    def test_files_and_models(self, bench: Bench, put: Callable[[bytes], Any]) -> None:
        run_id, model_id = new_id(), f"m-{new_id()}"
        put(b"weights")
        digest = hashlib.sha256(b"weights").hexdigest()
        with pytest.raises(FileMissing, match="of 8 bytes"):
            bench.tracker.receive("s", 0, [(1, FileAdded(f"run:{run_id}", "a", digest, 8))])
        records: list[Record] = [
            RunBegun(run_id, "mine"),
            FileAdded(f"run:{run_id}", "notes/a.bin", digest, 7),
            ModelBegun(model_id, run_id, name="net", type="agent", at_ms=5, params={"p": "1"}),
            FileAdded(f"model:{model_id}", "net", digest, 7),
            ModelEnded(model_id),
            ModelRegistered(model_id, "churn", run_id),
            RunLogged(run_id, Batch(model_outputs=[ModelLink(model_id, 3)])),
        ]
        assert bench.tracker.receive("s", 0, list(enumerate(records, 1))) == len(records)
        model = bench.again().model(model_id)
        assert (model.name, model.type, model.run_id, model.status) == (
            "net", "agent", run_id, "READY",
        )  # fmt: skip
        assert model.created_ms == 5
        assert model.experiment_id == bench.tracker.experiment("mine").id
        assert [m.model_id for m in bench.again().run(run_id).model_outputs] == [model_id]
        with pytest.raises(AlreadyExists, match="logged model"):
            bench.tracker.receive("t", 0, [(1, ModelBegun(model_id))])

    # The dead are seen (P9)

    def test_a_run_that_falls_silent_is_lost(self, bench: Bench) -> None:
        silent, alive, quiet = (bench.tracker.create_run(0).run_id for _ in range(3))
        bench.tracker.beat([silent], 1e-6)
        bench.tracker.beat([alive], 3600)
        assert bench.again().run(silent).status is Status.LOST
        assert bench.again().run(alive).status is Status.RUNNING
        assert bench.again().run(quiet).status is Status.RUNNING, "it never sent a heartbeat"
        bench.tracker.beat([silent, new_id()], 3600)
        assert bench.again().run(silent).status is Status.RUNNING, "it was heard of again"
        bench.tracker.update_run(silent, status=Status.KILLED)
        bench.tracker.beat([silent], 1e-6)
        assert bench.again().run(silent).status is Status.KILLED, "the end is the end"


def _point(run_id: str, step: int) -> Record:
    return RunLogged(run_id, Batch(metrics=[Metric("m", float(step), step, step)]))


def _param(run_id: str, key: str, value: str) -> Record:
    return RunLogged(run_id, Batch(params={key: value}))


def _steps(bench: Bench, run_id: str) -> list[int]:
    return [point.step for point in bench.again().history(run_id, "m").items]
