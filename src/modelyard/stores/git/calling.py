"""Calls to the server of a remote repository: what it offers, and fetching into the mirror.

A server is asked for one commit without its history and without contents, then for the contents that are needed, all
in one request. One that cannot do so is asked for more, step by step, up to everything.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from modelyard.base.errors import NotFound
from modelyard.stores.git.address import Address
from modelyard.stores.git.command import GitFailed, configured, git, lines_of
from modelyard.stores.git.credentials import helper, token_for
from modelyard.stores.git.failures import REFUSED, UNKNOWN_OBJECT, explained
from modelyard.stores.git.mirror import Mirror

ASK_SECONDS = 120.0
FETCH_SECONDS = 24 * 3600.0
"""A bound for what is otherwise alive; a line that is dead ends earlier."""

_OUR_SETTINGS = (
    ("core.hooksPath", os.devnull),
    ("core.fsmonitor", "false"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("fetch.unpackLimit", "1"),
    ("fetch.writeCommitGraph", "false"),
    ("fetch.recurseSubmodules", "no"),
    ("http.followRedirects", "initial"),
    ("http.lowSpeedLimit", "1"),
    ("http.lowSpeedTime", "60"),
)
_PACKS = 32
_EVERYTHING = ("+refs/heads/*:refs/theirs/heads/*", "+refs/tags/*:refs/theirs/tags/*")
_NO_LIMIT = "--depth=2147483647"


def ask(mirror: Mirror, *patterns: str) -> dict[str, str]:
    """What the server offers: full name -> id, tags also as ``<name>^{}`` with what they point to."""
    address = mirror.address
    around = {**environment(address), "GIT_DIR": str(mirror.folder / "none")}
    words = ("ls-remote", "--quiet", "--", address.url, *patterns)
    try:
        listed = git(mirror.folder, *words, environment=around, seconds=ASK_SECONDS)
    except GitFailed as error:
        raise explained(error, address) from None
    lines = lines_of(listed.decode(errors="surrogateescape"))
    return {name: oid for oid, _, name in (line.partition("\t") for line in lines)}


def fetch_commit(mirror: Mirror, oid: str, ref: str = "") -> None:
    """Bring a commit (or a tag, with its commit): all but contents. ``ref``: what it was found by."""
    with mirror.writing(oid) as path:
        if mirror.keeps(oid):  # by another process, while we waited
            return
        named = [["--depth=1", f"+{ref}:refs/theirs/asked"]] if ref else []
        steps = [["--depth=1", f"+{oid}:refs/kept/{oid}"], *named, [_NO_LIMIT, *_EVERYTHING], list(_EVERYTHING)]  # fmt: skip
        _first_that_works(mirror, path, oid, steps, "--filter=blob:none")


def fetch_history(mirror: Mirror, oid: str, ref: str, depth: int | None) -> None:
    """Bring the last commits that lead to one, without trees; all of all branches and tags when ``depth`` is None."""
    with mirror.writing(oid) as path:
        one = [[f"--depth={depth}", f"+{oid}:refs/theirs/{oid}"]] if depth else []
        two = [[f"--depth={depth}", f"+{ref}:refs/theirs/asked"]] if depth and ref else []
        steps = [*one, *two, [_NO_LIMIT, *_EVERYTHING], list(_EVERYTHING)]
        _first_that_works(mirror, path, oid if depth else "", steps, "--filter=tree:0", keep=False)


def fetch_contents(mirror: Mirror, oids: Sequence[str], commit: str, ref: str) -> None:
    """Bring contents by their ids, in one request."""
    with mirror.writing(oids[0]) as path:
        try:
            _fetch(mirror, path, ["--filter=blob:none", "--stdin"], wanted=oids)
            return
        except GitFailed as error:
            if UNKNOWN_OBJECT.search(error.stderr) or not REFUSED.search(error.stderr):
                raise explained(error, mirror.address) from None
        mirror.forget()
        mirror.note_whole()
        path = mirror.ready(oids[0])
        named = [["--depth=1", f"+{ref}:refs/theirs/asked"]] if ref else []
        steps = [*named, [_NO_LIMIT, *_EVERYTHING], list(_EVERYTHING)]
        _first_that_works(mirror, path, commit, steps, "--no-filter")


def fetch_tags(mirror: Mirror, tags: Mapping[str, str]) -> None:
    """Bring these tags (full name -> id) with their commits, without history, trees and contents."""
    with mirror.writing(next(iter(tags.values()))) as path:
        specs = [f"+{oid}:{name}" for name, oid in tags.items()]
        try:
            _fetch(mirror, path, ["--depth=1", "--filter=tree:0", "--stdin"], wanted=specs)
        except GitFailed as error:
            if not REFUSED.search(error.stderr):
                raise explained(error, mirror.address) from None
            named = [f"+{name}:{name}" for name in tags]
            _fetch(mirror, path, ["--stdin"], wanted=named)


def _first_that_works(
    mirror: Mirror,
    path: Path,
    oid: str,
    steps: Iterable[Sequence[str]],
    without: str,
    *,
    keep: bool = True,
) -> None:
    """Ask for less first. After a step the commit must be here; it is kept when its trees are."""
    failed: GitFailed | None = None
    for step in steps:
        try:
            _fetch(mirror, path, ["--no-filter" if mirror.is_whole else without, *step])
        except GitFailed as error:
            if UNKNOWN_OBJECT.search(error.stderr):
                break
            if not REFUSED.search(error.stderr):
                raise explained(error, mirror.address) from None
            if "dumb http" in error.stderr:  # files on a web server: nothing can be left out
                mirror.note_whole()
            failed = error
            continue
        if not oid or mirror.keeps(oid) or _here(path, f"{oid}^{{tree}}" if keep else oid):
            if oid and keep and not mirror.keeps(oid):
                set_refs(path, {f"refs/kept/{oid}": oid})
            return
        failed = None
    if failed is not None:
        raise explained(failed, mirror.address) from None
    raise NotFound(f"{mirror.address.url} has no commit {oid or 'of these'}")


def set_refs(path: Path, refs: Mapping[str, str]) -> None:
    """Set references of a mirror, or remove those for which there is no id. The user's hooks are for other places."""
    lines = [f"update {name} {oid}" if oid else f"delete {name}" for name, oid in refs.items()]
    told = "\n".join([*lines, ""]).encode("utf-8", "surrogateescape")
    git(path, "update-ref", "--stdin", input=told, environment=configured(_OUR_SETTINGS))


