"""What training calls: it returns, whatever the disk and the destination do, and says what went wrong once."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from modelyard.base.errors import FileMissing, InvalidInput
from modelyard.tracking.interface import Batch
from modelyard.tracking.recording import recorder_for
from modelyard.tracking.records import RunBegun, RunLogged
from modelyard.tracking.spool import board as counts
from modelyard.tracking.spool import forks, keeping, starting, waiting
from modelyard.tracking.spool.board import Board
from modelyard.tracking.spool.keeping import kept_file
from modelyard.tracking.spool.places import Destination, head_of, segments, shown, spool_root
from modelyard.tracking.spool.reader import SpoolReader
from modelyard.tracking.spool.recorder import SpoolRecorder, spooled

RUN = "3" * 32


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Spools of the test's own, and nobody who sends them."""
    monkeypatch.setenv("MODELYARD_SPOOL", str(tmp_path / "spool"))
    monkeypatch.setattr(forks, "RECORDERS", {})
    monkeypatch.setattr(starting, "started", lambda words, told: 0)
    monkeypatch.setattr(waiting, "STILL_SECONDS", 0.05)
    monkeypatch.setattr(waiting, "START_SECONDS", 0.05)
    yield tmp_path / "spool"
    for one in forks.RECORDERS.values():
        one.close(0.0)


def recorder(destination: str = "http://127.0.0.1:9", token: str | None = None) -> SpoolRecorder:
    return spooled(destination, token=token, named_by_reader=True)


def told(root: Path) -> list[bytes]:
    """All payloads of all spools."""
    return [
        entry.payload
        for folder in sorted(root.glob("*/*/"))
        for entry in SpoolReader(folder, 0).read(None, 10**9, 10**12)
    ]


def test_there_is_one_a_destination(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root.parent)
    first = recorder_for("yard.db")
    assert recorder_for(f"sqlite:///{root.parent}/yard.db") is first
    assert recorder_for("other.db") is not first
    assert not root.exists()  # nothing was told
    with pytest.raises(InvalidInput, match="memory"):
        recorder_for("sqlite://")


def test_no_secret_stands_in_a_spool(root: Path) -> None:
    for one in (
        recorder("postgresql://me:s3cr/et@db.example/yard?password=s3cr/et&sslmode=require"),
        recorder("https://hub.example", token="s3cr/et"),
    ):
        one.add(RunBegun(RUN))
    for path in root.rglob("*"):
        assert "s3cr" not in str(path)
        if path.is_file():
            assert b"s3cr" not in path.read_bytes(), path
    shown_ones = {
        json.loads(path.read_text())["address"] for path in root.glob("*/destination.json")
    }
    assert shown_ones == {"postgresql://me@db.example/yard?sslmode=require", "https://hub.example"}
    assert all(
        path.stat().st_mode & 0o077 == 0 for path in root.rglob("*") if path.suffix != ".lock"
    )


@pytest.mark.parametrize(
    "address",
    ["sqlite:////a/b.db", "http://h:1", "mysql://u@h/d?charset=utf8", "postgresql:///d?host=/run"],
)
def test_an_address_without_a_secret_is_shown_as_it_is(address: str) -> None:
    assert shown(address) == address


def test_a_place_is_another_one_where_a_token_was_given(tmp_path: Path) -> None:
    places = {Destination("http://h", n).folder(tmp_path, t) for n in (True, False) for t in (None, "a", "b")}  # fmt: skip
    assert len(places) == 6


def test_an_argument_that_cannot_be_meant_is_an_error_at_once(root: Path) -> None:
    one = recorder()
    with pytest.raises(InvalidInput, match="'loss'"):
        one.metric(RUN, "loss", "high", 1, 1)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="step"):
        one.metric(RUN, "loss", 1.0, 1, 2**63)
    with pytest.raises(InvalidInput):
        one.add(RunLogged(RUN, Batch(params={"a": object()})))  # type: ignore[dict-item]
    assert told(root) == []


