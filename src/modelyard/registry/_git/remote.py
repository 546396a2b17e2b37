"""Tags to and from another repository: never forced, all of one write or none, and what a refusal means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from modelyard.base.errors import Conflict, NotAllowed, NotFound, Unauthenticated, Unreachable
from modelyard.registry._git.reading import Tag
from modelyard.registry._git.writing import Lost
from modelyard.stores.git.command import GitFailed, git, git_text, lines_of

_SECONDS = 600.0
"""For tags alone. Other writers of the registry wait meanwhile: a server that stopped to answer must not hold them."""

_TAKEN = (
    *("already exists", "cannot lock ref", "failed to update ref", "reference already exists"),
    *("fetch first", "stale info", "incorrect old value"),
)
_UNREACHABLE = (
    *("Could not resolve host", "unable to access", "Could not read from remote", "Connection"),
    *("does not appear to be a git repository", "not found", "unable to connect", "early EOF"),
)
_UNKNOWN_CALLER = ("Authentication failed", "could not read Username", "Permission denied (")
_REFUSED = ("hook declined", "protected", "denied", "not allowed", "error: 403")


def fetch_tags(folder: Path, remote: str) -> None:
    """Bring the tags of the other side here. `Conflict` where one is another here than there."""
    try:
        words = ("fetch", "--no-write-fetch-head", "--no-auto-gc", "--", remote)
        git(folder, *words, "refs/tags/*:refs/tags/*", seconds=_SECONDS)
    except GitFailed as error:
        if "would clobber existing tag" not in error.stderr:
            _raise(error, remote)
        lines = [line for line in error.stderr.splitlines() if "would clobber" in line]
        names = [line.rpartition(" -> ")[2].split()[0] for line in lines]
        raise Conflict(
            f"these tags are others here than in {remote!r}: {', '.join(names)}",
            hint=f"to take theirs: git fetch --force {remote} 'refs/tags/*:refs/tags/*'",
        ) from error


def push(
    folder: Path,
    remote: str,
    new: Sequence[Tag],
    gone: Sequence[str],
    environment: Mapping[str, str] | None = None,
) -> None:
    """Send tag objects straight to refs over there, before any ref here names them: a refusal leaves nothing behind.

    `Lost` when somebody was faster.
    """
    there = _present(folder, remote, gone, environment) if gone else []
    specs = [f"{tag.oid}:refs/tags/{tag.ref}" for tag in new] + [f":refs/tags/{r}" for r in there]
    if not specs:
        return
    words = ("push", "--quiet", "--atomic", "--no-follow-tags", "--", remote)
    try:
        git(folder, *words, *specs, environment=environment, seconds=_SECONDS)
    except GitFailed as error:
        if any(words in error.stderr for words in _TAKEN):
            raise Lost(error.stderr) from error
        _raise(error, remote)


def _present(
    folder: Path, remote: str, refs: Sequence[str], environment: Mapping[str, str] | None
) -> list[str]:
    """Those that the other side has: deleting another would fail all."""
    try:
        words = ("ls-remote", "--refs", "--tags", "--", remote)
        told = git_text(folder, *words, environment=environment, seconds=_SECONDS)
    except GitFailed as error:
        _raise(error, remote)
    names = {line.partition("\trefs/tags/")[2] for line in lines_of(told)}
    return [ref for ref in refs if ref in names]


def _raise(error: GitFailed, remote: str) -> NoReturn:
    said = error.stderr
    if any(words in said for words in _UNKNOWN_CALLER):
        raise Unauthenticated(f"{remote!r} does not know who asks: {error.message}", hint="set up Git's credentials for it; git fetch shows whether they work") from error  # fmt: skip
    if "[remote rejected]" in said or any(words in said for words in _REFUSED):
        raise NotAllowed(
            f"{remote!r} refuses the tags: {_remote_words(error)}",
            hint="nothing was written, here or there; its rules say who may push tags",
        ) from error
    if f"fatal: '{remote}' does not appear to be" in said and "/" not in remote:
        raise NotFound(
            f"no remote is called {remote!r} here, and nothing was written",
            hint=f"git remote add {remote} URL, or leave out --push",
        ) from error
    if any(words in said for words in _UNREACHABLE):
        raise Unreachable(f"{remote!r} is not reached: {error.message}", hint=f"git ls-remote {remote}") from error  # fmt: skip
    raise error


def _remote_words(error: GitFailed) -> str:
    lines = [line.strip() for line in error.stderr.splitlines()]
    said = [line for line in lines if line.startswith(("remote:", "! ["))]
    return "; ".join(said) or error.message
