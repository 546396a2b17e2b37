"""Reading a spool, while it is written or after: what is whole comes in order, what is damaged is counted and passed over."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from modelyard.tracking.spool.format import START, Entry, entries
from modelyard.tracking.spool.places import segments


class SpoolReader:
    """The records after a number. ``lost`` says which ones are damaged beyond reading, as first and last number."""

    def __init__(self, folder: Path, after: int) -> None:
        self._folder = folder
        self.last = after
        self.lost: list[tuple[int, int]] = []
        self._segment: Path | None = None
        self._at = START

    def read(self, upto: int | None, most: int, most_bytes: int) -> list[Entry]:
        """The next records: up to a number while somebody writes still (beyond it a record may be half there), else all."""
        found: list[Entry] = []
        size = 0
        for entry in self._entries(upto):
            found.append(entry)
            size += len(entry.payload)
            if len(found) >= most or size >= most_bytes:
                break
        return found

    def _entries(self, upto: int | None) -> Iterator[Entry]:
        while upto is None or self.last < upto:
            path = self._segment or self._following()
            if path is None:
                break
            yield from self._within(path, upto)
            if upto is not None and self.last >= upto:
                return
            if (after := self._following()) is None:
                break  # the place stays: more may come into this segment
            self._segment, self._at = after, START
        if upto is not None and self.last < upto:
            self._miss(upto + 1)  # they were written, and nothing can be read of them

    def _within(self, path: Path, upto: int | None) -> Iterator[Entry]:
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return
        self._segment = path
        for entry, end in entries(data, self._at, self.last):
            if upto is not None and entry.number > upto:
                return
            self._miss(entry.number)
            self._at, self.last = end, entry.number
            yield entry

    def _miss(self, number: int) -> None:
        """Those between the last and this one are lost."""
        if number > self.last + 1:
            self.lost.append((self.last + 1, number - 1))
        self.last = number - 1

    def place(self) -> tuple[Path | None, int]:
        """Where it is, for `back`."""
        return self._segment, self._at

    def back(self, last: int, place: tuple[Path | None, int] | None) -> None:
        """Read again what comes after a number: from a place, or from where that number is found."""
        self.last = last
        self._segment, self._at = place or (None, START)
        self.lost = [gap for gap in self.lost if gap[0] <= last]

    def end(self, written: int) -> None:
        """Nothing more comes: what is known to have been written and was not found is lost."""
        if written > self.last:
            self._miss(written + 1)

    def _following(self) -> Path | None:
        """The segment after the current one; at first that which has the record after the last, or begins nearest to it."""
        found = segments(self._folder)
        if self._segment is None:
            before = [path for first, path in found if first <= self.last + 1]
            return before[-1] if before else (found[0][1] if found else None)
        names = [path.name for _, path in found]
        here = self._segment.name
        return next((self._folder / name for name in names if name > here), None)


def remove_sent(folder: Path, acked: int) -> None:
    """Remove the segments of which everything has arrived; the last one may be written to still."""
    found = segments(folder)
    for (_, path), (first, _) in pairwise(found):
        if first <= acked + 1:
            path.unlink(missing_ok=True)
