"""The hub: REST for a team, on one yard. State is in the database and the stores alone, so that any number of
processes may serve one yard.

`interface` says what a hub is told when it starts, and who asks; `edge` is what every request passes first; a file of
``routes`` holds what one kind of thing can be asked. A route names its permission, or the hub does not start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelyard.hub.app import create_app as create_app
    from modelyard.hub.interface import HubSettings as HubSettings

__all__ = ["HubSettings", "create_app"]

_WHERE = {"create_app": "app", "HubSettings": "interface"}


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'modelyard.hub' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"modelyard.hub.{_WHERE[name]}"), name)
