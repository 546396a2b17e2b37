"""The recorder that training writes to: a spool of this process, and a sender that is kept alive beside it.

Nothing here waits for the destination but `flush` and `close`, and no trouble of disk or network is raised: each kind is
one warning and a count.
"""

from __future__ import annotations

import contextlib
import json
import os
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING

from modelyard.base.clock import new_id, now_ms
from modelyard.base.errors import InvalidInput
from modelyard.base.notes import note
from modelyard.stores.locks import taken
from modelyard.tracking.spool import board as counts
from modelyard.tracking.spool import forks
from modelyard.tracking.spool.keeping import keep
from modelyard.tracking.spool.places import (
    DESTINATION,
    FILES,
    HEAD,
    WRITER_LOCK,
    Destination,
    Head,
    is_mine,
    read_json,
    settled,
    shown,
    spool_root,
    write_json,
)
from modelyard.tracking.spool.starting import SenderStarter
from modelyard.tracking.spool.waiting import wait_for
from modelyard.tracking.spool.writer import SpoolWriter

if TYPE_CHECKING:
    from modelyard.tracking.records import Record

LOOK_SECONDS = 1.0
"""How often the sender and what it says are looked at, while something is told."""
TRY_AGAIN_SECONDS = 10.0
"""When a spool could not be made."""
MOST_MB = "MODELYARD_SPOOL_MB"
DEFAULT_MB = 2048


def spooled(destination: str, *, token: str | None, named_by_reader: bool) -> SpoolRecorder:
    """The recorder of this process for a destination; the same one each time."""
    uri = settled(destination)
    key = (uri, token, named_by_reader)
    recorder = forks.RECORDERS.get(key)
    if recorder is None:
        made = SpoolRecorder(uri, token=token, named_by_reader=named_by_reader)
        recorder = forks.RECORDERS.setdefault(key, made)
    forks.watch()
    return recorder


