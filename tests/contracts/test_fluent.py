"""Runs are logged to in one way: in memory, into a file, and to a hub."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from modelyard.testing.fluent import FluentContract
from modelyard.yard.yard import Yard


class TestInMemory(FluentContract):
    @pytest.fixture
    def yard(self) -> Iterator[Yard]:
        with Yard("sqlite://") as yard:
            yield yard
