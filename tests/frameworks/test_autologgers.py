"""Autologgers of this environment's libraries keep the contract that all keep."""

from __future__ import annotations

import importlib

import pytest

from modelyard.testing.autologgers import (
    AutologgerCase,
    AutologgerContract,
    FaultsContract,
    TrainingContract,
    told,
)

__all__ = ["told"]  # a fixture


@pytest.fixture
def case(autologger_name: str) -> AutologgerCase:
    return importlib.import_module(f"cases.autologgers.{autologger_name}").case()


class TestTraining(TrainingContract):
    pass


class TestFaults(FaultsContract):
    pass


class TestAutologger(AutologgerContract):
    pass
