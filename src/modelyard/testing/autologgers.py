"""The contract of autologgers, as tests: a run that logs itself is the one that is logged by hand, and the training never
learns of it.

A test module subclasses `AutologgerContract` and gives the fixture ``case``. A training is told twice: as a user writes
it, and again with all that is logged written by hand. Hooks are found by running it: every place that code of ours goes
through is then made to fail, one after another, and so is every method of `ActiveRun`.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from modelyard.base import plugins
from modelyard.base.notes import collected
from modelyard.testing.told import MemoryRecorder, ToldRun
from modelyard.yard import fluent, starting
from modelyard.yard.active_run import ActiveRun
from modelyard.yard.autologging import trouble
from modelyard.yard.autologging.installing import autolog, enabled, places


def same(a: Any, b: Any) -> bool:
    """Equal to the last bit, arrays too."""
    if hasattr(a, "shape") or hasattr(b, "shape"):
        import numpy

        return numpy.array_equal(numpy.asarray(a), numpy.asarray(b), equal_nan=True)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float) and math.isnan(a):
        return isinstance(b, float) and math.isnan(b)
    return bool(a == b)


@dataclass(frozen=True)
class Training:
    """One training, from data to outputs; the same each time."""

    train: Callable[[], Any]
    """As a user writes it; returns outputs of what was trained (predictions, values), to be compared to the last bit."""
    by_hand: Callable[[ActiveRun], Any]
    """The same training without autolog, with all that it should log written to this run."""
    children: int = 0
    """Runs below it."""
    model: str | None = "model"
    """The name of the model that it logs."""
    outputs: Callable[[Any], Any] | None = None
    """Of the loaded model: what `train` returned of the model that was logged."""


@dataclass(frozen=True)
class AutologgerCase:
    """An autologger with trainings of its kind, by a word for each."""

    name: str
    trainings: Mapping[str, Training] = field(repr=False)
    failing: Callable[[], Any] | None = field(default=None, repr=False)
    """A training in which an error of the user's own is raised, `Wrong`."""
    raises: type[Exception] | None = None
    """What comes out of it: `Wrong`, where the library does not put an error of its own around it."""


class Wrong(Exception):
    """An error of the user's own, in a callback or in data."""


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[MemoryRecorder]:
    """What runs of this process tell, instead of a yard."""
    folder = tmp_path / "told"
    folder.mkdir()
    recorder = MemoryRecorder(folder)
    monkeypatch.setattr(starting, "recorder_of", lambda *_args, **_kwargs: recorder)
    trouble.counts.clear()
    yield recorder
    autolog(*enabled(), disable=True)
    trouble.probes.clear()
    while (run := fluent.active_run()) is not None:
        run.end()


def parents(told: MemoryRecorder) -> list[ToldRun]:
    """The runs that stand below no other."""
    return [run for run in told.runs() if run.parent is None]


class AutologgerContract:
    """Subclass it, with a fixture ``case``."""

    def test_it_is_found_by_its_name(self, case: AutologgerCase) -> None:
        found = plugins.load("autologgers", case.name)
        assert case.name == found.NAME
        assert found.LIBRARIES
        assert callable(found.install)

    def test_an_error_of_the_user_passes_and_the_run_has_failed(
        self, case: AutologgerCase, told: MemoryRecorder
    ) -> None:
        if case.failing is None:
            return
        autolog(case.name)
        with pytest.raises(case.raises or Wrong):
            case.failing()
        assert [run.status for run in parents(told)] == ["FAILED"]
        assert fluent.active_run() is None

    def test_afterwards_everything_is_as_it_was(
        self, case: AutologgerCase, told: MemoryRecorder
    ) -> None:
        one = next(iter(case.trainings.values()))
        one.train()  # all modules are imported
        autolog(case.name)
        put = places(case.name)
        assert put
        assert all(vars(owner)[name] is now for owner, name, _, now in put)
        autolog(case.name, disable=True)
        for owner, name, before, _ in put:
            assert vars(owner).get(name, None) is before, (owner, name)
        one.train()
        assert not told.records


