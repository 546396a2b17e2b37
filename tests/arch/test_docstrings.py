"""Whoever opens a file learns what it is for; whoever calls something learns what it does."""

from __future__ import annotations

import ast
import re

from arch.source import Module, modules, none_of

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def contract_names() -> set[str]:
    """What an interface asks for (``claims``, ``dump`` ...): explained there, once, and not in each implementation."""
    names: set[str] = set()
    for module in modules():
        if module.path.name == "interface.py":
            names |= {node.name for node in ast.walk(module.tree) if isinstance(node, Definition)}
            names |= set(re.findall(r"``(\w+)\(", ast.get_docstring(module.tree) or ""))
    return names


def implementations(contract: set[str]) -> set[str]:
    """Classes that derive from a class of a contract, through however many of their own."""
    bases = {
        node.name: {ast.unparse(base) for base in node.bases}
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef)
    }
    known = set(contract)
    while new := {name for name, parents in bases.items() if parents & known} - known:
        known |= new
    return known


def test_every_module_says_what_it_is_for() -> None:
    silent = [module.where for module in modules() if not ast.get_docstring(module.tree)]
    none_of("no docstring", silent)


def test_every_public_definition_is_explained() -> None:
    """But errors of one line, whose tree is drawn in `base.errors`."""
    known = implementations(contract_names())

    def unexplained(module: Module) -> list[str]:
        return [
            f"{module.where}:{node.lineno} {node.name}"
            for node in module.tree.body
            if isinstance(node, Definition)
            and not node.name.startswith("_")
            and node.name not in known
            and not ast.get_docstring(node)
            and ast.unparse(node.body[0]) != "..."
        ]

    none_of(
        "public, and without a docstring",
        (name for module in modules() for name in unexplained(module)),
    )
