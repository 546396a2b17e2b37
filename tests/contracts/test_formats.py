"""Every data format keeps the contract."""

from __future__ import annotations

import importlib

import pytest

from modelyard.testing.formats import Case, FormatContract

FORMATS = (
    "arrow",
    "csv",
    "excel",
    "feather",
    "joblib",
    "json",
    "jsonl",
    "npy",
    "npz",
    "parquet",
    "pickle",
    "tsv",
)


@pytest.mark.parametrize("name", FORMATS, scope="module")
class TestFormat(FormatContract):
    @pytest.fixture(scope="module")
    @classmethod
    def case(cls, name: str) -> Case:
        return importlib.import_module(f"cases.formats.{name}").case()
