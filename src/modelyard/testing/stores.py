"""The contract of a blob store, as tests: what `modelyard.stores.interface` promises, over any implementation.

A test module subclasses `StoreContract` and gives the fixture ``bench``: a `Bench` around an empty store. Everything
is checked through a second handle too where the store can be opened twice, and damage is done behind its back.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

import pytest

from modelyard.base.errors import Corrupted, FileMissing, InvalidInput
from modelyard.stores.interface import Blob, Store

MB = 1 << 20


@dataclass(frozen=True)
class Bench:
    """An empty store and what only its author knows about it."""

    store: Store
    again: Callable[[], Store]
    """Another handle to the same bytes."""
    damage: Callable[[str, int], None]
    """Flip one bit of the byte at that place of a blob, behind the store's back."""
    leftovers: Callable[[], int]
    """How many pieces of unfinished uploads lie around."""


def content(size: int, seed: int = 0) -> bytes:
    """Bytes that do not repeat, the same for every run."""
    return hashlib.shake_256(seed.to_bytes(4, "big")).digest(size)


def sha256(data: bytes) -> str:
    """The hex digest."""
    return hashlib.sha256(data).hexdigest()


class Dripping(io.RawIOBase):
    """A stream like a socket's: it gives what it has, cannot seek, and may break off."""

    def __init__(self, data: bytes, *, breaks_at: int | None = None) -> None:
        self._data = memoryview(data)
        self._position = 0
        self._breaks_at = breaks_at

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        if self._breaks_at is not None and self._position >= self._breaks_at:
            raise ConnectionResetError("the client went away")
        end = self._position + min(100_000, size if size >= 0 else 100_000)
        part = bytes(self._data[self._position : end])
        self._position += len(part)
        return part


SIZES = [0, 1, MB - 1, MB, MB + 1, 8 * MB, 9 * MB + 7]


