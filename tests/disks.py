"""Disks that are soon full."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 24 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)]
    if (
        sys.platform != "linux"
        or subprocess.run(mount, capture_output=True, check=False).returncode
    ):
        pytest.skip("only an administrator of a Linux machine can mount a small disk")
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
