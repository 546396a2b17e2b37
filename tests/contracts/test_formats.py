"""Every data format keeps the contract."""

from __future__ import annotations

import pytest

from cases.formats import csv, json, jsonl, npy, npz, parquet, safetensors, tsv
from modelyard.testing.formats import Case, FormatContract


class TestCsv(FormatContract):
    @pytest.fixture
    def case(self) -> Case:
        return csv.case()


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
