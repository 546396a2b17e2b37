"""One plugin = one file + one case file, so that every plugin passes its contract suite."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from arch.source import PACKAGE, ROOT, Module, none_of
from contracts.test_metric_names import NAMES
from contracts.test_protocols import PROTOCOLS

CASES = ROOT / "tests" / "cases"

PLUGIN_FOLDERS = {
    "flavors": (PACKAGE / "objects" / "flavors", "claims"),
    "formats": (PACKAGE / "objects" / "formats", "TIER"),
    "importers": (PACKAGE / "objects" / "importers", "recognises"),
    "types": (PACKAGE / "types", "claims"),
    "stores": (PACKAGE / "stores", "SCHEMES"),
    "protocols": (PACKAGE / "serving" / "protocols", ("routes", "create_server")),
    "metric_names": (PACKAGE / "serving" / "metric_names", "FAMILIES"),
    "engines": (PACKAGE / "objects" / "engines", "NAME"),
}
"""Interface -> its folder, and the module-level name (or names) by which a file there is a plugin and not shared logic."""


WITHOUT_CASES = {
    # It needs no library and is tried on every table that is served: its proof is tests/unit/objects/test_array_engine.py.
    "engines": {"array"},
}


def defines(module: Module, name: str) -> bool:
    for node in module.tree.body:
        match node:
            case ast.FunctionDef(name=found) if found == name:
                return True
            case ast.Assign(targets=[ast.Name(id=found)]) if found == name:
                return True
            case ast.AnnAssign(target=ast.Name(id=found)) if found == name:
                return True
    return False


def plugins(folder: Path, marks: str | tuple[str, ...]) -> set[str]:
    marks = (marks,) if isinstance(marks, str) else marks
    files = (path for path in folder.glob("*.py") if path.stem not in ("__init__", "interface"))
    return {path.stem for path in files if any(defines(Module(path), mark) for mark in marks)}


@pytest.mark.parametrize("interface", PLUGIN_FOLDERS)
def test_every_plugin_has_a_case_file(interface: str) -> None:
    folder, mark = PLUGIN_FOLDERS[interface]
    cases = {path.stem for path in (CASES / interface).glob("*.py")}
    missing = plugins(folder, mark) - cases - WITHOUT_CASES.get(interface, set())
    none_of(f"plugins without tests/cases/{interface}/<name>.py", missing)


def test_the_rule_sees_plugins_and_no_shared_logic() -> None:
    assert {"local", "memory"} <= plugins(*PLUGIN_FOLDERS["stores"])
    assert not {"interface", "tables"} & plugins(*PLUGIN_FOLDERS["stores"])
    assert plugins(*PLUGIN_FOLDERS["protocols"]) == set(PROTOCOLS)
    assert plugins(*PLUGIN_FOLDERS["metric_names"]) == set(NAMES)
    assert plugins(*PLUGIN_FOLDERS["engines"]) == {"array", "onnx"}


def test_contract_suites_run_every_case_there_is() -> None:
    assert {path.stem for path in (CASES / "protocols").glob("*.py")} == set(PROTOCOLS)
    assert {path.stem for path in (CASES / "metric_names").glob("*.py")} == set(NAMES)
