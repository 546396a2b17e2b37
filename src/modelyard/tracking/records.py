"""What a process tells of its runs, one record a thing, in the order in which it happened.

A sender numbers them and hands them to `Tracker.receive`. Each has a plain form for JSON, exact both ways.

>>> record = RunLogged("0" * 32, Batch(metrics=[Metric("loss", float("nan"), at_ms=5)]))
>>> from_plain(to_plain(record)).batch.metrics[0].key
'loss'
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from modelyard.base.errors import InvalidInput
from modelyard.tracking import wire
from modelyard.tracking.interface import DEFAULT_EXPERIMENT, NOTHING, Batch, Metric, Status

__all__ = ["Batch", "Metric"]  # what the example above takes


@dataclass(frozen=True, slots=True)
class RunBegun:
    """A run begins, or goes on."""

    run_id: str
    experiment: str | int = DEFAULT_EXPERIMENT
    """An id, or a name: one that is not there yet is made."""
    name: str = ""
    user: str = ""
    at_ms: int = 0
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    parent_run_id: str | None = None
    resumed: bool = False
    """The run is there already, and is RUNNING again."""


@dataclass(frozen=True, slots=True)
class RunLogged:
    """Something was logged to a run."""

    run_id: str
    batch: Batch


@dataclass(frozen=True, slots=True)
class FileAdded:
    """A file of a run (``run:<id>``) or a logged model (``model:<id>``), whose bytes were put as a blob before."""

    owner: str
    path: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class ModelBegun:
    """A model is logged: PENDING until its files are there."""

    model_id: str
    run_id: str | None = None
    experiment: str | int = DEFAULT_EXPERIMENT
    """Of a model without a run."""
    name: str = ""
    type: str = ""
    at_ms: int = 0
    params: Mapping[str, str] = field(default_factory=dict[str, str])
    tags: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class ModelEnded:
    """The files of a logged model are there, or will never be."""

    model_id: str
    status: str = "READY"


@dataclass(frozen=True, slots=True)
class ModelRegistered:
    """A logged model is to be registered under a name: for the sender, as trackers know no registry."""

    model_id: str
    name: str
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class RunEnded:
    """A run is over."""

    run_id: str
    status: Status = Status.FINISHED
    at_ms: int = 0


Record = RunBegun | RunLogged | FileAdded | ModelBegun | ModelEnded | ModelRegistered | RunEnded

_KINDS: Mapping[str, type[Record]] = {
    "run.begun": RunBegun,
    "run.logged": RunLogged,
    "run.ended": RunEnded,
    "file.added": FileAdded,
    "model.begun": ModelBegun,
    "model.ended": ModelEnded,
    "model.registered": ModelRegistered,
}
KIND_OF: Mapping[type[Record], str] = {cls: kind for kind, cls in _KINDS.items()}
"""What each is called in its plain form."""


_FITTING: Mapping[str, tuple[tuple[type, ...], str]] = {
    "str": ((str,), "a text"),
    "str | None": ((str, type(None)), "a text"),
    "int": ((int,), "a whole number"),
    "str | int": ((str, int), "a text or a whole number"),
}
"""What a field of each annotation may hold, and in words."""


def checked(record: Record) -> Record:
    """The same record, if each field holds what it is for. `InvalidInput`: no destination could take it, ever.

    >>> checked(RunBegun("0" * 32, name=3))  # doctest: +IGNORE_EXCEPTION_DETAIL
    Traceback (most recent call last):
    modelyard.base.errors.InvalidInput: name is 3, not a text
    """
    _check_fields(record)
    if isinstance(record, RunLogged):
        for metric in record.batch.metrics:
            if metric.context is not NOTHING:
                _check_fields(metric.context)
        for taken in record.batch.inputs:
            _check_fields(taken)
    return record


def _check_fields(of: Any) -> None:
    for name, annotation in type(of).__annotations__.items():
        types, words = _FITTING.get(annotation, ((object,), ""))
        value = getattr(of, name)
        if not isinstance(value, types):
            raise InvalidInput(f"{name} is {value!r:.80}, not {words}")


def to_plain(record: Record) -> dict[str, Any]:
    """As a mapping that JSON can hold."""
    plain: dict[str, Any] = {"kind": KIND_OF[type(record)]}
    for name in record.__slots__:
        value = getattr(record, name)
        if isinstance(value, Batch):
            value = wire.batch_to(value)
        elif isinstance(value, Mapping):
            value = dict(value)
        elif isinstance(value, Status):
            value = value.value
        plain[name] = value
    return plain


def from_plain(plain: Mapping[str, Any]) -> Record:
    """The record of a mapping; `InvalidInput` for one that is none."""
    cls = _KINDS.get(str(plain.get("kind")))
    if cls is None:
        raise InvalidInput(f"{str(plain.get('kind'))[:80]!r} is no kind of record")
    given = {name: value for name, value in plain.items() if name != "kind"}
    try:
        if "batch" in given:
            given["batch"] = wire.batch_from(given["batch"])
        if cls is RunEnded and "status" in given:
            given["status"] = Status(given["status"])
        return checked(cls(**given))
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidInput(f"a record of kind {plain['kind']!r} is malformed: {error}") from None
