"""Tags that are sent: all or none, never forced, nothing left behind; and who comes second."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from cases.registries.git import run
from git_servers import http_server
from modelyard.base.errors import AlreadyExists, Conflict, InvalidInput, NotAllowed, Unreachable
from modelyard.registry import queries, verbs
from modelyard.registry.git import GitRegistryBackend
from modelyard.stores.git.repository import open_repository
from unit.registry.git_workers import commits_of, register_commits
from unit.registry.workers import all_at_once

PROCESSES, EACH = 4, 3


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    """A bare repository with some commits."""
    folder = tmp_path / "remote.git"
    run(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", str(folder))
    for key, value in (("user.name", "R"), ("user.email", "r@example.org")):
        run(folder, "config", key, value)
    commits_of(folder, 6)
    return folder


def clone(remote: Path, name: str) -> Path:
    folder = remote.with_name(name)
    run(remote.parent, "clone", "--quiet", str(remote), str(folder))
    for key, value in (("user.name", name), ("user.email", f"{name}@example.org")):
        run(folder, "config", key, value)
    return folder


def commits(folder: Path) -> list[str]:
    return run(folder, "rev-list", "--reverse", "main").split()


def tags(folder: Path) -> list[str]:
    return run(folder, "for-each-ref", "--format=%(refname:strip=2)", "refs/tags").split()


def test_nothing_is_sent_unasked(remote: Path) -> None:
    ana = clone(remote, "ana")
    verbs.register(GitRegistryBackend(ana), "churn", commit=commits(ana)[0])
    assert tags(ana) == ["churn@v0.0.1"]
    assert tags(remote) == []


def test_what_is_sent_is_seen_by_others(remote: Path) -> None:
    ana, bo = clone(remote, "ana"), clone(remote, "bo")
    one, two, *_ = commits(ana)
    verbs.register(GitRegistryBackend(ana, push=True), "churn", commit=one)
    theirs = GitRegistryBackend(bo, push=True)
    assert verbs.register(theirs, "churn", commit=two).label == "v0.0.2"
    verbs.promote(theirs, "churn", "prod", "v0.0.1")
    verbs.set_alias(theirs, "churn", "best")
    assert tags(remote) == tags(bo) == ["churn#prod#1", "churn@alias/best#2", "churn@v0.0.1", "churn@v0.0.2"]  # fmt: skip
    mine = GitRegistryBackend(ana)
    mine.fetch()
    state = mine.state("churn")
    assert queries.holders(state) == {"prod": "v0.0.1"}
    assert queries.held(state)["prod"].actor == "bo"
    verbs.delete_version(theirs, "churn", "v0.0.2")
    assert tags(remote) == ["churn#prod#1", "churn@v0.0.1"]


def test_what_is_refused_leaves_nothing_behind(remote: Path) -> None:
    ana = clone(remote, "ana")
    hook = remote / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho only the release team may tag >&2\nexit 1\n")
    hook.chmod(hook.stat().st_mode | stat.S_IXUSR)
    with pytest.raises(NotAllowed, match="only the release team may tag"):
        verbs.register(GitRegistryBackend(ana, push=True), "churn", commit=commits(ana)[0])
    assert tags(ana) == tags(remote) == []
    hook.unlink()
    remote.rename(remote.with_name("gone.git"))
    with pytest.raises(Unreachable, match="'origin' is not reached"):
        verbs.register(GitRegistryBackend(ana, push=True), "churn", commit=commits(ana)[0])
    assert tags(ana) == []


def race(faster: Path, slower: GitRegistryBackend, monkeypatch, **options: str) -> None:
    """Another clone's tag arrives over there after this one has looked and before it sends."""
    fetch = slower.fetch
    rounds: list[int] = []

    def fetch_then_lose() -> None:
        fetch()
        rounds.append(1)
        if len(rounds) == 1:
            other = GitRegistryBackend(faster, push=True)
            verbs.register(other, "churn", commit=commits(faster)[0], **options)  # type: ignore[arg-type]

    monkeypatch.setattr(slower, "fetch", fetch_then_lose)


def test_the_slower_one_gets_the_next_version(remote: Path, monkeypatch) -> None:
    ana, bo = clone(remote, "ana"), clone(remote, "bo")
    slower = GitRegistryBackend(ana, push=True)
    race(bo, slower, monkeypatch)
    assert verbs.register(slower, "churn", commit=commits(ana)[1]).label == "v0.0.2"
    assert tags(remote) == tags(ana) == ["churn@v0.0.1", "churn@v0.0.2"]


