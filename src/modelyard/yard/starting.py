"""How a run begins: which one it is, where it is told, and what is known of the process it begins in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelyard.base.clock import new_id, now_ms
from modelyard.base.config import settings
from modelyard.base.errors import Conflict, InvalidInput
from modelyard.tracking.checks import check_experiment_name, check_run_id
from modelyard.tracking.naming import run_name
from modelyard.tracking.records import RunBegun
from modelyard.yard import current_run
from modelyard.yard.active_run import RUN_VARIABLE, ActiveRun, begin
from modelyard.yard.addresses import address_of
from modelyard.yard.logged_values import texts_of

if TYPE_CHECKING:
    from modelyard.tracking.recording import Recorder
    from modelyard.yard.yard import Yard

_IN_MEMORY = ("sqlite://", "sqlite:///", "sqlite:///:memory:")
EXPERIMENT_VARIABLE = "MODELYARD_EXPERIMENT"
RANKS = ("RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "LOCAL_RANK")
"""Variables by which launchers number the processes of one training."""

_adopted: set[str] = set()
"""Runs of the environment that this process went on with: once each."""


@dataclass(frozen=True)
class Destination:
    """Where a run is told: an address and how to get in."""

    uri: str
    token: str | None = None
    named_by_reader: bool = True


def destination_of(
    uri: str | os.PathLike[str] | None = None,
    token: str | None = None,
    project: str | os.PathLike[str] | None = None,
) -> Destination:
    """The yard at an address, or the project's own. Nobody is asked."""
    found = address_of(uri, project)
    return Destination(absolute(found.uri), token, found.by_reader)


def absolute(uri: str) -> str:
    """An address as another process finds it, in whatever folder that runs."""
    if "://" not in uri:
        return f"sqlite:///{Path(uri).expanduser().absolute().as_posix()}"
    path = uri.removeprefix("sqlite:///")
    if path == uri or path in ("", ":memory:"):
        return uri
    return f"sqlite:///{Path(path).expanduser().absolute().as_posix()}"


def recorder_of(to: Destination | str, silent: bool = False) -> Recorder:
    """What tells a destination. ``silent``: nobody is told."""
    from modelyard.yard.silent import SilentRecorder

    if silent:
        return SilentRecorder()
    from modelyard.tracking.recording import recorder_for

    to = destination_of(to) if isinstance(to, str) else to
    return recorder_for(to.uri, token=to.token, named_by_reader=to.named_by_reader)


def rank(environ: Mapping[str, str] = os.environ) -> int:
    """The number of this process in a distributed training; 0 where there is none.

    >>> rank({"RANK": "3", "LOCAL_RANK": "1"}), rank({})
    (3, 0)
    """
    said = next((environ[name] for name in RANKS if environ.get(name, "").isdecimal()), "0")
    return int(said)


def start(
    to: Destination,
    name: str | None = None,
    *,
    run_id: str | None = None,
    tags: Mapping[str, Any] | None = None,
    nested: bool = False,
    parent_run_id: str | None = None,
    experiment: str | int | None = None,
    log_system_metrics: bool | float | None = None,
    all_ranks: bool = False,
    recorder: Recorder | None = None,
) -> ActiveRun:
    """Begin a run, or go on with one; `modelyard.start_run` says what the arguments mean."""
    texts = texts_of(tags or {}, "tag")
    above = current_run.own()
    if above is not None and not nested and run_id != above.run_id:
        raise Conflict(
            f"run {above.name!r} ({above.run_id}) is going on here already",
            hint="end_run() ends it; nested=True begins one inside it",
        )
    adopted = None if run_id or nested or above else _of_environment()
    silent = bool(rank()) and not (all_ranks or run_id or os.environ.get(RUN_VARIABLE))
    around = (above or current_run.current()) if nested else None
    parent = parent_run_id or (_parent(around) if nested else None)
    begun = RunBegun(
        check_run_id(run_id or adopted or new_id()),
        _experiment(experiment, around),
        name or ("" if run_id or adopted else run_name()),
        current_run.user(),
        now_ms(),
        texts,
        None if parent is None else check_run_id(parent),
        resumed=bool(run_id or adopted),
    )
    if recorder is None or silent:
        recorder = recorder_of(to, silent)
    run = begin(recorder, begun, to.uri, owned=adopted is None, silent=silent)
    if not silent:
        _accompany(run, begun.resumed, log_system_metrics)
    return run


def start_in(yard: Yard, name: str | None, **options: Any) -> ActiveRun:
    """Begin a run that is told to an open yard."""
    to = Destination(absolute(yard.uri), yard.token, yard.address_by_reader)
    if to.uri in _IN_MEMORY:
        from modelyard.yard.direct import DirectRecorder

        return start(to, name, recorder=DirectRecorder(yard), **options)
    return start(to, name, **options)


def _accompany(run: ActiveRun, resumed: bool, log_system_metrics: bool | float | None) -> None:
    from modelyard.yard.run_context import tell_context

    if not resumed:
        tell_context(run)
    if seconds := _sampling(log_system_metrics):
        from modelyard.yard.system_metrics import sample

        run.accompany(sample(run, seconds))


def _sampling(asked: bool | float | None) -> float:
    """Seconds between samples of system metrics; 0 for none."""
    if asked is None:
        asked = settings().get("tracking.system_metrics", False)
    if isinstance(asked, bool):
        from modelyard.yard.system_metrics import SECONDS

        return SECONDS if asked else 0.0
    if not isinstance(asked, int | float) or not 0 <= asked < 1e6:
        raise InvalidInput(
            f"log_system_metrics={asked!r}", hint="True, False or seconds between samples"
        )
    return float(asked)


def _of_environment() -> str | None:
    """The run that the process above wants to go on here: the first that begins in this process is it."""
    named = os.environ.get(RUN_VARIABLE)
    if not named or named in _adopted:
        return None
    _adopted.add(named)
    return named


def _parent(around: ActiveRun | None) -> str | None:
    return around.run_id if around is not None else os.environ.get(RUN_VARIABLE) or None


_experiment_set: list[str | int] = []


def set_experiment(experiment: str | int) -> None:
    """The experiment of runs that this process begins from now on."""
    if isinstance(experiment, str):
        check_experiment_name(experiment)
    elif isinstance(experiment, bool) or not isinstance(experiment, int):
        raise InvalidInput(f"{experiment!r} is no experiment", hint="a name, or the number of one")
    _experiment_set[:] = [experiment]


def _experiment(given: str | int | None, above: ActiveRun | None) -> str | int:
    if given is not None:
        return check_experiment_name(given) if isinstance(given, str) else given
    if above is not None:
        return above.experiment
    if _experiment_set:
        return _experiment_set[0]
    named = os.environ.get(EXPERIMENT_VARIABLE)
    return check_experiment_name(named) if named else 0
