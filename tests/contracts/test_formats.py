"""Every data format keeps the contract."""

from __future__ import annotations

import pytest

from cases.formats import arrow, csv, excel, feather, json, jsonl, npy, npz, parquet, tsv
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


class TestArrow(FormatContract):
    @pytest.fixture
    def case(self) -> Case:
        return arrow.case()


class TestFeather(FormatContract):
    @pytest.fixture
    def case(self) -> Case:
        return feather.case()


class TestExcel(FormatContract):
    @pytest.fixture
    def case(self) -> Case:
        return excel.case()
