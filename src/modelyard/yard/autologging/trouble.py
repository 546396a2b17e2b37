"""What fails while something is logged by itself is one line for the user, and nothing to the training."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Callable
from types import TracebackType

from modelyard.base.notes import note

probes: list[Callable[[str], None]] = []
"""For the contract suite: called with the name of each place that code of ours goes through, and may raise there."""

counts: Counter[str] = Counter()
"""How often it failed, by place."""

_lock = threading.Lock()


class contained:  # noqa: N801  # reads as a verb: with contained("xgboost.model"): ...
    """A block whose exceptions go no further. `KeyboardInterrupt` and `SystemExit` are the user's, and pass."""

    __slots__ = ("_place", "_silent", "failed")

    def __init__(self, place: str, *, silent: bool = False) -> None:
        self._place, self._silent, self.failed = place, silent, False

    def __enter__(self) -> contained:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> bool:
        if error is None:
            try:
                probe(self._place)
            except Exception as injected:  # noqa: BLE001
                error = injected
            else:
                return False
        elif not isinstance(error, Exception):
            return False
        self.failed = True
        report(self._place, error, silent=self._silent)
        return True


def probe(place: str) -> None:
    """Code of ours goes through here."""
    for function in probes:
        function(place)


def report(place: str, error: BaseException, *, silent: bool = False) -> None:
    """Say it once a place and process; count it always."""
    with _lock:
        counts[place] += 1
        first = counts[place] == 1
    if not first or silent:
        return
    with contextlib.suppress(Exception):  # an error whose text raises, a stderr that is closed
        text = " ".join(str(error).split())[:300]
        note(
            f"autolog: {place} could not be logged ({type(error).__name__}: {text}); training goes on"
        )
