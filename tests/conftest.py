"""Fixtures for all tests."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("modelyard.testing")
pytest_plugins = ("servers",)
