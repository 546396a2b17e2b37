"""What code needs to run: found out at save, compared at load, written down for other tools.

``capture`` walks a live object; ``check``, ``describe`` and ``fix_line`` compare a card with this process;
``store_modules`` and ``importable`` carry local code along; ``write`` makes a file for another tool.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from modelyard.base.errors import NotFound
from modelyard.environments.captured import Captured, find_modules
from modelyard.environments.differences import check, describe, fix_line
from modelyard.environments.graph import capture
from modelyard.environments.interface import Difference, LocalModule, Requirements
from modelyard.environments.modules import importable, store_modules
from modelyard.environments.system import python_version, system_packages

__all__ = [
    "Captured",
    "Difference",
    "LocalModule",
    "Requirements",
    "capture",
    "check",
    "describe",
    "find_modules",
    "fix_line",
    "importable",
    "python_version",
    "store_modules",
    "system_packages",
    "write",
]

_WRITERS = {"requirements": "pip"}
"""Kind of file -> the plugin that writes it."""


def write(requirements: Requirements, path: Path, *, kind: str = "requirements") -> Path:
    """Write requirements as the file of a packaging tool: ``requirements`` is pip's ``requirements.txt``."""
    from modelyard.base import plugins

    if kind not in _WRITERS:
        raise NotFound(
            f"no requirements file of kind {kind!r}", hint=f"known: {', '.join(_WRITERS)}"
        )
    plugin: Any = plugins.load("environments", _WRITERS[kind])
    return plugin.write(requirements, path)
