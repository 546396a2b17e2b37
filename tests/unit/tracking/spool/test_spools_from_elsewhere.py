"""A spool that somebody else made: nothing but what is in it is sent, and nothing beside it is written. And one spool that
is in trouble keeps no other."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import pytest

from modelyard.base.clock import new_id
from modelyard.base.errors import ModelyardError, NotAllowed
from modelyard.stores.rows import connect
from modelyard.tracking import heartbeats
from modelyard.tracking.delivering import Delivery
from modelyard.tracking.interface import Status
from modelyard.tracking.records import (
    FileAdded,
    ModelRegistered,
    Record,
    RunBegun,
    RunEnded,
    to_plain,
)
from modelyard.tracking.sending import Sender
from modelyard.tracking.spool.places import DESTINATION, HEAD, Head, check_own, write_json
from modelyard.tracking.spool.writer import SpoolWriter
from modelyard.tracking.sql import SqlTracker
from modelyard.yard import syncing
from modelyard.yard.syncing import sync

RUN = "5" * 32
SECRET = b"the private key"


class There:
    """A destination that writes down which files were sent."""

    def __init__(self, tracker: SqlTracker) -> None:
        self.tracker = tracker
        self.files: list[bytes] = []

    def put(self, stream: IO[bytes], sha256: str, size: int) -> None:
        self.files.append(stream.read())

    def register(self, record: ModelRegistered) -> None:
        raise AssertionError(record)

    def close(self) -> None:
        pass


def spool(folder: Path, *records: Record, made_ms: int = 1) -> Head:
    """One that was left."""
    folder.mkdir(parents=True)
    writer = SpoolWriter(folder, 64 << 20)
    for record in records:
        writer.told(json.dumps(to_plain(record), separators=(",", ":")).encode())
    writer.close()
    writer.board.close()
    head = Head(new_id(), made_ms, os.getpid(), "there", "mallory")
    write_json(folder / HEAD, head)
    return head


def send(place: Path, head: Head, folder: Path) -> There:
    with connect(place / "yard.db") as database:
        there = There(SqlTracker(database))
        delivery = Delivery(head, folder, patience=0)
        while delivery.step(there, alive=False):
            pass
        assert delivery.finished
        return there


@pytest.mark.parametrize("digest", ["a" * 64, "../../secret"])
def test_no_file_is_sent_but_what_was_kept(tmp_path: Path, digest: str) -> None:
    secret, folder = tmp_path / "secret", tmp_path / "root" / "spool"
    secret.write_bytes(SECRET)
    added = FileAdded(f"run:{RUN}", "stolen", digest, len(SECRET))
    head = spool(folder, RunBegun(RUN), added, RunEnded(RUN))
    (folder / "files").mkdir()
    if "/" not in digest:
        (folder / "files" / f"{digest}.where").write_text(str(secret))
    assert send(tmp_path, head, folder).files == []
    assert secret.read_bytes() == SECRET


def test_a_file_that_could_not_be_copied_is_sent_from_where_it_is(tmp_path: Path) -> None:
    file, folder = tmp_path / "weights", tmp_path / "spool"
    file.write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    head = spool(folder, RunBegun(RUN), FileAdded(f"run:{RUN}", "weights", digest, 7))
    (folder / "files").mkdir()
    (folder / "files" / f"{digest}.where").write_text(str(file))
    # twice, as this destination says that it has it not; then it is passed over
    assert send(tmp_path, head, folder).files == [b"weights"] * 2


def test_a_file_that_cannot_be_read_any_more_is_passed_over(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    added = FileAdded(f"run:{RUN}", "weights", "b" * 64, 7)
    head = spool(folder, RunBegun(RUN), added, RunEnded(RUN))
    (folder / "files").mkdir()
    (folder / "files" / f"{'b' * 64}.where").write_text(str(tmp_path))  # a folder by now
    send(tmp_path, head, folder)
    with connect(tmp_path / "yard.db") as database:
        assert SqlTracker(database).run(RUN).status is Status.FINISHED


@pytest.mark.parametrize("name", ["problems.jsonl", "sent.json", "0000000000000009.seg", "files", "files/x"])  # fmt: skip
def test_a_spool_with_a_link_in_it_is_not_touched(tmp_path: Path, name: str) -> None:
    secret, folder = tmp_path / "secret", tmp_path / "spool"
    secret.write_bytes(SECRET)
    head = spool(folder, RunBegun(RUN))
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).symlink_to(secret)
    with pytest.raises(NotAllowed, match="no plain file"):
        Delivery(head, folder, patience=0)
    assert secret.read_bytes() == SECRET


def test_a_small_file_is_not_written_through_a_link(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(SECRET)
    (tmp_path / f"{HEAD}.{os.getpid()}.tmp").symlink_to(secret)
    write_json(tmp_path / HEAD, {"a": 1})
    assert secret.read_bytes() == SECRET


def test_a_spool_of_somebody_else_is_not_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool(tmp_path / "spool", RunBegun(RUN))
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(NotAllowed, match="no folder of yours"):
        check_own(tmp_path / "spool")


def test_a_folder_names_no_database_and_gives_a_project_no_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, bool]] = []

    def opener(uri: str, token: str | None, *, named_by_reader: bool) -> object:
        asked.append((uri, named_by_reader))
        raise ModelyardError("not now")

    monkeypatch.setattr(syncing, "opener", opener)
    monkeypatch.setenv("MODELYARD_SPOOL", str(tmp_path / "own"))
    monkeypatch.delenv("MODELYARD_URI", raising=False)
    project, copied = tmp_path / "project", tmp_path / "copied"
    project.mkdir()
    (project / "modelyard.toml").write_text('uri = "http://127.0.0.1:9"\n')
    monkeypatch.chdir(project)
    spool(copied / "spool", RunBegun(RUN))
    facts = {"address": "http://127.0.0.1:9", "named_by_reader": True}
    write_json(copied / DESTINATION, facts)
    assert sync([copied])[0].why == "not now"
    assert asked == [("http://127.0.0.1:9", False)]
    write_json(copied / DESTINATION, {**facts, "address": f"sqlite:///{tmp_path}/any.db"})
    assert "not by you" in sync([copied])[0].why
    assert len(asked) == 1


def test_a_run_that_died_before_its_first_sign_of_life_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "spool"
    send(tmp_path, spool(folder, RunBegun(RUN)), folder)
    with connect(tmp_path / "yard.db") as database:
        tracker = SqlTracker(database)
        assert tracker.run(RUN).status is Status.RUNNING
        later = heartbeats.now_ms() + 29_000
        monkeypatch.setattr(heartbeats, "now_ms", lambda: later)
        assert tracker.run(RUN).status is Status.LOST


class Troubled(SqlTracker):
    """Fails at one spool, as a hub with an error of its own does."""

    spool_id = ""

    def receive(self, spool: str, after: int, records: Sequence[tuple[int, Record | None]]) -> int:
        if spool == self.spool_id:
            raise ModelyardError("500")
        return super().receive(spool, after, records)


def test_trouble_with_one_spool_keeps_no_other(tmp_path: Path) -> None:
    troubled = spool(tmp_path / "root" / "first", RunBegun("4" * 32), made_ms=1)
    spool(tmp_path / "root" / "second", RunBegun(RUN), RunEnded(RUN), made_ms=2)
    with connect(tmp_path / "yard.db") as database:
        tracker = Troubled(database)
        tracker.spool_id = troubled.spool_id
        sender = Sender(tmp_path / "root", lambda: There(tracker), linger=0.0, beat=60.0)
        thread = threading.Thread(target=sender.run)
        thread.start()
        thread.join(20)
        assert not thread.is_alive()
        assert tracker.run(RUN).status is Status.FINISHED
    assert (tmp_path / "root" / "first").exists()
    assert not (tmp_path / "root" / "second").exists()
