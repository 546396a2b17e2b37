"""Where a module comes from: Python itself, an installed distribution, or the user's own files."""

from __future__ import annotations

import importlib.util
import os
import sys
import sysconfig
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Literal

from modelyard.environments.installed import SITE_FOLDERS, Distribution, owner
from modelyard.environments.interface import LocalModule

Kind = Literal["script", "ignored", "package", "local", "namespace", "unknown"]

_SCRIPT = frozenset(["__main__", "__mp_main__"])
_IGNORED = frozenset(["builtins", "modelyard"])


@dataclass(frozen=True, slots=True)
class Origin:
    """What is known about a module.

    ``script``: the one that runs, whose objects travel by value. ``ignored``: Python's own, or modelyard, which is there
    when a model is loaded. ``unknown``: there is no such module, or it was made at run time.
    """

    name: str
    kind: Kind
    distribution: Distribution | None = None
    file: Path | None = None
    is_package: bool = False


def origin(name: str) -> Origin:
    """Where a module comes from; nothing is imported to find out.

    >>> origin("json.decoder").kind
    'ignored'
    """
    top = name.partition(".")[0]
    if top in _SCRIPT:
        return Origin(name, "script")
    if top in _IGNORED:
        return Origin(name, "ignored")
    file, folders = _located(name)
    if file is None and not folders:
        if (outer := _package_around(name)) is not None:
            return outer
        known = top in sys.stdlib_module_names or top in sys.builtin_module_names
        return Origin(name, "ignored" if known else "unknown")
    location = file or folders[0]
    if _is_standard(location):
        return Origin(name, "ignored")
    distribution = owner(name, location)
    path = Path(file) if file else None
    if distribution and not distribution.from_folder:
        return Origin(name, "package", distribution, path, bool(folders))
    if path is None:
        return Origin(name, "namespace")
    if not path.is_file():  # in an archive, or removed since
        return Origin(name, "unknown")
    return Origin(name, "local", distribution, path, bool(folders))


def _package_around(name: str) -> Origin | None:
    """Of a part that compiled code made without a file (``torch._C._nn``): the installed package that it is in."""
    parent = name.rpartition(".")[0]
    outer = origin(parent) if parent else None
    return replace(outer, name=name) if outer is not None and outer.kind == "package" else None


def _located(name: str) -> tuple[str | None, tuple[str, ...]]:
    """File and, of packages, folders."""
    module = sys.modules.get(name)
    if isinstance(module, ModuleType):
        return getattr(module, "__file__", None), _folders(module)
    try:
        spec = _find(name)
    except (ImportError, ValueError):
        return None, ()
    if spec is None:
        return None, ()
    file = spec.origin if spec.has_location else None
    return file, tuple(spec.submodule_search_locations or ())


def _folders(module: ModuleType) -> tuple[str, ...]:
    found = getattr(module, "__path__", None)
    return tuple(map(str, found)) if found is not None else ()


def _find(name: str) -> ModuleSpec | None:
    """The spec of a module without importing its parents, as `importlib.util.find_spec` would."""
    parent, _, _ = name.rpartition(".")
    if not parent:
        return importlib.util.find_spec(name)
    folders = _located(parent)[1]
    return PathFinder.find_spec(name, list(folders)) if folders else None


def _is_standard(file: str) -> bool:
    for folder in _standard_folders():
        if file.startswith(folder):
            return file[len(folder) :].partition(os.sep)[0] not in SITE_FOLDERS
    return False


@lru_cache(maxsize=1)
def _standard_folders() -> tuple[str, ...]:
    folders = {
        sysconfig.get_path("stdlib"),
        sysconfig.get_path("platstdlib"),
        str(Path(os.__file__).parent),
    }
    return tuple(sorted(folder + os.sep for folder in folders))


def parents(name: str) -> list[str]:
    """A module's packages, outermost first, and itself.

    >>> parents("churn.features.text")
    ['churn', 'churn.features', 'churn.features.text']
    """
    parts = name.split(".")
    return [".".join(parts[: end + 1]) for end in range(len(parts))]


def stored_as(found: Origin) -> LocalModule:
    """What travels for a module that has a file: its outermost package as a whole, or the file when it is in none."""
    for name in parents(found.name):
        outer = found if name == found.name else origin(name)
        if outer.file is not None:
            path = outer.file.parent if outer.is_package else outer.file
            return LocalModule(name, path, outer.is_package)
    raise ValueError(f"the module {found.name} has no file")
