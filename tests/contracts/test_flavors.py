"""Every flavor and every model format keeps its contract."""

from __future__ import annotations

import importlib

import pytest

from cases.formats import cloudpickle, joblib, onnx, pickle, skops
from modelyard.testing.flavors import (
    FlavorCase,
    FlavorContract,
    ModelFormatCase,
    ModelFormatContract,
)

FLAVORS = (
    "catboost",
    "lightgbm",
    "onnx",
    "statsmodels",
    "xgboost",
    "callable",
    "several",
    "sklearn",
)
"""Case files of libraries that are light enough for every run; the others are in `tests/frameworks`."""


@pytest.mark.parametrize("name", FLAVORS, scope="module")
class TestFlavor(FlavorContract):
    @pytest.fixture(scope="module")
    @classmethod
    def case(cls, name: str) -> FlavorCase:
        return importlib.import_module(f"cases.flavors.{name}").case()


class TestSkops(ModelFormatContract):
    @pytest.fixture
    def case(self) -> ModelFormatCase:
        return skops.case()


class TestCloudpickle(ModelFormatContract):
    @pytest.fixture
    def case(self) -> ModelFormatCase:
        return cloudpickle.case()


class TestPickle(ModelFormatContract):
    @pytest.fixture
    def case(self) -> ModelFormatCase:
        return pickle.models()


class TestJoblib(ModelFormatContract):
    @pytest.fixture
    def case(self) -> ModelFormatCase:
        return joblib.models()


class TestOnnx(ModelFormatContract):
    @pytest.fixture
    def case(self) -> ModelFormatCase:
        return onnx.case()
