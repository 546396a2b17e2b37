"""The little of modelyard that loading one model needs, as source files that live inside another package.

The files are found by following imports from `objects.load` and the plugins that the model's card names; every
mention of the package is renamed to its new place, so that it never meets an installed modelyard.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import modelyard
from modelyard.objects.card import Card, nested_plugins
from modelyard.types import KIND_FILES

ROOT = Path(modelyard.__file__).parent

ENTRY = "modelyard.objects.embedded"

FOLDERS = ("base", "types", "environments", "objects")
"""Everything a loaded model may touch lies in these."""

_OURS = re.compile(rf"\bmodelyard(?=\.(?:{'|'.join(FOLDERS)})\b)")
_FROM = re.compile(r"^(\s*)from modelyard import ", re.MULTILINE)


def runtime_files(card: Card, package: str, more: Iterable[str] = ()) -> dict[str, str]:
    """Relative path -> source of the runtime for a card, renamed to live in ``package`` (dotted). ``more`` names modules
    that are to come along."""
    files = {"__init__.py": f'"""Part of modelyard {modelyard.__version__}: loads one model."""\n\n'
                            f'__version__ = "{modelyard.__version__}"\n'}  # fmt: skip
    for module in sorted(closure([ENTRY, *more, *plugin_modules(card)])):
        path = source_path(module)
        files[path.relative_to(ROOT).as_posix()] = renamed(path.read_text("utf-8"), package)
    return files


def plugin_modules(card: Card) -> Iterator[str]:
    """The files that the card asks for by name."""
    formats = {card.format.name} if card.format else set[str]()
    flavors = {card.flavor}
    for step in card.steps.values():
        formats.add(str(step["format"]["name"]))
        flavors.add(str(step["flavor"]))
    for flavor, written in nested_plugins(card.artifact):
        formats.add(written)
        flavors.add(flavor)
    yield from (f"modelyard.objects.formats.{name}" for name in formats)
    yield from (f"modelyard.objects.flavors.{name}" for name in flavors)
    yield from sorted({f"modelyard.types.{file}" for file in KIND_FILES.values()})


def closure(modules: Iterable[str]) -> set[str]:
    """These modules, their packages, and all of modelyard that they import anywhere."""
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module in found or module == "modelyard" or not is_ours(module):
            continue
        found.add(module)
        waiting.append(module.rpartition(".")[0])
        waiting += imported(source_path(module).read_text("utf-8"))
    return found


def is_ours(module: str) -> bool:
    """Whether a dotted name is a module of the folders that travel."""
    parts = module.split(".")
    if parts[0] != "modelyard" or (len(parts) > 1 and parts[1] not in FOLDERS):
        return False
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


@lru_cache(maxsize=512)
def imported(source: str) -> tuple[str, ...]:
    """Every module of ours that a source imports, in functions too; imports for type checkers do not count."""
    found: list[str] = []
    tree = ast.parse(source)
    skipped = {id(n) for block in ast.walk(tree) if _for_checkers(block) for n in ast.walk(block)}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.append(node.module)
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return tuple(name for name in found if name.startswith("modelyard."))


def _for_checkers(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Name)
        and node.test.id == "TYPE_CHECKING"
    )


def source_path(module: str) -> Path:
    """The file of a module."""
    path = ROOT.joinpath(*module.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def renamed(source: str, package: str) -> str:
    """A source with modelyard's own names moved below ``package``."""
    moved = _OURS.sub(package, source)
    return _FROM.sub(rf"\1from {package} import ", moved)
