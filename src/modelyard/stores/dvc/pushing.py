"""Send what remotes lack: files first and the manifests that name them last, each verified before it goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from modelyard.base.errors import NotFound
from modelyard.stores.apart import Moved, Progress
from modelyard.stores.dvc.cache import ObjectFolder
from modelyard.stores.dvc.choosing import Chosen, chosen
from modelyard.stores.dvc.fetching import Wanted
from modelyard.stores.dvc.manifests import manifest_bytes, read_manifest
from modelyard.stores.dvc.names import ObjectId, matches, md5_of
from modelyard.stores.dvc.project import Project
from modelyard.stores.dvc.remotes import Remote, side_by_side
from modelyard.stores.folders.local import LocalFolder


def push(
    paths: Sequence[str | Path] = (),
    *,
    remote: str | None = None,
    jobs: int | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Moved:
    """Send what the pointers at some paths, by default all of the project, mean, and their remotes lack.

    `NotFound` names what is neither there nor here; nothing is sent then.
    """
    sent: list[str] = []
    objects = size = unchanged = 0
    remotes: dict[str, None] = {}
    for project, wanted in chosen(paths):
        for name, wants in _by_remote(project, wanted, remote).items():
            target = project.remote(name)
            remotes[target.shown] = None
            found = _missing(project, target, wants, jobs)
            sources = _sources(project, target, found)
            if not dry_run:
                _send(target, sources, jobs, progress, found)
            unchanged += len(wants) - len(found)
            objects += len(sources)
            size += sum(path.stat().st_size for path in sources.values())
            sent += [want.path for want in found]
    return Moved(tuple(sent), objects, size, unchanged, tuple(remotes))


def _by_remote(
    project: Project, wanted: Sequence[Chosen], remote: str | None
) -> Mapping[str | None, list[Wanted]]:
    found: dict[str | None, list[Wanted]] = {}
    for one in wanted:
        output = one.output
        # What was imported is in the remote of the repository that it came from.
        if output.oid is None or not output.cached or not output.pushed or output.imported:
            continue
        wants = found.setdefault(remote or output.remote, [])
        if output.oid.folder:
            files = _manifest(project, one)
            wants += [project.wanted(output, p, o) for p, o in files.items() if one.has(p)]
        if not one.inner:
            wants.append(project.wanted(output))
    return found


def _manifest(project: Project, one: Chosen) -> Mapping[str, ObjectId]:
    """From the cache; else made anew of the folder, when that is still what the pointer says."""
    output, cache = one.output, project.cache
    assert output.oid is not None
    assert cache is not None
    if cache.there(output.oid) is None and (data := _made_anew(project, output.path)):
        oid = output.oid
        if ObjectId(_md5(data), folder=True) == ObjectId(oid.md5, folder=True):
            with cache.adding(oid) as temporary:
                temporary.write_bytes(data)
            return read_manifest(data, output.path, legacy=oid.legacy)
    return project.manifest(output)


def _made_anew(project: Project, path: str) -> bytes | None:
    assert isinstance(project.folder, LocalFolder)
    folder = project.folder.root / path
    if not folder.is_dir():
        return None
    files = [p for p in folder.rglob("*") if p.is_file()]
    return manifest_bytes({p.relative_to(folder).as_posix(): md5_of(p) for p in files})


def _md5(data: bytes) -> str:
    import hashlib

    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _missing(
    project: Project, target: Remote, wants: Sequence[Wanted], jobs: int | None
) -> list[Wanted]:
    """Those that the remote has not, or not whole."""
    oids = list(dict.fromkeys(want.oid for want in wants))
    there = target.sizes(oids, jobs or target.jobs)
    missing: list[Wanted] = []
    for want in wants:
        size = there.get(want.oid)
        here = None if project.cache is None else project.cache.there(want.oid)
        if size is None or (here is not None and here.stat().st_size != size):
            missing.append(want)
    return missing


def _sources(project: Project, target: Remote, wants: Sequence[Wanted]) -> dict[ObjectId, Path]:
    """Where the bytes are, verified: in the cache, else in the working tree."""
    assert isinstance(project.folder, LocalFolder)
    found: dict[ObjectId, Path] = {}
    lost: list[Wanted] = []
    caches = [c for c in (project.cache, *project.fetching().caches) if c is not None]
    for want in wants:
        if want.oid not in found:
            path = _here(caches, want, project.folder.root / want.path)
            if path is None:
                lost.append(want)
            else:
                found[want.oid] = path
    if lost:
        more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
        raise NotFound(
            f"{project.label}: {lost[0].path}{more} is neither in the cache nor in the remote {target.name!r}",
            hint="it may have been changed since it was added: save it again, or dvc commit",
        )
    return found


def _here(caches: Sequence[ObjectFolder], want: Wanted, file: Path) -> Path | None:
    for cache in caches:
        if (path := cache.verified(want.oid, want.path)) is not None:
            return path
    return file if file.is_file() and matches(want.oid, file) else None


def _send(
    target: Remote,
    sources: Mapping[ObjectId, Path],
    jobs: int | None,
    progress: Progress | None,
    wants: Sequence[Wanted],
) -> None:
    names = {want.oid: want.path for want in wants}

    def send(oid: ObjectId) -> None:
        target.send(oid, sources[oid])
        if progress is not None:
            progress(names[oid], sources[oid].stat().st_size)

    for folders in (False, True):  # who sees a manifest finds its files
        side_by_side(send, [o for o in sources if o.folder == folders], jobs or target.jobs)
