"""From a reference to what it stands for: a saved object in a folder anywhere, or a version in a registry.

A bare name is a path when an object is there, else a registered name; a failure tells everything that was tried.
"""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from modelyard.base.errors import InvalidReference, NotFound, NotSupported, did_you_mean
from modelyard.base.project import find_root
from modelyard.base.refs import (
    BareRef,
    GitRef,
    LoggedModelRef,
    NameRef,
    PathRef,
    Ref,
    RemoteRef,
    RunRef,
    parse,
    unavailable,
)
from modelyard.objects.card_file import SUFFIX
from modelyard.objects.importers import open_path, openable
from modelyard.objects.linking import Named
from modelyard.objects.opening import Place, cards_in, exists_at, source_at
from modelyard.objects.source import Source
from modelyard.stores.folders.overlays import underlying
from modelyard.stores.git.hosts import hint_for
from modelyard.yard.addresses import address_of
from modelyard.yard.places import at_revision, git_place, place_of, project_place
from modelyard.yard.registries import git_registry, registry_of

if TYPE_CHECKING:
    from modelyard.yard.yard import Yard


def resolve(
    ref: str | Path, *, project: str | None = None, rev: str | None = None, yard: Yard | None = None
) -> Source:
    """The object a reference stands for, not loaded yet. `NotFound` lists what was tried and the nearest names.

    ``project`` is a folder, or the URL of a repository or bucket; ``rev`` a revision of the repository.
    """
    parsed = parse(ref) if isinstance(ref, str) else PathRef(str(ref))
    if isinstance(parsed, GitRef):
        found = at_revision(parsed, rev)
        return _within(git_place(found), found.object)
    if isinstance(parsed, RemoteRef):
        try:
            return _within(place_of(parsed, rev), None)
        except NotFound as error:
            error.hint = error.hint or hint_for(parsed)
            raise
    root = project_place(project, rev)
    if isinstance(root, Place):
        return _within(root, parsed)
    return _here(parsed, root, lambda name: _linked(name, project, yard), yard)


def _linked(ref: str, project: str | None, yard: Yard | None) -> Source:
    """What a link of this machine says."""
    parsed = parse(ref)
    if isinstance(parsed, RemoteRef):
        return _within(place_of(parsed, typed=False), None)
    return resolve(ref, project=project, yard=yard)


def _here(parsed: Ref, root: Path, named: Named, yard: Yard | None) -> Source:
    """On this machine, or in the project's registry."""
    if isinstance(parsed, PathRef):
        return open_path(root / Path(parsed.path).expanduser(), named)
    if isinstance(parsed, BareRef):
        path = root / parsed.text
        if openable(path):
            return open_path(path, named)
        return _registered(NameRef(parsed.text), root, yard, tried=path)
    if isinstance(parsed, NameRef):
        return _registered(parsed, root, yard, tried=None)
    if isinstance(parsed, LoggedModelRef | RunRef):
        return _logged(parsed, root, yard)
    raise unavailable(parsed)


def _logged(parsed: LoggedModelRef | RunRef, root: Path, yard: Yard | None) -> Source:
    """A model among those that runs of the project's yard logged."""
    from modelyard.yard.logged_models import logged_source

    with opened_yard(root, yard) as found:
        if found is None:
            raise NotFound(f"{parsed}: there is no yard.db in {find_root(root)}")
        return logged_source(found, parsed)


def _within(place: Place | None, parsed: Ref | None) -> Source:
    """In a repository or bucket; its links lead nowhere else."""
    assert place is not None
    root = Place(place.folder)

    def named(ref: str) -> Source:
        leads = parse(ref)
        if not isinstance(leads, NameRef):
            raise InvalidReference(
                f"a link in {place.folder.label} leads to {ref}", hint="open that by itself"
            )
        return _within(root, leads)

    if parsed is None:
        return source_at(place, named)
    if isinstance(parsed, PathRef):
        return source_at(place.at(parsed.path), named)
    if isinstance(parsed, BareRef):
        at = place.at(parsed.text)
        if exists_at(at):
            return source_at(at, named)
        try:
            return _registered_there(NameRef(parsed.text), place, tried=at)
        except NotFound as error:
            error.hint = _near_there(at) or error.hint
            raise
    if isinstance(parsed, NameRef):
        return _registered_there(parsed, place, tried=None)
    raise unavailable(parsed)


