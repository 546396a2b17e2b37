"""Requests and answers about logged models."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from modelyard.hub.shapes import Sent
from modelyard.hub.tracking_shapes import (
    Exact,
    ExperimentId,
    Point,
    RunId,
    TextChanges,
    Texts,
    moment,
)
from modelyard.tracking import interface as tracking


class LoggedMetric(Point):
    """A point measured of a model, and the run that logged it."""

    run_id: str


class LoggedModel(Exact):
    """A model that was logged."""

    model_id: str
    experiment_id: int
    name: str
    type: str
    run_id: str | None
    status: str
    status_message: str
    params: dict[str, str]
    tags: dict[str, str]
    metrics: list[LoggedMetric]
    created_at: str
    updated_at: str
    deleted_at: str | None

    @classmethod
    def of(cls, found: tracking.LoggedModel) -> LoggedModel:
        """As it is told."""
        return cls(
            model_id=found.model_id,
            experiment_id=found.experiment_id,
            name=found.name,
            type=found.type,
            run_id=found.run_id,
            status=found.status,
            status_message=found.status_message,
            params=dict(found.params),
            tags=dict(found.tags),
            metrics=[
                LoggedMetric(run_id=run_id, **Point.of(metric).__dict__)
                for run_id, metric in found.metrics
            ],
            created_at=moment(found.created_ms) or "",
            updated_at=moment(found.updated_ms) or "",
            deleted_at=moment(found.deleted_ms),
        )


class NewLoggedModel(Sent):
    """A logged model to begin; it is PENDING until its files are here."""

    experiment_id: ExperimentId = 0
    name: Annotated[str, Field(max_length=1000)] = ""
    type: Annotated[str, Field(max_length=500)] = ""
    run_id: RunId | None = None
    params: Texts = Field(default_factory=dict)
    tags: Texts = Field(default_factory=dict)


class LoggedModelChanges(Sent):
    """What to change of a logged model."""

    status: Literal["PENDING", "READY", "UPLOAD_FAILED"] | None = None
    params: Texts = Field(default_factory=dict)
    tags: TextChanges = Field(default_factory=dict)
