"""Every data format keeps the contract."""

from __future__ import annotations

import pytest

from cases.formats import csv, joblib, json, jsonl, npy, npz, parquet, pickle, tsv
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


class TestPickle(FormatContract):
    @pytest.fixture
    def case(self) -> Case:
        return pickle.case()


class TestJoblib(FormatContract):
    @pytest.fixture
    def case(self) -> Case:
        return joblib.case()
