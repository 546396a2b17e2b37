"""Everything that can go wrong, as one tree and one table.

::

    ModelyardError
    ├── InvalidInput (ValueError)           a value, option or name that cannot be meant
    │   ├── InvalidReference
    │   ├── InvalidName
    │   ├── InvalidSetting
    │   ├── InvalidCard                     names file, line and field
    │   ├── InvalidPath                     a path that leaves its root, or is not portable
    │   ├── SchemaMismatch                  data that the model's schema refuses
    │   ├── UnsupportedType (TypeError)     an object no flavor or type claims
    │   └── UnsupportedFormat
    ├── NotFound (LookupError)              also: VersionNotFound, StageEmpty, UnknownMethod
    │   └── FileMissing (FileNotFoundError)
    ├── NotAllowed (PermissionError)
    │   ├── Unauthenticated                 a server that wants to know who asks
    │   └── Untrusted                       a tier 2 file whose digest the reader has not trusted
    ├── Conflict
    │   ├── AlreadyExists (FileExistsError)
    │   ├── ForeignSchema                   a database that is somebody else's
    │   ├── NewerSchema                     a database or card written by a newer modelyard
    │   └── AddressInUse (OSError)
    ├── CheckFailed                         a policy, environment or verification said no
    │   ├── Corrupted                       bytes do not match their digest
    │   │   └── DigestMismatch              an upload is not what was announced
    │   └── EnvironmentMismatch
    ├── Unreachable (ConnectionError)
    ├── NotReady                            known here, but not loaded now
    ├── MissingExtra (ImportError)          names the extra to install
    ├── NotSupported                        clear, but not possible here
    ├── TooLarge
    ├── Overloaded                          try again later
    ├── TimedOut (TimeoutError)             no answer within the time that was given
    ├── StorageFull (OSError)
    └── ModelFailed (RuntimeError)          the model itself raised
        ├── ModelCrashed                    it took its process with it
        └── ModelTimedOut (TimeoutError)    it did not answer in the time a call may take

A class per condition, each also the built-in that fits it. The message says what and where; ``hint`` says what
to do. Exit codes, HTTP statuses and MLflow's error codes stand in `TABLE` and are read by the edges
(CLI, REST, MLflow's protocol), so that a new error is one class and one row.

>>> error = NotFound("no model named 'chrun' in yard.db", hint="did you mean 'churn'?")
>>> print(error)
no model named 'chrun' in yard.db
Hint: did you mean 'churn'?
>>> describe(error).http_status
404
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


class ModelyardError(Exception):
    """Base of all errors raised on purpose. ``details`` holds plain JSON-able facts for machines."""

    def __init__(self, message: str, *, hint: str | None = None, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details: Mapping[str, Any] = details

    def __str__(self) -> str:
        return f"{self.message}\nHint: {self.hint}" if self.hint else self.message

    @property
    def code(self) -> str:
        """The stable snake_case code, as REST answers and ``--json`` show it."""
        return describe(self).code


class InvalidInput(ModelyardError, ValueError):
    """A value, option or argument that cannot be meant."""


class InvalidReference(InvalidInput):
    """Text that is no reference; the grammar is in `modelyard.base.refs`."""


class InvalidName(InvalidInput):
    """A name that is not allowed, or that differs from another by case or spelling only."""


class InvalidSetting(InvalidInput):
    """A setting that is not known, has a wrong value, or stands where it is not read."""


class InvalidCard(InvalidInput):
    """A card that cannot be read; the message names file, line and field."""


class InvalidPath(InvalidInput):
    """A path that leaves its root, or is not portable."""


class SchemaMismatch(InvalidInput):
    """Data that does not fit a schema; ``details['field']`` names the place, as in ``X[3].age``."""


class UnsupportedType(InvalidInput, TypeError):
    """An object that no flavor and no type claims."""


class UnsupportedFormat(InvalidInput):
    """A format, suffix or content type that is not read or written here."""


class NotFound(ModelyardError, LookupError):
    """Nothing is called so; the message says what was tried."""


class VersionNotFound(NotFound):
    """The name exists, this version of it does not."""


class StageEmpty(NotFound):
    """Nothing is in this stage."""


class UnknownMethod(NotFound):
    """The model has no such method; the hint lists those it has."""


class FileMissing(NotFound, FileNotFoundError):
    """A file or folder that was named is not there."""


class NotAllowed(ModelyardError, PermissionError):
    """Who asks may not do this."""


class Unauthenticated(NotAllowed):
    """A server wants to know who asks, and no key or token says so, or one that is not in force."""


class Untrusted(NotAllowed):
    """Loading it would run code, and its digest is not trusted."""


class Conflict(ModelyardError):
    """What is there contradicts what was asked for."""


class AlreadyExists(Conflict, FileExistsError):
    """Something else is there already."""


class ForeignSchema(Conflict):
    """A database that belongs to another program."""


class NewerSchema(Conflict):
    """A database or card that a newer modelyard wrote."""


class AddressInUse(Conflict, OSError):
    """Another program listens on this port; the hint names a free one."""


class CheckFailed(ModelyardError):
    """A policy, environment or verification said no."""


class Corrupted(CheckFailed):
    """Bytes do not match their digest, or are missing."""


class DigestMismatch(Corrupted):
    """What was sent is not what was announced; nothing was kept."""


class EnvironmentMismatch(CheckFailed):
    """The environment differs from the one it was saved in, and that was to be an error."""


class Unreachable(ModelyardError, ConnectionError):
    """Nobody answers there."""


class NotReady(ModelyardError):
    """Known here, but loading, unloaded, or failed to load."""


class MissingExtra(ModelyardError, ImportError):
    """A feature whose libraries are not installed: says which extra brings them."""

    def __init__(self, feature: str, extra: str, *, missing: str | None = None) -> None:
        lacking = f" ({missing} is not installed)" if missing else ""
        super().__init__(
            f"{feature} comes with the extra '{extra}'{lacking}",
            hint=f"pip install 'modelyard[{extra}]'",
            extra=extra,
        )


class NotSupported(ModelyardError):
    """Clear, but not possible here, or not yet."""


class TooLarge(ModelyardError):
    """More than the limit allows."""


class Overloaded(ModelyardError):
    """Too much at once; try again later."""


class TimedOut(ModelyardError, TimeoutError):
    """No answer within the time that was given; what is computed later is thrown away."""


class StorageFull(ModelyardError, OSError):
    """The disk or the database has no room left. Reading goes on."""


class ModelFailed(ModelyardError, RuntimeError):
    """The model itself raised, or answered what its schema refuses."""


class ModelCrashed(ModelFailed):
    """The process that runs the model died of this request, or is being started again."""


class ModelTimedOut(ModelFailed, TimeoutError):
    """The model did not answer in the time that one call may take; its process was ended."""


@dataclass(frozen=True, slots=True)
class Row:
    """What the edges say for one class: its code, the CLI's exit code, REST's status, MLflow's word."""

    code: str
    exit_code: int
    http_status: int
    mlflow_code: str


