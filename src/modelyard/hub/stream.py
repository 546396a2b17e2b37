"""The live feed: what happens in the yard, told to everybody who listens, by one reader a process.

The reader looks into the database while somebody listens, so that a change made through another process, or by hand
on the hub's machine, is told as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from modelyard.base.errors import Overloaded
from modelyard.base.events import Event
from modelyard.registry.trail import EventQuery, event_page, last_seq

if TYPE_CHECKING:
    from modelyard.yard.yard import Yard

LOOK_SECONDS = 0.5
HEARTBEAT_SECONDS = 15.0
GAP_SECONDS = 10.0
"""How long a number that is missing is waited for: on a database server a lower number may be committed later."""
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


class Feed:
    """One process's reader and its listeners."""

    def __init__(self, yard: Yard) -> None:
        self._database = yard.database
        self._listeners: set[asyncio.Queue[tuple[int, Sequence[Event]] | None]] = set()
        self._reader: asyncio.Task[None] | None = None
        self._stopped = False

    def stop(self) -> None:
        """End every stream; their clients connect again, to another process or a new one."""
        self._stopped = True
        for queue in self._listeners:
            with contextlib.suppress(asyncio.QueueFull):
                queue.put_nowait(None)

    async def listen(self, after: int | None) -> AsyncIterator[tuple[int, Sequence[Event]] | None]:
        """Batches of events above ``after`` (None: from now on), each with the id to go on from; None is a heartbeat."""
        if len(self._listeners) >= MOST_LISTENERS:
            raise Overloaded("too many listen already", retry_after=30)
        queue: asyncio.Queue[tuple[int, Sequence[Event]] | None] = asyncio.Queue(
            BACKLOG // A_LOOK + 16
        )
        began = await asyncio.to_thread(last_seq, self._database)
        self._listeners.add(queue)
        self._start(began)
        told = began if after is None else after
        try:
            async for batch in self._missed(told, began):
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
            self._listeners.discard(queue)

    async def _missed(
        self, after: int, until: int
    ) -> AsyncIterator[tuple[int, Sequence[Event]] | None]:
        """What happened between the last one that was told and the moment of listening."""
        while after < until and not self._stopped:
            query = EventQuery(after=after, limit=A_LOOK)
            found = await asyncio.to_thread(event_page, self._database, query)
            found = [event for event in found if event.seq <= until]
            if not found:
                return
            after = found[-1].seq
            yield after, found

    def _start(self, began: int) -> None:
        if self._reader is None or self._reader.done():
            self._reader = asyncio.create_task(self._read(Follower(began)))

    async def _read(self, follower: Follower) -> None:
        while self._listeners and not self._stopped:
            await asyncio.sleep(LOOK_SECONDS)
            query = EventQuery(after=follower.settled, limit=A_LOOK)
            try:
                found = await asyncio.to_thread(event_page, self._database, query)
            except Exception:  # noqa: BLE001  the database is away: the listeners wait for it
                continue
            if new := follower.take(found, time.monotonic()):
                self._tell(follower.settled, new)

    def _tell(self, settled: int, events: Sequence[Event]) -> None:
        for queue in list(self._listeners):
            if queue.full():
                while not queue.empty():
                    queue.get_nowait()
                queue.put_nowait(None)
            else:
                queue.put_nowait((settled, events))
