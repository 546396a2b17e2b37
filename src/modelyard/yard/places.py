"""From references and projects to places: a folder of this machine, of a repository at a revision, or of a bucket."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from modelyard.base.errors import FileMissing, InvalidInput, NotSupported
from modelyard.base.refs import BareRef, GitRef, NameRef, PathRef, RemoteRef, parse, unavailable
from modelyard.objects.opening import Place
from modelyard.stores.folders.overlays import overlaid
from modelyard.stores.git.hosts import repository_in


def elsewhere(project: str | None, rev: str | None) -> bool:
    """Whether a project is not (or not as it is now) a folder of this machine. Nobody is asked."""
    far = project is not None and "://" in project
    return rev is not None or (far and isinstance(parse(str(project)), GitRef | RemoteRef))


def project_place(project: str | None, rev: str | None) -> Path | Place:
    """The folder that relative paths start from: one of this machine, else a place elsewhere.

    ``project`` is a folder, the URL of a repository (with a branch, a sub-folder) or a bucket; ``rev`` a revision of
    the repository, by default of the one that the folder is in.
    """
    parsed = parse(project) if project is not None and "://" in project else None
    if isinstance(parsed, GitRef):
        return git_place(at_revision(parsed, rev))
    if isinstance(parsed, RemoteRef):
        if hosted := repository_in(parsed):
            return git_place(at_revision(hosted, rev))
        if rev is not None:
            raise NotSupported(f"{project} has no revisions", hint="leave --rev out")
        return remote_folder(parsed)
    if parsed is not None and not isinstance(parsed, PathRef):
        raise unavailable(parsed)
    folder = Path(parsed.path if parsed else project or "").expanduser()
    if project is not None and not folder.is_dir():
        raise FileMissing(f"no project folder at {folder}")
    return folder if rev is None else local_place(folder, rev)


def at_revision(ref: GitRef, rev: str | None) -> GitRef:
    """A reference with the revision that ``--rev`` names; `InvalidInput` where it names another one itself."""
    if rev is None or rev == ref.rev:
        return ref
    if ref.rev or ref.tail:
        raise InvalidInput(f"{ref} names a revision, and so does --rev {rev}", hint="say it once")
    return replace(ref, rev=rev)


def place_of(
    ref: GitRef | RemoteRef, rev: str | None = None, *, typed: bool = True
) -> Place | None:
    """Where a reference's object is; None when it names a registered one, which the repository's tags have to tell.
    One that nobody ``typed``, but a link says, leads to no web server of this machine or its network."""
    if isinstance(ref, RemoteRef):
        if hosted := repository_in(ref):
            return git_place(at_revision(hosted, rev))
        if rev is not None:
            raise NotSupported(f"{ref} has no revisions", hint="leave --rev out")
        return remote_place(ref, typed=typed)
    root = git_place(at_revision(ref, rev))
    if ref.object is None:
        return root
    return root.at(ref.object.path) if isinstance(ref.object, PathRef | BareRef) else None


def whole_ref(ref: str, project: str | None, rev: str | None) -> str:
    """A reference that says by itself what it says together with a project and a revision."""
    parsed = parse(ref)
    if isinstance(parsed, GitRef):
        return str(at_revision(parsed, rev))
    base = parse(project) if project is not None and "://" in project else None
    if isinstance(base, GitRef) and isinstance(parsed, PathRef | BareRef | NameRef):
        if base.tail:
            raise InvalidInput(f"{ref} in {base} cannot be said in one reference", hint=f"as in git+{base.repo}@REV#PATH")  # fmt: skip
        return str(replace(at_revision(base, rev), object=parsed))
    if isinstance(base, RemoteRef) and isinstance(parsed, PathRef | BareRef):
        return f"{base.url.rstrip('/')}/{parsed.path}"
    if rev is not None:
        folder = Path(project or "").absolute().as_posix()
        return f"git+file://{folder}@{rev}#{ref}"
    return ref


def git_place(ref: GitRef) -> Place:
    """The folder in a repository that a reference means; that of its object is for the caller to add."""
    from modelyard.stores.folders.git import GitFolder, git_folder
    from modelyard.stores.git.repository import open_repository, split_tail

    if not ref.tail:
        return Place(overlaid(git_folder(ref.repo, ref.rev)))
    repository = open_repository(ref.repo)
    rev, path = split_tail(repository, ref.tail)
    return Place(overlaid(GitFolder(repository, repository.commit(rev), rev)), path)


def local_place(folder: Path, rev: str) -> Place:
    """A folder of this machine as it was at a revision."""
    from modelyard.stores.folders.git import git_folder

    return Place(overlaid(git_folder(folder, rev)))


def remote_place(ref: RemoteRef, *, typed: bool = True) -> Place:
    """An object in a bucket or behind a URL."""
    from modelyard.stores.folders.remote import open_remote

    folder, path = open_remote(ref, local=typed)
    return Place(folder, path)


def remote_folder(ref: RemoteRef) -> Place:
    """A folder in a bucket, itself."""
    return remote_place(RemoteRef(ref.scheme, ref.url.rstrip("/") + "/"))