class TrainingContract:
    """Subclass it, with a fixture ``case``, parametrized with the words of its trainings as ``training``."""

    def test_a_run_is_the_one_logged_by_hand(
        self, case: AutologgerCase, training: str, told: MemoryRecorder, tmp_path: Path
    ) -> None:
        one = case.trainings[training]
        with fluent.start_run() as run:
            by_hand = one.by_hand(run)
        hand = told.runs()
        told.records.clear()
        autolog(case.name)
        with collected() as notes:
            outputs = one.train()
        assert not trouble.counts, notes
        assert same(outputs, by_hand)
        (parent,) = parents(told)
        assert (parent.status, len(told.runs())) == ("FINISHED", 1 + one.children)
        assert parent.params == hand[0].params
        assert same(parent.points, hand[0].points)
        assert {i.digest for i in parent.inputs} == {i.digest for i in hand[0].inputs}
        assert set(parent.models) == ({one.model} if one.model else set())
        if one.model and one.outputs:
            import modelyard as my

            assert parent.models[one.model].status == "READY"
            folder = parent.models[one.model].unpacked(tmp_path / "model")
            assert same(one.outputs(my.load(folder)), outputs)

    def test_it_logs_into_the_active_run_and_does_not_end_it(
        self, case: AutologgerCase, training: str, told: MemoryRecorder
    ) -> None:
        autolog(case.name)
        with fluent.start_run() as run:
            case.trainings[training].train()
            assert run.status == "RUNNING"
            assert fluent.active_run() is run
        (parent,) = parents(told)
        assert parent.params
        assert parent.run_id == run.run_id


class FaultsContract:
    """As `TrainingContract`: each round trains once more, so that a quick run of tests takes one training of a library."""

    def test_whatever_fails_of_ours_the_training_is_the_same(
        self, case: AutologgerCase, training: str, told: MemoryRecorder
    ) -> None:
        train = case.trainings[training].train
        bare = train()
        autolog(case.name)
        seen: dict[str, None] = {}
        trouble.probes[:] = [lambda place: seen.setdefault(place)]
        assert same(train(), bare)
        assert len(seen) >= 3, "hooks were gone through"
        models = True
        for place in sorted(seen, key=_of_models):
            if _of_models(place) != models:
                models = not models
                autolog(case.name, log_models=models)
            with collected() as notes:
                trouble.probes[:] = [lambda at, place=place: _raise_at(at, place)]
                trouble.counts.clear()
                assert same(train(), bare), place
            assert trouble.counts[place] >= 1
            assert len([n for n in notes if place in n]) == 1, "said once"
        assert fluent.active_run() is None

    def test_whatever_fails_of_the_run_the_training_is_the_same(
        self,
        case: AutologgerCase,
        training: str,
        told: MemoryRecorder,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        train = case.trainings[training].train
        bare = train()
        methods = _called_of_a_run(case, train, monkeypatch)
        assert "log_params" in methods
        for name in methods:
            autolog(case.name, log_models=name == "log_model")
            trouble.counts.clear()
            with monkeypatch.context() as patch, collected():
                patch.setattr(ActiveRun, name, _broken)
                assert same(train(), bare), name
            while (run := fluent.active_run()) is not None:
                run.end()


def _called_of_a_run(
    case: AutologgerCase, train: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """The methods of `ActiveRun` that are called by a training that logs itself."""
    seen: dict[str, None] = {}
    autolog(case.name)
    with monkeypatch.context() as patch:
        for name, method in inspect.getmembers(ActiveRun, inspect.isfunction):
            if name[0] != "_":
                patch.setattr(ActiveRun, name, _watched(name, method, seen))
        train()
    return list(seen)


def _watched(name: str, method: Any, seen: dict[str, None]) -> Any:
    def watched(*args: Any, **kwargs: Any) -> Any:
        seen.setdefault(name)
        return method(*args, **kwargs)

    return watched


def _of_models(place: str) -> bool:
    """Where a model is saved: that takes longest, and is left out of the other rounds."""
    return place.endswith(".model")


def _raise_at(at: str, place: str) -> None:
    if at == place:
        raise RuntimeError(f"injected at {place}")


def _broken(*_args: Any, **_kwargs: Any) -> Any:
    raise RuntimeError("injected")
