"""Boosters that LightGBM wrote by ``save_model``: text."""

from __future__ import annotations

from pathlib import Path

from modelyard.objects.importers import begins, model_source
from modelyard.objects.source import Source

NAME = "lightgbm"

SUFFIXES = (".txt", ".lgb", ".lgbm", ".lightgbm", ".model")


def recognises(path: Path) -> bool:
    """By its suffix and its first lines."""
    return begins(path, SUFFIXES, b"tree\nversion=", b"tree\r\nversion=")


def source(path: Path) -> Source:
    """A booster."""
    return model_source(path, "lightgbm", "lightgbm_text")
