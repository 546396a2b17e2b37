"""Files that a folder only points to, shown as if they were in it."""

from __future__ import annotations

import importlib

from modelyard.stores.folders.interface import Folder

_OVERLAYS: tuple[str, ...] = ()
"""Modules that know another product's way to keep large files apart: ``overlaid(folder)``."""


def overlaid(folder: Folder) -> Folder:
    """The folder with what its files point to, where it has any such pointers."""
    for name in _OVERLAYS:
        folder = importlib.import_module(name).overlaid(folder)
    return folder
