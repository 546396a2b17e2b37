"""The broom of a hub: a thread that sweeps its yard now and then. Of several hubs on one yard, one at a time."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from modelyard.base.clock import now_ms
from modelyard.yard.retention import Swept, sweep_in_turn

if TYPE_CHECKING:
    from modelyard.yard.yard import Yard

LOOK_SECONDS = 60.0
"""How often each hub looks whether it is time."""
STOP_SECONDS = 10.0
"""How long the end of a hub waits for a sweep. One that is cut off is finished by the next."""

_logger = logging.getLogger("modelyard.hub")


class Sweeper:
    """Sweeps a yard every so often, while it is started."""

    def __init__(self, yard: Yard, every_seconds: float) -> None:
        self._yard = yard
        self._every = every_seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sweeper", daemon=True)

    def start(self) -> None:
        """Begin, in the background; the start of a hub is not made longer by it."""
        self._thread.start()

    def stop(self) -> None:
        """Begin no more sweeps."""
        self._stop.set()
        self._thread.join(STOP_SECONDS)

    def look(self, at_ms: int) -> Swept | None:
        """Sweep if it is time, and nobody else does; what went is logged."""
        swept = sweep_in_turn(self._yard, at_ms, round(self._every * 1000))
        if swept is not None and (swept.files.blobs or swept.files.unfinished or swept.purged):
            _logger.info(
                "swept: %d files (%d bytes), %d pieces of dead uploads, %d that were deleted long ago",
                swept.files.blobs,
                swept.files.size,
                swept.files.unfinished,
                swept.purged,
            )
        return swept

    def _run(self) -> None:
        while not self._stop.wait(min(LOOK_SECONDS, self._every)):
            try:
                self.look(now_ms())
            except Exception:
                _logger.exception("a sweep failed; the next one comes in its time")
