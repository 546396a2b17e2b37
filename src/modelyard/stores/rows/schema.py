"""The tables of all folders together."""

from __future__ import annotations

import importlib
from pathlib import Path

from sqlalchemy import MetaData

import modelyard
from modelyard.stores.rows import columns


def all_tables() -> MetaData:
    """The shared metadata, after importing ``tables.py`` of every folder that has one."""
    root = Path(modelyard.__file__).parent
    for file in sorted(root.rglob("tables.py")):
        importlib.import_module(
            ".".join(("modelyard", *file.relative_to(root).with_suffix("").parts))
        )
    return columns.metadata
