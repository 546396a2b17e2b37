"""Every environment plugin keeps the contract."""

from __future__ import annotations

import pytest

from cases.environments import pip
from modelyard.environments.interface import Environment
from modelyard.testing.environments import EnvironmentContract


class TestPip(EnvironmentContract):
    @pytest.fixture
    def environment(self) -> Environment:
        return pip.environment
