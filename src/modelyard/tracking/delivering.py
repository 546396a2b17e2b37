"""Telling a destination what one spool holds, exactly once, and passing over what it refuses.

How far it came stands with the destination, in the same transaction as the data (`Tracker.receive`): a sender that died, or
one on another machine that has a copy of the spool, goes on from there.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Protocol

from modelyard.base.errors import (
    Conflict,
    DigestMismatch,
    FileMissing,
    ForeignSchema,
    InvalidInput,
    ModelyardError,
    NewerSchema,
    NotFound,
    TooLarge,
)
from modelyard.stores.locks import taken
from modelyard.tracking.interface import Batch, Metric, Status, Tracker
from modelyard.tracking.records import (
    FileAdded,
    ModelBegun,
    ModelRegistered,
    Record,
    RunBegun,
    RunEnded,
    RunLogged,
    from_plain,
)
from modelyard.tracking.spool import board as counts
from modelyard.tracking.spool.board import Board
from modelyard.tracking.spool.format import POINT, Entry, Point, point_of
from modelyard.tracking.spool.keeping import WHERE, kept_file
from modelyard.tracking.spool.ledger import Ledger
from modelyard.tracking.spool.places import BOARD, FILES, WRITER_LOCK, Head
from modelyard.tracking.spool.reader import SpoolReader, remove_sent

MOST_RECORDS, MOST_BYTES = 5000, 2 << 20
"""Of what is told at once."""
AGAIN = 20
"""How often somebody else may have told of the same before it is looked at anew."""

Item = tuple[int, Record | None]


class Destination(Protocol):
    """Where records go."""

    @property
    def tracker(self) -> Tracker: ...

    def put(self, stream: IO[bytes], sha256: str, size: int) -> None:
        """Keep a file by its content; one that is there already is not sent again."""
        ...

    def register(self, record: ModelRegistered) -> None:
        """Register a logged model; again it is the version that it is already."""
        ...

    def close(self) -> None: ...


class Held(Exception):
    """A record is about a run that nobody has told of yet: it may come, from another process."""


def is_refusal(error: BaseException) -> bool:
    """Whether an error is about the record, and will be the same next time."""
    if isinstance(error, ForeignSchema | NewerSchema):
        return False  # about the destination
    return isinstance(error, InvalidInput | NotFound | Conflict | TooLarge | DigestMismatch)


class Delivery:
    """One spool on its way. Whatever `step` raises is trouble of the destination: it is tried again later."""

    def __init__(self, head: Head, folder: Path, *, patience: float) -> None:
        self.head, self.folder, self.patience = head, folder, patience
        self.ledger = Ledger(folder)
        self.reader = SpoolReader(folder, self.ledger.read)
        self.board = _board(folder)
        self.acked: int | None = None
        """How far the destination is; not asked yet."""
        self.finished = False
        self.sent = 0
        self._put: set[str] = set()
        self._held_since = 0.0
        self._missed = 0
        self._killed: list[str] = []

    # How it stands

    def writer_alive(self) -> bool:
        """Whether the process that writes is there still."""
        held = taken(self.folder / WRITER_LOCK, shared=True)
        if held is None:
            return self.folder.exists()
        held.close()
        return False

    def get(self, what: int) -> int:
        """A counter; 0 where the board is gone."""
        return self.board.get(what) if self.board else 0

    def waiting(self) -> int:
        """How many records were written and not told."""
        return max(0, self.get(counts.WRITTEN) - self.reader.last)

    def hurried(self) -> bool:
        """Whether somebody waits for them."""
        return self.get(counts.HURRY) > self.reader.last

    def moved(self) -> None:
        """Something got on: whoever waits goes on waiting."""
        if self.board:
            self.board.put(counts.PROGRESS, self.get(counts.PROGRESS) + 1)

    # Sending

    def step(self, destination: Destination, *, alive: bool) -> bool:
        """Tell the next records. False when there are none now; then, if the writer is gone, it is `finished`."""
        if self.acked is None:
            self.acked = destination.tracker.received(self.head.spool_id)
        upto = self.get(counts.WRITTEN) if alive else None
        before, place = self.reader.last, self.reader.place()
        most = 1 if self._held_since else MOST_RECORDS
        found = self.reader.read(upto, most, MOST_BYTES)
        try:
            self._send(destination, found)
        except BaseException:
            if self.ledger.read <= before:
                self.reader.back(before, place)
            else:  # a part of it was told
                self.reader.back(self.ledger.read, None)
            raise
        if found:
            return True
        if not alive:
            self.reader.end(self.get(counts.WRITTEN))
            self._end(destination)
        self._note_lost()
        return False

    def _send(self, destination: Destination, found: Sequence[Entry]) -> None:
        """Tell them, or less at once where something is refused, and pass over that."""
        for part in _parts(found):
            try:
                self._tell(destination, part)
            except Exception as error:
                if not is_refusal(error):
                    raise
                if len(part) > 1:
                    half = len(part) // 2
                    self._send(destination, part[:half])
                    self._send(destination, part[half:])
                else:
                    self._refused(destination, part[0], error)

    def _tell(self, destination: Destination, part: Sequence[Entry]) -> None:
        items = list(_items(part))
        homeless = [item for item in items if self._is_homeless(item[1])]
        for _, record in self._without_homeless(items):
            if isinstance(record, FileAdded):
                self._put_file(destination, record)
            elif isinstance(record, ModelRegistered):
                destination.register(record)
        # Another sender may have told a part of what is one record here: what is left is put together anew.
        self._receive(
            destination,
            lambda acked: self._without_homeless(_items([e for e in part if e.number > acked])),
        )
        for number, record in homeless:
            self._problem(number, NotFound("its run was refused"), record)
        self._told(part, self._without_homeless(items))

    def _without_homeless(self, items: Iterable[Item]) -> list[Item]:
        return [(number, None if self._is_homeless(r) else r) for number, r in items]

    def _is_homeless(self, record: Record | None) -> bool:
        return run_of(record) in self.ledger.refused_runs and not isinstance(record, RunBegun)

    def _receive(self, destination: Destination, after: Callable[[int], list[Item]]) -> None:
        """Tell what comes ``after`` the number that the destination has, until it has all."""
        assert self.acked is not None
        for _ in range(AGAIN):
            left = after(self.acked)
            if not left:
                return
            self.acked = destination.tracker.receive(self.head.spool_id, self.acked, left)
        raise ModelyardError("others send the same at the same moment")

    def _receive_one(self, destination: Destination, number: int, record: Record | None) -> None:
        self._receive(destination, lambda acked: [(number, record)] if number > acked else [])

    def _told(self, part: Sequence[Entry], items: Sequence[Item]) -> None:
        """They are there: remember it, and let go of what only they needed."""
        for _, record in items:
            self.ledger.carried_out(record)
        self.sent += len(part)
        self._held_since = 0.0
        self._past(part[-1].number)
        for _, record in items:
            if isinstance(record, FileAdded):
                for name in (record.sha256, f"{record.sha256}{WHERE}"):
                    (self.folder / FILES / name).unlink(missing_ok=True)

    def _past(self, number: int) -> None:
        self.ledger.past(number)
        if self.board:
            self.board.put(counts.ACKED, number)
        self.moved()
        remove_sent(self.folder, number)

    def _put_file(self, destination: Destination, record: FileAdded) -> None:
        path = kept_file(self.folder / FILES, record.sha256)
        if record.sha256 in self._put or path is None:
            return  # it was sent before; else the destination says that it is missing
        try:
            with _Watched(path, self.moved) as stream:
                destination.put(stream, record.sha256, record.size)
        except FileNotFoundError as error:
            raise FileMissing(f"{path} is there no more") from error
        self._put.add(record.sha256)

    # What is refused

    def _refused(self, destination: Destination, entry: Entry, error: Exception) -> None:
        """Pass over one record, and write down why."""
        record = next(_items([entry]))[1] if not isinstance(error, _Malformed) else None
        if isinstance(record, FileAdded) and record.sha256 in self._put:
            self._put.discard(record.sha256)  # gc may have taken it in between: it is put again
            self._tell(destination, [entry])
            return
        run = run_of(record)
        if isinstance(record, RunBegun):
            self.ledger.refused_runs.add(record.run_id)
        elif isinstance(error, NotFound) and not isinstance(error, FileMissing) and run:
            self._hold(error)
            self.ledger.refused_runs.add(run)
        self._receive_one(destination, entry.number, None)
        self._problem(entry.number, error, record)
        self._past(entry.number)

    def _problem(self, number: int, error: Exception, record: Record | None) -> None:
        self.ledger.problem(number, error, record)
        if self.board:
            self.board.put(counts.REFUSED, self.ledger.refused)
            if self.ledger.refused == 1:
                self.board.say(counts.WHY_REFUSED, message_of(error))

    def _hold(self, error: Exception) -> None:
        now = time.monotonic()
        self._held_since = self._held_since or now
        if now - self._held_since < self.patience:
            raise Held(message_of(error)) from error
        self._held_since = 0.0

    def _note_lost(self) -> None:
        for first, last in self.reader.lost[self._missed :]:
            self.ledger.lost_records(first, last)
            if self.board:
                self.board.put(counts.LOST, self.ledger.lost)
        self._missed = len(self.reader.lost)

    # The end

    def _end(self, destination: Destination) -> None:
        """Nothing more comes. Runs of a process that was told to end were killed; others fall silent."""
        self._note_lost()
        if killed_ms := self.get(counts.KILLED_MS):
            self._killed = self._killed or list(
                self.ledger.runs
            )  # the same numbers when it is tried again
            for number, run_id in enumerate(self._killed, self.reader.last + 1):
                record = RunEnded(run_id, Status.KILLED, killed_ms)
                try:
                    self._receive_one(destination, number, record)
                except Exception as error:
                    if not is_refusal(error):
                        raise
                    self.ledger.problem(number, error, record)
        self.finished = True
        if self.board:
            self.board.close()
            self.board = None
        self.ledger.finish()

    def close(self) -> None:
        """Leave it for later."""
        if self.board:
            self.board.close()
            self.board = None


def message_of(error: BaseException) -> str:
    """What went wrong, on one line."""
    text = error.message if isinstance(error, ModelyardError) else str(error)
    return " ".join((text or type(error).__name__).split())[:300]


def run_of(record: Record | None) -> str | None:
    """The run that a record is about."""
    match record:
        case RunBegun() | RunLogged() | RunEnded() | ModelBegun():
            return record.run_id
        case FileAdded(owner=owner) if owner.startswith("run:"):
            return owner.removeprefix("run:")
        case _:
            return None


class _Malformed(InvalidInput):
    """A record that is whole and says nothing that we know."""


def _parts(found: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    """What can be told in one transaction: a model is registered after all that was told of it is there."""
    begin = 0
    for at, entry in enumerate(found):
        if entry.kind != POINT and b'"kind":"model.registered"' in entry.payload[:64]:
            if at > begin:
                yield found[begin:at]
            yield found[at : at + 1]
            begin = at + 1
    if begin < len(found):
        yield found[begin:]


def _items(found: Sequence[Entry]) -> Iterator[Item]:
    """Records, with the points of a run that lie together as one under the last one's number."""
    points: list[Point] = []
    number = 0
    for entry in found:
        if entry.kind == POINT:
            point = point_of(entry.payload)
            if points and points[-1].run_id != point.run_id:
                yield number, _logged(points)
                points = []
            points.append(point)
            number = entry.number
            continue
        if points:
            yield number, _logged(points)
            points = []
        yield entry.number, _record(entry)
    if points:
        yield number, _logged(points)


def _logged(points: Sequence[Point]) -> RunLogged:
    metrics = [Metric(p.key, p.value, p.at_ms, p.step) for p in points]
    return RunLogged(points[0].run_id, Batch(metrics=metrics))


def _record(entry: Entry) -> Record:
    try:
        plain: Any = json.loads(entry.payload)
        return from_plain(plain)
    except (ValueError, AttributeError) as error:
        raise _Malformed(f"record {entry.number} is none that is known here: {error}") from None


class _Watched(io.FileIO):
    """A file that says when it is read."""

    def __init__(self, path: Path, moved: Callable[[], None]) -> None:
        super().__init__(path)
        self._moved = moved

    def read(self, size: int | None = -1, /) -> bytes:  # type: ignore[override]
        self._moved()
        return super().read(-1 if size is None else size) or b""


def _board(folder: Path) -> Board | None:
    try:
        return Board(str(folder / BOARD))
    except OSError:
        return None
