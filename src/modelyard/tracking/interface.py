"""The contract of a tracker: what happened in runs, written in batches and read by page.

Values are kept exactly or refused: NaN, infinities and -0.0 come back as they went in, texts are never cut. A write of a
batch is one transaction, whole or not at all; with a ``once`` key it happens once, however often it is sent.

How to add one: write ``tracking/<name>.py`` with a class that has these methods, and a case in
``tests/contracts/test_trackers.py``. ``testing/trackers.py`` holds the contract.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar

if TYPE_CHECKING:
    from modelyard.tracking.records import Record

T = TypeVar("T")

DEFAULT_EXPERIMENT = 0
"""The experiment ``Default``: it is always there."""
MAX_KEY = 250
"""Characters of a key of a metric, param or tag."""
MAX_TEXT = 1_000_000
"""Characters of a param's or tag's value."""


class Status(enum.StrEnum):
    """Of a run. The words are MLflow's, and ``LOST`` for one whose process went silent."""

    RUNNING = "RUNNING"
    SCHEDULED = "SCHEDULED"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"
    LOST = "LOST"


ENDED = frozenset([Status.FINISHED, Status.FAILED, Status.KILLED])
"""A run in one of these has an end."""


MODEL_STATUSES = ("PENDING", "READY", "UPLOAD_FAILED")
"""Of a logged model."""


class View(enum.StrEnum):
    """Which of the living and the deleted a listing shows."""

    ACTIVE = "active"
    DELETED = "deleted"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Experiment:
    """A named place for runs."""

    id: int
    name: str
    created_ms: int = 0
    updated_ms: int = 0
    deleted_ms: int | None = None
    artifact_location: str = ""
    """What a client asked for: text, never opened."""
    tags: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Context:
    """What a metric was measured of, besides its run."""

    model_id: str = ""
    dataset_name: str = ""
    dataset_digest: str = ""


NOTHING = Context()
"""Most metrics are of their run alone."""


class Metric(NamedTuple):
    """One point of a metric. A tuple: a hundred thousand are made a second, which a dataclass would take longer for."""

    key: str
    value: float
    at_ms: int
    step: int = 0
    context: Context = NOTHING


@dataclass(frozen=True, slots=True)
class Input:
    """A data set as a run names it, what it was taken from and looks like, as texts."""

    name: str
    digest: str
    source_type: str = ""
    source: str = ""
    schema: str = ""
    profile: str = ""
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    """Of its use in this run: ``mlflow.data.context`` is ``training`` or ``eval``."""


@dataclass(frozen=True, slots=True)
class ModelLink:
    """A logged model that a run took or made."""

    model_id: str
    step: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """A run and what is known of it. Of metrics the latest points; what was not asked for is empty."""

    run_id: str
    experiment_id: int
    name: str = ""
    status: Status = Status.RUNNING
    user: str = ""
    started_ms: int = 0
    ended_ms: int | None = None
    changed_ms: int = 0
    deleted_ms: int | None = None
    parent_run_id: str | None = None
    metrics: Sequence[Metric] = ()
    """Sorted by key, one a key."""
    params: Mapping[str, str] = field(default_factory=dict[str, str])
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    inputs: Sequence[Input] = ()
    model_inputs: Sequence[ModelLink] = ()
    model_outputs: Sequence[ModelLink] = ()

    @property
    def duration_ms(self) -> int | None:
        """Milliseconds from start to end; None while it has none."""
        return None if self.ended_ms is None else self.ended_ms - self.started_ms

    def _repr_html_(self) -> str:
        from modelyard.tracking.run_html import run_html

        return run_html(self)


@dataclass(frozen=True, slots=True)
class Batch:
    """What is logged to a run at once. A tag that is None is removed."""

    metrics: Sequence[Metric] = ()
    params: Mapping[str, str] = field(default_factory=dict[str, str])
    tags: Mapping[str, str | None] = field(default_factory=dict[str, str | None])
    inputs: Sequence[Input] = ()
    model_inputs: Sequence[ModelLink] = ()
    model_outputs: Sequence[ModelLink] = ()


@dataclass(frozen=True, slots=True)
class LoggedModel:
    """A model that was logged, with or without a run; its files are the artifacts of ``model:<model_id>``."""

    model_id: str
    experiment_id: int
    name: str = ""
    type: str = ""
    run_id: str | None = None
    status: str = "PENDING"
    """``PENDING``, ``READY`` or ``UPLOAD_FAILED``."""
    status_message: str = ""
    created_ms: int = 0
    updated_ms: int = 0
    deleted_ms: int | None = None
    params: Mapping[str, str] = field(default_factory=dict[str, str])
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    metrics: Sequence[tuple[str, Metric]] = ()
    """Latest points measured of this model, each with the id of the run that logged it."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Part of a listing; ``next`` asks for what follows and is None at the end."""

    items: Sequence[T]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Columns:
    """Which values of runs are wanted: all of a kind (None), or those of some keys."""

    metrics: Sequence[str] | None = None
    params: Sequence[str] | None = None
    tags: Sequence[str] | None = None
    inputs: bool = True


EVERYTHING = Columns()


@dataclass(frozen=True, slots=True)
class Search:
    """A question to experiments, runs or logged models: MLflow's grammar and more (`search/__init__.py`)."""

    filter: str = ""
    order_by: Sequence[str] = ()
    """Such as ``metrics.accuracy DESC``."""
    experiments: Sequence[int] | None = None
    """None is all of them; of no use for experiments."""
    view: View = View.ACTIVE
    limit: int = 100
    page: str | None = None
    columns: Columns = EVERYTHING


