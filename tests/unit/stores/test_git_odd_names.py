"""Names of tags that hold what only Python takes for the end of a line: they pass for no other name."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

import git_servers
from modelyard.base.errors import CheckFailed, TimedOut, TooLarge
from modelyard.registry._git import remote
from modelyard.registry.git import GitRegistryBackend
from modelyard.registry.verbs import register
from modelyard.stores.git import objects
from modelyard.stores.git.repository import Repository, open_repository

ODD = ("v1.0.0\u2028x", "v1.0.0\u0085", "v1.0.0\u2029")


@pytest.fixture
def origin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> git_servers.Origin:
    monkeypatch.setenv("MODELYARD_CACHE_DIR", str(tmp_path / "cache"))
    origin = git_servers.new_origin(tmp_path / "git")
    origin.commit({"model": b"true"}, tag="v1.0.0")
    origin.commit({"model": b"false"})
    for name in ODD:
        git_servers.run(origin.work, "tag", name)
    origin.push()
    return origin


@pytest.fixture(params=["here", "behind a URL"])
def repository(request: pytest.FixtureRequest, origin: git_servers.Origin) -> Iterator[Repository]:
    if request.param == "here":
        yield open_repository(origin.work)
        return
    with git_servers.http_server(origin.bare.parent) as server:
        yield open_repository(f"{server.url}/{origin.bare.name}")


def test_a_tag_is_the_commit_that_it_was_made_at(
    origin: git_servers.Origin, repository: Repository
) -> None:
    right = git_servers.run(origin.work, "rev-parse", "v1.0.0^{commit}").strip()
    refs = repository.refs()
    assert refs["refs/tags/v1.0.0"] == right
    assert {f"refs/tags/{name}" for name in ODD} <= refs.keys()
    assert repository.commit("v1.0.0") == right
    repository.fetch_tags()
    assert repository.read(repository.tree(right)["model"].oid) == b"true"


def test_a_registry_beside_such_tags_is_written(
    origin: git_servers.Origin, repository: Repository
) -> None:
    backend = GitRegistryBackend(repository, identity=("Ada", "ada@example.org"))
    assert register(backend, "churn", commit=backend.commit_of("HEAD")).label == "v0.0.1"
    assert list(backend.names()) == ["churn"]


@pytest.mark.parametrize("date", ["99999999999999 +0000", "1700000000 +9959"])
def test_a_tag_of_no_time_breaks_nothing(origin: git_servers.Origin, date: str) -> None:
    commit = git_servers.run(origin.work, "rev-parse", "HEAD")
    said = f"object {commit}\ntype commit\ntag churn@v9.0.0\ntagger Eve <eve@x.org> {date}\n\nx\n"
    words = ("hash-object", "-t", "tag", "-w", "--stdin", "--literally")
    oid = git_servers.run(origin.work, *words, input=said.encode())
    git_servers.run(origin.work, "update-ref", "refs/tags/churn@v9.0.0", oid)
    backend = GitRegistryBackend(origin.work, identity=("Ada", "ada@example.org"))
    assert [bad.rule for bad in backend.skipped()] == ["date"]
    assert register(backend, "churn", commit=commit).label == "v0.0.1"
    with pytest.raises(CheckFailed, match="no time"):
        backend.check_ref("churn@v9.0.0")
    assert [problem.what for problem in backend.examine()] == ["tags of no time"]


def test_folders_that_hold_each_other_end_somewhere(
    origin: git_servers.Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "MOST_LISTED", 4 << 20)
    oid = git_servers.run(origin.work, "hash-object", "-w", "--stdin", input=b"boom")
    kind, mode = "blob", "100644"
    for _ in range(10):  # 10^10 files
        rows = "".join(f"{mode} {kind} {oid}\tf{n}\n" for n in range(10))
        oid = git_servers.run(origin.work, "mktree", input=rows.encode())
        kind, mode = "tree", "040000"
    commit = git_servers.run(origin.work, "commit-tree", "-m", "boom", oid)
    with pytest.raises(TooLarge):
        open_repository(origin.work).tree(commit)


@pytest.mark.parametrize("call", ["fetch", "push"])
def test_a_server_that_says_nothing_holds_nobody(
    origin: git_servers.Origin, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    monkeypatch.setattr(remote, "_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"git://127.0.0.1:{silent.getsockname()[1]}/models.git"
        ask = {"fetch": (), "push": ([], ["churn@v1.0.0"])}[call]
        with pytest.raises(TimedOut):
            getattr(remote, {"fetch": "fetch_tags"}.get(call, call))(origin.work, url, *ask)
