"""Trials are runs below their study, and what is trained in them is logged to them."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import optuna
import pytest
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression

from modelyard.testing.autologgers import told
from modelyard.testing.told import MemoryRecorder, ToldRun
from modelyard.yard import fluent
from modelyard.yard.autologging.installing import autolog

__all__ = ["told"]  # a fixture

X, y = make_classification(60, 4, random_state=0)


@pytest.fixture(autouse=True)
def logged(told: MemoryRecorder) -> Generator[None]:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    autolog("sklearn", "optuna", log_models=False)
    yield
    autolog("sklearn", "optuna", disable=True)


def objective(trial: Any) -> float:
    C = trial.suggest_float("C", 0.1, 10)
    trial.report(C, 0)
    if trial.number == 2:
        raise optuna.TrialPruned
    if trial.number == 3:
        raise ValueError("this one")
    fluent.log_metric("own", C)
    return float(LogisticRegression(C=C).fit(X, y).score(X, y))


def runs_by_number(told: MemoryRecorder) -> dict[str, ToldRun]:
    return {run.tags["trial"]: run for run in told.runs() if run.parent}


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_trial_has_what_its_objective_logs_and_trains(told: MemoryRecorder, jobs: int) -> None:
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(0))
    study.optimize(objective, n_trials=5, n_jobs=jobs, catch=ValueError)
    (parent,) = [run for run in told.runs() if run.parent is None]
    trials = runs_by_number(told)
    assert len(trials) == len(told.runs()) - 1 == 5
    for trial in study.trials:
        run = trials[str(trial.number)]
        assert run.parent == parent.run_id
        assert run.params["C"] == str(trial.params["C"])
        assert run.points["intermediate_value"] == list(trial.intermediate_values.items())
    done = trials["0"]
    assert (done.status, done.tags["state"]) == ("FINISHED", "COMPLETE")
    assert done.metrics["value"] == study.trials[0].value
    assert done.metrics["own"] == study.trials[0].params["C"]
    assert done.params["max_iter"] == "100"
    assert (trials["2"].status, trials["2"].tags["state"]) == ("FINISHED", "PRUNED")
    assert (trials["3"].status, trials["3"].tags["state"]) == ("FAILED", "FAIL")
    assert parent.metrics["best_value"] == study.best_value
    assert parent.metrics["trials_pruned"] == parent.metrics["trials_fail"] == 1
    assert parent.tags["best_C"] == str(study.best_params["C"])
    assert fluent.active_run() is None


def test_a_study_goes_on_in_the_same_run(told: MemoryRecorder) -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(0))
    with fluent.start_run():
        for _ in range(2):
            study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    (parent,) = [run for run in told.runs() if run.parent is None]
    assert len(runs_by_number(told)) == 4
    assert parent.metrics["fit2.trials_complete"] == 4


def test_what_the_objective_raises_ends_the_study_and_its_run(told: MemoryRecorder) -> None:
    def stop(trial: Any) -> float:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        optuna.create_study().optimize(stop, n_trials=2)
    assert [run.status for run in told.runs()] == ["KILLED", "KILLED"]
