"""Every autologger keeps its contract."""

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

TRAININGS = {
    "sklearn": ("pipeline", "regressor", "clusters", "search"),
    "xgboost": ("booster", "estimator", "folds"),
    "lightgbm": ("booster", "estimator", "folds"),
    "catboost": ("estimator", "pool", "folds"),
    "optuna": ("study", "pareto"),
}
"""Case file -> its trainings. Those of heavy libraries are in `tests/frameworks`."""
PAIRS = [(name, training) for name, trainings in TRAININGS.items() for training in trainings]


@pytest.fixture
def case(name: str) -> AutologgerCase:
    return importlib.import_module(f"cases.autologgers.{name}").case()


def test_every_training_of_a_case_is_run() -> None:
    for name, trainings in TRAININGS.items():
        found = importlib.import_module(f"cases.autologgers.{name}").case()
        assert tuple(found.trainings) == trainings


@pytest.mark.parametrize(("name", "training"), PAIRS)
class TestTraining(TrainingContract):
    pass


@pytest.mark.parametrize(("name", "training"), [(name, t[0]) for name, t in TRAININGS.items()])
class TestFaults(FaultsContract):
    """Of the first training of each; `tests/frameworks` has those of all."""


@pytest.mark.parametrize("name", list(TRAININGS))
class TestAutologger(AutologgerContract):
    pass
