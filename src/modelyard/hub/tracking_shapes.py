"""Requests and answers about experiments, runs, metrics and logged models.

Numbers are exact. JSON has no NaN and no infinities: they are the texts ``"NaN"``, ``"Infinity"`` and ``"-Infinity"``, both ways.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from modelyard.base.clock import from_rfc3339, now_ms, to_rfc3339
from modelyard.hub.shapes import Key, Sent, Told
from modelyard.tracking import interface as tracking
from modelyard.tracking.interface import (
    Batch,
    Columns,
    Context,
    Input,
    Metric,
    ModelLink,
    Search,
    Status,
    View,
)

MOST_METRICS = 10_000
"""Points in a batch."""
MOST_VALUES = 1000
"""Params, tags or inputs in a batch, and runs in a request."""
EARLIEST, LATEST = -(2**63), 2**63 - 1
FARTHEST_MS = 253_402_300_799_999
"""The last millisecond that RFC 3339 can say."""

ExactFloat = Annotated[float, Field(strict=True)]
Number = ExactFloat | Literal["NaN", "Infinity", "-Infinity"]
Int64 = Annotated[int, Field(strict=True, ge=EARLIEST, le=LATEST)]
Milliseconds = Annotated[int, Field(strict=True, ge=0, le=FARTHEST_MS)]
When = Annotated[
    Annotated[str, Field(max_length=40)] | Milliseconds,
    Field(description="RFC 3339, or milliseconds since 1970.", examples=["2026-11-20T23:17:00Z"]),
]
LongAgo = Annotated[Annotated[str, Field(max_length=40)] | Int64, Field(description="RFC 3339, or milliseconds since 1970.", examples=["2026-11-20T23:17:00Z"])]  # fmt: skip
"""A time that may be any that a database can hold."""
RunId = Annotated[
    str, Field(pattern="^[0-9a-f]{32}$", examples=["019a1b2c3d4e7f60918293a4b5c6d7e8"])
]
ModelId = Annotated[str, Field(max_length=40, examples=["m-019a1b2c3d4e7f60918293a4b5c6d7e8"])]
ExperimentId = Annotated[int, Field(ge=0, le=LATEST, examples=[0])]
LongText = Annotated[str, Field(max_length=tracking.MAX_TEXT)]
Texts = Annotated[dict[Key, LongText], Field(max_length=MOST_VALUES)]
TextChanges = Annotated[dict[Key, LongText | None], Field(max_length=MOST_VALUES)]
StatusWord = Literal["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED", "LOST"]


class Exact(Told):
    """An answer with numbers."""

    model_config = ConfigDict(ser_json_inf_nan="strings")


def moment(at_ms: int | None) -> str | None:
    """A time as REST writes it; one that RFC 3339 cannot say (a client may log any) is its milliseconds."""
    if at_ms is None:
        return None
    return to_rfc3339(at_ms) if 0 <= at_ms <= FARTHEST_MS else str(at_ms)


def milliseconds(when: str | int | None) -> int | None:
    """A time that was sent."""
    return from_rfc3339(when) if isinstance(when, str) else when


class Experiment(Told):
    """A named place for runs."""

    id: int
    name: str
    tags: dict[str, str]
    artifact_location: str
    created_at: str
    updated_at: str
    deleted_at: str | None

    @classmethod
    def of(cls, found: tracking.Experiment) -> Experiment:
        """As it is told."""
        return cls(
            id=found.id,
            name=found.name,
            tags=dict(found.tags),
            artifact_location=found.artifact_location,
            created_at=moment(found.created_ms) or "",
            updated_at=moment(found.updated_ms) or "",
            deleted_at=moment(found.deleted_ms),
        )


class NewExperiment(Sent):
    """An experiment to make."""

    name: Annotated[str, Field(min_length=1, max_length=500)] = Field(examples=["churn"])
    tags: Texts = Field(default_factory=dict)
    artifact_location: Annotated[str, Field(max_length=10_000)] = Field(
        "", description="Text that is kept and never opened."
    )
    id: ExperimentId | None = Field(
        None, description="Of its own, if it is free; else one is given out."
    )


class ExperimentChanges(Sent):
    """What to change of an experiment."""

    name: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    tags: TextChanges = Field(default_factory=dict)


class Point(Exact):
    """A point of a metric."""

    key: str = Field(examples=["loss"])
    value: float = Field(examples=[0.25])
    at: str
    step: int
    model_id: str = ""
    dataset_name: str = ""
    dataset_digest: str = ""

    @classmethod
    def of(cls, found: Metric) -> Point:
        """As it is told."""
        context = found.context
        return cls(
            key=found.key,
            value=found.value,
            at=moment(found.at_ms) or "",
            step=found.step,
            model_id=context.model_id,
            dataset_name=context.dataset_name,
            dataset_digest=context.dataset_digest,
        )


class NewPoint(Sent):
    """A point to log."""

    key: Key = Field(examples=["loss"])
    value: Number = Field(examples=[0.25])
    at: LongAgo | None = None
    step: Int64 = 0
    model_id: Annotated[str, Field(max_length=40)] = ""
    dataset_name: Annotated[str, Field(max_length=500)] = ""
    dataset_digest: Annotated[str, Field(max_length=100)] = ""

    def metric(self, now: int) -> Metric:
        """As trackers take it."""
        at_ms = milliseconds(self.at)
        context = Context(self.model_id, self.dataset_name, self.dataset_digest)
        return Metric(
            self.key, float(self.value), now if at_ms is None else at_ms, self.step, context
        )


class InputFacts(Sent):
    """A data set that a run used. Where it came from is text that nobody opens."""

    name: Annotated[str, Field(min_length=1, max_length=500)] = Field(examples=["iris"])
    digest: Annotated[str, Field(min_length=1, max_length=100)] = Field(examples=["3f2a"])
    source_type: Annotated[str, Field(max_length=100)] = ""
    source: LongText = ""
    # The name is what trackers call it; pydantic has a method that is called so, which nobody here needs.
    schema_: Annotated[str, Field(max_length=10_000_000)] = Field("", alias="schema")
    profile: Annotated[str, Field(max_length=30_000_000)] = ""
    tags: Texts = Field(default_factory=dict, examples=[{"context": "training"}])

    def input(self) -> Input:
        """As trackers take it."""
        return Input(
            self.name,
            self.digest,
            self.source_type,
            self.source,
            self.schema_,
            self.profile,
            self.tags,
        )

    @classmethod
    def of(cls, found: Input) -> InputFacts:
        """As it is told."""
        return cls.model_construct(
            name=found.name,
            digest=found.digest,
            source_type=found.source_type,
            source=found.source,
            schema_=found.schema,
            profile=found.profile,
            tags=dict(found.tags),
        )


class Link(Sent):
    """A logged model that a run took or made."""

    model_id: ModelId
    step: Int64 = 0


class NewBatch(Sent):
    """What to log to a run: all of it in one transaction, or nothing."""

    metrics: Annotated[list[NewPoint], Field(max_length=MOST_METRICS)] = Field(default_factory=list)
    params: Texts = Field(default_factory=dict, examples=[{"depth": "3"}])
    tags: TextChanges = Field(default_factory=dict)
    inputs: Annotated[list[InputFacts], Field(max_length=MOST_VALUES)] = Field(default_factory=list)
    model_inputs: Annotated[list[Link], Field(max_length=MOST_VALUES)] = Field(default_factory=list)
    model_outputs: Annotated[list[Link], Field(max_length=MOST_VALUES)] = Field(
        default_factory=list
    )

    def batch(self) -> Batch:
        """As trackers take it."""
        now = now_ms()
        return Batch(
            metrics=[point.metric(now) for point in self.metrics],
            params=self.params,
            tags=self.tags,
            inputs=[one.input() for one in self.inputs],
            model_inputs=[ModelLink(link.model_id, link.step) for link in self.model_inputs],
            model_outputs=[ModelLink(link.model_id, link.step) for link in self.model_outputs],
        )


class Run(Exact):
    """A run, with the latest point of each metric."""

    run_id: str
    experiment_id: int
    name: str
    status: StatusWord
    user: str
    started_at: str
    ended_at: str | None
    duration_ms: int | None
    changed_at: str
    deleted_at: str | None
    parent_run_id: str | None
    metrics: list[Point]
    params: dict[str, str]
    tags: dict[str, str]
    inputs: list[InputFacts]
    model_inputs: list[Link]
    model_outputs: list[Link]

    @classmethod
    def of(cls, found: tracking.Run) -> Run:
        """As it is told."""
        return cls(
            run_id=found.run_id,
            experiment_id=found.experiment_id,
            name=found.name,
            status=found.status.value,
            user=found.user,
            started_at=moment(found.started_ms) or "",
            ended_at=moment(found.ended_ms),
            duration_ms=found.duration_ms,
            changed_at=moment(found.changed_ms) or "",
            deleted_at=moment(found.deleted_ms),
            parent_run_id=found.parent_run_id,
            metrics=[Point.of(metric) for metric in found.metrics],
            params=dict(found.params),
            tags=dict(found.tags),
            inputs=[InputFacts.of(one) for one in found.inputs],
            model_inputs=[Link(model_id=m.model_id, step=m.step) for m in found.model_inputs],
            model_outputs=[Link(model_id=m.model_id, step=m.step) for m in found.model_outputs],
        )


class NewRun(Sent):
    """A run to begin."""

    experiment_id: ExperimentId = 0
    run_id: RunId | None = Field(None, description="Absent: a new one.")
    name: Annotated[str, Field(max_length=1000)] = Field("", examples=["brisk-heron-417"])
    user: Annotated[str, Field(max_length=256)] = ""
    started_at: When | None = None
    tags: Texts = Field(default_factory=dict)
    parent_run_id: RunId | None = None


class RunChanges(Sent):
    """What to change of a run."""

    status: StatusWord | None = Field(None, examples=["FINISHED"])
    ended_at: When | None = None
    name: Annotated[str, Field(min_length=1, max_length=1000)] | None = None

    def status_word(self) -> Status | None:
        """As trackers take it."""
        return None if self.status is None else Status(self.status)


class SomeRuns(Sent):
    """Runs to delete, restore or purge."""

    run_ids: Annotated[list[RunId], Field(min_length=1, max_length=MOST_VALUES)]


class Moving(SomeRuns):
    """Runs for another experiment."""

    experiment_id: ExperimentId


class Tagging(SomeRuns):
    """Tags for runs; one that is null goes."""

    tags: TextChanges = Field(examples=[{"reviewed": "yes", "draft": None}])


class Retention(Sent):
    """How long ago something must have been deleted to go for good."""

    before: LongAgo


class Wanted(Sent):
    """Which values of runs are wanted: null is all of a kind."""

    metrics: Annotated[list[Key], Field(max_length=MOST_VALUES)] | None = None
    params: Annotated[list[Key], Field(max_length=MOST_VALUES)] | None = None
    tags: Annotated[list[Key], Field(max_length=MOST_VALUES)] | None = None
    inputs: bool = True


class Question(Sent):
    """A search: a filter, an order, and which page of the answer."""

    filter: Annotated[str, Field(max_length=100_000)] = Field("", examples=["metrics.acc > 0.9 and params.depth in ('3', '5')"])  # fmt: skip
    order_by: Annotated[list[Annotated[str, Field(max_length=600)]], Field(max_length=20)] = Field(default_factory=list, examples=[["metrics.acc desc"]])  # fmt: skip
    experiments: Annotated[list[ExperimentId], Field(max_length=MOST_VALUES)] | None = Field(None, description="Null is all of them.")  # fmt: skip
    view: Literal["active", "deleted", "all"] = "active"
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    page: Annotated[str, Field(max_length=4096)] | None = None
    columns: Wanted = Field(default_factory=Wanted)

    def search(self) -> Search:
        """As trackers take it."""
        wanted = self.columns
        return Search(
            filter=self.filter,
            order_by=self.order_by,
            experiments=self.experiments,
            view=View(self.view),
            limit=self.limit,
            page=self.page,
            columns=Columns(wanted.metrics, wanted.params, wanted.tags, wanted.inputs),
        )


class Bucket(Exact):
    """Points of a curve that lie next to each other."""

    first_step: int
    last_step: int
    low: float
    high: float
    count: int


class Curve(Told):
    """A curve for a chart."""

    key: str
    buckets: list[Bucket]
