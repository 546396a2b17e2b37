"""Every data format keeps the contract."""

from __future__ import annotations

import importlib

import pytest

from cases.formats import json, jsonl, npy, npz, parquet, safetensors, tsv
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


class TestTsv(FormatContract):
    @pytest.fixture
    def case(self) -> Case:
        return tsv.case()


class TestJson(FormatContract):
    @pytest.fixture
    def case(self) -> Case:
        return json.case()


class TestJsonl(FormatContract):
    @pytest.fixture
    def case(self) -> Case:
        return jsonl.case()


class TestParquet(FormatContract):
    @pytest.fixture
    def case(self) -> Case:
        return parquet.case()


class TestNpy(FormatContract):
    @pytest.fixture
    def case(self) -> Case:
        return npy.case()


class TestNpz(FormatContract):
    @pytest.fixture
    def case(self) -> Case:
        return npz.case()


class TestSafetensors(FormatContract):
    @pytest.fixture
    def case(self) -> Case:
        return safetensors.case()


@pytest.mark.parametrize("name", FORMATS, scope="module")
class TestFormat(FormatContract):
    @pytest.fixture(scope="module")
    @classmethod
    def case(cls, name: str) -> Case:
        return importlib.import_module(f"cases.formats.{name}").case()
