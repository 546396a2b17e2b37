"""What is answered when something is wrong: MLflow's codes, their HTTP statuses, and texts that its users know."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from modelyard.base.errors import AlreadyExists, Conflict, ModelyardError, NotFound, describe

INVALID = "INVALID_PARAMETER_VALUE"
MISSING = "RESOURCE_DOES_NOT_EXIST"
EXISTS = "RESOURCE_ALREADY_EXISTS"

STATUSES: Mapping[str, int] = {
    INVALID: 400,
    EXISTS: 400,
    "BAD_REQUEST": 400,
    "UNAUTHENTICATED": 401,
    "CUSTOMER_UNAUTHORIZED": 401,
    "PERMISSION_DENIED": 403,
    MISSING: 404,
    "NOT_FOUND": 404,
    "ENDPOINT_NOT_FOUND": 404,
    "RESOURCE_CONFLICT": 409,
    "ABORTED": 409,
    "ALREADY_EXISTS": 409,
    "REQUEST_LIMIT_EXCEEDED": 429,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "INTERNAL_ERROR": 500,
    "INVALID_STATE": 500,
    "DATA_LOSS": 500,
    "NOT_IMPLEMENTED": 501,
    "TEMPORARILY_UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
"""Clients try 408, 429 and 5xx again for minutes: what a user did wrong is none of these."""

_OWN_STATUS = frozenset([413, 507])
"""Statuses of ours that say more than MLflow's: too large, and a full disk (which a second attempt does not empty)."""

TEXTS: Mapping[str, str] = {
    "experiment": "No Experiment with id={} exists",
    "experiment_name": "Could not find experiment with name '{}'",
    "experiment_exists": "Experiment(name={}) already exists.",
    "experiment_id": "Invalid experiment ID '{}'. Experiment ID must be a valid integer.",
    "experiment_gone": "The experiment {} must be in the 'active' state. Current state is deleted.",
    "run": "Run with id={} not found",
    "run_gone": "The run {} must be in the 'active' state. Current state is deleted.",
    "param": "Changing param values is not allowed. Param with key='{}' was already logged with value='{}'"
    " for {}. Attempted logging new value '{}'.",
    "model": "Registered Model with name={} not found",
    "model_exists": "Registered Model (name={}) already exists.",
    "version": "Model Version (name={}, version={}) not found",
    "alias": "Registered model alias {} not found.",
    "stage": "Invalid Model Version stage: {}. Value must be one of {}.",
    "logged_model": "Logged model with ID '{}' not found.",
    "source": "Invalid model version source: '{}'. {}",
    "webhook": "Webhook with ID {} not found.",
}
"""What MLflow says in these cases; scripts look for some of them."""

_logger = logging.getLogger("modelyard.compat")


class Refusal(Exception):
    """A request that is answered with an error of MLflow's."""

    def __init__(self, message: str, code: str = INVALID) -> None:
        super().__init__(message)
        self.message, self.code = message, code


def refused(text: str, *values: object, code: str = MISSING) -> Refusal:
    """One of `TEXTS`, with its values."""
    return Refusal(TEXTS[text].format(*values), code)


@contextmanager
def told(text: str, *values: object) -> Iterator[None]:
    """Say it in MLflow's words when the thing that the block is about is not there."""
    try:
        yield
    except NotFound as error:
        raise refused(text, *values) from error


@contextmanager
def alive(kind: str, which: object) -> Iterator[None]:
    """The same for a run or experiment that has to be there and not deleted."""
    with told(kind, which):
        try:
            yield
        except Conflict as error:
            if not error.details.get("deleted"):
                raise
            raise refused(f"{kind}_gone", which, code=INVALID) from error


def param_refused(error: Conflict, where: str) -> Refusal:
    """A param that has another value already."""
    if "key" not in error.details:
        return Refusal(error.message)
    key, old, new = (error.details[name] for name in ("key", "old", "new"))
    return refused("param", key, old, where, new, code=INVALID)


@contextmanager
def taken(text: str, *values: object) -> Iterator[None]:
    """Say it in MLflow's words when the name is taken."""
    try:
        yield
    except AlreadyExists as error:
        raise refused(text, *values, code=EXISTS) from error


def status_and_body(error: BaseException) -> tuple[int, dict[str, Any]]:
    """The HTTP status and the JSON of an error. Of one that nobody foresaw nothing is told but that it happened."""
    if isinstance(error, Refusal):
        return STATUSES[error.code], {"error_code": error.code, "message": error.message}
    if isinstance(error, ModelyardError):
        row = describe(error)
        status = row.http_status if row.http_status in _OWN_STATUS else STATUSES[row.mlflow_code]
        message = f"{error.message} ({error.hint})" if error.hint else error.message
        return status, {"error_code": row.mlflow_code, "message": message}
    _logger.error("unexpected error", exc_info=error)
    return 500, {"error_code": "INTERNAL_ERROR", "message": "Internal server error"}
