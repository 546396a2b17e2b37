"""Keep a saved object in the project's DVC cache, with the pointer that DVC would have written beside its card."""

from __future__ import annotations

from pathlib import Path

from modelyard.base.errors import Conflict, NotFound, NotSupported
from modelyard.base.paths import list_below, replacing
from modelyard.stores.dvc.cache import ObjectFolder, place_file
from modelyard.stores.dvc.config import FILE, FOLDER
from modelyard.stores.dvc.manifests import manifest_bytes, manifest_id
from modelyard.stores.dvc.names import ObjectId, md5_of
from modelyard.stores.dvc.pointers import SUFFIX, Pointer, pointer_again, pointer_text
from modelyard.stores.dvc.project import Project
from modelyard.stores.dvc.pulling import pull
from modelyard.stores.dvc.pushing import push
from modelyard.stores.dvc.roots import project_root
from modelyard.stores.folders.local import LocalFolder
from modelyard.stores.git.command import NO_HIDDEN, GitFailed, git

__all__ = ["keep", "pull", "push", "release"]

_IGNORED = "/config.local\n/tmp\n/cache\n"


def keep(artifact: Path, target: Path) -> str:
    """Copy an artifact into the cache; the text of its pointer. Git ignores what stands at ``target`` from then on."""
    root = project_root(target.parent.absolute())
    if root is None:
        raise NotFound(
            f"{target.parent} is in no DVC project (there is no {FILE} above it)",
            hint=f"dvc init; or without DVC: mkdir {FOLDER} && touch {FILE}",
        )
    _refuse_in_git(target)
    project = Project(LocalFolder(root))
    cache = project.cache
    assert cache is not None
    _own_ignores(root / FOLDER)
    pointer = _kept(artifact, target.name, cache)
    _ignore(target)
    there = target.with_name(target.name + SUFFIX)
    if there.is_file():
        return pointer_again(there.read_text("utf-8"), pointer)
    return pointer_text(pointer)


def _kept(artifact: Path, name: str, cache: ObjectFolder) -> Pointer:
    if artifact.is_file():
        return Pointer(add_file(cache, artifact), artifact.stat().st_size, name)
    files = {inner: add_file(cache, artifact / inner).md5 for inner in list_below(artifact)}
    size = sum((artifact / inner).stat().st_size for inner in files)
    return Pointer(add_manifest(cache, files), size, name, len(files))


def add_file(cache: ObjectFolder, file: Path) -> ObjectId:
    """Copy a file into a cache, unless it is there."""
    oid = ObjectId(md5_of(file))
    if cache.there(oid) is None:
        with cache.adding(oid) as temporary:
            place_file(file, temporary)
    return oid


def add_manifest(cache: ObjectFolder, files: dict[str, str]) -> ObjectId:
    """Write a folder's manifest into a cache, unless it is there."""
    data = manifest_bytes(files)
    oid = manifest_id(data)
    if cache.there(oid) is None:
        with cache.adding(oid) as temporary:
            temporary.write_bytes(data)
    return oid


def release(target: Path) -> None:
    """Remove the pointer and the line of ``.gitignore``; the cache keeps the bytes."""
    target.with_name(target.name + SUFFIX).unlink(missing_ok=True)
    ignores = target.parent / ".gitignore"
    line = f"/{target.name}"
    if ignores.is_file() and line in (lines := ignores.read_text("utf-8").splitlines()):
        kept = [one for one in lines if one != line]
        with replacing(ignores) as temporary:
            temporary.write_text("".join(f"{one}\n" for one in kept), "utf-8", newline="\n")
        if not kept:
            ignores.unlink()


def _ignore(target: Path) -> None:
    """A line in ``.gitignore`` beside it, as DVC writes it."""
    ignores = target.parent / ".gitignore"
    text = ignores.read_text("utf-8") if ignores.is_file() else ""
    line = f"/{target.name}"
    if line in text.splitlines():
        return
    with replacing(ignores) as temporary:
        before = text if not text or text.endswith("\n") else f"{text}\n"
        temporary.write_text(f"{before}{line}\n", "utf-8", newline="\n")


def _own_ignores(folder: Path) -> None:
    """A project that was made by hand may lack what keeps its cache out of Git."""
    if not (folder / ".gitignore").is_file():
        (folder / ".gitignore").write_text(_IGNORED, "utf-8", newline="\n")


def _refuse_in_git(target: Path) -> None:
    """What Git has already would be in both; DVC refuses that too."""
    try:
        found = git(target.parent, *NO_HIDDEN, "ls-files", "-z", "--", f"./{target.name}")
    except (GitFailed, NotSupported, OSError):  # no repository, or no Git: then it has nothing
        return
    if found:
        raise Conflict(
            f"{target} is in Git already, so DVC would keep it twice",
            hint=f"git rm -r --cached {target}, and save it again",
        )
