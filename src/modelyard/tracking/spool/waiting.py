"""Waiting until the destination has what was told, as long as it gets on."""

from __future__ import annotations

import time
from collections.abc import Callable

from modelyard.tracking.spool import board as counts
from modelyard.tracking.spool.board import Board

STILL_SECONDS = 6.0
"""How long nothing may move until it is given up, where no time was given."""
START_SECONDS = 30.0
"""How long a sender may take to begin, on a busy machine."""
_FIRST, _LONGEST = 0.001, 0.02


def wait_for(
    board: Board,
    wanted: int,
    alive: Callable[[], bool],
    timeout: float | None,
    *,
    patient: bool,
) -> bool:
    """Whether all up to a number has arrived. Who is patient waits for the whole time; else it ends when the destination
    fails, or nothing moves."""
    begun = moved = looked = time.monotonic()
    failed, seen, pause = board.get(counts.FAILED), (-1, -1), _FIRST
    there = alive()
    while board.get(counts.ACKED) < wanted:
        now = time.monotonic()
        if timeout is not None and now - begun >= timeout:
            return False
        state = (board.get(counts.ACKED), board.get(counts.PROGRESS))
        if state != seen:
            seen, moved = state, now
        if now - looked > 0.5:
            looked, there = now, alive()
        still = START_SECONDS if there and not state[1] else STILL_SECONDS
        if not patient and (now - moved > still or board.get(counts.FAILED) > failed):
            return False
        time.sleep(pause)
        pause = min(pause * 1.5, _LONGEST)
    return True
