"""Every flavor and every model format keeps its contract."""

from __future__ import annotations

import pytest

from cases.flavors import callable as callables
from cases.flavors import sklearn
from cases.formats import cloudpickle, skops
from modelyard.testing.flavors import (
    FlavorCase,
    FlavorContract,
    ModelFormatCase,
    ModelFormatContract,
)


class TestSklearn(FlavorContract):
    @pytest.fixture
    def case(self) -> FlavorCase:
        return _SKLEARN


class TestCallable(FlavorContract):
    @pytest.fixture
    def case(self) -> FlavorCase:
        return callables.case()


class TestSkops(ModelFormatContract):
    @pytest.fixture
    def case(self) -> ModelFormatCase:
        return skops.case()


class TestCloudpickle(ModelFormatContract):
    @pytest.fixture
    def case(self) -> ModelFormatCase:
        return cloudpickle.case()


_SKLEARN = sklearn.case()  # its models are fitted once
