"""What one process is to serve, and how: carried out here, or in several processes beside this one."""

from __future__ import annotations

import contextlib
import inspect
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

from modelyard.base import plugins
from modelyard.base.errors import InvalidInput, NotSupported
from modelyard.objects.model import Model
from modelyard.predictions.interface import PredictionLog
from modelyard.serving.cores import thread_settings
from modelyard.serving.interface import Batching, Jobs, Limits, Server
from modelyard.serving.isolation import IsolatedModel, isolate
from modelyard.serving.process import listen, port_to_take
from modelyard.serving.seats import Seat
from modelyard.serving.settings import options_of
from modelyard.serving.supervisor import Supervisor
from modelyard.yard.verbs import open_model
from modelyard.yard.versions import ModelVersion


@dataclass(frozen=True)
class Plan:
    """Picklable, when the models are references and the log can be opened anew."""

    server: str
    models: Sequence[Any]
    options: Mapping[str, Any]
    """Of the server."""
    opening: Mapping[str, Any]
    """Of `open_model`."""
    log: PredictionLog | None = None
    isolate: bool = False
    processes: int = 1
    """That serve it on one port."""

    @property
    def chosen(self) -> Server:
        """The server's module."""
        return cast(Server, plugins.load("servers", self.server))

    def open(self, model: Any) -> Model:
        """Open one of the models; an isolated one in a process of its own."""
        open_one = partial(_open, model, **self.opening)
        if not self.isolate:
            return open_one()
        limits = options_of(Limits, self.options.get("limits"))
        return isolate(
            open_one,
            limits=limits,
            count=self.calls_at_once,
            environment=thread_settings(self.processes * self.calls_at_once),
            compile=self.options.get("compile", "off"),
        )

    @property
    def calls_at_once(self) -> int:
        """Of one model in one process that serves."""
        return options_of(Batching, self.options.get("batching")).workers


def _open(model: Any, **opening: Any) -> Model:
    return model.open(**opening) if isinstance(model, VersionOf) else open_model(model, **opening)


def run(plan: Plan, **more: Any) -> None:
    """Serve in this process, until told to stop. ``more`` is what only a program gives to a server."""
    opened: list[Model] = []
    try:
        opened += [plan.open(model) for model in plan.models]
        sources = {model.name: one for model, one in zip(opened, plan.models, strict=True)}
        if "opener" in inspect.signature(plan.chosen.serve).parameters:
            more["opener"] = lambda name: plan.open(sources[name])
        plan.chosen.serve(opened, log=plan.log, **plan.options, **more)
    finally:
        for model in opened:
            if isinstance(model, IsolatedModel):
                model.close()


def run_several(
    plan: Plan,
    *,
    hang_seconds: float = 60.0,
    on_ready: Callable[[Any], object] | None = None,
    stop: threading.Event | None = None,
) -> None:
    """Serve in several processes on one port."""
    parameters = inspect.signature(plan.chosen.serve).parameters
    if "seat" not in parameters:
        raise NotSupported(f"the server {plan.server} runs in one process")
    host = plan.options.get("host", parameters["host"].default)
    plan = _with_a_port_for_grpc(plan, host)
    sock = listen(host, plan.options.get("port", parameters["port"].default))
    drain = plan.options.get("drain_seconds", parameters["drain_seconds"].default)
    with contextlib.closing(sock), _one_folder_of_jobs(plan) as shared:
        Supervisor(
            sock,
            work,
            (shared,),
            plan.processes,
            on_ready=on_ready or parameters["on_ready"].default,
            drain_seconds=drain,
            hang_seconds=hang_seconds,
            environment=thread_settings(plan.processes),
            stop=stop,
        ).run()


def _with_a_port_for_grpc(plan: Plan, host: str) -> Plan:
    """The plan with a port that is free now: all processes take the same one, and none can tell who else has it."""
    port = plan.options.get("grpc_port")
    if port is None:
        return plan
    return replace(plan, options={**plan.options, "grpc_port": port_to_take(host, port)})


@contextlib.contextmanager
def _one_folder_of_jobs(plan: Plan) -> Iterator[Plan]:
    """All processes look for jobs in one place: whoever is asked has them."""
    jobs = options_of(Jobs, plan.options.get("jobs"))
    if jobs.folder or "jobs" not in inspect.signature(plan.chosen.serve).parameters:
        yield plan
        return
    with tempfile.TemporaryDirectory(prefix="modelyard-jobs-") as folder:
        yield replace(plan, options={**plan.options, "jobs": replace(jobs, folder=folder)})


def work(seat: Seat, plan: Plan) -> None:
    """One of several processes."""
    run(plan, seat=seat, on_ready=seat.ready)


@contextlib.contextmanager
def portable(plan: Plan) -> Iterator[Plan]:
    """The plan, fit for other processes: a live object is saved to a folder of the moment first, as `save` would save it."""
    with contextlib.ExitStack() as stack:
        models = [_portable(model, stack) for model in plan.models]
        yield replace(plan, models=models)


def _portable(model: Any, stack: contextlib.ExitStack) -> Any:
    if isinstance(model, str | Path | VersionOf):
        return model
    if isinstance(model, ModelVersion):
        return VersionOf(model.yard.uri, model.ref)
    if isinstance(model, Model):
        raise InvalidInput(
            f"the opened model {model.identity} is in this process alone",
            hint="serve its reference: then each process opens it by itself",
        )
    from modelyard.objects.save import save

    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="modelyard-"))
    path = Path(folder) / getattr(model, "__name__", type(model).__name__)
    save(model, path, sample_rows=0)
    return path


@dataclass(frozen=True)
class VersionOf:
    """A registered version that another process finds by itself."""

    uri: str
    ref: str

    def open(self, **options: Any) -> Model:
        """Open it from its yard."""
        from modelyard.yard.yard import Yard

        with Yard(self.uri) as yard:
            return open_model(yard.models.get(self.ref), **options)
