"""Hatch's build hook: wheels and source archives hold the hub's pages, built from ``ui``.

A source archive holds them built, so that nobody who installs from it needs Node. An editable install builds nothing
(`make ui` does), and ``MODELYARD_UI=skip`` leaves them out.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Pages(BuildHookInterface[Any]):
    """Builds them before anything is packed."""

    def dependencies(self) -> list[str]:
        """Node, where it is needed and this machine has none."""
        ui = self._ui()
        if ui is None or ui.is_built() or ui.find_node() is not None:
            return []
        return [ui.NODE_PACKAGE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Before a build; ``version`` is ``editable`` or ``standard``."""
        ui = self._ui()
        if ui is None or version == "editable" or ui.is_built():
            return
        self.app.display_info("Building the hub's pages")
        try:
            ui.build()
        except ui.BuildFailed as error:
            self.app.abort(str(error))

    def _ui(self) -> Any:
        script = Path(self.root, "ui", "build.py")
        if os.environ.get("MODELYARD_UI") == "skip" or not script.is_file():
            return None
        found = importlib.util.spec_from_file_location("modelyard_ui_build", script)
        if found is None or found.loader is None:
            return None
        module = sys.modules[found.name] = importlib.util.module_from_spec(found)
        found.loader.exec_module(module)
        return module
