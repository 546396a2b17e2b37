"""A reader of their own for these tests: no cache and no configuration but what a test makes."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the reader's caches and settings."""
    own = tmp_path / "reader"
    monkeypatch.setenv("MODELYARD_CACHE_DIR", str(own / "cache"))
    monkeypatch.setenv("DVC_GLOBAL_CONFIG_DIR", str(own / "dvc"))
    monkeypatch.setenv("DVC_SYSTEM_CONFIG_DIR", str(own / "none"))
    return own
