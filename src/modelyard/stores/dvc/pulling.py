"""Bring what is tracked into the working tree: from the cache, else from the remote, verified.

Nothing that is nowhere else is overwritten: a file that was changed here is replaced only when the cache has its content,
or with ``force``.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from modelyard.base.clock import new_id
from modelyard.base.errors import Conflict, InvalidPath
from modelyard.base.paths import discard, full_disk_named
from modelyard.stores.apart import Moved, Progress
from modelyard.stores.dvc.cache import ObjectFolder, place_file
from modelyard.stores.dvc.choosing import Chosen, chosen
from modelyard.stores.dvc.fetching import Fetching, Wanted
from modelyard.stores.dvc.names import ObjectId, matches, md5_of
from modelyard.stores.dvc.project import Project
from modelyard.stores.folders.local import LocalFolder


@dataclass
class _Plan:
    """What is to be done to the working tree of one project."""

    wanted: dict[str, Wanted] = field(default_factory=dict[str, Wanted])
    """Files to write."""
    removed: list[str] = field(default_factory=list[str])
    executable: set[str] = field(default_factory=set[str])
    known: dict[str, ObjectId] = field(default_factory=dict[str, ObjectId])
    """Files that are as they should be."""
    manifests: dict[ObjectId, Path] = field(default_factory=dict[ObjectId, Path])
    lost: list[str] = field(default_factory=list[str])
    """Files that would be overwritten, and whose content is nowhere else."""


def pull(
    paths: Sequence[str | Path] = (),
    *,
    remote: str | None = None,
    jobs: int | None = None,
    dry_run: bool = False,
    force: bool = False,
    progress: Progress | None = None,
) -> Moved:
    """Bring what the pointers at some paths, by default all of the project, lack here.

    A path is an object, a file or folder that is tracked, a ``.dvc`` file, ``dvc.lock``, or a folder with such. `Conflict`
    names files that were changed here and are kept nowhere else, before anything is done.
    """
    changed: list[str] = []
    objects = size = unchanged = 0
    remotes: dict[str, None] = {}
    for project, wanted in chosen(paths):
        sizes: list[int] = []

        def arrived(path: str, length: int, sizes: list[int] = sizes) -> None:
            sizes.append(length)
            if progress is not None:
                progress(path, length)

        assert project.cache is not None
        fetching = project.fetching(project.cache, remote=remote, jobs=jobs, progress=arrived)
        plan = _planned(project, wanted, fetching)
        if plan.lost and not force:
            more = f" and {len(plan.lost) - 1} more" if len(plan.lost) > 1 else ""
            raise Conflict(
                f"{project.label}: {plan.lost[0]}{more} was changed here and is kept nowhere else",
                hint="save or add it first, or pull --force to lose the change",
            )
        asked = list(plan.wanted.values())
        if dry_run:
            asked = [want for want in asked if fetching.here(want) is None]
            objects += len({want.oid for want in asked})
        else:
            _carry_out(project, plan, fetching)
        if dry_run or sizes:
            remotes |= {fetching.remote(want.remote).shown: None for want in asked}
        objects, size = objects + len(sizes), size + sum(sizes)
        changed += [*plan.wanted, *plan.removed]
        unchanged += len(plan.known)
    return Moved(tuple(changed), objects, size, unchanged, tuple(remotes))


def _planned(project: Project, wanted: Sequence[Chosen], fetching: Fetching) -> _Plan:
    plan = _Plan()
    root = _root(project)
    folders = [
        project.wanted(c.output)
        for c in wanted
        if c.output.cached and c.output.oid is not None and c.output.oid.folder
    ]
    plan.manifests = fetching.bring(folders)  # all together
    for one in wanted:
        output = one.output
        if not output.cached:  # it is in Git
            continue
        if output.oid is None or not output.oid.folder:
            _judge(project, plan, root, Wanted(*_single(project, one)))
            if output.executable:
                plan.executable.add(output.path)
            continue
        _refuse_links(root, f"{output.path}/")  # what stands behind one would count as left over
        files = project.manifest(output, fetching)
        for inner, oid in files.items():
            if one.has(inner):
                _judge(project, plan, root, project.wanted(output, inner, oid))
        _extra(project, plan, root, one, set(files))
    return plan


def _single(project: Project, one: Chosen) -> tuple[ObjectId, str, str | None, str]:
    if one.output.oid is None:
        project.manifest(one.output)  # says why not
    want = project.wanted(one.output)
    return want.oid, want.path, want.remote, want.imported


def _judge(project: Project, plan: _Plan, root: Path, want: Wanted) -> None:
    """Whether a file is to be written, is there already, or would be lost."""
    path = root / want.path
    _refuse_links(root, want.path)
    try:
        there = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        plan.wanted[want.path] = want
        return
    if not stat.S_ISREG(there.st_mode):  # a folder; or a link to a device, which has no end
        plan.lost.append(want.path)
        plan.wanted[want.path] = want
        return
    md5 = md5_of(path)
    if matches(want.oid, path, md5):
        plan.known[want.path] = want.oid
        return
    plan.wanted[want.path] = want
    if not _is_kept(project, md5):
        plan.lost.append(want.path)


def _extra(project: Project, plan: _Plan, root: Path, one: Chosen, files: set[str]) -> None:
    """What stands in a folder and not in its manifest."""
    start = root / one.output.path
    for folder, _, names in os.walk(start):
        for name in names:
            file = Path(folder, name)
            inner = file.relative_to(start).as_posix()
            if inner in files or not one.has(inner) or file.is_symlink():
                continue
            plan.removed.append(f"{one.output.path}/{inner}")
            if not _is_kept(project, md5_of(file)):
                plan.lost.append(f"{one.output.path}/{inner}")


def _is_kept(project: Project, md5: str) -> bool:
    assert project.cache is not None
    return project.cache.there(ObjectId(md5)) is not None


def _refuse_links(root: Path, path: str) -> None:
    """Writing through a link would write somewhere else: a repository may bring both the link and the pointer."""
    at = root
    for segment in path.split("/")[:-1]:
        at = at / segment
        if at.is_symlink():
            raise InvalidPath(f"{root}: {path} is refused: {segment!r} is a link")


def _carry_out(project: Project, plan: _Plan, fetching: Fetching) -> None:
    root = _root(project)
    assert project.cache is not None
    found = fetching.bring(list(plan.wanted.values()))
    with full_disk_named(root):
        for oid, path in plan.manifests.items():
            _in_cache(project.cache, oid, path)
        for path in plan.removed:
            (root / path).unlink()
        for path, want in plan.wanted.items():
            source = _in_cache(project.cache, want.oid, found[want.oid])
            _write(source, root / path, project.link_kinds, path in plan.executable)
        for path, oid in plan.known.items():
            if project.cache.there(oid) is None:  # so that DVC finds it in order
                with project.cache.adding(oid) as temporary:
                    place_file(root / path, temporary)


def _in_cache(cache: ObjectFolder, oid: ObjectId, found: Path) -> Path:
    """What lay in the user's cache belongs into the project's too."""
    if cache.there(oid) is None:
        with cache.adding(oid) as temporary:
            place_file(found, temporary)
        return cache.path(oid)
    return found


def _write(source: Path, target: Path, kinds: tuple[str, ...], executable: bool) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{new_id()[-12:]}.tmp")
    try:
        place_file(source, temporary, kinds)
        if executable and not temporary.is_symlink() and temporary.stat().st_nlink == 1:
            temporary.chmod(temporary.stat().st_mode | 0o111)
        if target.is_dir() and not target.is_symlink():
            discard(target)
        temporary.replace(target)
    finally:
        discard(temporary)


def _root(project: Project) -> Path:
    assert isinstance(project.folder, LocalFolder)
    return project.folder.root
