"""What a training process tells: the side of a run that never waits for the destination and never raises for its trouble.

>>> recorder = recorder_for("sqlite:///yard.db")  # doctest: +SKIP
>>> recorder.metric(run_id, "loss", 0.25, at_ms, step=7)  # doctest: +SKIP

Everything told goes into a spool, a folder of this process (`spool/`); a sender process tells the destination. What is told
may wait for long, so that an argument is checked before it is told: a refusal comes late, as one warning.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from modelyard.tracking.records import Record

END_SECONDS = 30.0
"""How long the end of a run waits at most for what was told to arrive, as long as it does arrive."""


class Recorder(Protocol):
    """Threads may share one. In a forked child it goes on, in a spool of the child's own."""

    def metric(self, run_id: str, key: str, value: float, at_ms: int, step: int) -> None:
        """One point. The hot path: some microseconds, and never an error for trouble of disk or network."""
        ...

    def add(self, record: Record) -> None:
        """Anything else that happened. Never an error for trouble of disk or network either."""
        ...

    def keep_file(self, path: str | os.PathLike[str]) -> tuple[str, int]:
        """Keep a file as it is now, to be sent before the `FileAdded` that names it; returns its sha256 and size.
        `NotFound` when there is none, `InvalidInput` for a folder."""
        ...

    def flush(self, timeout: float | None = None) -> bool:
        """Whether everything told so far is at the destination. Without a timeout it waits as long as it gets on there;
        with one, for so many seconds."""
        ...

    def close(self, timeout: float = END_SECONDS) -> bool:
        """Nothing more is told, until something is; waits as long as it gets on, at most so many seconds. What has not
        arrived then is sent later: True when all of it has."""
        ...


def recorder_for(
    destination: str, *, token: str | None = None, named_by_reader: bool = True
) -> Recorder:
    """The recorder of this process for a yard: a database's URI, or a hub's address. One per process and destination.

    ``token`` is for a hub, where the caller gave one; it is handed to the sender and written nowhere. A destination that
    stands in a file which came with a folder (``named_by_reader`` false) gets no token from the environment.
    """
    from modelyard.tracking.spool.recorder import spooled

    return spooled(destination, token=token, named_by_reader=named_by_reader)
