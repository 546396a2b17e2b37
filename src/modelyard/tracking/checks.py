"""What a key, a value or a name may be: refused with words before anything is written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from modelyard.base.errors import InvalidInput, InvalidName, TooLarge
from modelyard.base.names import invisible
from modelyard.tracking.interface import MAX_KEY, MAX_TEXT, MODEL_STATUSES

MAX_EXPERIMENT = 500
_RUN_ID = re.compile(r"[0-9a-f]{32}")


@lru_cache(maxsize=10_000)
def check_key(key: str, kind: str = "metric") -> str:
    """The key of a metric, param or tag, or `InvalidName`: 1 to 250 visible characters that read as no path upwards."""
    reason = None
    if not key or not key.strip():
        reason = "it is empty"
    elif len(key) > MAX_KEY:
        reason = f"it has {len(key)} characters, and may have {MAX_KEY}"
    elif odd := invisible(key):
        reason = f"it has the control or invisible character {odd}"
    elif key.startswith("/") or any(part in (".", "..") for part in key.split("/")):
        reason = "it reads as a path"
    if reason:
        raise InvalidName(f"{kind} {key[:80]!r} is refused: {reason}")
    return key


def check_texts(values: Mapping[str, str | None], kind: str) -> None:
    """Keys and values of params or tags."""
    for key, value in values.items():
        check_key(key, kind)
        if value is not None and not isinstance(value, str):
            raise InvalidInput(f"{kind} {key!r} is a {type(value).__name__}, not a text")
        if value is not None and len(value) > MAX_TEXT:
            raise TooLarge(f"{kind} {key!r} has {len(value):,} characters; {MAX_TEXT:,} are kept")


def check_experiment_name(name: str) -> str:
    """An experiment's name, or `InvalidName`."""
    reason = None
    if not name or not name.strip():
        reason = "it is empty"
    elif len(name) > MAX_EXPERIMENT:
        reason = f"it has {len(name)} characters, and may have {MAX_EXPERIMENT}"
    elif odd := invisible(name):
        reason = f"it has the control or invisible character {odd}"
    if reason:
        raise InvalidName(f"experiment name {name[:80]!r} is refused: {reason}")
    return name


def check_run_id(run_id: str) -> str:
    """A run's id: 32 lower-case hex digits."""
    if not _RUN_ID.fullmatch(run_id):
        raise InvalidInput(f"{run_id[:80]!r} is not a run's id", hint="32 lower-case hex digits")
    return run_id


def check_model_status(status: str | None) -> str | None:
    """The status of a logged model, or none."""
    if status is not None and status not in MODEL_STATUSES:
        known = ", ".join(MODEL_STATUSES)
        raise InvalidInput(f"no status {status!r} of a logged model", hint=known)
    return status
