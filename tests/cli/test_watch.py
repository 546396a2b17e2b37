"""``modelyard watch``: in a terminal, in a pipe, on a yard at hand and behind a hub."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import modelyard as my
from cli.program import run
from hub_cases.server import hub_thread
from modelyard.tracking.interface import Batch, Metric
from terminal import terminal


def begin(yard: my.Yard, name: str, *, steps: int = 200) -> str:
    run_id = yard.runs.start(name, experiment="churn").run_id
    log(yard, run_id, range(steps))
    return run_id


def log(yard: my.Yard, run_id: str, steps: range) -> None:
    points = [Metric(key, value, 1, s) for s in steps for key, value in (("loss", 100 / (s + 1)), ("val/acc", s / 1000))]  # fmt: skip
    yard.tracker.write(run_id, Batch([*points, Metric("system/cpu", 5.0, 1, 0)]))


@pytest.fixture
def yard(empty: Path) -> Iterator[my.Yard]:
    with my.Yard(empty / "yard.db") as found:
        yield found


@pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminals")
def test_a_screen_follows_runs_until_a_key_is_pressed(empty: Path, yard: my.Yard) -> None:
    run_id = begin(yard, "calm-heron")
    with terminal("watch", "--interval", "0.2", cwd=empty, columns=110, lines=30) as seen:
        first = seen.until(lambda text: "calm-heron" in text and "│" in text)
        head = first.splitlines()
        assert head[0].startswith("churn  1 running, 0 ended")
        assert "●" in head[2]
        assert "199" in head[2]
        assert "█" in head[2]
        assert "system/cpu" not in first
        assert any("\u2801" <= letter <= "\u28ff" for letter in first)  # braille
        assert not seen.echoes()
        log(yard, run_id, range(200, 700))
        seen.until(lambda text: " 699 " in text and text.count("699") >= 3)  # and below both charts
        begin(yard, "evil\x1b]0;name", steps=3)
        assert "evil\ufffd]0;name" in seen.until(lambda text: "2 running" in text)
        seen.press("n")
        seen.until(lambda text: text.splitlines()[1].split()[3:] == ["val/acc", "loss"])
        seen.resize(60, 16)
        small = seen.until(lambda t: len(t.splitlines()[0]) <= 60 and "quits" in t.splitlines()[0])
        assert max(map(len, small.splitlines())) <= 60
        yard.runs.end(run_id, "FAILED")
        seen.until(lambda text: "✗" in text)
        seen.press("q")
        assert seen.ended() == 0
        assert seen.echoes()
        assert "calm-heron" in "\n".join(seen.lines)  # what was seen last stays


@pytest.mark.timeout(90)
def test_runs_behind_a_hub_are_seen_when_the_hub_tells_of_them(empty: Path, yard: my.Yard) -> None:
    """The interval is longer than this test: only the hub's word brings the next look."""
    run_id = begin(yard, "calm-heron")
    with hub_thread(empty / "yard.db") as url:
        words = ("watch", run_id, "--interval", "300", "--json")
        child = subprocess.Popen(
            [sys.executable, "-m", "modelyard", *words],
            cwd=empty, env={**os.environ, "MODELYARD_URI": url}, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert child.stdout is not None
        try:
            first = json.loads(child.stdout.readline())["runs"][0]
            assert (first["step"], first["status"]) == (199, "RUNNING")
            log(yard, run_id, range(200, 300))
            assert json.loads(child.stdout.readline())["runs"][0]["step"] == 299
            yard.runs.end(run_id)
            assert json.loads(child.stdout.readline())["runs"][0]["status"] == "FINISHED"
            assert child.wait(60) == 0  # what was named has ended
        finally:
            if child.poll() is None:
                child.kill()
            child.wait(60)
            child.stdout.close()


@pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminals")
def test_a_hub_that_is_away_is_waited_for_until_ctrl_c_ends_it(empty: Path, yard: my.Yard) -> None:
    begin(yard, "calm-heron")
    with hub_thread(empty / "yard.db") as url:
        seen = terminal("watch", "--interval", "0.2", cwd=empty, columns=160, MODELYARD_URI=url)
        screen = seen.__enter__()
        screen.until(lambda text: "│" in text)
    try:
        assert "calm-heron" in screen.until(lambda text: "trying again" in text)
        screen.press("n")  # heard, while the hub lets it wait
        screen.until(lambda text: text.splitlines()[1].split()[3:] == ["val/acc", "loss"])
        screen.press("\x03")
        assert screen.ended() == 130
        assert screen.echoes()  # the terminal is as it was
        assert "interrupted" in "\n".join(screen.lines)
        assert "Traceback" not in "\n".join(screen.lines)
    finally:
        seen.__exit__(None, None, None)


def test_once_prints_one_plain_picture(empty: Path, yard: my.Yard) -> None:
    begin(yard, "calm-heron")
    yard.runs.end(begin(yard, "brave-otter"))
    done = run("watch", "--once", "--metric", "val/*", cwd=empty)
    assert (done.code, done.err) == (0, "")
    assert "\x1b" not in done.out
    lines = done.out.splitlines()
    assert lines[0] == "churn  1 running, 1 ended"
    assert [line.split()[:2] for line in lines[2:4]] == [["●", "calm-heron"], ["✓", "brave-otter"]]
    assert "loss" not in done.out
    assert lines[4] == "val/acc"
    assert lines[5].split()[0] == "0.199"
    assert lines[-1].split() == ["0", "199"]


@pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminals")
def test_in_a_terminal_without_unicode_it_is_drawn_all_the_same(empty: Path, yard: my.Yard) -> None:
    begin(yard, "calm-heron")
    plain = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    with terminal("watch", "--once", cwd=empty, **plain) as seen:
        assert seen.ended() == 0
        text = "\n".join(seen.lines)
    assert text.isascii()
    assert "R calm-heron" in text
    assert "|*" in text


def test_as_json_it_needs_no_library_and_tells_the_numbers(empty: Path, yard: my.Yard) -> None:
    begin(yard, "calm-heron")
    (found,) = run("watch", "--once", "--json", "--metric", "loss", cwd=empty).data["runs"]
    assert found["metrics"] == {"loss": 0.5}
    assert (found["name"], found["experiment"], found["step"]) == ("calm-heron", "churn", 199)


def test_a_pipe_gets_what_changed_until_it_is_interrupted(empty: Path, yard: my.Yard) -> None:
    run_id = begin(yard, "calm-heron")
    child = subprocess.Popen(
        [sys.executable, "-m", "modelyard", "watch", "--interval", "0.1", "--json"],
        cwd=empty, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdout is not None
    try:
        assert json.loads(child.stdout.readline())["runs"][0]["step"] == 199
        log(yard, run_id, range(200, 201))
        assert json.loads(child.stdout.readline())["runs"][0]["step"] == 200
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
        assert (out, err.strip()) == ("", "interrupted")
        assert child.returncode == 130
    finally:
        if child.poll() is None:
            child.kill()
        child.wait(60)


def test_nothing_to_watch(empty: Path, yard: my.Yard) -> None:
    done = run("watch", "--once", cwd=empty)
    assert (done.code, "no runs yet" in done.out) == (0, True)
    assert run("watch", "0" * 32, "--once", cwd=empty).code == 3
    assert run("watch", "--experiment", "nope", "--once", cwd=empty).code == 3
