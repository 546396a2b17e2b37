"""Functions that train are wrapped, and nobody can tell but the run."""

from __future__ import annotations

import inspect
import pickle
import random
import subprocess
import sys
import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.pool import ThreadPool
from types import SimpleNamespace
from typing import Any

import cloudpickle
import pytest

from modelyard.base.notes import collected
from modelyard.testing.autologgers import parents, told
from modelyard.testing.told import MemoryRecorder
from modelyard.yard import fluent
from modelyard.yard.autologging import calls
from modelyard.yard.autologging.calls import Call
from modelyard.yard.autologging.interface import Options
from modelyard.yard.autologging.wrapping import Patches

__all__ = ["told"]  # a fixture


class Learner:
    def train(self, depth: int, *, callbacks: Any = (), **more: Any) -> Any:
        """Learn."""
        for callback in callbacks:
            callback(depth)
        return depth * 2

    def twice(self, depth: int) -> Any:
        return self.train(depth) + self.train(depth)

    @staticmethod
    def fixed() -> int:
        return 1


TRAIN = Learner.train


def train(call: Call) -> Generator[None, Any, None]:
    call.log_params({"depth": call.arguments["depth"]})
    result = yield
    call.log_metrics({"result": result})


@pytest.fixture
def patches() -> Generator[Patches]:
    found = Patches("learner", Options())
    yield found
    found.undo()


def test_a_wrapped_method_looks_like_the_one_it_stands_for(patches: Patches) -> None:
    before = inspect.signature(Learner.train)
    patches.wrap(Learner, "train", train)
    assert inspect.isfunction(Learner.train)
    assert inspect.signature(Learner.train) == before
    assert (Learner.train.__name__, Learner.train.__doc__) == ("train", "Learn.")
    assert pickle.loads(pickle.dumps(Learner.train)) is Learner.train
    patches.undo()
    assert vars(Learner)["train"] is TRAIN


