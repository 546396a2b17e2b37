"""Repositories behind URLs: what is asked of a server, how often, and what is kept."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

import git_servers
from git_servers import HttpServer, Origin
from modelyard.base.errors import (
    FileMissing,
    InvalidPath,
    InvalidReference,
    NotAllowed,
    NotFound,
    NotSupported,
    Unreachable,
)
from modelyard.stores.folders.git import GitFolder, git_folder
from modelyard.stores.git import calling
from modelyard.stores.git.address import address_of
from modelyard.stores.git.mirror import Mirror, mirrors, prune
from modelyard.stores.git.repository import open_repository, split_tail


def content(size: int, seed: int = 0) -> bytes:
    return hashlib.shake_256(seed.to_bytes(4, "big")).digest(size)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="module")
def server(root: Path) -> Iterator[HttpServer]:
    with git_servers.http_server(root) as server:
        yield server


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: HttpServer) -> Path:
    monkeypatch.setenv("MODELYARD_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    server.counted()
    return tmp_path / "cache"


def read(folder: GitFolder, path: str) -> bytes:
    with folder.open(path) as stream:
        return stream.read()


SMALL = {
    f"models/m{number}.yard.yaml": b"modelyard: 1\nname: m%d\n" % number for number in range(20)
}
BIG = content(2_000_000, 1)


@pytest.fixture(scope="module")
def history(root: Path) -> tuple[Origin, list[str]]:
    """Three commits on main, the second tagged v1.0.0, and a branch with a slash."""
    origin = git_servers.new_origin(root, "history")
    one = origin.commit({"churn": b"one", "big": BIG, **SMALL})
    two = origin.commit({"churn": b"two"}, tag="v1.0.0")
    three = origin.commit({"churn": b"three"})
    other = origin.commit({"churn": b"other"}, branch="feature/x")
    return origin, [one, two, three, other]


def test_every_way_to_name_a_commit(server: HttpServer, history: tuple[Origin, list[str]]) -> None:
    repository = open_repository(f"{server.url}/history.git")
    one, two, three, other = history[1]
    tag = git_servers.run(history[0].bare, "rev-parse", "v1.0.0")
    named = {
        **{"": three, "@": three, "main": three, "refs/heads/main": three},
        **{"v1.0.0": two, "tags/v1.0.0": two, tag: two, "feature/x": other},
        **{"HEAD~1": two, "v1.0.0^": one, f"{three}~1^": one},
        **{one: one, one[:9]: one, three[:7]: three},
    }  # fmt: skip
    assert {rev: repository.commit(rev) for rev in named} == named
    here = open_repository(history[0].work)
    named = {
        rev: oid for rev, oid in named.items() if rev not in ("", "@", "HEAD~1")
    }  # a branch later
    assert {rev: here.commit(rev) for rev in named} == named


@pytest.mark.parametrize("where", ["here", "there"])
def test_a_name_that_is_not_there_and_what_is_near(
    server: HttpServer, history: tuple[Origin, list[str]], where: str
) -> None:
    repository = open_repository(
        history[0].bare if where == "here" else f"{server.url}/history.git"
    )
    for rev, hint in (
        ("mian", "did you mean 'main'"),
        ("x", "did you mean 'feature/x'"),
        ("origin/main", "did you mean 'main'"),
        ("nothing-like-it", "it has feature/x, main, v1.0.0"),
        ("main~77", None),
        ("f" * 40, None),
        ("fffff", None),
    ):
        with pytest.raises(NotFound, match=rev.replace("~", ".")) as caught:
            repository.commit(rev)
        assert hint is None or hint in str(caught.value), rev


def test_a_branch_costs_one_question_and_a_pinned_commit_none(
    server: HttpServer, history: tuple[Origin, list[str]]
) -> None:
    url = f"{server.url}/history.git"
    first = git_folder(url, "main")
    asked, _ = server.counted()
    assert asked == 2  # Git's greeting and the names
    first.fetch(["churn"])
    assert read(first, "churn") == b"three"
    asked, sent = server.counted()
    assert asked == 4  # the commit, then the content: a greeting each
    assert sent < 20_000
    again = git_folder(url, "main")
    assert read(again, "churn") == b"three"
    assert server.counted()[0] == 2
    pinned = git_folder(url, history[1][2])
    pinned.fetch(["churn"])
    assert read(pinned, "churn") == b"three"
    assert [entry.name for entry in pinned.list()] == ["big", "churn", "models"]
    assert server.counted() == (0, 0)


def test_a_pinned_commit_is_read_when_the_server_is_gone(root: Path, tmp_path: Path) -> None:
    origin = git_servers.new_origin(root, "gone")
    commit = origin.commit({"churn": b"x"})
    with git_servers.http_server(root) as server:
        url = f"{server.url}/gone.git"
        assert read(git_folder(url, commit), "churn") == b"x"
    assert read(git_folder(url, commit), "churn") == b"x"
    with pytest.raises(Unreachable, match="does not answer"):
        git_folder(url, "main")
    with pytest.raises(Unreachable):
        git_folder(url, "f" * 40)


def test_many_files_come_in_one_request_and_no_others(
    server: HttpServer, history: tuple[Origin, list[str]]
) -> None:
    folder = git_folder(f"{server.url}/history.git", history[1][2])
    folder.fetch(list(SMALL))
    asked, sent = server.counted()
    assert asked == 4
    assert sent < 30_000  # the big one did not come
    assert {path: read(folder, path) for path in SMALL} == SMALL
    assert server.counted() == (0, 0)
    assert folder.entry("big").size == -1  # type: ignore[union-attr]
    folder.fetch(["big"])
    asked, sent = server.counted()
    assert asked == 2
    assert len(BIG) <= sent < len(BIG) * 1.01
    assert read(folder, "big") == BIG
    assert folder.entry("big").size == len(BIG)  # type: ignore[union-attr]
    assert server.counted() == (0, 0)


def test_the_same_content_in_another_commit_is_not_sent_again(
    server: HttpServer, history: tuple[Origin, list[str]]
) -> None:
    url = f"{server.url}/history.git"
    git_folder(url, history[1][0]).fetch(["big"])
    server.counted()
    later = git_folder(url, history[1][2])
    later.fetch(["big", "churn"])
    assert read(later, "big") == BIG
    assert server.counted()[1] < 20_000


def test_a_branch_that_moved_is_seen(
    server: HttpServer, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calling, "_PACKS", 4)
    origin = git_servers.new_origin(root, "moving")
    url = f"{server.url}/moving.git"
    commits: list[str] = []
    for number in range(3):
        commit = origin.commit({"churn": b"%d" % number})
        commits.append(commit)
        folder = git_folder(url)
        assert folder.commit == commit
        assert read(folder, "churn") == b"%d" % number
        assert folder.provenance == {"git": {"repo": url, "rev": "HEAD", "commit": commit}}
    assert (open_repository(url).git_dir / "objects/pack/multi-pack-index").exists()
    server.counted()
    assert [read(git_folder(url, oid), "churn") for oid in commits] == [b"0", b"1", b"2"]
    assert server.counted() == (0, 0)


def test_a_server_that_cannot_leave_contents_out_sends_each_once(
    server: HttpServer, root: Path
) -> None:
    origin = git_servers.new_origin(root, "whole", filters=False)
    one = origin.commit({"churn": b"one", "big": BIG}, tag="v1")
    url = f"{server.url}/whole.git"
    folder = git_folder(url)
    assert read(folder, "churn") == b"one"
    assert read(folder, "big") == BIG
    asked, sent = server.counted()
    assert asked == 4
    assert len(BIG) <= sent < len(BIG) * 1.01
    two = origin.commit({"churn": b"two"})
    later = git_folder(url)
    assert later.commit == two
    assert read(later, "churn") == b"two"
    assert read(later, "big") == BIG
    assert server.counted()[1] < 20_000
    repository = open_repository(url)
    assert repository.commit("main~1") == one
    repository.fetch_tags()
    assert repository.commit("v1") == one


@pytest.mark.parametrize("filters", [True, False])
def test_the_old_protocol_asks_for_more_until_it_has_all(
    server: HttpServer, root: Path, filters: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "gitconfig").write_text("[protocol]\n\tversion = 0\n")
    name = f"old-{filters}"
    origin = git_servers.new_origin(root, name, filters=filters)
    one = origin.commit({"churn": b"one", "models/iris": b"iris"})
    two = origin.commit({"churn": b"two"}, tag="v2")
    origin.commit({"churn": b"three"})
    url = f"{server.url}/{name}.git"
    for rev, data in (("main", b"three"), ("v2", b"two"), (one, b"one"), ("main~1", b"two")):
        folder = git_folder(url, rev)
        folder.fetch(["churn", "models/iris"])
        assert read(folder, "churn") == data, rev
        assert read(folder, "models/iris") == b"iris"
    with pytest.raises(NotFound, match="ffff"):
        git_folder(url, "f" * 40)
    open_repository(url).fetch_tags()
    assert two in git_servers.run(open_repository(url).git_dir, "show-ref", "--tags", "-d")


def test_a_plain_web_server_with_the_files_of_a_repository(root: Path) -> None:
    origin = git_servers.new_origin(root, "dumb")
    one = origin.commit({"churn": b"one"}, tag="v1")
    origin.commit({"churn": b"two"})
    git_servers.run(origin.bare, "update-server-info")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(root)))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/dumb.git"
        assert read(git_folder(url), "churn") == b"two"
        assert read(git_folder(url, "v1"), "churn") == b"one"
        assert read(git_folder(url, one), "churn") == b"one"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_ids_of_64_digits(
    server: HttpServer, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git_servers.run(
        root, "init", "-q", "--bare", "-b", "main", "--object-format=sha256", "long.git"
    )
    git_servers.run(root, "init", "-q", "-b", "main", "--object-format=sha256", "long-work")
    origin = Origin(root / "long.git", root / "long-work")
    git_servers.run(origin.bare, "config", "uploadpack.allowFilter", "true")
    commit = origin.commit({"churn": b"x"}, tag="v1")
    folder = git_folder(f"{server.url}/long.git", "main")
    assert folder.commit == commit
    assert read(folder, "churn") == b"x"
    assert open_repository(f"{server.url}/long.git").commit(commit[:10]) == commit
    fresh = tmp_path / "fresh"
    monkeypatch.setenv("MODELYARD_CACHE_DIR", str(fresh))
    repository = open_repository(f"{server.url}/long.git")
    repository.fetch_tags()
    assert tags_of(repository.git_dir) == {"v1": "v1"}


# Tags


def tags_of(folder: Path) -> dict[str, str]:
    listed = git_servers.run(
        folder, "for-each-ref", "--format=%(refname:short) %(contents:subject)", "refs/tags"
    )
    return dict(line.split(" ", 1) for line in listed.splitlines())


def test_tags_come_with_their_commits_in_one_request_and_follow_the_server(
    server: HttpServer, root: Path
) -> None:
    origin = git_servers.new_origin(root, "tags")
    commits = [
        origin.commit({"big": content(300_000, n)}, tag=f"churn@v{n}.0.0") for n in range(1, 6)
    ]
    repository = open_repository(f"{server.url}/tags.git")
    repository.fetch_tags()
    asked, sent = server.counted()
    assert asked == 4  # the names, then the tags: a greeting each
    assert sent < 10_000
    assert tags_of(repository.git_dir) == {
        f"churn@v{n}.0.0": f"churn@v{n}.0.0" for n in range(1, 6)
    }
    shown = git_servers.run(
        repository.git_dir, "for-each-ref", "--format=%(*objectname)", "refs/tags"
    )
    assert shown.splitlines() == commits
    repository.fetch_tags()
    assert server.counted()[0] == 2
    git_servers.run(origin.work, "tag", "-d", "churn@v1.0.0")
    git_servers.run(origin.work, "tag", "-f", "-a", "-m", "moved", "churn@v2.0.0", commits[4])
    git_servers.run(origin.work, "tag", "-a", "-m", "new", "churn@v6.0.0", commits[0])
    origin.push()
    open_repository(f"{server.url}/tags.git").fetch_tags()
    found = tags_of(repository.git_dir)
    assert sorted(found) == [f"churn@v{n}.0.0" for n in range(2, 7)]
    assert (found["churn@v2.0.0"], found["churn@v6.0.0"]) == ("moved", "new")
    # What has only its commit here is read all the same.
    folder = GitFolder(repository, repository.commit("churn@v3.0.0"))
    assert read(folder, "big") == content(300_000, 3)


# Addresses of websites


def test_where_a_branch_ends_and_a_path_begins_is_asked(
    server: HttpServer, history: tuple[Origin, list[str]]
) -> None:
    one = history[1][0]
    for repository in (
        open_repository(f"{server.url}/history.git"),
        open_repository(history[0].bare),
    ):
        for tail, expected in {
            "main": ("main", ""),
            "main/models/churn": ("main", "models/churn"),
            "feature/x/models/churn": ("feature/x", "models/churn"),
            "feature/x": ("feature/x", ""),
            "v1.0.0/churn": ("v1.0.0", "churn"),
            f"{one}/models": (one, "models"),
            f"{one[:9]}/models": (one[:9], "models"),
            "HEAD/models": ("HEAD", "models"),
        }.items():
            assert split_tail(repository, tail) == expected
        with pytest.raises(NotFound, match="featur"):
            split_tail(repository, "featur/x/models")


# What is not followed


def test_submodules_and_odd_names_are_not_followed(root: Path, server: HttpServer) -> None:
    inner = git_servers.new_origin(root, "inner")
    commit = inner.commit({"churn": b"x"})
    origin = git_servers.new_origin(root, "outer")
    listed = f"160000 commit {commit}\tinner\0".encode()
    blob = git_servers.run(origin.work, "hash-object", "-w", "--stdin", input=b"x")
    listed += b"".join(
        b"100644 blob %s\t%s\0" % (blob.encode(), name)
        for name in (b"a\nb", b"con", b"\xff", b"ok", b"-x")
    )
    tree = git_servers.run(origin.work, "mktree", "-z", "--missing", input=listed)
    made = git_servers.run(origin.work, "commit-tree", "-m", "odd", tree)
    git_servers.run(origin.work, "push", "-q", str(origin.bare), f"{made}:refs/heads/main")
    for where in (f"{server.url}/outer.git", str(origin.bare)):
        folder = git_folder(where)
        assert [entry.path for entry in folder.list()] == ["-x", "ok"]
        assert read(folder, "-x") == b"x"
        for path in ("inner", "inner/churn"):
            with pytest.raises(NotSupported, match="submodule"):
                folder.open(path)
        with pytest.raises(InvalidPath):
            folder.open("a\nb")


@pytest.mark.parametrize("rev", ["--upload-pack=id", "-x", "main:churn", "a b", "a\nb", "main@{1}", "a..b", "*"])  # fmt: skip
def test_what_is_no_revision_is_refused(
    server: HttpServer, history: tuple[Origin, list[str]], rev: str
) -> None:
    for where in (f"{server.url}/history.git", history[0].bare):
        with pytest.raises(InvalidReference):
            open_repository(where).commit(rev)
    assert server.counted() == (0, 0)


@pytest.mark.parametrize(
    "where",
    [
        "ext::sh -c id",
        "git+ext::sh -c id",
        "ext::sh://x",
        "--upload-pack=id",
        "-oProxyCommand=id",
        "ssh://-oProxyCommand=id/org/repo",
        "ssh://-oProxyCommand=id@host/org/repo",
        "https://host/org/repo\n",
        "https://host\n/org/repo",
        "https://ana:secret@host/org/repo",
        "https://host/org/repo?token=secret",
        "https://host/org/../repo",
        "https://host",
        "https:///org/repo",
        "https://host:99999/org/repo",
        "https://a@b@host/org/repo",
        "ftp://host/org/repo",
        "fd::17/foo",
        "git@host:org/repo",
        "file://host/srv/repo",
        "",
    ],
)
def test_what_is_no_plain_address_is_refused(where: str) -> None:
    with pytest.raises(InvalidReference) as caught:
        open_repository(where)
    assert "secret" not in str(caught.value).replace("ana:secret", "") or "token" in where


def test_an_address_for_ssh_says_how_it_is_written() -> None:
    with pytest.raises(InvalidReference, match="ssh://git@host/org/repo"):
        open_repository("git@host:org/repo")


def test_no_hook_and_no_setting_of_a_repository_runs_anything(tmp_path: Path, root: Path) -> None:
    origin = git_servers.new_origin(root, "hostile")
    origin.commit({"churn": b"x"})
    trap = tmp_path / "trap"
    script = f"#!/bin/sh\ntouch {trap}\n"
    for name in ("reference-transaction", "post-checkout", "post-index-change", "pre-auto-gc"):
        hook = origin.bare / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(script)
        hook.chmod(0o755)
    for key in ("core.fsmonitor", "core.pager", "diff.external", "core.editor", "alias.ls-tree"):
        git_servers.run(origin.bare, "config", key, f"touch {trap}")
    folder = git_folder(origin.bare)
    assert [entry.name for entry in folder.list()] == ["churn"]
    assert read(folder, "churn") == b"x"
    assert not trap.exists()


# Here


def test_a_worktree_a_bare_one_a_sub_folder_and_a_linked_worktree(root: Path) -> None:
    origin = git_servers.new_origin(root, "several")
    origin.commit({"models/eu/churn": b"x", "churn": b"y"})
    git_servers.run(origin.work, "worktree", "add", "-q", "--detach", str(root / "linked"))
    for where, below in (
        (origin.work, ""),
        (str(origin.work), ""),
        (origin.bare, ""),
        (f"file://{origin.bare}", ""),
        (f"git+file://{origin.bare}", ""),
        (origin.work / "models", "models"),
        (origin.work / "models" / "eu" / "churn", "models/eu"),
        (root / "linked" / "models", "models"),
    ):
        repository = open_repository(where)
        assert repository.is_local
        assert repository.prefix == below
        folder = git_folder(where)
        inside = {"": "models/eu/churn", "models": "eu/churn", "models/eu": "churn"}[below]
        assert read(folder, inside) == b"x", where
        assert inside.partition("/")[0] in {entry.path for entry in folder.list()}
    with pytest.raises(FileMissing, match="in no Git repository"):
        open_repository(root.parent)
    with pytest.raises(FileMissing, match="no folder"):
        open_repository(root / "absent")
    empty = git_servers.new_origin(root, "empty")
    with pytest.raises(NotFound, match="no commits yet"):
        git_folder(empty.work)


def test_a_repository_of_another_user_is_not_read(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin = git_servers.new_origin(root, "theirs")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(NotAllowed, match="belongs to another user") as caught:
        open_repository(origin.work)
    assert "safe.directory" in str(caught.value)


def test_without_git_that_is_said(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for where in (str(root), "https://git.corp/org/repo"):
        with pytest.raises(NotSupported, match="git is not installed"):
            git_folder(where)


# The cache


def test_the_cache_is_bounded_and_what_is_read_stays(
    server: HttpServer, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    urls: list[str] = []
    for number in range(3):
        origin = git_servers.new_origin(root, f"pruned{number}")
        origin.commit({"big": content(400_000, number)})
        urls.append(f"{server.url}/pruned{number}.git")
    held = [git_folder(url) for url in urls]
    for number in range(3):
        held[number].fetch(["big"])
    for age, url in enumerate(urls):
        used = Mirror(address_of(url)).folder / "used"
        os.utime(used, (1000 + age, 1000 + age))
    monkeypatch.setenv("MODELYARD_CACHE_GB", "0.0009")
    assert prune() == 0  # all are in use
    del held[1:]
    assert prune() == 1  # the oldest is in use: the next one goes
    kept = {str(Mirror(address_of(url)).folder) for url in (urls[0], urls[2])}
    assert {str(path) for path in mirrors().iterdir()} == kept
    assert read(held[0], "big") == content(400_000, 0)
    assert read(git_folder(urls[1]), "big") == content(400_000, 1)


def test_a_broken_mirror_is_begun_anew(
    server: HttpServer, history: tuple[Origin, list[str]]
) -> None:
    url = f"{server.url}/history.git"
    git_folder(url).fetch(["churn"])
    repository = open_repository(url)
    shutil.rmtree(repository.git_dir / "objects" / "pack")
    assert read(git_folder(url), "churn") == b"three"


# Git LFS


POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize {}\n"


def test_what_git_lfs_keeps_is_brought_or_said(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = content(100_000, 9)
    digest = hashlib.sha256(data).hexdigest()
    origin = git_servers.new_origin(root, "large")
    origin.commit(
        {"churn": POINTER.format(digest, len(data)).encode(), "plain": b"version https://git-lfs"}
    )
    kept = origin.bare / "lfs" / "objects" / digest[:2] / digest[2:4] / digest
    kept.parent.mkdir(parents=True)
    kept.write_bytes(data)
    folder = git_folder(origin.bare)
    folder.fetch(["churn", "plain"])
    assert read(folder, "churn") == data
    assert read(folder, "plain") == b"version https://git-lfs"
    kept.unlink()
    with pytest.raises(NotFound, match=r"'churn' in .* is kept in Git LFS"):
        folder.open("churn")
    git = subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True)
    only = tmp_path / "bin"
    only.mkdir()
    (only / "git").symlink_to(Path(git.stdout.strip()) / "git")
    monkeypatch.setenv("PATH", str(only))
    with pytest.raises(NotSupported, match="which is not installed"):
        folder.open("churn")
