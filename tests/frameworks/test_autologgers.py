"""Autologgers of this environment's libraries keep the contract that all keep."""

from __future__ import annotations

import importlib

import pytest

from modelyard.testing.autologgers import AutologgerCase, AutologgerContract, told

__all__ = ["told"]


class TestAutologger(AutologgerContract):
    @pytest.fixture
    def case(self, autologger_name: str) -> AutologgerCase:
        return importlib.import_module(f"cases.autologgers.{autologger_name}").case()
