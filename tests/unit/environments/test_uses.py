"""What is read from code: names, attributes and imports."""

from __future__ import annotations

import ast

import pytest

from modelyard.environments.uses import Import, uses_of_code, uses_of_source


@pytest.mark.parametrize(
    ("statement", "package", "absolute"),
    [
        (Import("a.b"), "", "a.b"),
        (Import("a", 1), "p.q", "p.q.a"),
        (Import("", 1), "p.q", "p.q"),
        (Import("a", 2), "p.q", "p.a"),
        (Import("", 2), "p.q", "p"),
        (Import("a", 3), "p.q", ""),
        (Import("a", 1), "", ""),
    ],
)
def test_relative_imports(statement: Import, package: str, absolute: str) -> None:
    assert statement.absolute(package) == absolute


def code_of(source: str):
    namespace: dict = {"__name__": "__main__"}
    exec(source, namespace)
    return namespace["f"].__code__


def test_imports_of_a_body_with_level_and_names() -> None:
    uses = uses_of_code(
        code_of(
            "def f():\n import a.b as c\n from d import e, g\n from ..h import i\n from . import j"
        )
    )
    assert uses.imports == (
        Import("a.b"),
        Import("d", 0, ("e", "g")),
        Import("h", 2, ("i",)),
        Import("", 1, ("j",)),
    )


def test_names_in_a_large_body_are_read_right() -> None:
    """Past 255 names each instruction carries an extended argument."""
    body = "".join(f" name{i}.attribute{i}\n" for i in range(300))
    imports = "".join(f" from m{i} import x{i}\n" for i in range(300))
    uses = uses_of_code(code_of(f"def f():\n{body}{imports}"))
    assert uses.names == {f"name{i}" for i in range(300)}
    assert uses.imports == tuple(Import(f"m{i}", 0, (f"x{i}",)) for i in range(300))
    assert {f"attribute{i}" for i in range(300)} <= uses.attributes


def test_local_names_are_no_global_ones() -> None:
    uses = uses_of_code(code_of("def f(a):\n b = a\n for c in b: d = lambda e: (e, g)\n return d"))
    assert uses.names == {"g"}


def test_a_module_runs_its_top_level_classes_defaults_and_decorators() -> None:
    source = """
@decorator
def f(a=default, *, b: annotation = keyword_default) -> result:
    hidden
@class_decorator
class C(base, metaclass=meta):
    field: annotation = value
    def method(self, a=method_default): hidden
    async def later(self): hidden
made = lambda a=lambda_default: hidden
number: annotation = computed
with opened as g: inside
try: tried
except error: handled
"""
    uses = uses_of_source(ast.parse(source))
    expected = """decorator default keyword_default class_decorator base meta value method_default lambda_default
    computed opened inside tried error handled"""
    assert uses.names == set(expected.split())
    assert "hidden" in uses_of_source(ast.parse(source), bodies=True).names