def _here(path: Path, oid: str) -> bool:
    try:
        git(path, "cat-file", "-e", oid)
    except GitFailed:
        return False
    return True


def _fetch(
    mirror: Mirror, path: Path, words: Sequence[str], wanted: Sequence[str] | None = None
) -> None:
    """One call. The mirror's own configuration says nothing: what is missing is never fetched behind our back."""
    url = mirror.address.url
    partial = "--no-filter" not in words
    settings = [("remote.origin.url", url)]
    if partial:
        settings += [("remote.origin.promisor", "true"), ("remote.origin.partialclonefilter", "blob:none")]  # fmt: skip
    if not mirror.is_whole:
        # To say which commits are here would say that their contents are here too.
        settings.append(("fetch.negotiationAlgorithm", "noop"))
    options, specs = [w for w in words if w.startswith("-")], [w for w in words if w[0] != "-"]
    fixed = ("--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-gc", "--no-recurse-submodules")  # fmt: skip
    said: list[str] = []
    git(
        path,
        *("fetch", *fixed, *options, "origin", *specs),
        input=None
        if wanted is None
        else "\n".join([*wanted, ""]).encode("utf-8", "surrogateescape"),
        environment=environment(mirror.address, settings),
        seconds=FETCH_SECONDS,
        heard=said.append,
    )
    if "filtering not recognized" in "".join(said):
        mirror.note_whole()
    packs = sum(1 for _ in path.glob("objects/pack/*.pack"))
    if (
        packs % _PACKS == 0
    ):  # one index for all of them: a content is found as quickly as in one pack
        with contextlib.suppress(GitFailed):
            git(path, "multi-pack-index", "write", environment=configured(_OUR_SETTINGS))


def environment(address: Address, settings: Iterable[tuple[str, str]] = ()) -> Mapping[str, str]:
    """For a call to this server: our settings, and the token that belongs there."""
    token = token_for(address, os.environ)
    handed, variables = helper(address, token) if token else ([], {})
    return {**configured([*_OUR_SETTINGS, *settings, *handed]), **variables}
