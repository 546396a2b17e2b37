"""The event: one row of registry history, audit trail, webhook outbox and live feed at once.

Every change of a name, version, stage or alias is an event; states are folds over events. An event carries no
payloads (no inputs, no outputs), so that erasing a prediction stays possible.
"""

from __future__ import annotations

import enum
import getpass
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any


class Kind(enum.StrEnum):
    """What happened. The words are wire format: they stand in databases and webhooks and never change."""

    MODEL_CREATED = "model.created"
    MODEL_RENAMED = "model.renamed"
    MODEL_DESCRIBED = "model.described"
    MODEL_COMMENTED = "model.commented"
    MODEL_DEPRECATED = "model.deprecated"
    MODEL_DELETED = "model.deleted"
    MODEL_DOWNLOADED = "model.downloaded"
    VERSION_REGISTERED = "version.registered"
    VERSION_DESCRIBED = "version.described"
    VERSION_COMMENTED = "version.commented"
    VERSION_DEREGISTERED = "version.deregistered"
    VERSION_DELETED = "version.deleted"
    STAGE_ASSIGNED = "stage.assigned"
    STAGE_UNASSIGNED = "stage.unassigned"
    ALIAS_MOVED = "alias.moved"
    ALIAS_REMOVED = "alias.removed"
    DATASET_REGISTERED = "dataset.registered"
    DATASET_DELETED = "dataset.deleted"
    EXPERIMENT_DELETED = "experiment.deleted"
    EXPERIMENT_RESTORED = "experiment.restored"
    EXPERIMENT_PURGED = "experiment.purged"
    RUN_DELETED = "run.deleted"
    RUN_RESTORED = "run.restored"
    RUN_MOVED = "run.moved"
    RUN_PURGED = "run.purged"
    PREDICTIONS_ERASED = "predictions.erased"
    USER_ADDED = "user.added"
    USER_CHANGED = "user.changed"
    USER_REMOVED = "user.removed"
    TOKEN_CREATED = "token.created"
    TOKEN_REVOKED = "token.revoked"


@dataclass(frozen=True, slots=True)
class Draft:
    """An event that has not happened yet: what a decision returns and a registry appends."""

    kind: Kind
    subject: str
    """Kind of thing and its name: ``model:churn``, ``dataset:iris``."""
    before: Mapping[str, Any] = field(default_factory=dict[str, Any])
    after: Mapping[str, Any] = field(default_factory=dict[str, Any])
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """An event that happened. Order is by ``seq``, never by time."""

    seq: int
    at_ms: int
    actor: str
    request_id: str
    kind: Kind
    subject: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who acts, and under which request: recorded on each event."""

    actor: str
    request_id: str = ""


_caller: ContextVar[Caller | None] = ContextVar("modelyard_caller", default=None)


def caller() -> Caller:
    """The caller of this context: set by an edge (REST, CLI), else the user of this computer."""
    known = _caller.get()
    return known if known is not None else Caller(local_user())


def set_caller(value: Caller | None) -> None:
    """Name the caller for what follows in this context (a request, a command)."""
    _caller.set(value)


def local_user() -> str:
    """The login name, or ``unknown`` where there is none (a container with a bare user id)."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return "unknown"
