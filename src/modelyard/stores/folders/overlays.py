"""Files that a folder only points to, shown as if they were in it."""

from __future__ import annotations

import importlib

from modelyard.stores.folders.interface import Folder, Overlay

_OVERLAYS = ("modelyard.stores.folders.dvc:with_dvc",)
"""``module:function`` that know another product's way to keep large files apart."""


def overlaid(folder: Folder) -> Folder:
    """The folder with what its files point to, where it has any such pointers."""
    for where in _OVERLAYS:
        module, _, function = where.partition(":")
        folder = getattr(importlib.import_module(module), function)(folder)
    return folder


def underlying(folder: Folder) -> Folder:
    """The folder below all that is shown over it."""
    while isinstance(folder, Overlay):
        folder = folder.folder
    return folder
