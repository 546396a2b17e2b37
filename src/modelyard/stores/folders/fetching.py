"""Files that have a digest, from any folder into the user's cache: in parts side by side, resumed, verified, kept.

A file is looked for in the cache by its digest first, so the second load transfers nothing. Requests that fail for a
reason that may pass are begun again where they broke off, a bounded number of times. A server that gives no parts is
read from the beginning to the end.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from itertools import islice
from typing import IO

from modelyard.base.digests import FileEntry
from modelyard.base.errors import Corrupted, FileMissing, NotSupported, Unreachable
from modelyard.base.paths import full_disk_named
from modelyard.stores.cache import blob_cache, cached, kept
from modelyard.stores.folders.partial import Partial, partial
from modelyard.stores.folders.remote import Ranged
from modelyard.stores.folders.transfer_bar import Bar
from modelyard.stores.local import LocalStore

PART = 8 << 20
AT_ONCE = 6
"""Parts that are under way at a time: with them a transfer holds at most 48 MB in memory."""

ATTEMPTS = 4
"""How often in a row the other side may fail without having sent `PROGRESS` bytes."""
PROGRESS = 256 << 10
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 4.0


def open_entry(folder: Ranged, path: str, entry: FileEntry) -> IO[bytes]:
    """A file that has a digest, from the cache or else from ``path`` in the folder.

    `FileMissing` when nothing is there, `Corrupted` when it is something else, `Unreachable` when it would not come.
    """
    cache = blob_cache()
    found = cached(cache, entry)
    return _brought(cache, folder, path, entry) if found is None else found


def fetch_entries(folder: Ranged, files: Sequence[tuple[str, FileEntry]]) -> None:
    """Bring many files here, small ones side by side, so that opening them transfers nothing. What is missing or wrong
    is passed over: opening it will say so."""
    cache = blob_cache()
    small = [(path, e) for path, e in files if e.size <= PART and cache.stat(e.sha256) is None]
    if len(small) < 2:
        return

    def bring(path: str, entry: FileEntry) -> None:
        try:
            open_entry(folder, path, entry).close()
        except Exception:  # noqa: BLE001  told when it is opened
            return

    with ThreadPoolExecutor(min(AT_ONCE, len(small))) as threads:
        for path, entry in small:
            threads.submit(bring, path, entry)


def _brought(cache: LocalStore, folder: Ranged, path: str, entry: FileEntry) -> IO[bytes]:
    _refuse_other_size(folder, path, entry)
    incoming = cache.root / "partial"
    with full_disk_named(incoming), partial(incoming, entry, PART) as coming:
        if (found := cached(cache, entry)) is not None:  # another process was faster
            coming.take().unlink()
            return found
        with Bar(folder.ref(path), entry.size) as bar:
            _fill(folder, path, entry, coming, bar)
        cache.take(coming.take(), entry.sha256)
    return kept(cache, entry)


def _fill(folder: Ranged, path: str, entry: FileEntry, coming: Partial, bar: Bar) -> None:
    """Until the file is what its digest says; what an earlier download left may be wrong, and goes once."""
    while True:
        resumed = coming.resumed
        if _digest(folder, path, entry, coming, bar) == entry.sha256:
            return
        coming.forget()
        if not resumed:
            raise Corrupted(
                f"{folder.ref(path)} is not what its card says (expected sha256 {entry.sha256[:12]}…)",
                hint="it was changed or damaged there: save the object again",
            )


def _digest(folder: Ranged, path: str, entry: FileEntry, coming: Partial, bar: Bar) -> str:
    try:
        return _Parts(folder, path, coming, bar).bring()
    except NotSupported:
        coming.forget()
        return _whole(folder, path, entry, coming, bar)


def _refuse_other_size(folder: Ranged, path: str, entry: FileEntry) -> None:
    """Before anything is transferred, and before its card is believed about how much that is."""
    there = folder.entry(path)
    if there is None or there.is_folder:
        raise FileMissing(f"no file at {folder.ref(path)}")
    if there.size not in (-1, entry.size):
        raise Corrupted(
            f"{folder.ref(path)} has {there.size} bytes, and its card says {entry.size}",
            hint="it was changed or damaged there: save the object again",
        )


class _Parts:
    """A file in parts, several at a time."""

    def __init__(self, folder: Ranged, path: str, coming: Partial, bar: Bar) -> None:
        self._folder, self._path, self._coming, self._bar = folder, path, coming, bar
        self._stop = threading.Event()

    def bring(self) -> str:
        """Bring what is missing; the digest of the whole."""
        digest = self._coming.digest()
        here = frozenset(self._coming.done)
        missing = (n for n in range(self._coming.count) if n not in here)
        self._bar.start(sum(self._coming.bounds(n)[1] for n in here))
        with ThreadPoolExecutor(AT_ONCE) as threads:
            try:
                running = {threads.submit(self._part, n): n for n in islice(missing, AT_ONCE)}
                while running:
                    for finished in wait(running, return_when=FIRST_COMPLETED).done:
                        finished.result()
                        self._coming.finish(running.pop(finished))
                        for number in islice(missing, 1):
                            running[threads.submit(self._part, number)] = number
                    digest.go_on()
            except BaseException:
                self._stop.set()
                threads.shutdown(cancel_futures=True)
                raise
        digest.go_on()
        return digest.hexdigest()

    def _part(self, number: int) -> None:
        at, left = self._coming.bounds(number)
        failures = 0
        while left and not self._stop.is_set():
            before = left
            try:
                for piece in self._folder.pieces(self._path, at, left):
                    self._coming.write(at, piece)
                    at, left = at + len(piece), left - len(piece)
                    self._bar.add(len(piece))
                    if self._stop.is_set():
                        return
            except Unreachable:
                failures = 0 if before - left >= PROGRESS else failures + 1
                if failures >= ATTEMPTS:
                    raise
                self._stop.wait(_pause(failures))


def _whole(folder: Ranged, path: str, entry: FileEntry, coming: Partial, bar: Bar) -> str:
    """From the beginning to the end; what breaks off is begun again."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _read_whole(folder, path, entry, coming, bar)
        except Unreachable:
            if attempt == ATTEMPTS:
                raise
            threading.Event().wait(_pause(attempt))
    raise AssertionError("the last attempt returns or raises")


def _read_whole(folder: Ranged, path: str, entry: FileEntry, coming: Partial, bar: Bar) -> str:
    coming.forget()
    bar.start(0)
    at = 0
    with folder.open(path) as stream:
        while piece := stream.read(PROGRESS):
            if at + len(piece) > entry.size:
                raise Corrupted(
                    f"{folder.ref(path)} has more than the {entry.size} bytes of its card"
                )
            coming.write(at, piece)
            at += len(piece)
            bar.add(len(piece))
    if at != entry.size:
        raise Corrupted(f"{folder.ref(path)} has {at} bytes, and its card says {entry.size}")
    for number in range(coming.count):
        coming.done.add(number)
    digest = coming.digest()
    digest.go_on()
    return digest.hexdigest()


def _pause(failures: int) -> float:
    """Longer each time, and not the same for all who wait."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2**failures) * (0.5 + random.random() / 2)
