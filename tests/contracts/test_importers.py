"""Every importer keeps its contract."""

from __future__ import annotations

import importlib

import pytest

from modelyard.testing.importers import ImporterCase, ImporterContract

IMPORTERS = (
    "catboost",
    "data",
    "lightgbm",
    "mlem",
    "onnx",
    "pickle",
    "safetensors",
    "skops",
    "xgboost",
)


@pytest.mark.parametrize("name", IMPORTERS)
class TestImporter(ImporterContract):
    @pytest.fixture
    def case(self, name: str) -> ImporterCase:
        return importlib.import_module(f"cases.importers.{name}").case()
