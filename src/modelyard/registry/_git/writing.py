"""Tags into a repository: objects first, then all refs of one write in one transaction that creates and never changes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from modelyard.base.errors import InvalidSetting, NotFound
from modelyard.registry._git.reading import Tag
from modelyard.stores.git.command import GitFailed, git, git_text

if TYPE_CHECKING:
    from modelyard.registry._git.planning import NewTag


@dataclass(frozen=True, slots=True)
class Identity:
    """Who makes a tag: the name that history shows, and an address."""

    name: str
    email: str
    zone: str = "+0000"


class Lost(Exception):
    """Somebody else wrote a tag of this name first."""


def identity(folder: Path) -> Identity:
    """Who Git thinks we are; `InvalidSetting` where it does not know."""
    try:
        told = git_text(folder, "var", "GIT_COMMITTER_IDENT")
    except GitFailed as error:
        raise InvalidSetting(
            "Git does not know who you are, and a tag says who made it",
            hint="git config --global user.name 'Your Name'; git config --global user.email you@example.com",
        ) from error
    who, _, when = told.rpartition("> ")
    name, _, email = who.partition(" <")
    if not name or not email:
        raise InvalidSetting(
            f"Git says you are {who}>, and a tag needs both a name and an address",
            hint="git config --global user.email you@example.com",
        )
    return Identity(name, email, when.rpartition(" ")[2])


def make(folder: Path, tags: Sequence[NewTag], who: Identity) -> list[Tag]:
    """Tag objects that no ref names yet; signed where Git is set to sign tags."""
    if not tags:
        return []
    signed = _signs(folder)
    oids = _signed(folder, tags, who) if signed else [_object(folder, tag, who) for tag in tags]
    return [
        Tag(
            ref=str(tag.said),
            said=tag.said,
            text=str(tag.said),
            oid=oid,
            commit=tag.commit,
            tagger=who.name,
            email=who.email,
            at=tag.at,
            zone=who.zone,
            message=tag.message.strip(),
        )
        for tag, oid in zip(tags, oids, strict=True)
    ]


def _object(folder: Path, tag: NewTag, who: Identity) -> str:
    text = (
        f"object {tag.commit}\ntype commit\ntag {tag.said}\n"
        f"tagger {who.name} <{who.email}> {tag.at} {who.zone}\n\n{tag.message}"
    )
    with _missing_commit(tag):
        return git_text(folder, "mktag", input=text.encode())


@contextlib.contextmanager
def _missing_commit(tag: NewTag) -> Iterator[None]:
    try:
        yield
    except GitFailed as error:
        lacking = ("could not read tagged object", "bad object", "Failed to resolve", "not a valid")
        if any(words in error.stderr for words in lacking):
            raise NotFound(f"there is no commit {tag.commit[:12]} here") from error
        raise


def _signs(folder: Path) -> bool:
    try:
        return git_text(folder, "config", "--type=bool", "--get", "tag.gpgSign") == "true"
    except GitFailed:
        return False  # not set


def _signed(folder: Path, tags: Sequence[NewTag], who: Identity) -> list[str]:
    """By ``git tag`` itself, which alone knows how to sign, in a repository beside that shares the objects."""
    import tempfile

    common = git_folder(folder)
    with tempfile.TemporaryDirectory(prefix="modelyard-sign-") as beside:
        git(None, "init", "--quiet", "--bare", beside)
        theirs = {
            "GIT_DIR": beside,
            "GIT_OBJECT_DIRECTORY": str(common / "objects"),
            "GIT_COMMITTER_NAME": who.name,
            "GIT_COMMITTER_EMAIL": who.email,
        }
        oids: list[str] = []
        for tag in tags:
            with _missing_commit(tag):
                git(folder, "-c", f"include.path={common / 'config'}", "tag", "--sign", "--cleanup=verbatim", "--file=-",
                    "--", str(tag.said), tag.commit, input=tag.message.encode(),
                    environment={**theirs, "GIT_COMMITTER_DATE": f"{tag.at} {who.zone}"})  # fmt: skip
            oids.append(git_text(folder, "rev-parse", f"refs/tags/{tag.said}", environment=theirs))
        return oids


def update(folder: Path, new: Sequence[Tag], gone: Sequence[tuple[str, str]]) -> None:
    """All refs at once or none; ``gone`` are refs and the objects they had. `Lost` when one is not as it was."""
    lines = [f"create refs/tags/{tag.ref} {tag.oid}" for tag in new]
    lines += [f"delete refs/tags/{ref} {oid}" for ref, oid in gone]
    text = "\n".join(["start", *lines, "prepare", "commit"]) + "\n"
    try:
        git(folder, "update-ref", "--stdin", input=text.encode())
    except GitFailed as error:
        if "cannot lock ref" in error.stderr or "already exists" in error.stderr:
            raise Lost(error.stderr) from error
        raise


def git_folder(folder: Path) -> Path:
    """Where the repository's objects, refs and configuration are, of all its work trees."""
    return (folder / git_text(folder, "rev-parse", "--git-common-dir")).resolve()


@contextlib.contextmanager
def locked(file: Path) -> Iterator[None]:
    """One writer of ours at a time in one repository; others that write are seen by the refs they create."""
    with file.open("w") as stream:
        _lock(stream.fileno())
        yield


def _lock(descriptor: int) -> None:
    try:
        import fcntl
    except ImportError:  # no such locks there: refs are created by one alone anyway
        return
    fcntl.flock(descriptor, fcntl.LOCK_EX)
