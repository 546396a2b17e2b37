"""Other tools' protocols, mounted beside our own routes: modules of ``compat`` that have ``routes(yard)``.

A module's routes are Starlette's, each with ``permission`` (a word of `modelyard.hub.permissions`), and where they need
it ``body_limit``, ``named``, ``scoped`` and ``error_response(error)``. The hub judges them like its own. What such a
module's ``workers(yard)`` gives is started with the hub and stopped with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from modelyard.base import plugins
from modelyard.hub.routing import Guarded
from modelyard.yard.yard import Yard

MOUNTED: Sequence[str] = ("mlflow_rest",)
"""Plugins of the group ``compat``, where they are installed."""


def protocol_routes(yard: Yard, mounted: Sequence[str] = MOUNTED) -> list[Guarded]:
    """The routes of all of them."""
    return [Guarded(route) for module in _modules(mounted) for route in module.routes(yard)]


def protocol_workers(yard: Yard, mounted: Sequence[str] = MOUNTED) -> list[Any]:
    """What all of them run in the background; each has ``start`` and ``stop``."""
    makers = [getattr(module, "workers", None) for module in _modules(mounted)]
    return [worker for make in makers if make for worker in make(yard)]


def _modules(mounted: Sequence[str]) -> list[Any]:
    found = [plugins.find("compat", name) for name in mounted]
    return [module for module in found if module is not None]
