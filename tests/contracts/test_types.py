"""Every data type keeps the contract, over the cases of every file in `modelyard.types`."""

from __future__ import annotations

import importlib

import pytest

from frameworks.environments import ENVIRONMENTS
from modelyard.testing.types import TypeContract
from modelyard.types import KIND_FILES

NAMES = (
    "PIL",
    "catboost",
    "container",
    "file",
    "lightgbm",
    "moment",
    "numpy",
    "pandas",
    "polars",
    "pyarrow",
    "pydantic",
    "record",
    "scalar",
    "scipy",
    "stream",
    "union",
    "xgboost",
)
"""Case files of libraries that are light enough for every run; the others are in `tests/frameworks`."""

FILES = [importlib.import_module(f"cases.types.{name}") for name in NAMES]
CASES = [
    pytest.param(case, id=f"{file.__name__.rpartition('.')[2]}-{case.name}")
    for file in FILES
    for case in file.CASES
]


@pytest.mark.parametrize("case", CASES)
class TestTypes(TypeContract):
    pass


def test_every_kind_has_a_case() -> None:
    def kinds(spelled: object) -> set[str]:
        if isinstance(spelled, dict):
            own = {spelled["type"]} if isinstance(spelled.get("type"), str) else set()
            return own.union(*map(kinds, spelled.values()))
        if isinstance(spelled, list):
            return set().union(*map(kinds, spelled))
        return {spelled} if isinstance(spelled, str) else set()

    covered = set().union(*(kinds(case.spelled) for file in FILES for case in file.CASES))
    # Of these no value is the sample: they come from hints. Kinds of heavy libraries have their cases in environments.
    elsewhere = {name for environment in ENVIRONMENTS.values() for name in environment["types"]}
    left = {kind for kind in set(KIND_FILES) - covered if KIND_FILES[kind] not in elsewhere}
    assert left <= {"any", "choice"}
