"""Which yard is meant: the one named by the caller, by the environment, by the project, or the file in the project."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelyard.base.config import Settings, default_uri, settings, user_settings
from modelyard.base.hub_client import hub_address, is_hub_address, token_for
from modelyard.base.project import find_root

_OTHERS = ("modelyard.yard.mlflow_uri",)
"""Modules that know another product's variable for a server's address: ``SOURCE``, ``hub()`` and ``token()``."""


@dataclass(frozen=True)
class Address:
    """A yard's address, and who named it."""

    uri: str
    config: Settings
    source: str = ""
    """The setting or variable that names it; empty when the caller did, or nobody."""
    by_reader: bool = True
    """Whether whoever runs this named it, not a file that came with a folder."""

    @property
    def is_hub(self) -> bool:
        """Whether it is asked over HTTP."""
        return is_hub_address(self.uri)

    @property
    def trusted(self) -> bool:
        """Whether what runs code may be loaded from this hub: the reader named it, or logged in to it himself."""
        return self.by_reader or hub_address(self.uri) in user_settings().get("tokens", {})

    def token(self) -> str | None:
        """The token for this hub. One from the environment goes to no hub that a project's file names."""
        address = hub_address(self.uri)
        if not self.by_reader:
            return user_settings().get("tokens", {}).get(address)
        others = (other.token() for other in _others() if self.source == other.SOURCE)
        return token_for(address) or next(others, None)


def address_of(
    uri: str | os.PathLike[str] | None, project: str | os.PathLike[str] | None = None
) -> Address:
    """Where ``Yard(uri, project=project)`` is."""
    config = settings(find_root(Path(project) if project is not None else None))
    if uri is not None:
        return Address(os.fspath(uri), config)
    setting = config.values.get("uri")
    if setting is not None:
        return Address(default_uri(config), config, setting.source, setting.source.startswith("$"))
    for other in _others():
        if (hub := other.hub()) is not None:
            return Address(hub, config, other.SOURCE)
    return Address(default_uri(config), config)


def _others() -> Iterator[Any]:
    return map(importlib.import_module, _OTHERS)
