"""A call of a function that trains, as a hook sees it: its arguments, the run, and what is written to that."""

from __future__ import annotations

import functools
import inspect
import sys
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from modelyard.base.clock import new_id, now_ms
from modelyard.tracking.interface import Batch, Metric, Status
from modelyard.tracking.records import RunBegun, RunEnded, RunLogged
from modelyard.yard import current_run
from modelyard.yard.autologging.interface import Options
from modelyard.yard.autologging.params import plain_params
from modelyard.yard.autologging.trouble import contained

if TYPE_CHECKING:
    from modelyard.yard.active_run import ActiveRun

MOST_TRAININGS = 100
"""In one run; what a loop trains beyond them is not logged."""
_AT_ONCE = 1000

ongoing: dict[int, Call | None] = {}
"""Thread -> the logged call that it is in."""

_trainings: dict[str, int] = {}
_lock = threading.Lock()


class Call:
    """One call of a wrapped function."""

    def __init__(
        self,
        name: str,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        options: Options,
        outer: Call | None = None,
    ) -> None:
        self.name = name
        """``<library>.<hook>``: the beginning of the names of its steps."""
        self.function, self.args, self.kwargs = function, tuple(args), dict(kwargs)
        self.options, self.outer = options, outer
        self.owned = False
        """The run was begun for this call and ends with it."""
        self.kept: dict[str, Any] = {}
        """For hooks within this call to leave something for it."""
        self._run: ActiveRun | None = outer._run if outer else None
        self._prefix = outer._prefix if outer else None
        self._refused: Exception | None = None

    # Arguments

    @functools.cached_property
    def arguments(self) -> dict[str, Any]:
        """Those that were given, by name. Extra keywords stand beside them."""
        signature = _signature(self.function)
        found = dict(signature.bind(*self.args, **self.kwargs).arguments)
        for name, parameter in signature.parameters.items():
            if parameter.kind is inspect.Parameter.VAR_KEYWORD:
                found.update(found.pop(name, {}))
        return found

    def replace(self, name: str, value: Any) -> None:
        """Give the function another value of an argument."""
        names = list(_signature(self.function).parameters)
        place = names.index(name) if name in names else len(self.args)
        if place < len(self.args):
            self.args = (*self.args[:place], value, *self.args[place + 1 :])
        else:
            self.kwargs[name] = value

    # What must not fail

    def step(self, name: str) -> contained:
        """A block that fails alone."""
        return contained(f"{self.name}.{name}", silent=self.options.silent)

    def guard(self, function: Callable[..., Any], name: str = "", default: Any = None) -> Any:
        """A function of ours for the library to call back: what it raises goes no further."""
        place = f"{self.name}.{name or getattr(function, '__name__', 'callback')}"
        silent = self.options.silent

        @functools.wraps(function)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            with contained(place, silent=silent):
                return function(*args, **kwargs)
            return default

        return guarded

    @contextmanager
    def outside(self) -> Generator[None]:
        """Within this block the user's own code runs in this thread: what it trains is logged as if called from nowhere."""
        ident = threading.get_ident()
        before = ongoing.get(ident)
        ongoing[ident] = None
        try:
            yield
        finally:
            ongoing[ident] = before

    # The run

    @property
    def run(self) -> ActiveRun:
        """The active run, or one that is begun for this call."""
        if self._run is None:
            if self._refused is not None:  # once is enough
                raise self._refused
            try:
                self._run = current_run.current() or self._begun()
            except Exception as error:
                self._refused = error
                raise
        return self._run

    def is_one_too_many(self) -> bool:
        """Whether so much was trained in the active run already that more of it would drown the rest."""
        run = current_run.current() if self._run is None else None
        return run is not None and _trainings.get(run.run_id, 0) >= MOST_TRAININGS

    def _begun(self) -> ActiveRun:
        from modelyard.yard import starting

        tags = {"modelyard.autolog": self.name.partition(".")[0], **dict(self.options.tags)}
        run = starting.start(starting.destination_of(), tags=tags)
        self.owned = True
        current_run.enter(run)  # of this thread alone: others that train have runs of their own
        return run

    @property
    def prefix(self) -> str:
        """Before keys of the second training in a run, and of those that follow: ``fit2.``"""
        if self._prefix is None:
            with _lock:
                number = _trainings.pop(self.run.run_id, 0) + 1
                _trainings[self.run.run_id] = number
                if len(_trainings) > 1000:
                    del _trainings[next(iter(_trainings))]
            self._prefix = "" if number == 1 else f"fit{number}."
        return self._prefix

    def close(self, status: str) -> None:
        """End the run, if it was begun for this call."""
        if self.owned and self._run is not None:
            self._run.end(status)

    # What is told

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Values as texts; long ones are cut, and containers that are huge are described. What the user said of the run
        by the same key stays."""
        run = self.run
        found = {self.prefix + k: v for k, v in plain_params(params).items()}
        said = run.params
        run.log_params({k: v for k, v in found.items() if said.get(k, str(v)) == str(v)})

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        self.run.log_metrics({self.prefix + k: float(v) for k, v in metrics.items()}, step=step)

    def log_series(
        self, series: Mapping[str, Sequence[float]], *, every: int | None = None
    ) -> None:
        """Metrics of all iterations at once, from step 0 on: every so many, and the last."""
        every, now = every or self.options.every, now_ms()
        points = [
            Metric(self.prefix + key, float(value), now, step)
            for key, values in series.items()
            for step, value in enumerate(values)
            if step % every == 0 or step == len(values) - 1
        ]
        for start in range(0, len(points), _AT_ONCE):
            batch = Batch(points[start : start + _AT_ONCE])
            self.run.add(RunLogged(self.run.run_id, batch))

    def log_tags(self, tags: Mapping[str, str]) -> None:
        self.run.set_tags({self.prefix + k: v for k, v in tags.items()})

    def log_dict(self, value: Any, file: str) -> None:
        self.run.log_dict(value, self.prefix + file)

    def log_data(self, data: Any, context: str = "training", name: str | None = None) -> None:
        """A data set as an input of the run, when these are wanted: a table, an array, or an `Input`."""
        if self.options.log_datasets and data is not None:
            self.run.log_input(data, context, name)

    def log_child(
        self,
        name: str,
        params: Mapping[str, Any],
        metrics: Mapping[str, float],
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """A run below this one that is over already: nothing waits for it."""
        run, run_id, now = self.run, new_id(), now_ms()
        texts = {key: str(value) for key, value in plain_params(params).items()}
        points = [Metric(key, float(value), now) for key, value in metrics.items()]
        user = current_run.user()
        run.add(RunBegun(run_id, run.experiment, name, user, now, tags or {}, run.run_id))
        run.add(RunLogged(run_id, Batch(points, texts)))
        run.add(RunEnded(run_id, Status.FINISHED, now))

    def log_model(self, model: Any, sample: Any = None, name: str = "model", **more: Any) -> Any:
        """The model with the types of a sample, when these are wanted."""
        if not self.options.log_models:
            return None
        return self.run.log_model(
            model,
            self.prefix + name,
            sample_data=sample if self.options.log_signatures else None,
            register=self.options.register,
            **more,
        )


@functools.lru_cache(maxsize=1024)
def _signature(function: Callable[..., Any]) -> inspect.Signature:
    return inspect.signature(function)


def caller_name(value: Any, otherwise: str = "data") -> str:
    """What the user's code calls a value, where it called a wrapped function.

    >>> test_rows = [1]
    >>> caller_name(test_rows)
    'test_rows'
    """
    frame = sys._getframe(1)
    while frame is not None and str(frame.f_globals.get("__name__")).startswith(_OURS):
        frame = frame.f_back
    if frame is None:
        return otherwise
    names = {**frame.f_globals, **frame.f_locals}
    return next((n for n, at in names.items() if at is value and n[0] != "_"), otherwise)


_OURS = "modelyard.yard.autolog"
