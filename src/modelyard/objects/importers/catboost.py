"""Models that CatBoost wrote by ``save_model``: its binary format."""

from __future__ import annotations

from pathlib import Path

from modelyard.objects.importers import begins, model_source
from modelyard.objects.source import Source

NAME = "catboost"

SUFFIXES = (".cbm", ".bin", ".model", ".catboost")


def recognises(path: Path) -> bool:
    """By its suffix and how it begins."""
    return begins(path, SUFFIXES, b"CBM1")


def source(path: Path) -> Source:
    """A model."""
    return model_source(path, "catboost", "cbm")
