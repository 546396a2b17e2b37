"""Tests of libraries too heavy for every run, one environment a library: ``make test-frameworks``.

``MODELYARD_FRAMEWORK`` names the environment of `environments.toml` that the tests run in.
"""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from frameworks.environments import ENVIRONMENTS, HERE, NAME

collect_ignore = [
    file
    for name, environment in ENVIRONMENTS.items()
    if name != NAME
    for file in (f"test_{name}.py", *(Path(t).name for t in environment.get("tests", [])))
]
if not HERE["flavors"]:
    collect_ignore.append("test_matrix.py")
if not HERE.get("autologgers"):
    collect_ignore.append("test_autologgers.py")
if NAME not in ("torch", "tensorflow"):
    collect_ignore.append("test_mlem_networks.py")
"""A file or folder named like an environment, or listed by one, has tests for that one alone."""


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """As `collect_ignore`, of folders."""
    name = collection_path.name if collection_path.parent == Path(__file__).parent else ""
    return True if name in ENVIRONMENTS and ENVIRONMENTS[name] is not HERE else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """``flavor_name`` runs over the flavors of this environment, ``importer_name`` over its importers, ``type_case`` over
    the cases of its types; ``autologger_name`` and ``training`` over its autologgers and their trainings."""
    if "flavor_name" in metafunc.fixturenames:
        metafunc.parametrize("flavor_name", HERE["flavors"], scope="module")
    if "importer_name" in metafunc.fixturenames:
        metafunc.parametrize("importer_name", HERE.get("importers", []))
    if "autologger_name" in metafunc.fixturenames:
        _parametrize_autologgers(metafunc)
    if metafunc.cls is not None and metafunc.cls.__name__ == "TestTypes":
        files = [importlib.import_module(f"cases.types.{name}") for name in HERE["types"]]
        cases = [
            pytest.param(case, id=f"{file.__name__.rpartition('.')[2]}-{case.name}")
            for file in files
            for case in file.CASES
        ]
        metafunc.parametrize("case", cases)


def _parametrize_autologgers(metafunc: pytest.Metafunc) -> None:
    names = HERE.get("autologgers", [])
    if "training" not in metafunc.fixturenames:
        metafunc.parametrize("autologger_name", names)
        return
    cases = {name: importlib.import_module(f"cases.autologgers.{name}").case() for name in names}
    both = [(name, word) for name, case in cases.items() for word in case.trainings]
    metafunc.parametrize(("autologger_name", "training"), both, ids=[f"{n}-{w}" for n, w in both])
