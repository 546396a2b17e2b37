"""What code uses, read from bytecode (functions) or from source (modules): names, attributes, imports.

A function needs what its body reads, not what the file around it imports. A module needs what runs when it is
imported: its top-level statements and class bodies, default values and decorators, but no function's body, nothing
below ``if TYPE_CHECKING`` and nothing below ``if __name__ == "__main__"``.
"""

from __future__ import annotations

import ast
import dis
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType
from typing import NamedTuple


class Import(NamedTuple):
    """One import statement: ``from ..a import b`` is ``Import("a", 2, ("b",))``."""

    module: str
    level: int = 0
    names: tuple[str, ...] = ()

    def absolute(self, package: str) -> str:
        """The module's full name, seen from a package; empty for one that leaves its root."""
        if not self.level:
            return self.module
        above = package.split(".")[: -(self.level - 1) or None] if package else []
        return ".".join([*above, self.module] if self.module else above) if above else ""


@dataclass(frozen=True, slots=True)
class Uses:
    """Global names that are read, all attribute names, and the imports that are executed."""

    names: frozenset[str]
    attributes: frozenset[str]
    imports: tuple[Import, ...]


_GLOBAL_READS = frozenset(["LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"])


@lru_cache(maxsize=2048)
def uses_of_code(code: CodeType) -> Uses:
    """Of a function's code, with the functions, lambdas, comprehensions and classes inside it."""
    names: set[str] = set()
    attributes: set[str] = set()
    imports: list[Import] = []
    for inner in _with_nested(code):
        previous: list[object] = [None, None]
        for step in dis.get_instructions(inner):
            if step.opname == "EXTENDED_ARG":
                continue
            if step.opname in _GLOBAL_READS:
                names.add(step.argval)
            elif step.opname == "IMPORT_NAME":
                level, wanted = previous  # the two constants that the statement pushes
                imports.append(Import(step.argval, _as_level(level), _as_names(wanted)))
            previous = [previous[1], step.argval]
        attributes.update(inner.co_names)
    return Uses(frozenset(names), frozenset(attributes), tuple(imports))


def _as_level(value: object) -> int:
    return value if isinstance(value, int) else 0


def _as_names(value: object) -> tuple[str, ...]:
    return tuple(value) if isinstance(value, tuple) else ()


def _with_nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _with_nested(constant)


def uses_of_source(tree: ast.Module, *, bodies: bool = False) -> Uses:
    """Of importing a module; with ``bodies`` also of calling anything in it."""
    reader = _Reader(bodies)
    reader.visit(tree)
    return Uses(frozenset(reader.names), frozenset(reader.attributes), tuple(reader.imports))


class _Reader(ast.NodeVisitor):
    def __init__(self, bodies: bool) -> None:
        self.bodies = bodies
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.imports: list[Import] = []

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self.names.add(node.id)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.attributes.add(node.attr)
        self.visit(node.value)

    def visit_Import(self, node: ast.Import) -> None:
        self.imports += [Import(alias.name) for alias in node.names]

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        names = tuple(alias.name for alias in node.names)
        self.imports.append(Import(node.module or "", node.level, names))

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._visit_all([*node.decorator_list, *node.args.defaults, *node.args.kw_defaults])
        if self.bodies:
            self._visit_all(node.body)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.visit_FunctionDef(node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._visit_all([*node.args.defaults, *node.args.kw_defaults])
        if self.bodies:
            self.visit(node.body)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self._visit_all([node.target, node.value])

    def visit_If(self, node: ast.If) -> None:
        if not _never_runs(node.test):
            self._visit_all([node.test, *node.body])
        self._visit_all(node.orelse)

    def _visit_all(
        self, nodes: list[ast.expr | None] | list[ast.stmt] | list[ast.AST | None]
    ) -> None:
        for node in nodes:
            if node is not None:
                self.visit(node)


def _never_runs(test: ast.expr) -> bool:
    """Whether a condition is false when a module is imported at run time."""
    match test:
        case ast.Name("TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
            return True
        case ast.Compare(ast.Name("__name__"), [ast.Eq()], [ast.Constant("__main__")]):
            return True
    return False