class StoreContract:
    """Every store passes these."""

    @pytest.fixture
    def bench(self) -> Bench:
        """Around an empty store; a subclass gives it."""
        raise NotImplementedError

    def test_what_is_put_comes_back(self, bench: Bench) -> None:
        for size in SIZES:
            data = content(size)
            blob = bench.store.put(io.BytesIO(data))
            assert blob == Blob(sha256(data), size)
            with bench.again().open(blob.sha256) as stream:
                assert stream.read() == data
                assert stream.read() == b""

    def test_a_stream_that_drips_and_cannot_seek(self, bench: Bench) -> None:
        data = content(3 * MB + 5)
        blob = bench.store.put(Dripping(data))  # type: ignore[arg-type]  # IO[bytes] in all that is used
        assert bench.store.open(blob.sha256).read() == data

    def test_only_the_rest_of_a_stream_is_put(self, bench: Bench) -> None:
        stream = io.BytesIO(b"header, body")
        stream.seek(8)
        blob = bench.store.put(stream)
        assert bench.store.open(blob.sha256).read() == b"body"

    def test_the_same_content_is_kept_once(self, bench: Bench) -> None:
        data = content(MB + 1)
        first = bench.store.put(io.BytesIO(data))
        assert bench.store.put(io.BytesIO(data)) == first
        assert bench.store.put(Dripping(data)) == first  # type: ignore[arg-type]
        assert list(bench.store.list()) == [first]
        assert bench.leftovers() == 0

    def test_what_was_announced_is_checked(self, bench: Bench) -> None:
        good, bad = content(2 * MB, 1), content(2 * MB, 2)
        assert bench.store.put(io.BytesIO(good), expect=sha256(good)).size == len(good)
        for stream in (io.BytesIO(bad), Dripping(bad), io.BytesIO(good[:-1]), Dripping(b"")):
            with pytest.raises(Corrupted, match=sha256(good)):
                bench.store.put(stream, expect=sha256(good))  # type: ignore[arg-type]
        with pytest.raises(Corrupted):
            bench.store.put(io.BytesIO(good), expect=sha256(bad))
        assert [blob.sha256 for blob in bench.store.list()] == [sha256(good)]
        assert bench.leftovers() == 0

    def test_an_upload_that_breaks_off_is_never_seen(self, bench: Bench) -> None:
        data = content(10 * MB)
        for breaks_at in (0, 1, MB, 9 * MB, 10 * MB):
            with pytest.raises(ConnectionResetError):
                bench.store.put(Dripping(data, breaks_at=breaks_at))  # type: ignore[arg-type]
            assert list(bench.again().list()) == []
            assert bench.store.stat(sha256(data)) is None
            assert bench.leftovers() == 0
        assert bench.store.put(io.BytesIO(data)).size == len(data)

    def test_absent(self, bench: Bench) -> None:
        absent = sha256(b"absent")
        assert bench.store.stat(absent) is None
        assert list(bench.store.list()) == []
        assert bench.store.delete([absent]) == 0
        assert bench.store.sweep() == 0
        with pytest.raises(FileMissing, match=absent):
            bench.store.open(absent)

    def test_what_is_no_digest_is_refused(self, bench: Bench) -> None:
        calls: list[Callable[[str], Any]] = [bench.store.open, bench.store.stat]
        calls.append(lambda name: bench.store.delete([name]))
        names = ["", "../../etc/passwd", "A" * 64, "g" * 64, "a" * 63, "a" * 65, "é" * 64]
        for call, name in itertools.product(calls, names):
            with pytest.raises(InvalidInput, match="is not a sha256"):
                call(name)

    def test_list_and_delete(self, bench: Bench) -> None:
        blobs = {bench.store.put(io.BytesIO(content(100, seed))) for seed in range(5)}
        assert set(bench.again().list()) == blobs
        gone, kept = [*blobs][:2], [*blobs][2:]
        assert bench.store.delete([*(blob.sha256 for blob in gone), sha256(b"absent")]) == 2
        assert set(bench.again().list()) == set(kept)
        assert bench.store.stat(gone[0].sha256) is None
        assert bench.store.put(io.BytesIO(content(100, 0))) in blobs

    def test_reading_in_any_order(self, bench: Bench) -> None:
        data = content(3 * MB + 11)
        with bench.store.open(bench.store.put(io.BytesIO(data)).sha256) as stream:
            assert stream.seekable()
            assert stream.readable()
            for start, whence, place in [(-5, 2, len(data) - 5), (7, 0, 7), (MB, 1, None)]:
                before = stream.tell()
                place = before + start if place is None else place
                assert stream.seek(start, whence) == place
                assert stream.read(MB + 3) == data[place : place + MB + 3]
                assert stream.tell() == min(place + MB + 3, len(data))
            assert stream.seek(len(data) + 9) == len(data) + 9
            assert stream.read(1) == b""
            stream.seek(0)
            assert stream.read() == data

    def test_a_flipped_bit_is_found(self, bench: Bench) -> None:
        data = content(2 * MB + 3)
        digest = bench.store.put(io.BytesIO(data)).sha256
        for place in (0, MB - 1, MB, len(data) - 1):
            bench.damage(digest, place)
            for read in READERS:
                with bench.again().open(digest) as stream, pytest.raises(Corrupted, match=digest):
                    read(stream, len(data))
            bench.damage(digest, place)  # the bit is back
            assert bench.again().open(digest).read() == data

    def test_a_reader_that_found_damage_finds_it_again(self, bench: Bench) -> None:
        digest = bench.store.put(io.BytesIO(content(MB))).sha256
        bench.damage(digest, 5)
        with bench.again().open(digest) as stream:
            for _ in range(3):
                with pytest.raises(Corrupted, match=digest):
                    stream.read()
        with bench.again().open(digest, verify=False) as stream:
            assert len(stream.read()) == MB

    def test_one_blob_is_damaged_and_the_others_are_good(self, bench: Bench) -> None:
        digests = [bench.store.put(io.BytesIO(content(1000, seed))).sha256 for seed in range(4)]
        bench.damage(digests[2], 500)
        found = []
        for digest in digests:
            try:
                bench.again().open(digest).read()
            except Corrupted as error:
                found.append(error.details["digest"])
        assert found == [digests[2]]

    def test_threads_putting_the_same_and_different_content(self, bench: Bench) -> None:
        contents = [content(MB + 1, seed) for seed in range(3)]
        with failures_of_threads() as run:
            for number in range(9):
                data = contents[number % 3]
                run(lambda data=data: bench.store.put(Dripping(data)))  # type: ignore[arg-type]
        assert {blob.sha256 for blob in bench.store.list()} == {sha256(data) for data in contents}
        assert bench.leftovers() == 0
        for data in contents:
            assert bench.store.open(sha256(data)).read() == data


def read_at_once(stream: IO[bytes], size: int) -> None:
    """All that is there."""
    stream.read()


def read_exactly(stream: IO[bytes], size: int) -> None:
    """The known number of bytes and not one more."""
    stream.read(size)


def read_in_pieces(stream: IO[bytes], size: int) -> None:
    """Until the last byte, without asking for more."""
    while stream.tell() < size:
        stream.read(min(77_777, size - stream.tell()))


def read_end_first(stream: IO[bytes], size: int) -> None:
    """As archives are read: the directory at the end, then the rest."""
    stream.seek(-10, os.SEEK_END)
    stream.read(10)
    stream.seek(0)
    stream.read(size - 10)


READERS = (read_at_once, read_exactly, read_in_pieces, read_end_first)


@contextmanager
def failures_of_threads() -> Iterator[Callable[[Callable[[], Any]], None]]:
    """Run functions in threads; at the end, raise what the first of them raised."""
    threads: list[threading.Thread] = []
    failures: list[BaseException] = []

    def guarded(function: Callable[[], Any]) -> None:
        try:
            function()
        except BaseException as error:  # noqa: BLE001 - told in the thread that waits
            failures.append(error)

    def run(function: Callable[[], Any]) -> None:
        thread = threading.Thread(target=guarded, args=(function,))
        threads.append(thread)
        thread.start()

    yield run
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
