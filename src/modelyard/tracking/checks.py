"""What a key, a value or a name may be: refused with words before anything is written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from modelyard.base.errors import InvalidInput, InvalidName, TooLarge
from modelyard.base.names import invisible
from modelyard.tracking.interface import MAX_KEY, MAX_TEXT, MODEL_STATUSES, Status

MAX_EXPERIMENT = 500
_RUN_ID = re.compile(r"[0-9a-f]{32}")


@lru_cache(maxsize=10_000)
def check_key(key: str, kind: str = "metric") -> str:
    """The key of a metric, param or tag, or `InvalidName`: 1 to 250 visible characters that read as no path upwards."""
    if not isinstance(key, str):
        raise InvalidInput(f"the key of a {kind} is a {type(key).__name__}, not a text")
    reason = _why_not(key, MAX_KEY)
    if key.startswith("/") or any(part in (".", "..") for part in key.split("/")):
        reason = reason or "it reads as a path"
    if reason:
        raise InvalidName(f"{kind} {key[:80]!r} is refused: {reason}")
    return key


def _why_not(text: str, most: int) -> str | None:
    if not text.strip():
        return "it is empty"
    if len(text) > most:
        return f"it has {len(text)} characters, and may have {most}"
    odd = invisible(text)
    return odd and f"it has the control or invisible character {odd}"


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
    if reason := _why_not(name, MAX_EXPERIMENT):
        raise InvalidName(f"experiment name {name[:80]!r} is refused: {reason}")
    return name


def check_run_id(run_id: str) -> str:
    """A run's id: 32 lower-case hex digits."""
    if not isinstance(run_id, str):
        raise InvalidInput(f"{run_id!r:.80} is not a run's id", hint="a text")
    if not _RUN_ID.fullmatch(run_id):
        raise InvalidInput(
            f"{run_id[:80]!r} is not a run's id",
            hint="32 lower-case hex digits, as runs list shows them",
        )
    return run_id


def check_status(word: str) -> Status:
    """The status of a run that a word says, in capitals or not."""
    found = next((one for one in Status if one.value == word.upper()), None)
    if found is None:
        known = ", ".join(one.value for one in Status)
        raise InvalidInput(f"no status {word!r}", hint=f"one of {known}")
    return found


def check_model_status(status: str | None) -> str | None:
    """The status of a logged model, or none."""
    if status is not None and status not in MODEL_STATUSES:
        known = ", ".join(MODEL_STATUSES)
        raise InvalidInput(f"no status {status!r} of a logged model", hint=known)
    return status
