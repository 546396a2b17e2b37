"""What the libraries of file systems raise, as errors of ours."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Generator

from modelyard.base.errors import (
    FileMissing,
    ModelyardError,
    NotAllowed,
    NotSupported,
    StorageFull,
    Unreachable,
)

_LIBRARIES = frozenset(
    ["botocore", "aiobotocore", "aiohttp", "azure", "google", "gcsfs", "paramiko", "pyarrow"]
)
_NO_ONE = (
    "Credentials",
    "CredentialUnavailable",
    "Must provide either a connection_string or account_name",
    "Unauthorized",
)


@contextlib.contextmanager
def faults(label: str) -> Generator[None]:
    """Raise what the libraries raise as errors of ours; what is no fault of the other side goes through."""
    try:
        yield
    except (ModelyardError, ImportError):
        raise
    except Exception as error:
        if (found := named(error, label)) is None:
            raise
        raise found from error


def _or_none(label: str) -> str:
    scheme = label.partition("://")[0]
    public = f"; for what is public, set MODELYARD_STORAGE_{scheme.upper()}_ANON=true"
    return public if scheme in ("s3", "gs", "az") else ""


def named(error: Exception, label: str) -> ModelyardError | None:
    """What an exception says of the other side; None of one that says nothing of it."""
    text = str(error).partition("\n")[0]
    told = f"{type(error).__name__} {text}"
    if isinstance(error, FileNotFoundError):
        return FileMissing(f"{label} is not there: {text}")
    if any(word in told for word in _NO_ONE):
        return NotAllowed(
            f"{label} was not asked for, without credentials: {text}",
            hint="they come from the environment or profiles, as the provider's own tools have them"
            + _or_none(label),
        )
    if "libjvm" in text or "libhdfs" in text:
        return NotSupported(
            f"{label} needs Hadoop's libhdfs and Java: {text}",
            hint="set JAVA_HOME, HADOOP_HOME and CLASSPATH as 'hadoop classpath --glob' says",
        )
    if isinstance(error, PermissionError) or "Authentication" in told or "Forbidden" in told:
        return NotAllowed(f"{label} may not be read or written with these credentials: {text}")
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageFull(f"no space left while writing {label}")
    foreign = type(error).__module__.partition(".")[0] in _LIBRARIES
    if foreign or isinstance(error, OSError | TimeoutError):
        return Unreachable(f"{label} cannot be reached: {text or type(error).__name__}")
    return None
