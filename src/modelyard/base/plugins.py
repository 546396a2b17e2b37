"""Find a plugin by its name: a file of a folder of ours, else an entry point of somebody else's package.

Nothing is imported until it is asked for, and there is no table to keep: the file name is the plugin's name.
An outsider registers the same name as an entry point in the group ``modelyard.<folder>``.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from functools import lru_cache
from types import ModuleType
from typing import Any

from modelyard.base.errors import MissingExtra, NotFound, did_you_mean

GROUPS = {
    "flavors": "modelyard.objects.flavors",
    "formats": "modelyard.objects.formats",
    "types": "modelyard.types",
    "stores": "modelyard.stores",
    "schemes": "modelyard.base.schemes",
    "environments": "modelyard.environments",
    "importers": "modelyard.objects.importers modelyard.compat.importers",
    "registries": "modelyard.registry",
    "trackers": "modelyard.tracking",
    "autologgers": "modelyard.yard.autologgers",
    "run_files": "modelyard.compat.run_files",
    "engines": "modelyard.jobs.engines",
    "protocols": "modelyard.serving.protocols",
    "servers": "modelyard.serving.servers",
    "metric_names": "modelyard.serving.metric_names",
    "builders": "modelyard.shipping.builders",
    "deployers": "modelyard.shipping.deployers",
    "runners": "modelyard.jobs",
    "compat": "modelyard.compat",
}
"""Group -> the folder, or folders, whose files are our own plugins of that group."""


def load(group: str, name: str) -> Any:
    """The plugin of that name: our module, or what the outsider's entry point names.

    Raises `NotFound` with the known names, or `MissingExtra` when the plugin's own library is not installed.
    """
    found = find(group, name)
    if found is None:
        known = names(group)
        raise NotFound(
            f"no {group} plugin named {name!r}",
            hint=did_you_mean(name, known) or f"known: {', '.join(known)}",
        )
    return found


@lru_cache(maxsize=512)
def find(group: str, name: str) -> Any | None:
    """Like `load`, but None when there is no such plugin."""
    if name.isidentifier() and not name.startswith("_") and name not in _PARTS:
        for folder in GROUPS[group].split():
            if _has_file(module := f"{folder}.{name}"):
                return _import(module, name)
    for point in _entry_points(group):
        if point.name == name:
            return point.load()
    return None


_PARTS = frozenset(["interface"])


def _has_file(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _import(module: str, name: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("modelyard"):
            raise
        raise MissingExtra(f"'{name}'", name, missing=error.name) from error


def names(group: str) -> list[str]:
    """All plugin names of a group, ours and outsiders', sorted. Imports none of them."""
    ours = (name for folder in GROUPS[group].split() for name in _files_in(folder))
    own = {n for n in ours if not n.startswith("_") and n not in _PARTS}
    return sorted(own | {point.name for point in _entry_points(group)})


def _files_in(folder: str) -> list[str]:
    try:
        package = importlib.import_module(folder)
    except ModuleNotFoundError:
        return []
    return [m.name for m in pkgutil.iter_modules(package.__path__)]


@lru_cache(maxsize=64)
def _entry_points(group: str) -> tuple[Any, ...]:
    from importlib.metadata import entry_points  # 56 ms: only when a name is not one of our files

    return tuple(entry_points(group=f"modelyard.{group}"))