TABLE: Mapping[type[ModelyardError], Row] = {
    ModelyardError: Row("failed", 1, 500, "INTERNAL_ERROR"),
    InvalidInput: Row("invalid_input", 2, 400, "INVALID_PARAMETER_VALUE"),
    InvalidReference: Row("invalid_reference", 2, 400, "INVALID_PARAMETER_VALUE"),
    InvalidName: Row("invalid_name", 2, 400, "INVALID_PARAMETER_VALUE"),
    InvalidSetting: Row("invalid_setting", 2, 400, "INVALID_PARAMETER_VALUE"),
    InvalidCard: Row("invalid_card", 1, 400, "INVALID_PARAMETER_VALUE"),
    InvalidPath: Row("invalid_path", 2, 400, "INVALID_PARAMETER_VALUE"),
    SchemaMismatch: Row("schema_mismatch", 1, 422, "INVALID_PARAMETER_VALUE"),
    UnsupportedType: Row("unsupported_type", 1, 400, "INVALID_PARAMETER_VALUE"),
    UnsupportedFormat: Row("unsupported_format", 2, 415, "INVALID_PARAMETER_VALUE"),
    NotFound: Row("not_found", 3, 404, "RESOURCE_DOES_NOT_EXIST"),
    VersionNotFound: Row("version_not_found", 3, 404, "RESOURCE_DOES_NOT_EXIST"),
    StageEmpty: Row("stage_empty", 3, 404, "RESOURCE_DOES_NOT_EXIST"),
    UnknownMethod: Row("unknown_method", 3, 404, "RESOURCE_DOES_NOT_EXIST"),
    FileMissing: Row("file_missing", 3, 404, "RESOURCE_DOES_NOT_EXIST"),
    NotAllowed: Row("not_allowed", 4, 403, "PERMISSION_DENIED"),
    Unauthenticated: Row("unauthenticated", 4, 401, "UNAUTHENTICATED"),
    Untrusted: Row("untrusted", 4, 403, "PERMISSION_DENIED"),
    Conflict: Row("conflict", 5, 409, "RESOURCE_CONFLICT"),
    AlreadyExists: Row("already_exists", 5, 409, "RESOURCE_ALREADY_EXISTS"),
    ForeignSchema: Row("foreign_schema", 5, 409, "INVALID_STATE"),
    NewerSchema: Row("newer_schema", 5, 409, "INVALID_STATE"),
    AddressInUse: Row("address_in_use", 5, 409, "INVALID_STATE"),
    CheckFailed: Row("check_failed", 6, 409, "INVALID_STATE"),
    Corrupted: Row("corrupted", 6, 500, "DATA_LOSS"),
    DigestMismatch: Row("digest_mismatch", 6, 400, "INVALID_PARAMETER_VALUE"),
    EnvironmentMismatch: Row("environment_mismatch", 6, 409, "INVALID_STATE"),
    Unreachable: Row("unreachable", 7, 503, "TEMPORARILY_UNAVAILABLE"),
    NotReady: Row("not_ready", 7, 503, "TEMPORARILY_UNAVAILABLE"),
    MissingExtra: Row("missing_extra", 1, 501, "NOT_IMPLEMENTED"),
    NotSupported: Row("not_supported", 1, 501, "NOT_IMPLEMENTED"),
    TooLarge: Row("too_large", 1, 413, "INVALID_PARAMETER_VALUE"),
    Overloaded: Row("overloaded", 1, 429, "REQUEST_LIMIT_EXCEEDED"),
    TimedOut: Row("timed_out", 7, 504, "TEMPORARILY_UNAVAILABLE"),
    StorageFull: Row("storage_full", 1, 507, "RESOURCE_EXHAUSTED"),
    ModelFailed: Row("model_failed", 1, 500, "INTERNAL_ERROR"),
    ModelCrashed: Row("model_crashed", 1, 503, "TEMPORARILY_UNAVAILABLE"),
    ModelTimedOut: Row("model_timed_out", 1, 504, "DEADLINE_EXCEEDED"),
}


def describe(error: BaseException) -> Row:
    """The row of an error's nearest class in the table; foreign exceptions are ``failed``."""
    for cls in type(error).__mro__:
        if cls in TABLE:
            return TABLE[cls]  # type: ignore[index]
    return TABLE[ModelyardError]


def did_you_mean(word: str, choices: Iterable[str]) -> str | None:
    """A hint with the nearest of the choices, or None when nothing is near.

    >>> did_you_mean("chrun", ["churn", "iris"])
    "did you mean 'churn'?"
    """
    near = difflib.get_close_matches(word, list(choices), n=3, cutoff=0.6)
    return f"did you mean {' or '.join(repr(n) for n in near)}?" if near else None