def test_a_class_that_is_pickled_by_value_takes_nothing_of_ours_along(
    patches: Patches, told: MemoryRecorder
) -> None:
    scope: dict[str, Any] = {"__name__": "__main__"}
    exec("class Own:\n    def train(self, depth):\n        return depth * 3\n", scope)
    own = scope["Own"]
    own.__module__ = "__main__"
    patches.wrap(own, "train", train)
    assert own().train(2) == 6
    data = cloudpickle.dumps(own)
    code = (
        f"import pickle, sys; own = pickle.loads({data!r}); print(own().train(2)); "
        "assert not any(m.startswith('modelyard') for m in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("6\n", "")


def test_only_the_outermost_call_is_logged(patches: Patches, told: MemoryRecorder) -> None:
    patches.wrap(Learner, "train", train)
    patches.wrap(Learner, "twice", train)
    assert Learner().twice(4) == 16
    (run,) = told.runs()
    assert (run.params, run.metrics) == ({"depth": "4"}, {"result": 16.0})


def test_a_hook_that_breaks_leaves_the_users_arguments(
    patches: Patches, told: MemoryRecorder
) -> None:
    def broken(call: Call) -> Generator[None, Any, None]:
        call.replace("depth", 1000)
        call.replace("callbacks", [print])
        raise RuntimeError("ours")
        yield

    patches.wrap(Learner, "train", broken)
    with collected() as notes:
        assert Learner().train(3) == 6
        assert Learner().train(depth=3) == 6
    assert len(notes) == 1
    assert "RuntimeError: ours" in notes[0]


def test_arguments_are_replaced_by_place_and_by_name(
    patches: Patches, told: MemoryRecorder
) -> None:
    seen = []

    def replacing(call: Call) -> Generator[None, Any, None]:
        call.replace("depth", 5)
        call.replace("callbacks", [call.guard(seen.append, "watch")])
        yield

    patches.wrap(Learner, "train", replacing)
    assert Learner().train(1) == Learner().train(depth=1, extra=2) == 10
    assert seen == [5, 5]


def test_a_call_that_is_wrong_fails_as_it_would(patches: Patches, told: MemoryRecorder) -> None:
    patches.wrap(Learner, "train", train)
    with collected() as notes, pytest.raises(TypeError, match="depth"):
        Learner().train()  # type: ignore[call-arg]
    assert not notes


def test_static_methods_stay_static(patches: Patches) -> None:
    def nothing(call: Call) -> Generator[None, Any, None]:
        yield

    patches.wrap(Learner, "fixed", nothing)
    assert Learner().fixed() == Learner.fixed() == 1


def test_what_others_put_over_ours_stays(patches: Patches, told: MemoryRecorder) -> None:
    patches.wrap(Learner, "train", train)
    ours = Learner.train

    def theirs(self: Any, depth: int) -> Any:
        return ours(self, depth) + 1

    Learner.train = theirs  # type: ignore[method-assign]
    try:
        patches.undo()
        assert Learner.train is theirs
        assert Learner().train(2) == 5
        assert not told.runs(), "ours below it does nothing any more"
    finally:
        Learner.train = TRAIN  # type: ignore[method-assign]


def test_threads_that_train_at_once_have_runs_of_their_own(
    patches: Patches, told: MemoryRecorder
) -> None:
    together = threading.Barrier(2, timeout=30)
    patches.wrap(Learner, "train", train)
    with ThreadPoolExecutor(2) as pool:
        jobs = [
            pool.submit(Learner().train, n, callbacks=[lambda _: together.wait()]) for n in (1, 2)
        ]
        assert [job.result() for job in jobs] == [2, 4]
    assert sorted((r.params["depth"], r.metrics["result"], r.status) for r in told.runs()) == [
        ("1", 2.0, "FINISHED"),
        ("2", 4.0, "FINISHED"),
    ]


def test_what_a_training_trains_in_threads_of_its_own_is_not_logged(
    patches: Patches, told: MemoryRecorder
) -> None:
    def in_threads(depth: int) -> Any:
        with ThreadPool(2) as pool:
            return sum(pool.map(Learner().train, [depth, depth]))

    module = SimpleNamespace()
    patches.wrap(Learner, "train", train)
    Learner().train(1, callbacks=[lambda depth: setattr(module, "got", in_threads(depth))])
    assert module.got == 4
    assert len(told.runs()) == 1


def test_threads_log_to_the_run_that_the_process_began(
    patches: Patches, told: MemoryRecorder
) -> None:
    patches.wrap(Learner, "train", train)
    with fluent.start_run(), ThreadPoolExecutor(1) as pool:
        pool.submit(Learner().train, 7).result()
    (run,) = told.runs()
    assert run.params == {"depth": "7"}


def test_a_second_training_in_a_run_has_keys_of_its_own(
    patches: Patches, told: MemoryRecorder
) -> None:
    patches.wrap(Learner, "train", train)
    with fluent.start_run():
        Learner().train(1)
        Learner().train(2)
    (run,) = told.runs()
    assert run.params == {"depth": "1", "fit2.depth": "2"}
    assert run.metrics == {"result": 2.0, "fit2.result": 4.0}


def test_what_the_user_said_of_the_run_stays(patches: Patches, told: MemoryRecorder) -> None:
    patches.wrap(Learner, "train", train)
    with fluent.start_run() as run, collected() as notes:
        run.log_param("depth", "as deep as it takes")
        Learner().train(1)
    assert told.runs()[0].params == {"depth": "as deep as it takes"}
    assert told.runs()[0].metrics == {"result": 2.0}
    assert not notes


def test_a_loop_that_trains_without_end_is_logged_for_a_while(
    patches: Patches, told: MemoryRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    from modelyard.yard.autologging import wrapping

    monkeypatch.setattr(calls, "MOST_TRAININGS", 3)
    monkeypatch.setattr(wrapping, "MOST_TRAININGS", 3)
    patches.wrap(Learner, "train", train)
    with fluent.start_run(), collected() as notes:
        assert [Learner().train(n) for n in range(6)] == [0, 2, 4, 6, 8, 10]
    assert set(told.runs()[0].metrics) == {"result", "fit2.result", "fit3.result"}
    assert len(notes) == 1


@pytest.mark.parametrize(
    ("error", "status"), [(KeyboardInterrupt, "KILLED"), (ValueError, "FAILED")]
)
def test_how_a_training_ends_is_how_its_run_ends(
    error: type[BaseException], status: str, patches: Patches, told: MemoryRecorder
) -> None:
    raised = error("the user's own")

    def stop(_depth: int) -> None:
        raise raised

    patches.wrap(Learner, "train", train)
    with pytest.raises(error) as caught:
        Learner().train(1, callbacks=[stop])
    assert caught.value is raised
    assert [run.status for run in parents(told)] == [status]
    assert fluent.active_run() is None


def test_random_numbers_of_the_training_are_not_taken(
    patches: Patches, told: MemoryRecorder
) -> None:
    patches.wrap(Learner, "train", train)
    random.seed(1)
    expected = random.random()
    random.seed(1)
    Learner().train(1)
    assert random.random() == expected