class SpoolRecorder:
    """One process and one destination."""

    def __init__(self, uri: str, *, token: str | None, named_by_reader: bool) -> None:
        where = Destination(shown(uri), named_by_reader)
        self.label = where.address
        self.folder = where.folder(spool_root(), token)
        self._where = where
        self._starter = SenderStarter(self.folder, uri, token, named_by_reader)
        self._begin_anew()
        self._after = ("", 0)

    def _begin_anew(self) -> None:
        self._writer: SpoolWriter | None = None
        self._held: IO[bytes] | None = None
        self._opening = threading.RLock()
        self._look_at = self._open_at = 0.0
        self._missed = 0
        self._warned: set[str] = set()

    @property
    def dropped(self) -> int:
        """How many metrics and other records were lost for want of room."""
        writer = self._writer
        return self._missed + (writer.dropped + writer.untold if writer else 0)

    # Telling

    def metric(self, run_id: str, key: str, value: float, at_ms: int, step: int) -> None:
        """One point of a metric."""
        writer = self._writer or self._opened()
        if writer is None:
            self._missed += 1
            return
        try:
            writer.point(run_id, key, value, at_ms, step)
        except struct.error:
            raise InvalidInput(
                f"metric {str(key)[:80]!r}: {value!r} at step {step!r} is no number at a step",
                hint="a float, and whole numbers below 2^63",
            ) from None
        if time.monotonic() >= self._look_at:
            self._look()

    def add(self, record: Record) -> None:
        """Anything else that happened."""
        from modelyard.tracking.records import to_plain

        try:
            payload = json.dumps(to_plain(record), separators=(",", ":")).encode()
        except (TypeError, ValueError) as error:
            raise InvalidInput(f"this cannot be logged: {error}") from None
        writer = self._writer or self._opened()
        if writer is not None and not writer.told(payload) and writer is not self._writer:
            writer = self._opened()  # another thread closed it meanwhile
            if writer is not None:
                writer.told(payload)
        self._missed += writer is None
        if time.monotonic() >= self._look_at:
            self._look()

    def keep_file(self, path: str | os.PathLike[str]) -> tuple[str, int]:
        """A copy of a file as it is now."""
        writer = self._writer or self._opened()
        folder = None if writer is None else writer.folder / FILES
        return keep(Path(path), folder, lambda why: self._warn("files", why))

    # The spool

    def _opened(self) -> SpoolWriter | None:
        """Begin a spool, where there is none. None when that cannot be."""
        with self._opening:
            if self._writer is not None or time.monotonic() < self._open_at:
                return self._writer
            try:
                self._writer = self._made()
            except OSError as error:
                self._open_at = time.monotonic() + TRY_AGAIN_SECONDS
                reason = error.strerror or str(error)
                self._warn("disk", f"nothing can be logged, {self.folder} cannot be written: {reason}; MODELYARD_SPOOL names another folder")  # fmt: skip
                return None
            self._starter.ensure()
            self._look_at = time.monotonic() + LOOK_SECONDS
            return self._writer

    def _made(self) -> SpoolWriter:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not is_mine(self.folder):
            raise OSError(0, "it belongs to somebody else")
        place = self.folder / DESTINATION
        facts = {"address": self._where.address, "named_by_reader": self._where.named_by_reader}
        if read_json(place) != facts:
            write_json(place, facts)
        after, number = self._after
        head = Head(
            new_id(),
            now_ms(),
            os.getpid(),
            machine_name(),
            _user(),
            after=after,
            after_number=number,
        )
        folder = self.folder / head.spool_id
        folder.mkdir(0o700)
        held = taken(folder / WRITER_LOCK)
        if held is None:
            raise OSError(0, "its file system has no locks")
        try:
            writer = SpoolWriter(folder, _most_bytes())
            write_json(folder / HEAD, head)  # the last: with it the spool is there
        except OSError:
            held.close()
            raise
        self._held = held
        return writer

    def _look(self) -> None:
        """See to the sender, and say what is to be said. At most once a second, and without a wait."""
        self._look_at = time.monotonic() + LOOK_SECONDS
        writer = self._writer
        if writer is None:
            return
        self._starter.ensure()
        if writer.dropped or writer.untold:
            what = "metrics are" if writer.dropped else "what is logged is"
            self._warn("room", f"{what} dropped and counted, there is no room in {writer.folder}: {writer.reason}")  # fmt: skip
        board = writer.board
        if why := board.said(counts.WHY_REFUSED):
            self._warn("refused", f"{self.label} refused something that was logged: {why}")
        if board.get(counts.FAILED) and (why := board.said(counts.WHY_AWAY)):
            self._say_away(why)

    def _say_away(self, why: str) -> None:
        self._warn(
            "away",
            f"{self.label} does not take what is logged ({why}); nothing waits for it: all is kept in {self.folder}"
            " and sent when it does, or by: modelyard sync",
        )

    def _warn(self, kind: str, text: str) -> None:
        """One line a kind."""
        if kind not in self._warned:
            self._warned.add(kind)
            with contextlib.suppress(Exception):  # stderr may be closed, or nobody's
                note(" ".join(text.split()))

    # Waiting

    def flush(self, timeout: float | None = None) -> bool:
        """Whether all that was told is at the destination."""
        writer = self._writer
        if writer is None:
            return not self._missed
        return self._arrived(writer, timeout, patient=timeout is not None)

    def _arrived(self, writer: SpoolWriter, timeout: float | None, *, patient: bool) -> bool:
        with contextlib.suppress(OSError, ValueError):
            writer.sync()
        board, wanted = writer.board, writer.number
        board.put(counts.HURRY, wanted)
        if wait_for(board, wanted, self._starter.ensure, timeout, patient=patient):
            self._look()
            return not (self.dropped or board.get(counts.REFUSED))
        self._look()
        if not patient and "away" not in self._warned:
            self._say_away("it has not answered yet")
        return False

    def close(self, timeout: float = 30.0) -> bool:
        """The end of a spool. Another begins when something is told."""
        writer = self._writer
        if writer is None:
            return not self._missed
        writer.board.put(counts.ENDED_MS, now_ms())
        arrived = self._arrived(writer, timeout, patient=False)
        with self._opening:
            if self._writer is writer:
                self._missed += writer.dropped + writer.untold
                self._writer = None
                self._release(writer.close)
        if self._missed:
            self._warn("missed", f"{self._missed:,} records were dropped for want of room")
        return arrived

    def _release(self, close: Callable[[], None]) -> None:
        close()
        if self._held is not None:
            self._held.close()  # now whoever sends sees that nothing more comes
            self._held = None

    # Forks and signals

    def in_child(self) -> None:
        """In a forked child: the parent's spool is not ours. What is told here goes into another, which comes after it."""
        writer, held, warned = self._writer, self._held, self._warned
        if writer is not None:
            self._after = (writer.folder.name, writer.number)
        self._begin_anew()
        self._warned = warned  # the person at the keyboard has read it
        self._starter.in_child()
        if writer is not None:
            writer.abandon()
        if held is not None:
            held.close()

    def told_to_end(self, at_ms: int) -> None:
        """SIGTERM came: runs that are not ended were killed. Called from a signal handler."""
        writer = self._writer
        if writer is not None:
            writer.board.put(counts.KILLED_MS, at_ms)


def _most_bytes() -> int:
    try:
        told = float(os.environ.get(MOST_MB) or DEFAULT_MB)
    except ValueError:
        told = float(DEFAULT_MB)
    return int(max(told, 2.0) * (1 << 20)) if told < 1e9 else 1 << 50


def machine_name() -> str:
    """What this machine is called."""
    return os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