def _registered_there(ref: NameRef, place: Place, tried: Place | None) -> Source:
    """By a name in the registry that a repository's tags make."""
    from modelyard.stores.folders.git import GitFolder

    attempts = [f"no object at {tried.ref}"] if tried is not None else []
    folder = underlying(place.folder)
    if isinstance(folder, GitFolder):
        from modelyard.yard.git_sources import registered_in_git

        return registered_in_git(folder.repository, ref, attempts)
    raise NotFound(
        f"nothing is called {str(ref)!r}: "
        + "; ".join([*attempts, f"no registry in {place.folder.label}"])
    )


def _near_there(at: Place) -> str | None:
    """A hint with the objects beside a path whose names are near it; none of what can only be a registered name."""
    above, inside, name = at.path.rpartition("/")
    if not inside or at.folder.entry(above) is None:
        return None
    near = difflib.get_close_matches(name, cards_in(at.folder, above), n=2)
    return did_you_mean(at.path, [f"{above}/{other}" for other in near])


def opened_place(
    ref: str | Path, project: str | None = None, rev: str | None = None
) -> Path | None:
    """The path on this machine that a reference means, or None when it is something else."""
    root = project_place(project, rev)
    if isinstance(root, Place):
        return None
    if isinstance(ref, Path):
        return root / ref
    parsed = parse(ref)
    if isinstance(parsed, PathRef):
        return root / Path(parsed.path).expanduser()
    if isinstance(parsed, BareRef) and openable(root / parsed.text):
        return root / parsed.text
    return None


def project_folder(project: str | None, rev: str | None) -> Path:
    """The folder of this machine that relative paths start from; for what works on no other."""
    root = project_place(project, rev)
    if isinstance(root, Place):
        raise NotSupported(f"{root.folder.label} is no folder of this machine", hint="clone it")
    return root


def _registered(ref: NameRef, root: Path, yard: Yard | None, tried: Path | None) -> Source:
    attempts = [f"no object at {tried}{SUFFIX}"] if tried is not None else []
    if yard is None and registry_of(root) == "git":
        from modelyard.yard.git_sources import registered_by_tags

        return registered_by_tags(git_registry(root), ref, attempts)
    with opened_yard(root, yard) as found:
        names = [] if found is None else found.models.names()
        if found is not None and ref.name in names:
            return found.models.source(ref)
        place = "" if found is None else found.label
        hint = did_you_mean(ref.name, [*names, *nearby(tried)])
        if found is not None and ref.name in {d["name"] for d in found.datasets.list(records=True)}:
            hint = f"it is a data set: modelyard data show {ref.name}"
    attempts.append(
        f"no model '{ref.name}' in {place}" if place else f"no yard.db in {find_root(root)}"
    )
    raise NotFound(
        f"nothing is called {ref.name if tried else str(ref)!r}: " + "; ".join(attempts),
        hint=hint or "modelyard list shows the objects here, modelyard show the registered models",
    )


def nearby(path: Path | None) -> list[str]:
    """Objects in the folder of a path that was not found, whose names are near."""
    if path is None or not path.parent.is_dir():
        return []
    names = [c.name.removesuffix(SUFFIX) for c in path.parent.glob(f"*{SUFFIX}")]
    return [str(path.with_name(n)) for n in difflib.get_close_matches(path.name, names, n=2)]


@contextlib.contextmanager
def opened_yard(root: Path, yard: Yard | None) -> Iterator[Yard | None]:
    """The given yard; else the project's, when there is one already: looking must not create it."""
    if yard is not None:
        yield yard
        return
    if not yard_exists(root):
        yield None
        return
    from modelyard.yard.yard import Yard

    with Yard(project=root) as found:
        yield found


def yard_exists(root: Path) -> bool:
    """Whether the project has a yard: named by a setting, or ``yard.db`` at its root."""
    return bool(address_of(None, root).source) or (find_root(root) / "yard.db").exists()