@dataclass(frozen=True, slots=True)
class Bucket:
    """Points of a curve that lie next to each other, as a chart draws them; NaN apart."""

    first_step: int
    last_step: int
    low: float
    high: float
    count: int


class Tracker(Protocol):
    # Experiments

    def create_experiment(
        self,
        name: str,
        *,
        tags: Mapping[str, str] = ...,
        artifact_location: str = "",
        experiment_id: int | None = None,
    ) -> Experiment:
        """`AlreadyExists` when the name is taken, by a deleted one too, or the id that was asked for."""
        ...

    def ensure_experiment(self, name: str) -> Experiment:
        """The experiment of that name, made when it is not there, by whoever comes first (P3)."""
        ...

    def experiment(self, which: int | str) -> Experiment:
        """By id or by name, deleted ones too. `NotFound`."""
        ...

    def update_experiment(
        self, experiment_id: int, *, name: str | None = None, tags: Mapping[str, str | None] = ...
    ) -> Experiment: ...

    def delete_experiment(self, experiment_id: int) -> None:
        """With its active runs; `restore_experiment` brings those back that went with it."""
        ...

    def restore_experiment(self, experiment_id: int) -> None: ...

    def search_experiments(self, search: Search) -> Page[Experiment]: ...

    # Runs

    def create_run(
        self,
        experiment_id: int,
        *,
        run_id: str | None = None,
        name: str = "",
        user: str = "",
        started_ms: int | None = None,
        tags: Mapping[str, str] = ...,
        parent_run_id: str | None = None,
        once: str | None = None,
    ) -> Run:
        """A run that is RUNNING. Without a name it gets one. `NotFound` without the experiment, `NotAllowed` in a
        deleted one, `AlreadyExists` when the id is taken."""
        ...

    def run(self, run_id: str, columns: Columns = EVERYTHING) -> Run: ...

    def update_run(
        self,
        run_id: str,
        *,
        status: Status | None = None,
        ended_ms: int | None = None,
        name: str | None = None,
    ) -> Run: ...

    def write(self, run_id: str, batch: Batch, *, once: str | None = None) -> None:
        """All of it, in one transaction. A param that has another value already is `Conflict`; nothing is kept then."""
        ...

    def beat(self, run_ids: Sequence[str], seconds: float) -> None:
        """These runs are alive, and will say so again within so many seconds: one that is silent for twice as long is
        LOST, by the clock of whoever keeps the tracker, until it is heard of again. Others are passed over."""
        ...

    def delete_runs(self, run_ids: Sequence[str]) -> None: ...

    def restore_runs(self, run_ids: Sequence[str]) -> None: ...

    def purge_runs(self, run_ids: Sequence[str]) -> None:
        """For good, with all they logged; only deleted ones (`Conflict`)."""
        ...

    def tag_runs(self, run_ids: Sequence[str], tags: Mapping[str, str | None]) -> None:
        """Set tags of several runs, of all or of none; one that is None is removed."""
        ...

    def move_runs(self, run_ids: Sequence[str], experiment_id: int) -> None: ...

    def copy_run(self, run_id: str, experiment_id: int) -> Run: ...

    def search(self, search: Search) -> Page[Run]: ...

    # What other processes told

    def received(self, spool: str) -> int:
        """The number up to which the records of a spool were carried out; 0 for one never heard of."""
        ...

    def receive(self, spool: str, after: int, records: Sequence[tuple[int, Record | None]]) -> int:
        """Carry out records with rising numbers, in one transaction, if ``after`` is the number received before: so
        each happens once, whoever sends it how often. Returns the number received now; one that is not the last one
        sent is where to go on from. None for a record passes over a number.

        What cannot be kept raises, and nothing is kept: send less at once, and pass over the one that is refused. A run
        that is begun or resumed, or named as a parent, is made when it is not there: what was told of it first may
        come later, from another process. `FileMissing` for a file whose bytes were not put."""
        ...

    # Metrics

    def history(
        self,
        run_id: str,
        key: str,
        *,
        context: Context | None = None,
        limit: int = 25_000,
        page: str | None = None,
    ) -> Page[Metric]:
        """All points in the order they were logged; one logged twice comes once. ``context`` None is all contexts."""
        ...

    def curve(
        self,
        run_id: str,
        key: str,
        *,
        buckets: int = 500,
        first_step: int | None = None,
        last_step: int | None = None,
        context: Context | None = None,
    ) -> Sequence[Bucket]:
        """The curve in at most so many buckets by step, each with its lowest and highest value: of points measured of just
        this ``context``, else of that with the latest point. NaN has no place between lows and highs: `history` has it."""
        ...

    # Logged models

    def create_model(
        self,
        experiment_id: int,
        *,
        name: str = "",
        type: str = "",
        run_id: str | None = None,
        params: Mapping[str, str] = ...,
        tags: Mapping[str, str] = ...,
    ) -> LoggedModel: ...

    def model(self, model_id: str, *, deleted: bool = False) -> LoggedModel:
        """`NotFound`, for a deleted one too unless ``deleted``."""
        ...

    def update_model(
        self,
        model_id: str,
        *,
        status: str | None = None,
        params: Mapping[str, str] = ...,
        tags: Mapping[str, str | None] = ...,
    ) -> LoggedModel: ...

    def delete_model(self, model_id: str) -> None: ...

    def purge_model(self, model_id: str) -> None:
        """For good, with its files; only a deleted one (`Conflict`)."""
        ...

    def purge_deleted(self, before_ms: int) -> int:
        """Remove for good what was deleted before a moment: runs, logged models, and then experiments that have
        nothing left. Returns how many went; it works in small transactions."""
        ...

    def search_models(self, search: Search) -> Page[LoggedModel]: ...
