"""The demo: what a newcomer runs first. Its last two lines are a curl and a URL that work as pasted."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import urllib.request
from pathlib import Path

import pytest

from cli.program import process, run

LOG = ("predictions", "list", "--json")


def pasted(line: str) -> str:
    """What a curl line answers; asked with Python where there is no curl."""
    words = shlex.split(line)
    assert words[:2] == ["curl", "-s"]
    if shutil.which("curl"):
        return subprocess.run(words, capture_output=True, text=True, check=True, timeout=60).stdout
    body, header = words[words.index("-d") + 1], words[words.index("-H") + 1]
    name, _, value = header.partition(": ")
    asked = urllib.request.Request(words[2], body.encode(), {name: value})
    with urllib.request.urlopen(asked, timeout=60) as answer:
        return answer.read().decode()


@pytest.mark.slow
def test_the_demo(tmp_path: Path) -> None:
    done = process("demo", cwd=tmp_path)
    assert done.code == 0, done.err
    assert done.err == "", "warnings are no first impression"
    *story, curl, url = done.out.splitlines()
    assert sum("✓" in line for line in story) == 7
    folder = tmp_path / "modelyard-demo"
    try:
        assert json.loads(pasted(curl)) in (["benign"], ["malignant"])
        with urllib.request.urlopen(url, timeout=60) as page:
            assert b"swagger" in page.read().lower()
        for line in story:
            if line.startswith("  modelyard ") and "demo" not in line:
                words = shlex.split(line.partition("   ")[0])[1:]
                tried = run(*words, cwd=folder)
                assert tried.code == 0, (words, tried.err)
        assert {p.name for p in folder.iterdir()} >= {"yard.db", "models", "new.csv", "predictions.csv", "dist"}  # fmt: skip
    finally:
        stopped = run("demo", "--stop", cwd=folder)
    assert stopped.out == "stopped\n"
    assert run("demo", "--stop", cwd=tmp_path).out == "no server was running\n"
    with pytest.raises(OSError):
        wait_until_gone(url)
    assert any(len(run(*LOG, cwd=folder).data) == 2 for _ in range(1000)), "kept before the end"
    again = process("demo", cwd=tmp_path)
    try:
        assert again.code == 0, again.err
        assert "tumor@1" in again.out, "equal content is the version it was"
    finally:
        run("demo", "--stop", cwd=tmp_path)


def wait_until_gone(url: str) -> None:
    """Ask until nobody answers: an orderly stop takes a moment."""
    for _ in range(1000):
        urllib.request.urlopen(url, timeout=10).close()


def test_stopping_what_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "modelyard-demo").mkdir()
    left = tmp_path / "modelyard-demo/server.json"
    left.write_text(json.dumps({"pid": 1, "url": "http://127.0.0.1:9", "docs": "", "curl": ""}))
    assert run("demo", "--stop", cwd=tmp_path).out == "no server was running\n"
    assert not left.exists()
    left.write_text("{")
    assert run("demo", "--stop", cwd=tmp_path).out == "no server was running\n"
