"""The access log: what stands in a line, and that nobody waits for it or writes into it."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelyard.base.errors import InvalidSetting
from modelyard.serving.asking import Asked, Caller
from modelyard.serving.entry import access_log as module
from modelyard.serving.entry.access_log import AccessLog, access_log, as_json, as_text


def asked(**facts: Any) -> Asked:
    made = Asked("r1", "203.0.113.9", Caller("shop"), "rest", "/predict", "/predict", "POST")
    made.model, made.method, made.status, made.rows = "iris@3", "predict", 200, 2
    made.wait_ms, made.run_ms, made.batch_rows = 0.25, 1.5, 8
    for name, value in facts.items():
        setattr(made, name, value)
    return made


def test_a_line_of_json_has_the_facts() -> None:
    line = json.loads(as_json(asked()))
    assert line.pop("ms") >= 0
    assert line.pop("time").endswith("Z")
    assert line == {
        "request_id": "r1",
        "remote": "203.0.113.9",
        "caller": "shop",
        "protocol": "rest",
        "verb": "POST",
        "route": "/predict",
        "path": "/predict",
        "model": "iris@3",
        "method": "predict",
        "status": 200,
        "rows": 2,
        "bytes_in": 0,
        "bytes_out": 0,
        "wait_ms": 0.25,
        "run_ms": 1.5,
        "batch_rows": 8,
    }


def test_a_line_for_people() -> None:
    words = as_text(asked()).decode().split()
    assert words[1:6] == ["203.0.113.9", "shop", "POST", "/predict", "200"]
    assert "iris@3" in words
    assert words[-1] == "r1"


@settings(max_examples=60)
@given(st.text(max_size=30), st.text(max_size=10), st.text(max_size=5))
def test_whatever_a_client_writes_it_is_one_line(path: str, caller: str, verb: str) -> None:
    written = asked(path=path, caller=Caller(caller), verb=verb)
    for line in (as_json(written), as_text(written)):
        assert line.endswith(b"\n")
        assert len(line.splitlines()) == 1
        assert all(32 <= byte < 127 for byte in line[:-1])
    assert json.loads(as_json(written))["path"] == path


def test_long_paths_are_cut() -> None:
    assert len(as_json(asked(path="/" + "x" * 5000))) < 1000


def test_lines_go_to_the_end_of_a_file_that_may_be_moved_away(tmp_path: Path) -> None:
    file = tmp_path / "access.log"
    file.write_text("before\n")
    log = access_log(str(file))
    assert log is not None
    log.put(asked(request_id="one"))
    log.close()
    file.rename(tmp_path / "old.log")
    log = access_log(str(file))
    assert log is not None
    log.put(asked(request_id="two"))
    log.close()
    before, one = (tmp_path / "old.log").read_text().splitlines()
    assert before == "before"
    assert json.loads(one)["request_id"] == "one"
    assert json.loads(file.read_text())["request_id"] == "two"


def test_a_reader_that_hangs_costs_lines_and_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_LINES", 10)
    monkeypatch.setattr(module, "FLUSH_SECONDS", 0.001)
    writing, go_on = threading.Event(), threading.Event()
    pieces: list[bytes] = []
    dropped: list[int] = []

    def write(piece: bytes) -> None:
        writing.set()
        assert go_on.wait(30)
        pieces.append(piece)

    log = AccessLog(write, as_json, on_dropped=dropped.append)
    log.put(asked())
    assert writing.wait(30)
    for _ in range(25):
        log.put(asked())
    go_on.set()
    log.close()
    assert sum(dropped) == 15
    assert b"".join(pieces).count(b"\n") == 11


def test_a_full_disk_is_counted(tmp_path: Path) -> None:
    dropped: list[int] = []

    def write(piece: bytes) -> None:
        raise OSError("no space left on device")

    log = AccessLog(write, as_json, on_dropped=dropped.append)
    log.put(asked())
    log.close()
    assert dropped == [1]


def test_pieces_are_whole_lines() -> None:
    pieces: list[bytes] = []
    log = AccessLog(pieces.append, as_json)
    for _ in range(100):
        log.put(asked())
    log.close()
    assert len(pieces) > 1
    assert all(p.endswith(b"\n") and len(p) <= module.PIECE for p in pieces)


@pytest.mark.parametrize("option", [None, "", "off"])
def test_off(option: str | None) -> None:
    assert access_log(option) is None


def test_a_file_that_cannot_be_written_is_refused_before_anything_is_served() -> None:
    with pytest.raises(InvalidSetting, match="access_log: /no/such/folder/log cannot be written"):
        access_log("/no/such/folder/log")
