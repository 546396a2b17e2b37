"""The work of the process that sends: all spools of one destination, those that are written to and those that were left.

It ends when everything has arrived, or when nobody writes any more and the destination has been away for long; then the
spools stay for the next one, or for ``modelyard sync``.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from modelyard.base.errors import NotAllowed, NotReady, Overloaded, TimedOut, Unreachable
from modelyard.stores.locks import taken
from modelyard.tracking.delivering import MOST_BEATEN, Delivery, Destination, Held, message_of
from modelyard.tracking.spool import board as counts
from modelyard.tracking.spool.board import Board
from modelyard.tracking.spool.places import BOARD, SENDER_LOCK, spools

TICK = 0.05
"""Seconds between looks at the boards."""
SEND_SECONDS = 1.0
"""How long a record waits for company at most."""
ENOUGH = 1000
"""So many records go at once."""
LOOK_SECONDS = 0.5
"""Between looks for new spools, and for writers that are gone."""
FIRST_PAUSE, MOST_PAUSE = 0.5, 30.0
"""Until the destination is tried again: longer each time."""
PATIENCE = 60.0
"""How long a record waits for a run that nobody has told of."""
LOCK_SECONDS = 2.0
_EVERYBODYS = (NotAllowed, NotReady, OSError, Overloaded, TimedOut, Unreachable)
"""Trouble that all spools of a destination have."""


class Sender:
    """One at a time for a destination, on one machine: whoever has its lock."""

    def __init__(
        self,
        folder: Path,
        connect: Callable[[], Destination],
        *,
        linger: float,
        beat: float,
        sure: bool = False,
    ) -> None:
        """``sure``: what is opened is a file of this machine, which may take its time and will not be away."""
        self.folder, self._connect, self._sure = folder, connect, sure
        self._linger, self._beat = linger, beat
        self._destination: Destination | None = None
        self._deliveries: dict[str, Delivery] = {}
        self._alive: dict[str, bool] = {}
        self._again_at, self._pause = 0.0, FIRST_PAUSE
        self._hurries = 0
        self._failing = False
        self._wanted = time.monotonic()
        """When somebody wrote, or something arrived, last."""
        self._over = threading.Event()

    def run(self) -> None:
        """Until there is nothing to send, or nobody to send it to."""
        end = time.monotonic() + LOCK_SECONDS
        while (held := taken(self.folder / SENDER_LOCK)) is None:
            if time.monotonic() > end or not self.folder.exists():
                return  # another one sends
            time.sleep(TICK)
        beside = threading.Thread(target=self._beside, daemon=True)
        beside.start()
        with held:
            try:
                self._work()
            finally:
                self._over.set()
                beside.join(1.0)
                for delivery in self._deliveries.values():
                    delivery.close()
                if self._destination is not None:
                    self._destination.close()

    def _work(self) -> None:
        looked, sent = 0.0, 0.0
        while True:
            now = time.monotonic()
            if now - looked >= LOOK_SECONDS:
                looked = now
                self._look()
                given_up = self._failing and now - self._wanted > self._linger
                if not self._deliveries or given_up:
                    return
            if self._is_time(now, sent):
                sent = now
                self._round()
            else:
                time.sleep(TICK)

    def _look(self) -> None:
        """See which spools there are, and whether they are written to."""
        for head, path in spools(self.folder):
            if head.spool_id not in self._deliveries:
                try:
                    delivery = Delivery(head, path, patience=PATIENCE, beat=self._beat)
                except (NotAllowed, OSError):
                    continue  # somebody else's, or gone meanwhile
                if not delivery.ledger.done:
                    self._deliveries[head.spool_id] = delivery
                    delivery.moved()
        for key, delivery in list(self._deliveries.items()):
            if not delivery.folder.exists():
                delivery.close()
                del self._deliveries[key]
                continue
            self._alive[key] = delivery.writer_alive()
        if any(self._alive[key] for key in self._deliveries):
            self._wanted = time.monotonic()

    def _is_time(self, now: float, sent: float) -> bool:
        every = list(self._deliveries.values())
        hurries = sum(d.get(counts.HURRY) for d in every)
        if hurries != self._hurries:  # somebody has begun to wait: it is tried at once, once
            self._hurries = hurries
            return True
        if now < self._again_at:
            return False
        if any(d.hurried() or d.waiting() >= ENOUGH for d in every):
            return True
        if not all(self._alive.get(key, True) for key in self._deliveries):
            return True  # of a process that is gone nothing more comes
        return now - sent >= SEND_SECONDS

    # One time

    def _round(self) -> None:
        """Tell what there is of each spool in turn."""
        held, failed = False, False
        for key, delivery in sorted(self._deliveries.items(), key=lambda one: one[1].head.made_ms):
            if self._comes_later(delivery):
                continue
            try:
                self._deliver(delivery, self._alive.get(key, True))
            except Held as error:
                held = True
                _say_failed(delivery, error)
            except Exception as error:  # noqa: BLE001  whatever it is, it is tried again
                if isinstance(error, _EVERYBODYS):
                    self._away(error)
                    return None
                failed = True  # perhaps of this spool alone: it does not keep the others
                _say_failed(delivery, error)
                continue
            if delivery.finished:
                del self._deliveries[key]
        if failed:
            return self._later()
        self._pause, self._failing = FIRST_PAUSE, held
        if held:
            self._again_at = time.monotonic() + 2 * FIRST_PAUSE
            return None
        return self._say_here()

    def _deliver(self, delivery: Delivery, alive: bool) -> None:
        if self._destination is None:
            self._destination = self._connect()
            delivery.moved()
        while delivery.step(self._destination, alive=alive):
            self._wanted = time.monotonic()

    def _comes_later(self, delivery: Delivery) -> bool:
        """What a forked child told comes after what its parent told before."""
        before = self._deliveries.get(delivery.head.after)
        return before is not None and before.ledger.read < delivery.head.after_number

    def _away(self, error: Exception) -> None:
        for delivery in self._deliveries.values():
            _say_failed(delivery, error)
        self._later()

    def _later(self) -> None:
        self._failing = True
        self._again_at = time.monotonic() + self._pause * random.uniform(0.5, 1.0)
        self._pause = min(self._pause * 2, MOST_PAUSE)

    def _say_here(self) -> None:
        for delivery in self._deliveries.values():
            if delivery.board:
                delivery.board.say(counts.WHY_AWAY, "")

    # Beside it

    def _beside(self) -> None:
        """While a request takes its time: greet new spools, whose writers may wait, and say which runs are alive."""
        beaten, known = time.monotonic(), set[str]()
        while not self._over.wait(TICK * 5):
            with suppress(Exception):  # a spool that goes meanwhile must not silence the others
                self._greet()
                if self._sure and self._destination is None:
                    for delivery in list(self._deliveries.values()):
                        delivery.moved()
            runs = {run for d in list(self._deliveries.values()) for run in list(d.ledger.runs)}
            # The first sign comes at once: without one, nobody would miss a run that dies soon.
            if runs - known or time.monotonic() - beaten >= self._beat:
                beaten, known = time.monotonic(), runs
                with suppress(Exception):  # the next records say what is wrong
                    self._say_alive()

    def _greet(self) -> None:
        for head, path in spools(self.folder):
            if head.spool_id in self._deliveries:
                continue
            try:
                board = Board(str(path / BOARD))
            except OSError:
                continue
            if board.get(counts.PROGRESS) == 0:
                board.put(counts.PROGRESS, 1)
            board.close()

    def _say_alive(self) -> None:
        destination = self._destination
        alive = [d for d in list(self._deliveries.values()) if d.writer_alive()]
        runs = [run for delivery in alive for run in list(delivery.ledger.runs)]
        for begin in range(0, len(runs), MOST_BEATEN):
            if destination is not None:
                destination.tracker.beat(runs[begin : begin + MOST_BEATEN], self._beat)


def _say_failed(delivery: Delivery, error: Exception) -> None:
    if delivery.board:
        delivery.board.say(counts.WHY_AWAY, message_of(error))
        delivery.board.put(counts.FAILED, delivery.get(counts.FAILED) + 1)
