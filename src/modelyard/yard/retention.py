"""How long things are kept that nobody needs, and the sweep that removes them afterwards.

Several processes may look at once whether a sweep is due: the one that takes the turn notes it in the database first.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from modelyard.base.clock import duration_ms
from modelyard.base.errors import InvalidInput, InvalidSetting, did_you_mean
from modelyard.stores.collecting import Collected
from modelyard.stores.once import KEPT_MS, forget
from modelyard.yard.settings import change_setting, put_setting

if TYPE_CHECKING:
    from modelyard.base.config import Settings
    from modelyard.yard.yard import Yard

OPTIONS = ("deleted",)
_NEXT = "next_sweep_ms"
TURN_MS = 6 * 3600 * 1000
"""How long a sweep may take; then its process is taken for dead, and another sweeps."""


def retention_ms(config: Settings) -> int | None:
    """How long what was deleted can be restored; None is for ever."""
    options = config.get("retention") or {}
    for option in options:
        if option not in OPTIONS:
            hint = did_you_mean(option, OPTIONS) or f"known: {', '.join(OPTIONS)}"
            raise InvalidSetting(f"unknown setting 'retention.{option}'", hint=hint)
    text = options.get("deleted")
    if text is None:
        return None
    try:
        return duration_ms(str(text))
    except InvalidInput as error:
        raise InvalidSetting(f"retention.deleted: {error.message}", hint=error.hint) from None


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep removed."""

    files: Collected
    purged: int
    """Runs, logged models and experiments that were deleted long ago."""
    forgotten: int
    """Keys of requests that nobody will send again."""


def sweep(yard: Yard, at_ms: int) -> Swept:
    """Remove what may go as of a moment: what was deleted longer ago than the yard's retention, then files that nothing
    needs, dead uploads, and old keys of requests."""
    purged = 0
    if yard.retention_ms is not None:
        purged = yard.tracker.purge_deleted(at_ms - yard.retention_ms)
    files = yard.collect(at_ms=at_ms)
    return Swept(files, purged, forget(yard.database, at_ms - KEPT_MS))


def sweep_in_turn(yard: Yard, at_ms: int, every_ms: int) -> Swept | None:
    """`sweep`, when it is time and no other process is at it; else None."""
    if not change_setting(yard.database, _NEXT, partial(_take, at_ms, every_ms)):
        return None
    swept = sweep(yard, at_ms)
    put_setting(yard.database, _NEXT, at_ms + every_ms)
    return swept


def _take(at_ms: int, every_ms: int, due_ms: Any) -> Any:
    if due_ms is not None and due_ms > at_ms:
        return None
    return at_ms + max(every_ms, TURN_MS)
