"""The live feed: what happens in the yard, told to everybody who listens, by one reader a process.

The reader looks into the database while somebody listens, so that a change made through another process, or by hand
on the hub's machine, is told as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelyard.base.clock import now_ms
from modelyard.base.errors import Overloaded
from modelyard.base.events import Event
from modelyard.registry.trail import EventQuery, event_page, last_seq
from modelyard.tracking.changes import Change, changed_runs

if TYPE_CHECKING:
    from modelyard.yard.yard import Yard

LOOK_SECONDS = 0.5
HEARTBEAT_SECONDS = 15.0
GAP_SECONDS = 10.0
"""How long a number that is missing is waited for: on a database server a lower number may be committed later."""
LOOK_BACK_MS = 5000
MOST_LISTENERS = 200
A_LOOK = 1000
BACKLOG = 10_000
"""Events a listener may be behind; who is slower is let go, and comes back with the last id."""


class Follower:
    """Which events were told: all up to ``settled``, and some above it. Pure; time is given."""

    def __init__(self, settled: int) -> None:
        self.settled = settled
        self._seen: set[int] = set()
        self._missed: dict[int, float] = {}

    def take(self, found: Sequence[Event], now: float) -> list[Event]:
        """The events above ``settled`` that were not told yet, in their order."""
        new = [event for event in found if event.seq not in self._seen and event.seq > self.settled]
        self._seen.update(event.seq for event in new)
        top = max(self._seen, default=self.settled)
        step = self.settled + 1
        while step <= top:
            if step in self._seen:
                self._seen.discard(step)
            elif now - self._missed.setdefault(step, now) < GAP_SECONDS:
                break
            self._missed.pop(step, None)
            self.settled = step
            step += 1
        return new


class Watch:
    """Which changes of runs were told. Clocks of several hubs differ: it looks back a little, and tells none twice."""

    def __init__(self, since_ms: int) -> None:
        self.since_ms = since_ms
        self._told: dict[tuple[str, int, str], int] = {}

    def take(self, found: Sequence[Change]) -> list[Change]:
        """The changes that were not told yet."""
        keyed = {(c.run_id, c.changed_ms, c.status): c for c in found}
        new = [change for key, change in keyed.items() if key not in self._told]
        self._told.update({key: change.changed_ms for key, change in keyed.items()})
        newest = max((c.changed_ms for c in found), default=self.since_ms)
        self.since_ms = max(self.since_ms, newest - LOOK_BACK_MS)
        self._told = {k: at_ms for k, at_ms in self._told.items() if at_ms >= self.since_ms}
        return new


@dataclass(frozen=True, slots=True)
class Batch:
    """What listeners are told at once. ``settled`` is where the events go on."""

    settled: int
    events: Sequence[Event] = ()
    runs: Sequence[Change] = ()


Queue = asyncio.Queue["Batch | None"]


class Feed:
    """One process's reader and its listeners."""

    def __init__(self, yard: Yard) -> None:
        self._database = yard.database
        self._listeners: dict[Queue, frozenset[int]] = {}
        self._reader: asyncio.Task[None] | None = None
        self._stopped = False

    def stop(self) -> None:
        """End every stream; their clients connect again, to another process or a new one."""
        self._stopped = True
        for queue in self._listeners:
            with contextlib.suppress(asyncio.QueueFull):
                queue.put_nowait(None)

    async def listen(
        self, after: int | None, experiments: Iterable[int] = ()
    ) -> AsyncIterator[Batch | None]:
        """Events above ``after`` (None: from now on) and changed runs of some experiments; None is a heartbeat."""
        if len(self._listeners) >= MOST_LISTENERS:
            raise Overloaded("too many listen already", retry_after=30)
        queue: Queue = asyncio.Queue(BACKLOG // A_LOOK + 16)
        began = await asyncio.to_thread(last_seq, self._database)
        self._listeners[queue] = frozenset(experiments)
        self._start(began)
        try:
            async for batch in self._missed(began if after is None else after, began):
                yield batch
            while not self._stopped:
                try:
                    async with asyncio.timeout(HEARTBEAT_SECONDS):
                        batch = await queue.get()
                except TimeoutError:
                    yield None
                    continue
                if batch is None:
                    return
                yield batch
        finally:
            self._listeners.pop(queue, None)

    async def _missed(self, after: int, until: int) -> AsyncIterator[Batch]:
        """What happened between the last one that was told and the moment of listening."""
        while after < until and not self._stopped:
            query = EventQuery(after=after, limit=A_LOOK)
            found = await asyncio.to_thread(event_page, self._database, query)
            found = [event for event in found if event.seq <= until]
            if not found:
                return
            after = found[-1].seq
            yield Batch(after, found)

    def _start(self, began: int) -> None:
        if self._reader is None or self._reader.done():
            self._reader = asyncio.create_task(self._read(Follower(began), Watch(now_ms())))

    async def _read(self, follower: Follower, watch: Watch) -> None:
        while self._listeners and not self._stopped:
            await asyncio.sleep(LOOK_SECONDS)
            query = EventQuery(after=follower.settled, limit=A_LOOK)
            watched = sorted(frozenset().union(*self._listeners.values()))
            try:
                found = await asyncio.to_thread(event_page, self._database, query)
                changed = await asyncio.to_thread(
                    changed_runs, self._database, watched, watch.since_ms, A_LOOK
                )
            except Exception:  # noqa: BLE001  the database is away: the listeners wait for it
                continue
            events, runs = follower.take(found, time.monotonic()), watch.take(changed)
            if not watched:
                watch.since_ms = now_ms() - LOOK_BACK_MS
            if events or runs:
                self._tell(follower.settled, events, runs)

    def _tell(self, settled: int, events: Sequence[Event], runs: Sequence[Change]) -> None:
        for queue, experiments in list(self._listeners.items()):
            mine = [run for run in runs if run.experiment_id in experiments]
            if queue.full():
                while not queue.empty():
                    queue.get_nowait()
                queue.put_nowait(None)
            elif events or mine:
                queue.put_nowait(Batch(settled, events, mine))
