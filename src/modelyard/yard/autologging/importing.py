"""Being told when a module is imported, without importing it."""

from __future__ import annotations

import importlib.util
import sys
import threading
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_waiting: dict[str, list[Callable[[], None]]] = {}
_lock = threading.RLock()
_looking = threading.local()


def when_imported(module: str, then: Callable[[], None]) -> None:
    """Call ``then`` as soon as the module is imported: now, when it is. It must not raise."""
    with _lock:
        found = sys.modules.get(module)
        initializing = getattr(getattr(found, "__spec__", None), "_initializing", False)
        if found is not None and not initializing:
            then()
            return
        _waiting.setdefault(module, []).append(then)
        if _finder not in sys.meta_path:
            sys.meta_path.insert(0, _finder)


def forget(then: Callable[[], None]) -> None:
    """Wait no longer; without anybody who waits, imports are Python's own alone."""
    with _lock:
        for module in list(_waiting):
            _waiting[module] = [f for f in _waiting[module] if f != then]
            if not _waiting[module]:
                del _waiting[module]
        if not _waiting and _finder in sys.meta_path:
            sys.meta_path.remove(_finder)


def _imported(module: str) -> None:
    with _lock:
        waited = _waiting.pop(module, [])
    for then in waited:
        then()


class _Finder(MetaPathFinder):
    """Finds nothing by itself: it asks the others, and has a word put in after the loader of what is waited for."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in _waiting or getattr(_looking, "name", None) == fullname:
            return None
        before = getattr(_looking, "name", None)
        _looking.name = fullname
        try:
            spec = importlib.util.find_spec(fullname)
        except (ImportError, ValueError):
            return None
        finally:
            _looking.name = before
        if spec is not None and spec.loader is not None:
            _follow(spec.loader, fullname)
        return spec


def _follow(loader: Any, fullname: str) -> None:
    """The loader stays the one it was, so that those who ask it for sources get them; this one call is followed."""
    execute = loader.exec_module

    def exec_module(module: ModuleType) -> None:
        vars(loader).pop("exec_module", None)
        execute(module)
        _imported(fullname)

    loader.exec_module = exec_module


_finder = _Finder()
