"""Saved objects below a folder of this machine, of a repository at a revision, or of a bucket."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from modelyard.base.errors import InvalidReference
from modelyard.base.refs import BareRef, GitRef, PathRef, RemoteRef, parse
from modelyard.objects.listing import list_folder, list_objects
from modelyard.objects.opening import Place
from modelyard.objects.targets import is_far
from modelyard.yard.places import place_of, project_place


def list_saved(
    place: str = ".", *, project: str | None = None, rev: str | None = None, **wanted: Any
) -> list[dict[str, Any]]:
    """One row an object, from the cards alone, sorted by path. ``wanted``: labels, flavor, kind and where, as
    `list_objects` has them.

    ``place`` is a path, the address of a repository (``git+https://host/org/repo@v2#models``) or of a bucket
    (``s3://bucket/models``); a path is looked for in the ``project`` at ``rev``.
    """
    found = _folder(place, project, rev)
    if isinstance(found, Path):
        return list_objects(found, **wanted)
    return list_folder(found.folder, found.path, **wanted)


def _folder(place: str, project: str | None, rev: str | None) -> Path | Place:
    parsed = parse(place) if is_far(place) else None
    if isinstance(parsed, GitRef | RemoteRef):
        there = place_of(parsed, rev)
        if there is None:
            raise InvalidReference(f"{place} names a model, not a folder")
        return there
    path = parsed.path if isinstance(parsed, PathRef | BareRef) else place
    root = project_place(project, rev)
    return root.at(path) if isinstance(root, Place) else root / Path(path).expanduser()
