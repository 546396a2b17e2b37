"""A folder that is not there: DVC tracks it, and a store beside its project has the files."""

from __future__ import annotations

from pathlib import Path

import dvc_project
from modelyard.stores.folders.dvc import with_dvc
from modelyard.stores.folders.interface import Folder
from modelyard.stores.folders.local import LocalFolder
from modelyard.testing.folders import FILES


def write(root: Path) -> Path:
    """A project that tracks the files of the contract as one folder; where that would be."""
    dvc_project.new_project(root / "project", "../../store")
    dvc_project.track_folder(root / "project", root / "store", "tree", FILES)
    return root / "project/tree"


def folder(root: Path) -> Folder:
    return with_dvc(LocalFolder(root))
