"""From a version in a Git registry to what stands at its commit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from modelyard.base.errors import NotFound
from modelyard.base.refs import NameRef
from modelyard.objects.opening import Place, source_at
from modelyard.objects.source import Source
from modelyard.registry.interface import Version
from modelyard.stores.folders.git import GitFolder
from modelyard.stores.folders.interface import Folder
from modelyard.stores.folders.overlays import overlaid
from modelyard.stores.git.repository import Repository
from modelyard.yard.annotations import INDEX, annotation_of, near_names
from modelyard.yard.git_registry import GitRegistry

if TYPE_CHECKING:
    from collections.abc import Sequence


def registered_in_git(repository: Repository, ref: NameRef, tried: Sequence[str] = ()) -> Source:
    """What a name means in the registry that a repository's tags make. `NotFound` tells what was ``tried`` before."""
    return registered_by_tags(GitRegistry(repository), ref, tried)


def registered_by_tags(registry: GitRegistry, ref: NameRef, tried: Sequence[str] = ()) -> Source:
    """The same, of a registry that is open."""
    try:
        return registry.source(ref)
    except NotFound as error:
        if tried:
            told = "; ".join([*tried, error.message])
            error.message = f"nothing is called {ref.name!r}: {told}"
            error.args = (error.message,)
        raise


def open_version(registry: GitRegistry, version: Version) -> Source:
    """What a version is. `NotFound` where nothing at its commit says so."""
    tag = registry.tag_of(version)
    folder = GitFolder(registry.repository, version.commit, tag)
    label = f"{version.name}@{version.label}"
    path = path_of(folder, version)
    if path is None:
        raise NotFound(
            f"{label} cannot be opened: nothing at commit {version.commit[:7]} says what {version.name!r} is",
            hint=near_names(folder, version.name)
            or f"say it in {INDEX}, as in {version.name}: {{path: models/{version.name}}}; commit that and register it",
        )
    found = source_at(Place(overlaid(folder), path), registry.source)
    where = "" if registry.folder else f"{registry.label}#"
    return replace(
        found,
        name=version.name,
        version=version.label,
        ref=f"{where}{label}",
        provenance={**found.provenance, "registry": "git", "path": path},
    )


def path_of(folder: Folder, version: Version) -> str | None:
    """Where a version's object is: what its tag notes, else what its commit says."""
    noted = version.facts.get("path")
    if isinstance(noted, str) and noted:
        return noted
    said = annotation_of(folder, version.name)
    return said.path if said else None
