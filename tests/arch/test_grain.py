"""Small grain: a function over 60 lines or a module over 400 is a question to answer.

The answer is nearly always to split it. Where it is not, an exception stands here with its reason; it may shrink and
go, and a list that is longer than what it excuses fails too.
"""

from __future__ import annotations

import ast

from arch.source import functions, modules, none_of

LINES_OF_A_MODULE = 400
LINES_OF_A_FUNCTION = 60

LONG_MODULES: dict[str, int] = {
    "stores/rows/migrations/r0001.py": 900,  # a program writes it, a few lines a table
}
"""``objects/card.py`` -> how long it may be."""

LONG_FUNCTIONS: dict[str, int] = {}
"""``objects/card.py save`` -> how long it may be."""


def lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Of code: an explanation is never too long for the rule."""
    explained = node.body[0].end_lineno if ast.get_docstring(node) else None
    begins = explained or node.lineno - 1
    assert node.end_lineno is not None
    return node.end_lineno - begins


def test_modules_are_small() -> None:
    sizes = {module.where: module.text.count("\n") for module in modules()}
    long = {where: size for where, size in sizes.items() if size > LINES_OF_A_MODULE}
    assert_allowed(long, LONG_MODULES, f"modules over {LINES_OF_A_MODULE} lines")


def test_functions_are_small() -> None:
    sizes = {
        f"{module.where} {name}": lines(node)
        for module in modules()
        for name, node in functions(module.tree)
    }
    long = {where: size for where, size in sizes.items() if size > LINES_OF_A_FUNCTION}
    assert_allowed(long, LONG_FUNCTIONS, f"functions over {LINES_OF_A_FUNCTION} lines")


def assert_allowed(found: dict[str, int], allowed: dict[str, int], what: str) -> None:
    grown = [f"{where}: {size}" for where, size in found.items() if size > allowed.get(where, 0)]
    none_of(f"{what}, split them", grown)
    none_of("exceptions that nothing needs any more", set(allowed) - set(found))
