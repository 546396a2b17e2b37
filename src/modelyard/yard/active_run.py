"""A run that is going on: what training code logs to. It writes to a `Recorder`, which returns at once and never raises
for trouble of disk, network or hub; a bad argument raises here, at once.

It works without globals and from any thread. `modelyard.yard.fluent` has the functions that use the current one.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from modelyard.base.clock import new_id, now_ms
from modelyard.base.errors import Conflict, InvalidInput
from modelyard.base.secrets import text_without_secrets
from modelyard.tracking.checks import check_key
from modelyard.tracking.interface import ENDED, Batch, Context, Input, Metric, Status
from modelyard.tracking.naming import run_name
from modelyard.tracking.records import Record, RunBegun, RunEnded, RunLogged, checked
from modelyard.yard import current_run
from modelyard.yard.logged_values import mapping_of, number_of, step_of, texts_of, time_of
from modelyard.yard.logging_files import FileLogging

if TYPE_CHECKING:
    from modelyard.tracking.recording import Recorder
    from modelyard.yard.logged_models import LoggedModelRef

RUN_VARIABLE = "MODELYARD_RUN_ID"
"""A process that finds it in its environment goes on with that run."""


class ActiveRun(FileLogging):
    """One run that is being logged to: `modelyard.start_run` and `Yard.start_run` make them.

    Use it with ``with``: it ends FINISHED, or FAILED when an exception leaves the block, or KILLED by Ctrl-C. It can be
    pickled: the copy in another process logs to the same run, and does not end it.
    """

    def __init__(
        self,
        recorder: Recorder,
        run_id: str,
        *,
        name: str = "",
        experiment: str | int = 0,
        destination: str = "",
        parent_run_id: str | None = None,
        owned: bool = True,
        silent: bool = False,
    ) -> None:
        """``owned``: it ends with the block or process that began it; a run of another process goes on. ``silent``:
        nothing is recorded of it (a rank above 0 of a distributed training)."""
        self.run_id, self.name, self.experiment = run_id, name, experiment
        self.destination, self.parent_run_id = destination, parent_run_id
        self.owned, self.silent = owned, silent
        self.pid = os.getpid()
        self._recorder = recorder
        self._status = Status.RUNNING
        self._lock = threading.Lock()
        self._params: dict[str, str] = {}
        self._tables: dict[str, Any] = {}
        self._companions: list[Callable[[], object]] = []

    # Facts

    @property
    def status(self) -> str:
        """``RUNNING`` until it ends, as this process knows it."""
        return self._status.value

    @property
    def info(self) -> Self:
        """Itself: ``run.info.run_id`` is what MLflow's users write."""
        return self

    @property
    def params(self) -> Mapping[str, str]:
        """The params that this process logged, as texts."""
        return dict(self._params)

    @property
    def env(self) -> dict[str, str]:
        """Variables for another process that is to log to this run:
        ``subprocess.run(command, env={**os.environ, **run.env})``."""
        known = {RUN_VARIABLE: self.run_id}
        if self.destination:
            known["MODELYARD_URI"] = self.destination
        if isinstance(self.experiment, str):
            known["MODELYARD_EXPERIMENT"] = self.experiment
        return known

    # Values

    def log_param(self, key: str, value: Any) -> Any:
        """Log a param, as text; returns the value. Written once: another value is `Conflict`."""
        self.log_params({key: value})
        return value

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Log params, all of them or none. Written once: another value is `Conflict`, at once."""
        texts = texts_of(params, "param")
        with self._lock:
            for key, text in texts.items():
                if self._params.get(key, text) != text:
                    raise Conflict(
                        f"param {key!r} is {self._params[key]!r} already, and cannot become {text!r}",
                        hint="a param is written once; log what changes as a metric or tag",
                    )
            new = {key: text for key, text in texts.items() if key not in self._params}
            self._params.update(new)
        for (
            key,
            text,
        ) in new.items():  # one by one: a resumed run may refuse one, and keep the others
            self._log(Batch(params={key: text}))

    def log_metric(
        self,
        key: str,
        value: float,
        step: int | None = None,
        *,
        timestamp: int | None = None,
        model_id: str | None = None,
        dataset: Input | None = None,
    ) -> None:
        """Log one point of a metric; without ``step`` it is 0. NaN and infinities are kept as they are.

        ``timestamp`` is milliseconds since 1970, now if left out; ``model_id`` and ``dataset`` (what `log_input`
        returned) say what was measured, besides the run.
        """
        check_key(key)
        if type(value) is not float:
            value = number_of(key, value)
        step = 0 if step is None else step_of(step)
        at_ms = now_ms() if timestamp is None else time_of(timestamp)
        if model_id is None and dataset is None:
            self._recorder.metric(self.run_id, key, value, at_ms, step)
        else:
            self._log(Batch([Metric(key, value, at_ms, step, _measured(model_id, dataset))]))

    def log_metrics(
        self,
        metrics: Mapping[str, float],
        step: int | None = None,
        *,
        timestamp: int | None = None,
        model_id: str | None = None,
        dataset: Input | None = None,
    ) -> None:
        """Log a point of each metric, all of them or none."""
        for key in mapping_of(metrics, "metric"):
            check_key(key)
        at_ms = now_ms() if timestamp is None else time_of(timestamp)
        step = 0 if step is None else step_of(step)
        of = _measured(model_id, dataset)
        points = [Metric(k, number_of(k, v), at_ms, step, of) for k, v in metrics.items()]
        if points:
            self._log(Batch(points))

    def set_tag(self, key: str, value: Any) -> None:
        """Set a tag, as text."""
        self.set_tags({key: value})

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Set tags, as texts, all of them or none."""
        if texts := texts_of(tags, "tag"):
            self._log(Batch(tags=dict(texts)))

    def delete_tag(self, key: str) -> None:
        """Remove a tag."""
        check_key(key, "tag")
        self._log(Batch(tags={key: None}))

    # Data and models

    def log_input(
        self,
        dataset: Any,
        context: str | None = "training",
        name: str | None = None,
        *,
        target: str | None = None,
    ) -> Input:
        """Say what data the run took: a `Dataset` of the yard, a DataFrame, an array, or the path of a file. Its name,
        digest, schema and number of rows are recorded, not the data. Returns what `log_metric(dataset=…)` takes."""
        from modelyard.yard.logged_inputs import input_of

        found = input_of(dataset, context, name, target)
        self._log(Batch(inputs=[found]))
        return found

    def log_model(
        self,
        model: Any,
        name: str = "model",
        *,
        sample_data: Any = None,
        register: str | None = None,
        params: Mapping[str, Any] | None = None,
        tags: Mapping[str, Any] | None = None,
        step: int = 0,
        **save_options: Any,
    ) -> LoggedModelRef:
        """Save a model as `modelyard.save` does, with ``sample_data`` and its other options, and keep it with the run.
        It is loaded as ``runs:/<run_id>/<name>`` or ``models:/<model_id>``; ``register`` also makes it the next version
        of a registered model."""
        from modelyard.yard.logged_models import log_model

        return log_model(
            self, model, name, sample_data, register, params or {}, tags or {}, step, save_options
        )

    # Life

    def child(self, name: str | None = None, tags: Mapping[str, Any] | None = None) -> ActiveRun:
        """A run nested in this one, for a fold or a trial; to be used with ``with``."""
        texts = texts_of(tags or {}, "tag")
        begun = RunBegun(
            new_id(),
            self.experiment,
            name or run_name(),
            current_run.user(),
            now_ms(),
            texts,
            self.run_id,
        )
        return begin(self._recorder, begun, self.destination, silent=self.silent)

    def add(self, record: Record) -> None:
        """Tell the destination something as it is."""
        if not self.silent:
            self._recorder.add(checked(record))

    def accompany(self, stop: Callable[[], object]) -> None:
        """Call something when the run ends, before it is told that it did."""
        self._companions.append(stop)

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until all that was logged is at the destination; False when that took longer than ``timeout`` seconds."""
        return self._recorder.flush(timeout)

    def end(self, status: str | None = None) -> None:
        """The run is over: ``FINISHED``, ``FAILED`` or ``KILLED``. Ending it again does nothing. A run that another
        process began goes on, unless a status is given."""
        word = Status.FINISHED if status is None else _end_status(status)
        if os.getpid() != self.pid:
            return  # a fork: the run is that of the process above
        with self._lock:
            if self._status in ENDED:
                return
            self._status = word
        current_run.forget(self)
        for stop in reversed(self._companions):
            stop()
        if self.owned or status is not None:
            self.add(RunEnded(self.run_id, word, now_ms()))
        if self.parent_run_id not in {run.run_id for run in current_run.open_runs()}:
            self._recorder.flush()  # whoever reads after it sees all; a nested one leaves that to the run around it

    def fail(self, error: BaseException) -> None:
        """End it as an exception does that nobody caught."""
        if isinstance(error, SystemExit) and error.code in (None, 0):
            self.end()
            return
        from modelyard.yard.run_context import error_tags

        killed = isinstance(error, KeyboardInterrupt)
        if not killed:
            self.set_tags(error_tags(error))
        self.end(("KILLED" if killed else "FAILED") if self.owned else None)

    def in_child(self) -> None:
        """This process is a fork: whoever held the lock is not here."""
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        current_run.enter(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.end()
        else:
            self.fail(error)

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (self.destination, self.run_id, self.name, self.experiment, self.silent)

    def __repr__(self) -> str:
        return f"ActiveRun({self.name!r}, run_id={self.run_id!r}, {self.status})"

    def _repr_html_(self) -> str:
        from modelyard.tracking.run_html import page

        facts = {
            "run": self.run_id,
            "experiment": self.experiment,
            "told to": text_without_secrets(self.destination),
            "parent": self.parent_run_id,
            "recorded": "nothing: a rank above 0" if self.silent else None,
        }
        return page(self.name or self.run_id, self.status, facts, {"params": self.params})

    def _log(self, batch: Batch) -> None:
        self.add(RunLogged(self.run_id, batch))


def begin(
    recorder: Recorder,
    begun: RunBegun,
    destination: str = "",
    *,
    owned: bool = True,
    silent: bool = False,
) -> ActiveRun:
    """Tell that a run begins or goes on, and log to it."""
    run = ActiveRun(
        recorder,
        begun.run_id,
        name=begun.name,
        experiment=begun.experiment,
        destination=destination,
        parent_run_id=begun.parent_run_id,
        owned=owned,
        silent=silent,
    )
    if owned:
        run.add(begun)
    else:  # the process above tells when it begins, that it is alive, and how it ends
        run.set_tags(begun.tags)
    current_run.opened(run)
    return run


def _again(
    destination: str, run_id: str, name: str, experiment: str | int, silent: bool
) -> ActiveRun:
    """The run in another process."""
    from modelyard.yard.starting import recorder_of

    return ActiveRun(
        recorder_of(destination, silent),
        run_id,
        name=name,
        experiment=experiment,
        destination=destination,
        owned=False,
        silent=silent,
    )


def _measured(model_id: str | None, dataset: Input | None) -> Context:
    if dataset is not None and not isinstance(dataset, Input):
        raise InvalidInput(f"dataset is {dataset!r:.80}", hint="what log_input returned")
    of = (dataset.name, dataset.digest) if dataset is not None else ("", "")
    return Context(model_id or "", *of)


def _end_status(word: str) -> Status:
    found = next((status for status in ENDED if status.value == str(word).upper()), None)
    if found is None:
        raise InvalidInput(f"no end of a run is {word!r}", hint="FINISHED, FAILED or KILLED")
    return found
