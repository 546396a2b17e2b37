"""A model with everything a wheel has to carry, and one environment it is installed in."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

import modelyard as my


@pytest.fixture(scope="session")
def table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "age": [20.0, 30, 40, 50, 60, 70],
            "town": [0.0, 1, 0, 1, 0, 1],
            "left": [0, 0, 0, 1, 1, 1],
        }
    )


@pytest.fixture(scope="session")
def classifier(table: pd.DataFrame) -> LogisticRegression:
    return LogisticRegression().fit(table[["age", "town"]], table["left"])


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory, table: pd.DataFrame, classifier: Any) -> Path:
    """The classifier, saved."""
    path = tmp_path_factory.mktemp("models") / "churn"
    my.save(classifier, path, sample_data=table[["age", "town"]], description="Who leaves?")
    return path


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory, saved: Path) -> Path:
    """The Python of a new environment that has the wheel of `saved` and what that asks for, and nothing else."""
    folder = tmp_path_factory.mktemp("environment")
    built = my.build(saved, "wheel", output=folder / "dist")
    for words in (
        ["venv", "-q", "--python", sys.executable, str(folder / "venv")],
        ["pip", "install", "-q", "--python", str(folder / "venv"), str(built.path)],
    ):
        done = subprocess.run(["uv", *words], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    python = "Scripts/python.exe" if sys.platform == "win32" else "bin/python"
    return folder / "venv" / python