def test_a_disk_that_cannot_be_written_is_one_line(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root.write_text("a file is in the way")
    one = recorder()
    for step in range(100):
        one.metric(RUN, "loss", 1.0, step, step)
    one.add(RunBegun(RUN))
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert one.dropped == 101
    assert not one.flush(0.1)
    assert not one.close()


def test_no_room_is_said_once_and_counted(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELYARD_SPOOL_MB", "2")
    one = recorder()
    for step in range(60_000):
        one.metric(RUN, "loss", 1.0, step, step)
    one._look_at = 0.0  # a second later
    one.metric(RUN, "loss", 1.0, 1, 1)
    assert one.dropped > 1000
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert "dropped" in lines[0]
    assert len(told(root)) + one.dropped == 60_001


def test_waiting_ends_when_nothing_moves_and_says_so_once(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = recorder()
    one.metric(RUN, "loss", 1.0, 1, 1)
    assert not one.flush()
    assert not one.flush(0.05)
    assert not one.close()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert "modelyard sync" in lines[0]
    assert str(one.folder) in lines[0]


def test_who_flushes_is_told_when_all_has_arrived(root: Path) -> None:
    one = recorder()
    one.metric(RUN, "loss", 1.0, 1, 1)
    writer = one._writer
    assert writer is not None
    writer.board.put(counts.ACKED, 1)
    assert one.flush()
    one.metric(RUN, "loss", 1.0, 1, 1)
    assert not one.flush(0.02)
    assert writer.board.get(counts.HURRY) == 2


def test_after_the_end_another_spool_begins(root: Path) -> None:
    one = recorder()
    one.metric(RUN, "loss", 1.0, 1, 1)
    one.close()
    one.metric(RUN, "loss", 2.0, 1, 1)
    assert len(list(root.glob("*/*/head.json"))) == 2


def test_a_forked_child_writes_into_a_spool_that_comes_after_the_parents(root: Path) -> None:
    one = recorder()
    for step in range(5):
        one.metric(RUN, "loss", 1.0, step, step)
    child = os.fork()
    if child == 0:
        one.metric(RUN, "loss", 2.0, 9, 9)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    one.metric(RUN, "loss", 3.0, 6, 6)
    heads = sorted(
        filter(None, map(head_of, root.glob("*/*/"))), key=lambda head: head.after_number
    )
    assert [head.after_number for head in heads] == [0, 5]
    assert heads[1].after == heads[0].spool_id
    assert [len(SpoolReader(one.folder / h.spool_id, 0).read(None, 99, 10**9)) for h in heads] == [
        6,
        1,
    ]


def test_sigterm_is_written_down_and_ends_the_process_as_ever(root: Path) -> None:
    one = recorder()
    one.metric(RUN, "loss", 1.0, 1, 1)
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        forks.watch()
        one.metric(RUN, "loss", 1.0, 1, 1)
        os.kill(os.getpid(), signal.SIGTERM)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGTERM
    [mine] = [p for p in root.glob("*/*/") if (head := head_of(p)) and head.after]
    board = Board(str(mine / "board"))
    assert board.get(counts.KILLED_MS) > 0
    board.close()


def test_sigterm_is_left_to_a_program_that_minds_it(root: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    try:
        signal.signal(signal.SIGTERM, mine := lambda number, frame: None)
        forks.watch()
        assert signal.getsignal(signal.SIGTERM) is mine
    finally:
        signal.signal(signal.SIGTERM, before)


# Files


def test_a_file_is_kept_as_it_was(root: Path, tmp_path: Path) -> None:
    one, path = recorder(), tmp_path / "weights.bin"
    path.write_bytes(b"x" * 3_000_000)
    digest, size = one.keep_file(path)
    assert (digest, size) == (hashlib.sha256(b"x" * 3_000_000).hexdigest(), 3_000_000)
    path.write_bytes(b"other")
    assert one._writer is not None
    kept = kept_file(one._writer.folder / "files", digest)
    assert kept is not None
    assert kept.read_bytes() == b"x" * 3_000_000
    (tmp_path / "empty").touch()
    assert one.keep_file(tmp_path / "empty") == (hashlib.sha256().hexdigest(), 0)
    with pytest.raises(FileMissing):
        one.keep_file(tmp_path / "nothing")
    with pytest.raises(InvalidInput, match="folder"):
        one.keep_file(tmp_path)


def test_a_file_for_which_there_is_no_room_is_sent_from_where_it_is(
    small_disk: Path,
    filler: Callable[[], Path],
    tmp_path: Path,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("MODELYARD_SPOOL", str(small_disk / "spool"))
    one, path = recorder(), tmp_path / "weights.bin"
    one.metric(RUN, "loss", 1.0, 1, 1)
    path.write_bytes(b"x" * 40_000_000)
    digest, size = one.keep_file(path)
    assert size == 40_000_000
    assert one._writer is not None
    folder = one._writer.folder / "files"
    assert kept_file(folder, digest) == path
    assert [file.suffix for file in folder.iterdir()] == [keeping.WHERE]
    assert len(capsys.readouterr().err.splitlines()) == 1


# What it costs


def test_training_loads_nothing_that_is_not_pythons_own() -> None:
    code = """
import sys
import tempfile
before = set(sys.modules)
from modelyard.tracking.recording import recorder_for
from modelyard.tracking.records import RunBegun
one = recorder_for("http://127.0.0.1:9")
one._starter.ensure = lambda: True
one.add(RunBegun("0" * 32))
one.metric("0" * 32, "loss", 1.0, 1, 1)
roots = {name.partition(".")[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)
print(sorted(roots))
import os; os._exit(0)
"""
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    assert ran.stdout == "['modelyard']\n"


def test_segments_are_not_more_than_what_is_told_needs(root: Path) -> None:
    one = recorder()
    for step in range(1000):
        one.metric(RUN, "loss", 1.0, step, step)
    assert one._writer is not None
    assert len(segments(one._writer.folder)) == 1


def test_when_no_more_files_can_be_opened_training_goes_on(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = recorder()
    one.metric(RUN, "loss", 1.0, 1, 1)

    def full(*_: object, **__: object) -> None:
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patched:
        patched.setattr(starting, "taken", full)
        one._look_at = 0.0  # it is time to look
        one.metric(RUN, "loss", 1.0, 2, 2)
    assert len(told(root)) == 2


def test_who_has_no_home_has_a_spool_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", none)
    assert spool_root({}) == Path(tempfile.gettempdir()) / f"modelyard-{os.geteuid()}" / "spool"


def test_a_folder_of_somebody_else_takes_no_spool(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own = os.geteuid()
    one = recorder()
    with monkeypatch.context() as patched:
        patched.setattr(os, "geteuid", lambda: own + 1)
        one.metric(RUN, "loss", 1.0, 1, 1)
    assert "belongs to somebody else" in capsys.readouterr().err
    assert one.dropped == 1


def test_what_is_told_while_another_thread_closes_goes_into_the_next_spool(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = recorder()
    one.metric(RUN, "loss", 1.0, 1, 1)
    before = one._writer
    assert before is not None
    tell = before.told

    def closed_first(payload: bytes) -> bool:
        one.close(0.0)
        return tell(payload)

    monkeypatch.setattr(before, "told", closed_first)
    one.add(RunBegun(RUN))
    assert len(list(before.folder.glob("*.seg"))) == 1
    assert one._writer is not None
    assert one._writer.number == 1
