"""The contract of a tracker, as tests: what `modelyard.tracking.interface` promises, over any implementation.

A test module subclasses `TrackerContract` and gives the fixture ``bench``: a tracker without runs, and a way to open
the same one again. What was written is read through the second handle.
"""

from __future__ import annotations

import math
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from modelyard.base.errors import (
    AlreadyExists,
    Conflict,
    InvalidInput,
    InvalidName,
    ModelyardError,
    NotFound,
    TooLarge,
)
from modelyard.testing.tracker_bench import EDGES, ODD_FLOATS, ODD_TEXTS, Bench, points
from modelyard.tracking.interface import (
    MAX_TEXT,
    Batch,
    Columns,
    Context,
    Input,
    Metric,
    ModelLink,
    Status,
)


class TrackerContract:
    """Every tracker passes these."""

    @pytest.fixture
    def bench(self) -> Bench:
        """Around a tracker without runs; a subclass gives it."""
        raise NotImplementedError

    # Experiments

    def test_the_default_experiment_is_there(self, bench: Bench) -> None:
        assert bench.tracker.experiment(0).name == "Default"
        assert bench.tracker.experiment("Default").id == 0
        with pytest.raises(InvalidInput, match="Default cannot be deleted"):
            bench.tracker.delete_experiment(0)

    def test_an_experiment_and_its_tags(self, bench: Bench) -> None:
        made = bench.tracker.create_experiment(
            "é x", tags={"team": "a"}, artifact_location="s3://b"
        )
        bench.tracker.update_experiment(made.id, name="other", tags={"team": None, "b": "2"})
        seen = bench.again().experiment(made.id)
        assert (seen.name, seen.tags, seen.artifact_location) == ("other", {"b": "2"}, "s3://b")
        assert bench.again().experiment("other") == seen
        with pytest.raises(NotFound, match="no experiment named 'é x'"):
            bench.tracker.experiment("é x")

    def test_a_name_is_taken_once(self, bench: Bench) -> None:
        made = bench.tracker.create_experiment("taken")
        with pytest.raises(AlreadyExists, match="'taken' already"):
            bench.tracker.create_experiment("taken")
        bench.tracker.delete_experiment(made.id)
        with pytest.raises(AlreadyExists, match="already, deleted"):
            bench.tracker.create_experiment("taken")
        other = bench.tracker.create_experiment("other")
        with pytest.raises(AlreadyExists, match="'taken' already"):
            bench.tracker.update_experiment(other.id, name="taken")
        assert bench.tracker.create_experiment("Taken").id != made.id

    def test_an_experiment_has_the_id_that_is_asked_for_when_it_is_free(self, bench: Bench) -> None:
        first = bench.tracker.create_experiment("first").id
        kept = bench.tracker.create_experiment("kept", experiment_id=first + 2)
        assert kept.id == first + 2
        with pytest.raises(AlreadyExists, match=f"with id {kept.id} already"):
            bench.tracker.create_experiment("late", experiment_id=kept.id)
        others = {bench.tracker.create_experiment(f"next {n}").id for n in range(4)}
        assert len(others | {first, kept.id}) == 6

    def test_all_who_ensure_an_experiment_at_once_get_the_same(self, bench: Bench) -> None:
        """P3."""
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda _: bench.again().ensure_experiment("x").id, range(16)))
        assert len(set(found)) == 1

    def test_runs_go_and_come_back_with_their_experiment(self, bench: Bench) -> None:
        home = bench.tracker.create_experiment("home").id
        first, second = (bench.tracker.create_run(home).run_id for _ in range(2))
        bench.tracker.delete_runs([first])
        bench.tracker.delete_experiment(home)
        assert bench.seen(second).deleted_ms is not None
        with pytest.raises(Conflict, match="'home' is deleted"):
            bench.tracker.create_run(home)
        bench.tracker.restore_experiment(home)
        assert bench.seen(second).deleted_ms is None
        assert bench.seen(first).deleted_ms is not None

    @pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 501, "\u202e"])
    def test_an_experiment_has_a_visible_name(self, bench: Bench, name: str) -> None:
        with pytest.raises(InvalidName, match="experiment name"):
            bench.tracker.create_experiment(name)

    # Runs

    def test_a_run_from_its_start_to_its_end(self, bench: Bench) -> None:
        parent = bench.tracker.create_run(0, name="parent")
        made = bench.tracker.create_run(
            0, name="n", user="ana", started_ms=1000, tags={"a": "b"}, parent_run_id=parent.run_id
        )
        assert bench.seen(made.run_id) == made
        assert (made.status, made.user, made.tags) == (Status.RUNNING, "ana", {"a": "b"})
        assert (made.parent_run_id, made.duration_ms) == (parent.run_id, None)
        bench.tracker.update_run(made.run_id, status=Status.FINISHED, ended_ms=3500, name="m")
        seen = bench.seen(made.run_id)
        assert (seen.status, seen.ended_ms, seen.duration_ms, seen.name) == (
            "FINISHED",
            3500,
            2500,
            "m",
        )
        bench.tracker.update_run(made.run_id, status=Status.RUNNING)
        assert bench.seen(made.run_id).ended_ms is None

    def test_a_run_without_a_name_gets_one(self, bench: Bench) -> None:
        assert bench.tracker.create_run(0).name.count("-") == 2

    def test_a_run_is_made_once_under_a_key(self, bench: Bench) -> None:
        """P6."""
        first = bench.tracker.create_run(0, once="key-1")
        assert bench.again().create_run(0, once="key-1").run_id == first.run_id
        assert bench.again().create_run(0, once="key-2").run_id != first.run_id

    def test_a_client_may_choose_the_id(self, bench: Bench) -> None:
        run_id = "0123456789abcdef" * 2
        assert bench.tracker.create_run(0, run_id=run_id).run_id == run_id
        with pytest.raises(AlreadyExists, match=run_id):
            bench.tracker.create_run(0, run_id=run_id)
        with pytest.raises(InvalidInput, match="not a run's id"):
            bench.tracker.create_run(0, run_id="../x")

    def test_what_is_not_there_is_not_found(self, bench: Bench) -> None:
        nobody = "f" * 32
        with pytest.raises(NotFound, match="no run with id"):
            bench.tracker.run(nobody)
        with pytest.raises(NotFound, match="no run with id"):
            bench.tracker.write(nobody, Batch(tags={"a": "b"}))
        with pytest.raises(NotFound, match="no experiment with id 77"):
            bench.tracker.create_run(77)
        with pytest.raises(NotFound, match="no logged model"):
            bench.tracker.model(f"m-{nobody}")

    # What runs log

    def test_params_are_written_once(self, bench: Bench) -> None:
        run = bench.run(params={"depth": "3"})
        bench.tracker.write(run, Batch(params={"depth": "3", "more": ""}))
        with pytest.raises(Conflict, match="'depth' is '3' already and cannot become '4'"):
            bench.tracker.write(run, Batch(params={"new": "1", "depth": "4"}, tags={"t": "1"}))
        seen = bench.seen(run)
        assert (seen.params, seen.tags) == ({"depth": "3", "more": ""}, {})

    def test_tags_are_what_they_were_set_to_last(self, bench: Bench) -> None:
        run = bench.run(tags={"a": "1", "b": "1"})
        bench.tracker.write(run, Batch(tags={"a": "2", "b": None, "never": None}))
        assert bench.seen(run).tags == {"a": "2"}

    def test_values_come_back_exactly(self, bench: Bench) -> None:
        """P14."""
        texts = {f"k{i}": text for i, text in enumerate(ODD_TEXTS)}
        metrics = [
            Metric(f"m{i}", value, EDGES[i % 4], EDGES[-i % 4])
            for i, value in enumerate(ODD_FLOATS)
        ]
        run = bench.run(*metrics, params=texts, tags=dict(texts))
        seen = bench.seen(run)
        assert (seen.params, seen.tags) == (texts, texts)
        assert points(seen.metrics) == points(metrics)
        for metric in metrics:
            assert points(bench.history(run, metric.key)) == points([metric])

    def test_what_cannot_be_kept_is_refused_whole(self, bench: Bench) -> None:
        run = bench.run(params={"p": "1"})
        bad = [
            Batch(metrics=[Metric("ok", 1, 1), Metric("m", 1, 2**63)]),
            Batch(metrics=[Metric("m", 1, 1, step=-(2**63) - 1)]),
            Batch(metrics=[Metric("m", 1.0, 1, step=1.5)]),  # type: ignore[arg-type]
            Batch(metrics=[Metric("m", "1", 1)]),  # type: ignore[arg-type]
            Batch(tags={"ok": "1", "a\0b": "1"}),
            Batch(tags={"ok": "1", "a": "\ud800"}),
            Batch(params={"ok": "1", "../x": "1"}),
            Batch(params={"ok": "1", "k" * 251: "1"}),
        ]
        for batch in bad:
            with pytest.raises((InvalidInput, InvalidName)):
                bench.tracker.write(run, batch)
        with pytest.raises(TooLarge, match="are kept"):
            bench.tracker.write(run, Batch(params={"long": "x" * (MAX_TEXT + 1)}))
        seen = bench.seen(run)
        assert (list(seen.metrics), seen.params, seen.tags) == ([], {"p": "1"}, {})

    def test_the_latest_point_is_of_the_greatest_step_then_time_then_value(
        self, bench: Bench
    ) -> None:
        run = bench.run(Metric("m", 5, 10, 2), Metric("m", 9, 99, 1), Metric("m", 4, 10, 2))
        assert points(bench.seen(run).metrics) == points([Metric("m", 5, 10, 2)])
        bench.tracker.write(run, Batch(metrics=[Metric("m", 100, 1000, 1)]))
        assert points(bench.seen(run).metrics) == points([Metric("m", 5, 10, 2)])
        bench.tracker.write(run, Batch(metrics=[Metric("m", 6, 10, 2)]))
        assert points(bench.seen(run).metrics) == points([Metric("m", 6, 10, 2)])

    def test_a_history_of_many_small_and_large_writes_is_whole(self, bench: Bench) -> None:
        run, logged = bench.run(), list[Metric]()
        for number in range(150):
            size = 1500 if number % 40 == 20 else 1 + number % 3
            batch = [Metric("m", len(logged) + i, 7, len(logged) + i) for i in range(size)]
            bench.tracker.write(run, Batch(metrics=batch))
            logged += batch
        assert points(bench.history(run, "m")) == points(logged)
        assert points(bench.seen(run).metrics) == points(logged[-1:])
        curve = bench.again().curve(run, "m", buckets=50)
        assert len(curve) <= 50
        assert sum(bucket.count for bucket in curve) == len(logged)
        assert (curve[0].low, curve[-1].high) == (0, len(logged) - 1)
        part = bench.again().curve(run, "m", buckets=5000, first_step=10, last_step=30)
        assert min(b.first_step for b in part) <= 10
        assert max(b.last_step for b in part) >= 30

    def test_a_point_that_comes_twice_is_there_once(self, bench: Bench) -> None:
        again = [Metric("m", math.nan, 1, 1), Metric("m", 2, 2, 2)]
        run = bench.run(*again)
        bench.tracker.write(run, Batch(metrics=again))
        assert points(bench.history(run, "m")) == points(again)

    def test_a_batch_under_a_key_is_written_once(self, bench: Bench) -> None:
        """P6."""
        run = bench.run()
        batch = Batch(metrics=[Metric("m", 1, 1)], tags={"a": "1"})
        bench.tracker.write(run, batch, once="one")
        bench.tracker.write(run, Batch(tags={"a": "2"}))
        bench.tracker.write(run, batch, once="one")
        assert bench.seen(run).tags == {"a": "2"}

    def test_a_metric_may_be_of_a_model_and_a_data_set(self, bench: Bench) -> None:
        model = bench.tracker.create_model(0, name="m")
        of = Context(model.model_id, "iris", "abc")
        run = bench.run(Metric("acc", 0.5, 1, 1), Metric("acc", 0.75, 2, 2, of))
        assert bench.seen(run).metrics == [Metric("acc", 0.75, 2, 2, of)]
        assert bench.again().model(model.model_id).metrics == [(run, Metric("acc", 0.75, 2, 2, of))]
        bench.tracker.write(run, Batch(metrics=[Metric("acc", 0.25, 3, 3)]))
        assert bench.seen(run).metrics == [Metric("acc", 0.25, 3, 3)]
        assert bench.again().history(run, "acc", context=of).items == [
            Metric("acc", 0.75, 2, 2, of)
        ]
        assert len(bench.history(run, "acc")) == 3
        for context, values in ((of, [0.75]), (Context(), [0.5, 0.25]), (None, [0.5, 0.25])):
            assert [b.low for b in bench.again().curve(run, "acc", context=context)] == values
        assert bench.again().curve(run, "acc", context=Context("", "wine", "abc")) == []

    def test_only_the_columns_that_are_asked_for_are_read(self, bench: Bench) -> None:
        run = bench.run(Metric("a", 1, 1), Metric("b", 2, 1), params={"p": "1"}, tags={"t": "1"})
        seen = bench.again().run(run, Columns(metrics=["b", "no"], params=[], inputs=False))
        assert [m.key for m in seen.metrics] == ["b"]
        assert (seen.params, seen.tags) == ({}, {"t": "1"})

    def test_inputs_and_models(self, bench: Bench) -> None:
        model = bench.tracker.create_model(0, name="m").model_id
        data = Input("iris", "d1", "local", "there", "{}", "{}", {"use": "training"})
        run = bench.run(inputs=[data], model_outputs=[ModelLink(model, 3)])
        bench.tracker.write(run, Batch(inputs=[data], model_inputs=[ModelLink(model)]))
        seen = bench.seen(run)
        assert list(seen.inputs) == [data]
        assert list(seen.model_outputs) == [ModelLink(model, 3)]
        assert list(seen.model_inputs) == [ModelLink(model, 0)]
        with pytest.raises(NotFound, match="no logged model"):
            bench.tracker.write(run, Batch(model_inputs=[ModelLink("m-" + "0" * 32)]))

    def test_many_write_to_one_run_at_once(self, bench: Bench) -> None:
        run, failures = bench.run(), list[ModelyardError]()

        def write(writer: int) -> None:
            tracker = bench.again()
            try:
                for number in range(20):
                    tag = {f"w{writer}": str(number)}
                    metric = Metric("m", number, writer, number)
                    tracker.write(run, Batch(metrics=[metric], tags=dict(tag)))
            except ModelyardError as error:
                failures.append(error)

        writers = [threading.Thread(target=write, args=[n]) for n in range(4)]
        for thread in writers:
            thread.start()
        for thread in writers:
            thread.join()
        assert failures == []
        assert len(bench.history(run, "m")) == 80
        assert bench.seen(run).tags == {f"w{n}": "19" for n in range(4)}

    # Deleted, moved, copied

    def test_a_deleted_run_is_restored_or_purged(self, bench: Bench) -> None:
        run = bench.run(Metric("m", 1, 1), params={"p": "1"})
        with pytest.raises(Conflict, match="is not deleted"):
            bench.tracker.purge_runs([run])
        bench.tracker.delete_runs([run, run])
        with pytest.raises(Conflict, match="is deleted"):
            bench.tracker.write(run, Batch(tags={"a": "b"}))
        bench.tracker.restore_runs([run])
        assert bench.seen(run).params == {"p": "1"}
        bench.tracker.delete_runs([run])
        bench.tracker.purge_runs([run])
        with pytest.raises(NotFound, match="no run with id"):
            bench.tracker.run(run)

    def test_tags_of_many_runs_at_once(self, bench: Bench) -> None:
        mine = [bench.run(tags={"a": "1", "b": "1"}) for _ in range(3)]
        bench.tracker.tag_runs(mine[:2], {"a": None, "c": "2"})
        assert [bench.seen(run).tags for run in mine] == [{"b": "1", "c": "2"}] * 2 + [
            {"a": "1", "b": "1"}
        ]
        with pytest.raises(NotFound, match="no run with id"):
            bench.tracker.tag_runs([mine[2], "f" * 32], {"c": "2"})
        assert bench.seen(mine[2]).tags == {"a": "1", "b": "1"}

    def test_what_was_deleted_long_ago_goes_for_good(self, bench: Bench) -> None:
        home = bench.tracker.create_experiment("old").id
        gone = [bench.tracker.create_run(home).run_id for _ in range(60)]
        kept = bench.run(Metric("m", 1, 1))
        model = bench.tracker.create_model(0, name="m").model_id
        bench.tracker.delete_experiment(home)
        bench.tracker.delete_model(model)
        assert bench.tracker.purge_deleted(before_ms=1000) == 0
        assert bench.tracker.purge_deleted(before_ms=2**62) == 62
        assert bench.tracker.create_experiment("old").id != home
        with pytest.raises(NotFound):
            bench.tracker.run(gone[0])
        with pytest.raises(NotFound):
            bench.tracker.model(model, deleted=True)
        assert bench.seen(kept).deleted_ms is None

    def test_a_run_moves_with_all_it_logged(self, bench: Bench) -> None:
        run = bench.run(Metric("m", 1, 1), params={"p": "1"}, inputs=[Input("iris", "d1")])
        before, home = bench.seen(run), bench.tracker.create_experiment("new home").id
        bench.tracker.move_runs([run], home)
        after = bench.seen(run)
        assert after.experiment_id == home
        assert (after.metrics, after.params, after.inputs) == (
            before.metrics,
            before.params,
            before.inputs,
        )

    def test_a_copy_is_a_run_of_its_own(self, bench: Bench) -> None:
        run = bench.run(
            *(Metric("m", i, i, i) for i in range(100)), params={"p": "1"}, tags={"t": "1"}
        )
        copy = bench.tracker.copy_run(run, bench.tracker.create_experiment("copies").id).run_id
        bench.tracker.write(copy, Batch(metrics=[Metric("m", 1, 1000, 1000)], tags={"t": "2"}))
        assert len(bench.history(run, "m")) == 100
        assert len(bench.history(copy, "m")) == 101
        assert (bench.seen(run).tags, bench.seen(copy).tags) == ({"t": "1"}, {"t": "2"})
        assert bench.seen(copy).params == {"p": "1"}

    # Logged models

    def test_a_logged_model(self, bench: Bench) -> None:
        run = bench.run()
        made = bench.tracker.create_model(
            0, name="forest", type="sklearn", run_id=run, params={"p": "1"}, tags={"a": "b"}
        )
        assert bench.again().model(made.model_id) == made
        assert (made.status, made.run_id, made.params) == ("PENDING", run, {"p": "1"})
        bench.tracker.update_model(
            made.model_id, status="READY", params={"q": "2"}, tags={"a": None}
        )
        seen = bench.again().model(made.model_id)
        assert (seen.status, seen.params, seen.tags) == ("READY", {"p": "1", "q": "2"}, {})
        with pytest.raises(InvalidInput, match="no status 'DONE'"):
            bench.tracker.update_model(made.model_id, status="DONE")
        bench.tracker.delete_model(made.model_id)
        with pytest.raises(NotFound, match="no logged model"):
            bench.tracker.model(made.model_id)
        assert bench.again().model(made.model_id, deleted=True).deleted_ms is not None
