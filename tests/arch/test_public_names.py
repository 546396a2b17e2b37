"""One lazy table of public names; everything else that lists them says the same."""

from __future__ import annotations

import ast
import importlib
import inspect

import modelyard
from arch.source import PACKAGE, Module, none_of

PUBLIC = Module(PACKAGE / "__init__.py")


def type_checking_imports(tree: ast.Module) -> dict[str, str]:
    """Name -> module, of the imports under ``if TYPE_CHECKING:``."""
    return {
        alias.asname or alias.name: statement.module or ""
        for block in tree.body
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for statement in block.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }


def test_type_checkers_see_the_same_names_from_the_same_modules() -> None:
    assert type_checking_imports(PUBLIC.tree) == modelyard._WHERE


def test_all_is_the_table_and_the_version() -> None:
    assert set(modelyard.__all__) == {*modelyard._WHERE, "__version__"}
    assert len(modelyard.__all__) == len(set(modelyard.__all__))


def test_every_name_is_where_the_table_says() -> None:
    missing = [
        f"{where}.{name}"
        for name, where in modelyard._WHERE.items()
        if not hasattr(importlib.import_module(where), name)
    ]
    none_of("not there", missing)


def test_every_public_name_is_explained() -> None:
    silent = [
        name
        for name in modelyard._WHERE
        if not (inspect.getdoc(getattr(modelyard, name)) or "").strip()
    ]
    none_of("public names without a docstring", silent)
