"""Processes of their own, and disks that are soon full."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

WORKERS = Path(__file__).with_name("workers.py")

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a worker: ``start("write_rows", uri, 1)``. What still runs at the end is killed."""
    running: list[subprocess.Popen[str]] = []

    def run(name: str, *arguments: object, **options: Any) -> subprocess.Popen[str]:
        command = [sys.executable, str(WORKERS), name, *map(str, arguments)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        process = subprocess.Popen(command, **(pipes | options))
        running.append(process)
        return process

    yield run
    for process in running:
        process.kill()
        process.communicate()


def said(process: subprocess.Popen[str]) -> list[str]:
    """The lines of a worker that ended well."""
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    return output.splitlines()


def all_at_once(processes: list[subprocess.Popen[str]]) -> list[list[str]]:
    """Let workers that wait for their start go together; what each of them said then."""
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return [said(process) for process in processes]


def whole_lines(output: str) -> list[str]:
    """What a killed worker had said: a line without its end was not said."""
    return [line.rstrip("\n") for line in output.splitlines(keepends=True) if line.endswith("\n")]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 24 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.fail("a small disk needs Linux and root: run these tests in a container")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", place], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


@pytest.fixture
def filler(small_disk: Path) -> Callable[[], Path]:
    """Fill what is left of the small disk, to the last byte."""

    def fill() -> Path:
        path = small_disk / "filler"
        with path.open("ab", buffering=0) as stream:
            for size in (1 << 20, 4096, 1):
                try:
                    while stream.write(b"x" * size) == size:
                        pass
                except OSError:
                    continue
        return path

    return fill
