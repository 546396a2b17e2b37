"""Requests that tell what happened in other processes, record by record, and how far that was heard."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from modelyard.hub.shapes import Sent, Told
from modelyard.hub.tracking_shapes import (
    LATEST,
    ExperimentId,
    LongAgo,
    LongText,
    ModelId,
    NewBatch,
    RunId,
    SomeRuns,
    StatusWord,
    Texts,
    milliseconds,
)
from modelyard.tracking import records as told
from modelyard.tracking.interface import Status

MOST_RECORDS = 10_000
"""Records in a request."""

Number = Annotated[int, Field(strict=True, ge=0, le=LATEST)]
SpoolId = Annotated[str, Field(min_length=1, max_length=100)]
Experiment = Annotated[
    ExperimentId | Annotated[str, Field(min_length=1, max_length=500)],
    Field(description="An id, or a name: one that is not there yet is made."),
]


class RunBegun(Sent):
    """A run begins, or goes on."""

    kind: Literal["run.begun"]
    run_id: RunId
    experiment: Experiment = 0
    name: Annotated[str, Field(max_length=1000)] = ""
    user: Annotated[str, Field(max_length=256)] = ""
    at_ms: LongAgo = 0
    tags: Texts = Field(default_factory=dict)
    parent_run_id: RunId | None = None
    resumed: bool = False

    def record(self, caller: str) -> told.Record:
        """As trackers take it."""
        return told.RunBegun(
            run_id=self.run_id,
            experiment=self.experiment,
            name=self.name,
            user=self.user or caller,
            at_ms=milliseconds(self.at_ms) or 0,
            tags=self.tags,
            parent_run_id=self.parent_run_id,
            resumed=self.resumed,
        )


class RunLogged(Sent):
    """Something was logged to a run."""

    kind: Literal["run.logged"]
    run_id: RunId
    batch: NewBatch

    def record(self, caller: str) -> told.Record:
        """As trackers take it."""
        return told.RunLogged(self.run_id, self.batch.batch())


class RunEnded(Sent):
    """A run is over."""

    kind: Literal["run.ended"]
    run_id: RunId
    status: StatusWord = "FINISHED"
    at_ms: LongAgo = 0

    def record(self, caller: str) -> told.Record:
        """As trackers take it."""
        return told.RunEnded(self.run_id, Status(self.status), milliseconds(self.at_ms) or 0)


class FileAdded(Sent):
    """A file of a run or a logged model, whose bytes were put as a blob before."""

    kind: Literal["file.added"]
    owner: Annotated[str, Field(max_length=130, examples=["run:019a1b2c3d4e7f60918293a4b5c6d7e8"])]
    path: Annotated[str, Field(min_length=1, max_length=1024)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    size: Number

    def record(self, caller: str) -> told.Record:
        """As trackers take it."""
        return told.FileAdded(self.owner, self.path, self.sha256, self.size)


class ModelBegun(Sent):
    """A model is logged: PENDING until its files are there."""

    kind: Literal["model.begun"]
    model_id: ModelId
    run_id: RunId | None = None
    experiment: Experiment = 0
    name: Annotated[str, Field(max_length=1000)] = ""
    type: Annotated[str, Field(max_length=1000)] = ""
    at_ms: LongAgo = 0
    params: Texts = Field(default_factory=dict)
    tags: Texts = Field(default_factory=dict)

    def record(self, caller: str) -> told.Record:
        """As trackers take it."""
        return told.ModelBegun(
            model_id=self.model_id,
            run_id=self.run_id,
            experiment=self.experiment,
            name=self.name,
            type=self.type,
            at_ms=milliseconds(self.at_ms) or 0,
            params=self.params,
            tags=self.tags,
        )


class ModelEnded(Sent):
    """The files of a logged model are there, or will never be."""

    kind: Literal["model.ended"]
    model_id: ModelId
    status: Literal["PENDING", "READY", "UPLOAD_FAILED"] = "READY"

    def record(self, caller: str) -> told.Record:
        """As trackers take it."""
        return told.ModelEnded(self.model_id, self.status)


class ModelRegistered(Sent):
    """A model was to be registered, which whoever sends it does. Nothing happens."""

    kind: Literal["model.registered"]
    model_id: ModelId
    name: LongText
    run_id: RunId | None = None

    def record(self, caller: str) -> told.Record:
        """As trackers take it."""
        return told.ModelRegistered(self.model_id, self.name, self.run_id)


Record = Annotated[
    RunBegun | RunLogged | RunEnded | FileAdded | ModelBegun | ModelEnded | ModelRegistered,
    Field(discriminator="kind"),
]


class NewRecords(Sent):
    """Records with rising numbers; null passes over a number."""

    after: Number = Field(
        description="The number that was received before: where the spool is not at it, nothing is done."
    )
    records: Annotated[
        list[tuple[Number, Record | None]],
        Field(
            max_length=MOST_RECORDS,
            examples=[
                [
                    [1, {"kind": "run.begun", "run_id": "019a1b2c3d4e7f60918293a4b5c6d7e8"}],
                    [2, {"kind": "run.ended", "run_id": "019a1b2c3d4e7f60918293a4b5c6d7e8"}],
                ]
            ],
        ),
    ]


class Received(Told):
    """How far a spool was heard."""

    received: int


class Alive(SomeRuns):
    """Runs that are alive, and will say so again."""

    seconds: Annotated[float, Field(gt=0, le=24 * 3600, description="Within so many seconds.")]
