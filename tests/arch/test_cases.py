"""One plugin = one file + one case file, so that every plugin passes its contract suite."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from arch.source import PACKAGE, ROOT, Module, none_of

CASES = ROOT / "tests" / "cases"

PLUGIN_FOLDERS = {
    "flavors": (PACKAGE / "objects" / "flavors", "claims"),
    "formats": (PACKAGE / "objects" / "formats", "TIER"),
    "importers": (PACKAGE / "objects" / "importers", "recognises"),
    "types": (PACKAGE / "types", "claims"),
    "stores": (PACKAGE / "stores", "SCHEMES"),
}
"""Interface -> its folder, and the module-level name by which a file there is a plugin and not shared logic."""


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


def plugins(folder: Path, mark: str) -> set[str]:
    files = (path for path in folder.glob("*.py") if path.stem not in ("__init__", "interface"))
    return {path.stem for path in files if defines(Module(path), mark)}


@pytest.mark.parametrize("interface", PLUGIN_FOLDERS)
def test_every_plugin_has_a_case_file(interface: str) -> None:
    folder, mark = PLUGIN_FOLDERS[interface]
    cases = {path.stem for path in (CASES / interface).glob("*.py")}
    missing = plugins(folder, mark) - cases
    none_of(f"plugins without tests/cases/{interface}/<name>.py", missing)


def test_the_rule_sees_plugins_and_no_shared_logic() -> None:
    assert {"local", "memory"} <= plugins(*PLUGIN_FOLDERS["stores"])
    assert not {"interface", "tables"} & plugins(*PLUGIN_FOLDERS["stores"])
