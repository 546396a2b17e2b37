"""A reader of their own for these tests: no cache and no configuration but what a test makes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import dvc_project


@pytest.fixture(autouse=True)
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the reader's caches and settings."""
    own = tmp_path / "reader"
    monkeypatch.setenv("MODELYARD_CACHE_DIR", str(own / "cache"))
    monkeypatch.setenv("DVC_GLOBAL_CONFIG_DIR", str(own / "dvc"))
    monkeypatch.setenv("DVC_SYSTEM_CONFIG_DIR", str(own / "none"))
    return own


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Where the remote of `root` is."""
    return tmp_path / "store"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of DVC in a repository, and the folder one is in."""
    found = dvc_project.new_project(tmp_path / "project", "../../store")
    subprocess.run(["git", "init", "-q", found], check=True)
    monkeypatch.chdir(found)
    return found