def test_the_slower_one_that_named_its_version_is_told(remote: Path, monkeypatch) -> None:
    ana, bo = clone(remote, "ana"), clone(remote, "bo")
    slower = GitRegistryBackend(ana, push=True)
    race(bo, slower, monkeypatch, semver="v1.0.0")
    with pytest.raises(AlreadyExists, match=r"v1\.0\.0") as refused:
        verbs.register(slower, "churn", commit=commits(ana)[1], semver="v1.0.0")
    assert "v1.0.1" in (refused.value.hint or "")
    assert tags(remote) == tags(ana) == ["churn@v1.0.0"]


def test_tags_that_differ_are_named(remote: Path) -> None:
    ana, bo = clone(remote, "ana"), clone(remote, "bo")
    verbs.register(GitRegistryBackend(ana), "churn", commit=commits(ana)[0])
    verbs.register(GitRegistryBackend(bo, push=True), "churn", commit=commits(ana)[1])
    with pytest.raises(Conflict, match=r"others here than in 'origin': churn@v0\.0\.1"):
        verbs.promote(GitRegistryBackend(ana, push=True), "churn", "prod")


def test_clones_that_register_at_once_lose_nothing(remote: Path) -> None:
    made = commits_of(remote, PROCESSES * EACH)
    clones = [clone(remote, f"clone{n}") for n in range(PROCESSES)]
    shares = [made[n::PROCESSES] for n in range(PROCESSES)]
    work = [(str(folder), share) for folder, share in zip(clones, shares, strict=True)]
    got = all_at_once(register_commits, work)
    every = sorted(label for labels in got for label in labels)
    count = PROCESSES * EACH
    assert every == sorted(f"v0.0.{n}" for n in range(1, count + 1))
    state = GitRegistryBackend(remote).state("churn")
    found = {label: version.commit for label, version in state.versions.items()}
    expected = {label: c for labels, share in zip(got, shares, strict=True) for label, c in zip(labels, share, strict=True)}  # fmt: skip
    assert found == expected
    assert len({version.at_ms for version in state.versions.values()}) == count


@pytest.fixture
def url(remote: Path, tmp_path: Path, monkeypatch) -> Iterator[str]:
    """Of the same repository, served over HTTP."""
    monkeypatch.setenv("MODELYARD_CACHE_DIR", str(tmp_path / "cache"))
    run(remote, "config", "uploadpack.allowFilter", "true")
    run(remote, "config", "http.receivepack", "true")
    with http_server(tmp_path) as server:
        yield f"{server.url}/remote.git"


def open_away(url: str) -> GitRegistryBackend:
    return GitRegistryBackend(open_repository(url), identity=("Ana", "ana@example.org"))


def test_a_registry_behind_a_url_needs_no_clone(remote: Path, url: str) -> None:
    away = open_away(url)
    assert list(away.names()) == []
    tip, older = away.commit_of("HEAD"), commits(remote)[1]
    assert verbs.register(away, "churn", commit=tip).commit == commits(remote)[-1]
    verbs.promote(away, "churn", "prod")
    assert tags(remote) == ["churn#prod#1", "churn@v0.0.1"]
    again = open_away(url)
    assert queries.holders(again.state("churn")) == {"prod": "v0.0.1"}
    assert verbs.register(again, "churn", commit=again.commit_of(older)).label == "v0.0.2"
    verbs.delete_version(again, "churn", "v0.0.1")
    assert tags(remote) == ["churn@v0.0.2"]
    assert list(open_away(url).state("churn").versions) == ["v0.0.2"]


def test_stages_are_allowed_by_the_file_over_there(remote: Path, url: str) -> None:
    blob = run(remote, "hash-object", "-w", "--stdin", input="stages: [prod]\n").strip()
    tree = run(remote, "mktree", input=f"100644 blob {blob}\t.gto\n").strip()
    commit = run(remote, "commit-tree", tree, "-p", "main", "-m", "stages").strip()
    run(remote, "update-ref", "refs/heads/main", commit)
    away = open_away(url)
    verbs.register(away, "churn", commit=away.commit_of())
    with pytest.raises(InvalidInput, match="stage 'dev' is not among"):
        verbs.promote(away, "churn", "dev")
    verbs.promote(away, "churn", "prod")
    bare = GitRegistryBackend(remote)
    assert bare.allowed().stages == ("prod",)


def test_the_slower_one_behind_a_url_gets_the_next_version(remote, url, monkeypatch) -> None:
    bo, slower = clone(remote, "bo"), open_away(url)
    commit = slower.commit_of()
    race(bo, slower, monkeypatch)
    assert verbs.register(slower, "churn", commit=commit).label == "v0.0.2"
    assert tags(remote) == ["churn@v0.0.1", "churn@v0.0.2"]


def test_who_may_not_send_is_told(remote: Path, url: str) -> None:
    away = open_away(url)
    run(remote, "config", "http.receivepack", "false")
    with pytest.raises(NotAllowed):
        verbs.register(away, "churn", commit=away.commit_of())
    assert tags(remote) == []
