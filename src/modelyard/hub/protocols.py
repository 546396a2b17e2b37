"""Other tools' protocols, mounted beside our own routes: modules of ``compat`` that have ``routes(yard)``.

A module's routes are Starlette's, each with ``permission`` (a word of `modelyard.hub.permissions`), and where they need
it ``body_limit``, ``named``, ``scoped`` and ``error_response(error, request_id)``. The hub judges them like its own.
"""

from __future__ import annotations

from collections.abc import Sequence

from modelyard.base import plugins
from modelyard.hub.routing import Guarded
from modelyard.yard.yard import Yard

MOUNTED: Sequence[str] = ("mlflow_rest",)
"""Plugins of the group ``compat``, where they are installed."""


def protocol_routes(yard: Yard, mounted: Sequence[str] = MOUNTED) -> list[Guarded]:
    """The routes of all of them."""
    modules = [plugins.find("compat", name) for name in mounted]
    return [Guarded(route) for module in modules if module for route in module.routes(yard)]
