"""Optuna: a study is a run, and each trial one below it, to which all goes that the objective logs and trains.

`Study.optimize` is wrapped: the objective and a callback of ours go into its call. Studies that are driven by hand with
`ask` and `tell` are not logged.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Mapping
from typing import TYPE_CHECKING, Any

from modelyard.yard import current_run
from modelyard.yard.autologging.calls import Call
from modelyard.yard.autologging.interface import Patcher
from modelyard.yard.autologging.params import plain_params

if TYPE_CHECKING:
    from modelyard.yard.active_run import ActiveRun

NAME = "optuna"
EXTRA = "optuna"
LIBRARIES = ("optuna",)


def install(patcher: Patcher) -> None:
    """Wrap `Study.optimize`."""
    import optuna

    patcher.wrap(optuna.Study, "optimize", optimize)


def optimize(call: Call) -> Generator[None, Any, None]:
    """Around `Study.optimize`."""
    given = call.arguments
    study = given["self"]
    with call.step("params"):
        call.log_tags({"study": study.study_name})
        call.log_params(_asked(study, given))
    trials = Trials(call, given["func"])
    call.replace("func", trials.objective)
    own = call.guard(trials.ended, "trial")
    call.replace("callbacks", [own, *(given.get("callbacks") or ())])
    try:
        yield
    finally:
        with call.step("best"):
            _log_best(call, study)


def _asked(study: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    names = ("n_trials", "timeout", "n_jobs")
    directions = [d.name.lower() for d in study.directions]
    return {
        "direction": ",".join(directions),
        "sampler": type(study.sampler).__name__,
        "pruner": type(study.pruner).__name__,
        **{k: given[k] for k in names if given.get(k) is not None},
    }


def _log_best(call: Call, study: Any) -> None:
    from optuna.trial import TrialState

    done = study.get_trials(deepcopy=False)
    counts = {s.name.lower(): sum(t.state is s for t in done) for s in TrialState}
    call.log_metrics({f"trials_{k}": n for k, n in counts.items() if n})
    if not counts["complete"]:
        return
    if len(study.directions) > 1:
        call.log_metrics({"best_trials": len(study.best_trials)})
        return
    call.log_metrics({"best_value": study.best_value, "best_trial": study.best_trial.number})
    # Tags: optimize may be called again in the run, and find a better one.
    call.log_tags({f"best_{k}": str(v) for k, v in plain_params(study.best_params).items()})


class Trials:
    """The runs of trials that are going on. Threads share it, when the study has several jobs."""

    def __init__(self, call: Call, function: Callable[[Any], Any]) -> None:
        self._call, self._function = call, function
        self._runs: dict[int, ActiveRun] = {}
        self._lock = threading.Lock()

    def objective(self, trial: Any) -> Any:
        """The user's objective, within a run of its own."""
        with self._call.step("begin"):
            self._begin(trial)
        try:
            with self._call.outside():
                return self._function(trial)
        except BaseException as error:
            with self._call.step("failed"):
                self._end_failed(trial, error)
            raise

    def _begin(self, trial: Any) -> None:
        run = self._call.run.child(f"trial {trial.number}", tags={"trial": str(trial.number)})
        current_run.enter(run)
        with self._lock:
            self._runs[trial.number] = run

    def _end_failed(self, trial: Any, error: BaseException) -> None:
        """Of one that was pruned the callback tells; of one whose error ends the study there is no callback."""
        from optuna.exceptions import TrialPruned

        if isinstance(error, TrialPruned):
            return
        run = self._take(trial.number)
        if run is not None:
            try:
                study = self._call.arguments["self"]
                self._tell(run, study.get_trials(deepcopy=False)[trial.number], "FAIL")
            finally:
                run.end("FAILED" if isinstance(error, Exception) else "KILLED")

    def ended(self, _study: Any, trial: Any) -> None:
        """A trial is over."""
        run = self._take(trial.number)
        if run is None:
            return
        try:
            self._tell(run, trial, trial.state.name)
        finally:
            run.end("FAILED" if trial.state.name == "FAIL" else "FINISHED")

    def _tell(self, run: ActiveRun, trial: Any, state: str) -> None:
        run.set_tag("state", state)
        _log_params(run, trial.params)
        for step, value in trial.intermediate_values.items():
            run.log_metric("intermediate_value", value, step=step)
        if state == "COMPLETE":
            values = trial.values
            names = ["value"] if len(values) == 1 else [f"value_{i}" for i in range(len(values))]
            run.log_metrics(dict(zip(names, values, strict=True)))

    def _take(self, number: int) -> ActiveRun | None:
        with self._lock:
            return self._runs.pop(number, None)


def _log_params(run: ActiveRun, params: Mapping[str, Any]) -> None:
    """What the trial suggested; beside what a training in it said by the same key."""
    said = run.params
    found = {}
    for key, value in plain_params(params).items():
        taken = key in said and said[key] != str(value)
        found[f"trial.{key}" if taken else key] = value
    run.log_params(found)
