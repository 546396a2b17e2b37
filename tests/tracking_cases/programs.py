"""Programs of their own that log to a yard."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelyard.yard.yard import Yard


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("processes")


@pytest.fixture(scope="module")
def yard(folder: Path) -> Iterator[Yard]:
    with Yard(folder / "yard.db") as yard:
        yield yard


def program(folder: Path, name: str, code: str, **environment: str) -> subprocess.Popen[str]:
    """A program of its own, which logs to the yard of the folder."""
    file = folder / f"{name}.py"
    file.write_text(code)
    known = {k: v for k, v in os.environ.items() if k != "MODELYARD_RUN_ID"}
    own = {"MODELYARD_SPOOL": str(folder / "spool"), "MODELYARD_URI": f"sqlite:///{folder / 'yard.db'}"}  # fmt: skip
    return subprocess.Popen(
        [sys.executable, str(file)],
        cwd=folder,
        env={**known, **own, **environment},
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str], status: int = 0) -> str:
    """What it said, when it has ended so."""
    said = process.communicate(timeout=120)[1]
    assert process.returncode == status, said
    return said


def runs_of(yard: Yard, experiment: str) -> dict[str, dict[str, object]]:
    rows = yard.runs.search(experiments=experiment, records=True)
    return {str(row["name"]): row for row in rows}  # type: ignore[index]
