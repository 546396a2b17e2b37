"""What is registered in a Git repository: an object as a commit has it, under a name that the commit says or the tag notes."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from pathlib import Path

from modelyard.base.errors import Conflict, InvalidPath, ModelyardError, NotFound
from modelyard.base.names import check_name
from modelyard.base.notes import note
from modelyard.base.refs import BareRef, PathRef, parse
from modelyard.objects.importers import openable
from modelyard.objects.opening import Place, exists_at, source_at
from modelyard.registry.queries import newest
from modelyard.stores.folders.git import GitFolder
from modelyard.stores.folders.overlays import overlaid
from modelyard.stores.git.command import NO_HIDDEN, GitFailed, git_text
from modelyard.yard.annotating import annotate
from modelyard.yard.annotations import CARD, FILES, Annotation, annotation_of, named_at, near_names
from modelyard.yard.git_registry import GitRegistry


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be registered."""

    name: str
    commit: str
    path: str | None
    """From the repository's root; None where nothing says what the name is."""
    digest: str = ""
    kind: str = ""
    said: bool = True
    """Whether the commit itself says that the name is this path."""


def wanted(registry: GitRegistry, ref: str | Path, name: str | None, rev: str | None) -> Wanted:
    """The object at a path of a commit, or the one that the commit calls so. `Conflict` for what is not committed."""
    commit = registry.commit_of(rev)
    folder = GitFolder(registry.repository, commit, rev or "")
    path = _path(registry, folder, ref)
    if path is None:
        path = _path_by_name(registry, folder, str(ref))
        name = name or check_name(str(ref), registry="git")
        if path is None:
            return _bare(folder, name, commit)
    elif name is None:
        name = _own_name(folder, path)
    name = check_name(name, registry="git")
    if rev is None:
        _refuse_uncommitted(registry, path)
    card = source_at(Place(overlaid(folder), path), registry.source).card
    said = _said(folder, name, path)
    return Wanted(name, commit, path, card.digest, card.kind, said)


def _path(registry: GitRegistry, folder: GitFolder, ref: str | Path) -> str | None:
    """The path that is meant, from the repository's root; None when it is a name."""
    parsed = PathRef(str(ref)) if isinstance(ref, Path) else parse(ref)
    if not isinstance(parsed, PathRef | BareRef):
        raise NotFound(
            f"{ref} is no path in {registry.label}",
            hint="a version is registered from a path and a revision: --rev REV",
        )
    place, here = _from_root(registry, parsed.path)
    if exists_at(Place(overlaid(folder), place)):
        return place
    if here is not None and openable(here):
        raise Conflict(
            f"{parsed.path} is not in commit {folder.commit[:7]}, and a Git registry registers commits",
            hint=f"git add {parsed.path} {parsed.path}{CARD} && git commit",
        )
    if isinstance(parsed, PathRef):
        raise NotFound(f"no object at {folder.ref(place)}", hint=near_names(folder, parsed.path))
    return None


def _from_root(registry: GitRegistry, text: str) -> tuple[str, Path | None]:
    """A path from the repository's root, and where it is in the work tree, when there is one."""
    text = text.removesuffix(CARD)
    top = work_tree(registry)
    if top is None:
        return posixpath.normpath(text).strip("/"), None
    here = (registry.folder or Path()) / Path(text).expanduser()
    try:
        inside = (here.parent.resolve() / here.name).relative_to(top.resolve())
    except ValueError:
        raise InvalidPath(f"{text} is not in the repository {top}") from None
    return inside.as_posix(), here


def work_tree(registry: GitRegistry) -> Path | None:
    """The top of the work tree; None of a bare repository and of one behind a URL."""
    if registry.folder is None:
        return None
    try:
        return Path(git_text(registry.folder, "rev-parse", "--show-toplevel"))
    except GitFailed:
        return None


def _path_by_name(registry: GitRegistry, folder: GitFolder, name: str) -> str | None:
    """What a name stands for: as the commit says, else as it was noted when it was registered before."""
    said = annotation_of(folder, name)
    if said is not None:
        return said.path
    before = newest(registry.registry.state(name))
    noted = before.facts.get("path") if before else None
    return noted if noted and exists_at(Place(overlaid(folder), str(noted))) else None


def _bare(folder: GitFolder, name: str, commit: str) -> Wanted:
    """A name alone, as of what lies elsewhere: it can be promoted, not loaded."""
    if "/" in name.partition(":")[2] or ("/" in name and ":" not in name):
        raise NotFound(
            f"no object at {folder.ref(name)}, and nothing there is called {name!r}",
            hint=near_names(folder, name.rpartition("/")[2]),
        )
    near = near_names(folder, name)
    note(
        f"nothing at commit {commit[:7]} says what {name!r} is: its version can be promoted, not loaded"
        + (f"; {near}" if near else "")
    )
    return Wanted(name, commit, None)


def _own_name(folder: GitFolder, path: str) -> str:
    known = named_at(folder, path)
    return known.name if known else posixpath.basename(path)


def _said(folder: GitFolder, name: str, path: str) -> bool:
    """Whether a commit says that a name is a path; `Conflict` when it is written down for another one."""
    try:
        found: Annotation | None = annotation_of(folder, name)
    except Conflict:  # several objects have that name, and the tag will tell which is meant
        return False
    if found is None:
        return False
    if found.path != path and posixpath.basename(found.said) in FILES:
        raise Conflict(
            f"{name!r} is {found.path}, says {found.said} in commit {folder.commit[:7]}",
            hint=f"register {path} under another name with --name, or change it there",
        )
    return found.path == path


def _refuse_uncommitted(registry: GitRegistry, path: str) -> None:
    top = work_tree(registry)
    if top is None:
        return
    files = [path, f"{path}{CARD}", f"{path}.dvc"]
    changed = git_text(
        top, *NO_HIDDEN, "status", "--porcelain", "--untracked-files=all", "--", *files
    )
    if changed:
        names = ", ".join(line[3:] for line in changed.splitlines()[:3])
        raise Conflict(
            f"{path} was changed since the last commit ({names}), and a Git registry registers commits",
            hint=f"commit it, or register {path} as it was committed with --rev HEAD",
        )


def write_down(registry: GitRegistry, found: Wanted) -> None:
    """Say in the work tree what a name is, for other tools; what cannot be written is only told."""
    top = work_tree(registry)
    if top is None or found.path is None:
        return
    try:
        kind = found.kind if found.kind in ("model", "data") else ""
        file = annotate(top, found.name, found.path, type=kind)
    except (ModelyardError, OSError) as error:
        note(f"{found.name!r} is not written down for other tools: {error}")
        return
    where = file.relative_to(top)
    note(
        f"{where} now says that {found.name} is {found.path}: commit it, so that other tools find it too"
    )
