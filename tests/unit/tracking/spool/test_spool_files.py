"""What lies in a spool is found again, whatever happened to the files."""

from __future__ import annotations

import math
import struct
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelyard.tracking.spool import board as counts
from modelyard.tracking.spool.board import Board
from modelyard.tracking.spool.format import POINT, SEGMENT, START, TOLD, Entry, entries, point_of
from modelyard.tracking.spool.places import BOARD, segments
from modelyard.tracking.spool.reader import SpoolReader, remove_sent
from modelyard.tracking.spool.writer import SpoolWriter

RUN = "0" * 32
ROOM = 64 << 20


def written(folder: Path, count: int) -> list[Entry]:
    """A spool of so many records, points and others in turn; what a reader finds in it undamaged."""
    writer = SpoolWriter(folder, ROOM)
    for number in range(1, count + 1):
        if number % 3:
            writer.point(RUN, f"loss {number % 5}", number / 7, number, number)
        else:
            writer.told(b'{"n":%d,"text":"%b"}' % (number, b"x" * (number % 40)))
    writer.close()
    writer.board.close()
    return read(folder)


def read(folder: Path, after: int = 0) -> list[Entry]:
    return SpoolReader(folder, after).read(None, 10**9, 10**12)


def test_points_come_back_exactly(tmp_path: Path) -> None:
    values = [0.0, -0.0, 1 / 3, 5e-324, 1e308, math.inf, -math.inf, math.nan]
    writer = SpoolWriter(tmp_path, ROOM)
    for step, value in enumerate(values):
        writer.point(RUN, "schlüssel\ud800/日", value, -(2**63), step)
    writer.point("r", "k", 1, 2**63 - 1, -(2**63))
    with pytest.raises(struct.error):
        writer.point("r", "k", 1.0, 0, 2**63)
    points = [point_of(entry.payload) for entry in read(tmp_path)]
    assert [struct.pack("d", p.value) for p in points[:-1]] == [struct.pack("d", v) for v in values]
    assert {(p.run_id, p.key, p.at_ms) for p in points[:-1]} == {
        (RUN, "schlüssel\ud800/日", -(2**63))
    }
    assert points[-1] == ("r", "k", 1.0, 2**63 - 1, -(2**63))
    assert [entry.number for entry in read(tmp_path)] == [*range(1, len(values) + 2)]


def test_records_longer_than_a_segment_and_more_than_one_hold(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path, ROOM)
    payloads = [b"a" * 10, b"b" * (3 * SEGMENT), *(bytes([n]) * 70_000 for n in range(40)), b""]
    assert all(writer.told(payload) for payload in payloads)
    found = read(tmp_path)
    assert [entry.payload for entry in found] == payloads
    assert {entry.kind for entry in found} == {TOLD}
    assert len(segments(tmp_path)) > 4
    for number in range(len(payloads) + 1):
        assert [entry.number for entry in read(tmp_path, number)] == [
            *range(number + 1, len(payloads) + 1)
        ]


def test_who_reads_while_another_writes_sees_what_was_told_and_never_half_of_it(
    tmp_path: Path,
) -> None:
    writer = SpoolWriter(tmp_path, ROOM)
    count = 30_000

    def write() -> None:
        for number in range(count):
            writer.point(RUN, "loss", float(number), number, number)

    thread = threading.Thread(target=write)
    thread.start()
    reader, found = SpoolReader(tmp_path, 0), list[int]()
    while len(found) < count:
        upto = writer.board.get(counts.WRITTEN)
        found += [int(point_of(entry.payload).value) for entry in reader.read(upto, 700, 1 << 30)]
    thread.join()
    assert found == [*range(count)]
    assert reader.lost == []


