"""From a ``.mlem`` file to a source, whatever kind of object it is; links are followed, a few steps and no circles."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from modelyard.base.errors import FileMissing, InvalidReference, NotSupported
from modelyard.compat._mlem.datasets import data_source
from modelyard.compat._mlem.declarations import declared_source
from modelyard.compat._mlem.layout import INDEX, INDEXED, Meta, file_of, project_root, read_meta
from modelyard.compat._mlem.models import model_source
from modelyard.objects.source import Source

MOST = 16
"""Links after one another."""


def opened(meta: Meta) -> Source:
    """The object of a file; a link gives what it leads to, under the link's own name."""
    end = followed(meta)
    if end.kind == "model":
        source = model_source(end)
    elif end.kind == "data":
        source = data_source(end)
    else:
        source = declared_source(end)
    return source if end is meta else replace(source, name=meta.name, ref=meta.label)


def followed(meta: Meta) -> Meta:
    """What a chain of links leads to; a file that is no link is its own end."""
    seen = [meta.path.resolve()]
    while meta.kind == "link":
        meta = read_meta(target_of(meta))
        place = meta.path.resolve()
        if place in seen:
            raise InvalidReference(f"{seen[0]}: this link leads back to itself by way of {place}")
        seen.append(place)
        if len(seen) > MOST:
            raise InvalidReference(f"{seen[0]}: more than {MOST} links after one another")
    return meta


def target_of(meta: Meta) -> Path:
    """The file that a link names; `FileMissing` tells where it was looked for."""
    path = file_of(Path(meta.text("path", meta.fields.get("path"))))
    project = meta.text("project", meta.fields.get("project"))
    if meta.fields.get("rev"):
        raise NotSupported(
            f"{meta.label}: it leads to a Git revision, which is not opened here yet"
        )
    if "://" in project:
        raise NotSupported(
            f"{meta.label}: it leads to {project}",
            hint="clone that project, and link to the folder",
        )
    tried = list(dict.fromkeys(_places(meta, path, project)))
    found = next((place for place in tried if place.is_file()), None)
    if found is None:
        raise FileMissing(
            f"{meta.label}: it leads to {path}, which is none of: {', '.join(map(str, tried))}"
        )
    return found


def _places(meta: Meta, path: Path, project: str) -> Iterator[Path]:
    if path.is_absolute():
        yield path
        return
    root = Path(project) if project else project_root(meta.path) or meta.path.parent
    yield Path(os.path.normpath(root / path))
    for kind in INDEXED:  # up to 0.2 names were those of the index
        yield root / INDEX / kind / path
