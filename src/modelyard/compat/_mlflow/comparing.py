"""What differs between a run or model of the source and what a yard has of it. Pure, but for histories and files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from modelyard.compat._mlflow.interface import (
    MARK,
    FoundModel,
    FoundRun,
    known_as,
    model_id_of,
    run_id_of,
    same_value,
)
from modelyard.tracking.interface import ENDED, Batch, LoggedModel, Metric, ModelLink, Run, Status


def expected_run(found: FoundRun, home: int, there: bool) -> Run:
    """A run as a yard should have it; ``there`` is whether the run it is nested in is at the source too."""
    run = known_as(found.run)
    parent = run_id_of(run.parent_run_id) if run.parent_run_id and there else None
    ended = run.ended_ms if run.status in ENDED else None
    if run.status in ENDED and ended is None:
        ended = run.started_ms
    return replace(
        run,
        experiment_id=home,
        name=run.name or f"run-{run.run_id[:8]}",
        ended_ms=ended,
        parent_run_id=parent,
        model_inputs=[ModelLink(model_id_of(k.model_id)) for k in run.model_inputs],
        model_outputs=[ModelLink(model_id_of(k.model_id), k.step) for k in run.model_outputs],
    )


@dataclass(slots=True)
class Changes:
    """What a run lacks over there."""

    batch: Batch = field(default_factory=Batch)
    series: set[str] = field(default_factory=set[str])
    """Keys of metrics whose latest point is another."""
    ended: bool = False
    parent: bool = False
    """Whether it is nested in another; that one may come later, or never."""
    wrong: list[str] = field(default_factory=list[str])
    """What cannot be set right: params are written once."""

    def __bool__(self) -> bool:
        return says(self.batch) or bool(self.series or self.ended or self.wrong)


def says(batch: Batch) -> bool:
    """Whether there is anything in a batch."""
    return any(getattr(batch, name) for name in batch.__slots__)


def changes_of(run: Run, there: Run) -> Changes:
    """What is to be told so that ``there`` becomes ``run``."""
    inputs = {_input(one) for one in there.inputs}
    batch = Batch(
        params={k: v for k, v in run.params.items() if k not in there.params},
        tags={k: v for k, v in run.tags.items() if there.tags.get(k) != v},
        inputs=[one for one in run.inputs if _input(one) not in inputs],
        model_inputs=[k for k in run.model_inputs if k not in there.model_inputs],
        model_outputs=[k for k in run.model_outputs if k not in there.model_outputs],
    )
    wrong = [
        f"param {key!r} is {there.params[key][:80]!r} here and {value[:80]!r} there"
        for key, value in run.params.items()
        if there.params.get(key, value) != value
    ]
    known = {point.key: point for point in there.metrics}
    series = {m.key for m in run.metrics if m.key not in known or not _same(m, known[m.key])}
    ended = (run.status, run.ended_ms) != (there.status, there.ended_ms)
    lost = run.status is Status.RUNNING and there.status is Status.LOST
    parent = run.parent_run_id is not None and run.parent_run_id != there.parent_run_id
    return Changes(batch, series, ended and not lost, parent, wrong)


def _input(one: Any) -> tuple[Any, ...]:
    return one.name, one.digest, tuple(sorted(one.tags.items()))


def _same(one: Metric, other: Metric) -> bool:
    return one._replace(value=0.0) == other._replace(value=0.0) and same_value(
        one.value, other.value
    )


def points_lacking(points: Sequence[Metric], there: Sequence[Metric]) -> list[Metric]:
    """Points that are not among others."""
    known = {point_key(point) for point in there}
    return [point for point in points if point_key(point) not in known]


def point_key(point: Metric) -> tuple[Any, ...]:
    """A point, with a value that can be compared: NaN too, and -0.0 is not 0.0."""
    return point.key, point.step, point.at_ms, point.context, repr(point.value)


def run_differences(run: Run, there: Run, deleted: bool | None) -> Iterator[str]:
    """In words. ``deleted`` None leaves out whether it is."""
    for name in ("experiment_id", "name", "status", "user", "started_ms", "ended_ms", "parent_run_id"):  # fmt: skip
        mine, theirs = getattr(run, name), getattr(there, name)
        if mine != theirs and not (name == "user" and not mine):
            yield f"{name} is {theirs!r}, not {mine!r}"
    if deleted is not None and deleted != (there.deleted_ms is not None):
        yield "it is deleted" if not deleted else "it is not deleted"
    yield from texts_differ("param", run.params, there.params)
    yield from texts_differ("tag", run.tags, there.tags)
    for word, mine, theirs in (
        ("input", {_input(i): i for i in run.inputs}, {_input(i): i for i in there.inputs}),
        ("model input", _links(run.model_inputs), _links(there.model_inputs)),
        ("model output", _links(run.model_outputs), _links(there.model_outputs)),
    ):
        for key in sorted(mine.keys() ^ theirs.keys(), key=repr):
            yield f"{word} {key[0]!r} is {'missing' if key in mine else 'too much'}"
    for key, one in {_input(i): i for i in run.inputs}.items():
        other = next((i for i in there.inputs if _input(i) == key), one)
        if (one.source_type, one.source, one.schema, one.profile) != (
            other.source_type, other.source, other.schema, other.profile,
        ):  # fmt: skip
            yield f"input {one.name!r} has another source, schema or profile"


def _links(links: Sequence[ModelLink]) -> dict[tuple[str, int], ModelLink]:
    return {(link.model_id, link.step): link for link in links}


def texts_differ(kind: str, mine: Mapping[str, str], theirs: Mapping[str, str]) -> Iterator[str]:
    """Params or tags that differ; those that a migration adds are no difference."""
    for key in sorted(mine.keys() | theirs.keys()):
        if key.startswith(MARK):
            continue
        if key not in theirs:
            yield f"{kind} {key!r} is missing"
        elif key not in mine:
            yield f"{kind} {key!r} is too much"
        elif mine[key] != theirs[key]:
            yield f"{kind} {key!r} is {theirs[key][:80]!r}, not {mine[key][:80]!r}"


def points_differ(points: Sequence[Metric], there: Sequence[Metric]) -> Iterator[str]:
    """Points of metrics that are on one side alone."""
    for told, word in (
        (points_lacking(points, there), "missing"),
        (points_lacking(there, points), "too much"),
    ):
        for key in dict.fromkeys(point.key for point in told):
            some = [point for point in told if point.key == key]
            first = some[0]
            yield f"metric {key!r}: {len(some)} points are {word}, as {first.value!r} at step {first.step}"


def expected_model(found: FoundModel, home: int, run_there: bool) -> LoggedModel:
    """A logged model as a yard should have it."""
    model = found.model
    tags = dict(model.tags)
    mine = model_id_of(model.model_id)
    if mine != model.model_id:
        tags[f"{MARK}model_id"] = model.model_id
    if model.status_message:
        tags[f"{MARK}status_message"] = model.status_message
    if model.run_id and not run_there:
        tags[f"{MARK}source_run_id"] = model.run_id
    run_id = model.run_id if run_there else None
    status = "PENDING" if model.status == "UNSPECIFIED" else model.status
    return replace(
        model, model_id=mine, experiment_id=home, run_id=run_id, status=status, tags=tags
    )


def model_differences(model: LoggedModel, there: LoggedModel, deleted: bool) -> Iterator[str]:
    """In words."""
    for name in ("experiment_id", "name", "type", "run_id", "status", "created_ms"):
        if getattr(model, name) != getattr(there, name):
            yield f"{name} is {getattr(there, name)!r}, not {getattr(model, name)!r}"
    if deleted != (there.deleted_ms is not None):
        yield "it is not deleted" if deleted else "it is deleted"
    yield from texts_differ("param", model.params, there.params)
    yield from texts_differ("tag", model.tags, there.tags)