def test_threads_write_one_after_another(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path, ROOM)

    def write(name: str) -> None:
        for number in range(2000):
            writer.point(RUN, name, float(number), 0, 0)

    threads = [threading.Thread(target=write, args=[str(n)]) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    points = [point_of(entry.payload) for entry in read(tmp_path)]
    for name in map(str, range(8)):
        assert [p.value for p in points if p.key == name] == [*map(float, range(2000))]


def test_a_half_written_end_is_the_end(tmp_path: Path) -> None:
    whole = written(tmp_path, 50)
    (_, path), data = segments(tmp_path)[0], segments(tmp_path)[0][1].read_bytes()
    ends = [at for _, at in entries(data, START, 0)]
    for cut in range(ends[-2], ends[-1] - 7):
        path.write_bytes(data[:cut] + bytes(len(data) - cut))
        reader = SpoolReader(tmp_path, 0)
        assert reader.read(None, 10**9, 10**12) == whole[:-1]
        assert reader.lost == []
        reader.end(50)
        assert reader.lost == [(50, 50)]  # the board knew that it had been there


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damage_costs_the_records_that_it_hits_and_is_counted(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    whole = written(folder, 60)
    path = segments(folder)[0][1]
    good = path.read_bytes()
    places = [START, *(at for _, at in entries(good, START, 0))]
    begin = data.draw(st.integers(0, places[-1] - 1), label="from")
    length = data.draw(st.integers(1, 200), label="bytes")
    how: Callable[[bytes], bytes] = data.draw(
        st.sampled_from([lambda b: bytes(len(b)), lambda b: bytes(x ^ 0xFF for x in b), lambda b: b"\x5c\xa3" * len(b)]),
        label="how",
    )  # fmt: skip
    end = min(begin + length, places[-1])
    path.write_bytes(good[:begin] + how(good[begin:end])[: end - begin] + good[end:])
    reader = SpoolReader(folder, 0)
    found = reader.read(None, 10**9, 10**12)
    reader.end(60)
    untouched = [
        entry
        for entry, first, last in zip(whole, places, places[1:], strict=False)
        if last <= begin or first >= end
    ]
    assert [entry for entry in found if entry in untouched] == untouched
    assert set(found) <= set(whole)  # nothing that nobody wrote
    missing = {entry.number for entry in whole} - {entry.number for entry in found}
    assert sum(last - first + 1 for first, last in reader.lost) == len(missing)
    assert {n for first, last in reader.lost for n in range(first, last + 1)} == missing


def test_a_segment_that_is_gone_is_counted_by_the_numbers_around_it(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path, ROOM)
    for number in range(60):
        writer.told(b"%d" % number + b"x" * 60_000)
    writer.close()
    first, second, third = segments(tmp_path)[:3]
    second[1].unlink()
    reader = SpoolReader(tmp_path, 0)
    found = reader.read(None, 10**9, 10**12)
    assert reader.lost == [(second[0], third[0] - 1)]
    assert [entry.number for entry in found] == [*range(1, second[0]), *range(third[0], 61)]
    assert first[0] == 1


def test_what_was_sent_is_removed_and_the_rest_is_read_on(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path, ROOM)
    reader = SpoolReader(tmp_path, 0)
    numbers: list[int] = []
    for round in range(12):
        for _ in range(20):
            writer.told(b"x" * 30_000)
        found = reader.read(writer.number, 13 if round % 2 else 100, 1 << 30)
        numbers += [entry.number for entry in found]
        remove_sent(tmp_path, numbers[-1])
    assert writer.bytes_used() < 12 * 20 * 30_000
    while found := reader.read(writer.number, 100, 1 << 30):
        numbers += [entry.number for entry in found]
    assert numbers == [*range(1, 241)]
    assert reader.lost == []


def test_a_full_spool_drops_the_newest_metrics_counts_them_and_takes_the_rest(
    tmp_path: Path,
) -> None:
    writer = SpoolWriter(tmp_path, 2 * SEGMENT)
    tried = 40_000
    for number in range(tried):
        writer.point(RUN, "loss", float(number), number, number)
    assert writer.dropped
    assert writer.told(b"the end of the run")
    found = read(tmp_path)
    values = [point_of(entry.payload).value for entry in found if entry.kind == POINT]
    assert values == [*map(float, range(len(values)))]  # the oldest are there
    assert len(values) + writer.dropped == tried
    assert found[-1].payload == b"the end of the run"
    assert writer.bytes_used() <= 2 * SEGMENT
    assert writer.board.get(counts.DROPPED) == writer.dropped


def test_a_full_disk_is_no_crash_and_goes_on_when_there_is_room(
    small_disk: Path, filler: Callable[[], Path]
) -> None:
    folder = small_disk / "spool"
    folder.mkdir()
    writer = SpoolWriter(folder, ROOM)
    filled = filler()
    for number in range(30_000):
        writer.point(RUN, "loss", float(number), number, number)
    kept = 30_000 - writer.dropped
    assert writer.dropped > 0
    assert "space" in writer.reason
    assert writer.told(b"{}")  # the end of a segment is kept for what is no metric
    filled.unlink()
    writer._look_again = 0.0  # a second later
    writer.point(RUN, "loss", 1.0, 1, 1)
    found = read(folder)
    assert [entry.number for entry in found] == [*range(1, kept + 3)]
    assert point_of(found[-1].payload).value == 1.0


def test_without_a_board_the_records_are_there(tmp_path: Path) -> None:
    whole = written(tmp_path, 20)
    (tmp_path / BOARD).unlink()
    assert read(tmp_path) == whole


def test_what_the_sender_says_is_read_by_the_writer(tmp_path: Path) -> None:
    ours, theirs = Board(str(tmp_path / BOARD), make=True), Board(str(tmp_path / BOARD))
    theirs.say(counts.WHY_AWAY, "é" * 2000)
    assert set(ours.said(counts.WHY_AWAY)) == {"é"}
    assert ours.said(counts.WHY_REFUSED) == ""
    theirs.put(counts.ACKED, 2**63)
    assert ours.get(counts.ACKED) == 2**63
