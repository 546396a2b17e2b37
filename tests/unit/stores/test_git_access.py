"""Who may read what: tokens, Git's own helpers and ssh keys; none is shown, kept or sent to somebody else."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import git_servers
from git_servers import HttpServer, Origin
from modelyard.base.errors import (
    NotAllowed,
    NotFound,
    TimedOut,
    Unauthenticated,
    Unreachable,
    describe,
)
from modelyard.stores.folders.git import GitFolder, git_folder
from modelyard.stores.git import calling
from modelyard.stores.git.address import address_of
from modelyard.stores.git.credentials import token_for, variable_for
from modelyard.stores.git.mirror import Mirror
from modelyard.stores.git.repository import open_repository
from servers import wait_until
from ssh_server import GitHost, git_host

TOKEN = "tok-3f1c9a77e0"
SPAWN = multiprocessing.get_context("spawn")


def read(folder: GitFolder, path: str) -> bytes:
    with folder.open(path) as stream:
        return stream.read()


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("private")


@pytest.fixture(scope="module")
def origin(root: Path) -> Origin:
    origin = git_servers.new_origin(root)
    origin.commit({"churn": b"x" * 3_000_000 + os.urandom(3_000_000), "card": b"y"})
    return origin


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return git_servers.certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def running(root: Path, origin: Origin, pair: tuple[Path, Path]) -> Iterator[HttpServer]:
    with git_servers.http_server(root, pair) as server:
        yield server


@pytest.fixture
def server(
    running: HttpServer, pair: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> HttpServer:
    """A server with private repositories, for a user without any configuration."""
    monkeypatch.setenv("MODELYARD_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GIT_SSL_CAINFO", str(pair[0]))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("GITHUB_TOKEN", "GH_TOKEN", "GITLAB_TOKEN", "CI_JOB_TOKEN", "BITBUCKET_TOKEN", "MODELYARD_GIT_TOKEN"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    running.users = {TOKEN: "read", "tok-other": "403"}
    running.moved = {}
    running.stall_after = None
    running.seen.clear()
    running.counted()
    return running


def url_of(server: HttpServer) -> str:
    return f"{server.url}/models.git"


def host_of(server: HttpServer) -> str:
    return server.url.removeprefix("https://")


def everything_below(folder: Path) -> bytes:
    return b"\n".join(file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file())


@pytest.mark.parametrize(
    ("variables", "user"),
    [
        ({"MODELYARD_GIT_TOKEN": TOKEN, "MODELYARD_GIT_TOKEN_HOST": "HOST"}, "oauth2"),
        ({"GITHUB_TOKEN": TOKEN, "GITHUB_SERVER_URL": "https://HOST"}, "x-access-token"),
        ({"GH_TOKEN": TOKEN, "GH_HOST": "HOST"}, "x-access-token"),
        ({"GITLAB_TOKEN": TOKEN, "GITLAB_HOST": "HOST"}, "oauth2"),
        ({"CI_JOB_TOKEN": TOKEN, "CI_SERVER_URL": "https://HOST"}, "gitlab-ci-token"),
    ],
    ids=["own", "github", "gh", "gitlab", "job"],
)
def test_a_token_opens_the_host_it_belongs_to(
    server: HttpServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    user: str,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value.replace("HOST", host_of(server)))
    assert read(git_folder(url_of(server)), "card") == b"y"
    assert set(server.seen) == {(user, TOKEN)}
    assert TOKEN.encode() not in everything_below(tmp_path)


def test_no_token_and_which_one_to_set(server: HttpServer) -> None:
    with pytest.raises(Unauthenticated) as caught:
        git_folder(url_of(server))
    assert f"MODELYARD_GIT_TOKEN with MODELYARD_GIT_TOKEN_HOST={host_of(server)}" in str(
        caught.value
    )
    assert describe(caught.value).exit_code == 4
    assert server.seen == []


def test_a_wrong_token_and_one_without_rights(
    server: HttpServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITLAB_HOST", server.url)
    for secret, error in (("tok-wrong", Unauthenticated), ("tok-other", NotAllowed)):
        monkeypatch.setenv("GITLAB_TOKEN", secret)
        with pytest.raises(error, match="token in GITLAB_TOKEN was not accepted") as caught:
            git_folder(url_of(server))
        assert secret not in str(caught.value) + repr(caught.value.__context__) + repr(
            caught.value.__cause__
        )
        assert secret.encode() not in everything_below(tmp_path)
        assert (("oauth2", secret)) in server.seen


def test_a_token_of_another_host_is_not_sent(
    server: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    monkeypatch.setenv("BITBUCKET_TOKEN", TOKEN)
    monkeypatch.setenv("MODELYARD_GIT_TOKEN", TOKEN)
    with pytest.raises(Unauthenticated):
        git_folder(url_of(server))
    for host in (
        "127.0.0.1",
        "127.0.0.1:1",
        f"127.0.0.1:{host_of(server)[-4:]}0",
        f"x.{host_of(server)}",
    ):
        monkeypatch.setenv("MODELYARD_GIT_TOKEN_HOST", host)
        with pytest.raises(Unauthenticated):
            git_folder(url_of(server))
    assert server.seen == []


def test_a_redirect_carries_no_token_to_another_host(
    server: HttpServer, root: Path, pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELYARD_GIT_TOKEN", TOKEN)
    monkeypatch.setenv("MODELYARD_GIT_TOKEN_HOST", host_of(server))
    with git_servers.http_server(root, pair) as other:
        other.users = {TOKEN: "read"}
        server.moved["/models.git"] = f"{other.url.replace('127.0.0.1', 'localhost')}/models.git"
        with pytest.raises(Unauthenticated):
            git_folder(url_of(server))
        assert other.asked
        assert other.seen == []
        other.users = {}
        assert read(git_folder(url_of(server)), "card") == b"y"
        assert other.seen == []


def test_git_has_its_own_helpers_and_they_are_told_no_token_of_ours(
    server: HttpServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "kept"
    (tmp_path / "gitconfig").write_text(f"[credential]\n\thelper = store --file={kept}\n")
    kept.write_text(f"https://ana:{TOKEN}@{host_of(server)}\n")
    assert read(git_folder(url_of(server)), "card") == b"y"
    assert server.seen[0] == ("ana", TOKEN)
    kept.write_text("")
    server.users["tok-fresh"] = "read"
    monkeypatch.setenv("GH_TOKEN", "tok-fresh")
    monkeypatch.setenv("GH_HOST", host_of(server))
    git_folder(url_of(server))
    assert server.seen[-1] == ("x-access-token", "tok-fresh")
    assert kept.read_text() == ""


def test_a_token_stands_in_no_command_line(
    server: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELYARD_GIT_TOKEN", TOKEN)
    monkeypatch.setenv("MODELYARD_GIT_TOKEN_HOST", host_of(server))
    folder = git_folder(url_of(server))
    folder.list()
    server.counted()
    server.stall_after = 100_000
    server.go_on.clear()
    server.stalled.clear()
    fetching = threading.Thread(target=folder.fetch, args=[["churn"]])
    fetching.start()
    assert server.stalled.wait(30)
    lines = [line for line in command_lines() if host_of(server) in line or "git" in line]
    server.go_on.set()
    fetching.join()
    assert any("remote-http" in line for line in lines)
    assert not any(TOKEN in line for line in lines)
    assert len(read(folder, "churn")) == 6_000_000


def command_lines() -> list[str]:
    found: list[str] = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            found.append(
                (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            )
        except OSError:
            continue
    return found


def test_nothing_is_there_and_nobody_answers(server: HttpServer) -> None:
    server.users = {}
    with pytest.raises(NotFound, match="no Git repository at") as absent:
        git_folder(f"{server.url}/absent.git")
    assert "a private one looks like none to a stranger" in str(absent.value)
    with pytest.raises(Unreachable) as silent:
        git_folder(f"https://127.0.0.1:{git_servers.free_port()}/models.git")
    assert describe(silent.value).exit_code == 7


def test_who_never_answers_is_not_waited_for(
    server: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calling, "ASK_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(TimedOut, match=r"git ls-remote did not end in 0\.5 s"):
            git_folder(f"http://127.0.0.1:{port}/models.git")
    # What was killed may take a moment to be gone, on a busy machine.
    wait_until(lambda: not any(f"127.0.0.1:{port}/" in line for line in command_lines()))


def test_a_certificate_nobody_signed(server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GIT_SSL_CAINFO")
    with pytest.raises(Unreachable, match="its TLS certificate is not trusted"):
        git_folder(url_of(server))


def test_which_token_is_whose() -> None:
    def variable(url: str, **environ: str) -> str:
        token = token_for(address_of(url), environ)
        return token.variable if token else ""

    every = dict.fromkeys(
        ("GH_TOKEN", "GITHUB_TOKEN", "GITLAB_TOKEN", "CI_JOB_TOKEN", "BITBUCKET_TOKEN"), "x"
    )
    assert variable("https://github.com/o/r", **every) == "GH_TOKEN"
    assert variable("https://github.com/o/r", GITHUB_TOKEN="x") == "GITHUB_TOKEN"
    assert variable("https://gitlab.com/o/r", **every) == "GITLAB_TOKEN"
    assert variable("https://bitbucket.org/o/r", **every) == "BITBUCKET_TOKEN"
    assert variable("https://GitHub.com:443/o/r", **every) == "GH_TOKEN"
    for url in ("http://github.com/o/r", "ssh://github.com/o/r", "https://github.com.evil.org/o/r",
                "https://evil.org/github.com/o/r", "https://github.com:8443/o/r", "git://github.com/o/r"):  # fmt: skip
        assert variable(url, **every) == ""
    elsewhere = {"GITHUB_TOKEN": "x", "GITHUB_SERVER_URL": "https://git.corp"}
    assert variable("https://git.corp/o/r", **elsewhere) == "GITHUB_TOKEN"
    assert variable("https://github.com/o/r", **elsewhere) == ""
    own = {"MODELYARD_GIT_TOKEN": "x", "MODELYARD_GIT_TOKEN_HOST": "github.com", **every}
    assert variable("https://github.com/o/r", **own) == "MODELYARD_GIT_TOKEN"
    assert "x" not in repr(token_for(address_of("https://github.com/o/r"), {"GH_TOKEN": "xxx"})).replace("x-access", "")  # fmt: skip
    assert variable_for(address_of("https://github.com/o/r"), {}) == "GITHUB_TOKEN"
    assert (
        variable_for(address_of("https://git.corp/o/r"), {"GH_HOST": "git.corp"}) == "GITHUB_TOKEN"
    )
    assert "HOST=git.corp" in variable_for(address_of("https://git.corp/o/r"), {})


# Several processes, and one that is killed


def fetch_churn(url: str) -> None:
    folder = git_folder(url, "main")
    folder.fetch(["churn"])
    assert len(read(folder, "churn")) == 6_000_000


def test_two_processes_fetch_the_same_once(server: HttpServer) -> None:
    server.users = {}
    both = [SPAWN.Process(target=fetch_churn, args=[url_of(server)]) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(60)
    assert [process.exitcode for process in both] == [0, 0]
    assert server.sent < 6_000_000  # half of it is one letter
    packs = [line for line in server.asked if line.startswith("POST")]
    assert len(packs) == 2 + 1 + 1  # the names twice, the commit and the content once


def test_a_fetch_that_was_killed_leaves_a_cache_that_works(server: HttpServer) -> None:
    server.users = {}
    server.stall_after = 1_000_000
    server.go_on.clear()
    server.stalled.clear()
    process = SPAWN.Process(target=fetch_churn, args=[url_of(server)])
    process.start()
    assert server.stalled.wait(60)
    mirror = Mirror(address_of(url_of(server))).folder
    deadline = time.monotonic() + 30  # what was sent is on its way to a file
    while not list(mirror.glob("repository/objects/pack/tmp_pack*")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    calls = [pid for pid in children_of(process.pid or 0) if pid != process.pid]
    assert calls
    for pid in [process.pid or 0, *calls]:
        os.kill(pid, signal.SIGKILL)
    process.join(10)
    server.stall_after = None
    server.go_on.set()
    assert list(mirror.glob("repository/objects/pack/tmp_pack*"))
    (mirror / "repository" / "shallow.lock").touch()
    (mirror / "repository" / "refs" / "kept" / "x.lock").touch()
    fetch_churn(url_of(server))
    left = [
        file.name for file in mirror.rglob("*") if "tmp_" in file.name or file.suffix == ".lock"
    ]
    assert left == []


def children_of(parent: int) -> list[int]:
    """All processes below one, itself too."""
    parents: dict[int, int] = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            fields = (process / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(process.name)] = int(fields[1])
    found = [parent]
    for pid in found:
        found += [child for child, above in parents.items() if above == pid]
    return found


# ssh


@pytest.fixture(scope="module", params=[True, False], ids=["v2", "v0"])
def ssh(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GitHost]:
    with git_host(tmp_path_factory.mktemp("ssh"), protocol=request.param) as server:
        yield server


def test_ssh_reads_with_the_program_that_git_is_told(
    ssh: GitHost,
    origin: Origin,
    server: HttpServer,
    tmp_path: Path,
) -> None:
    url = f"{ssh.url}{origin.bare}"
    (tmp_path / "gitconfig").write_text(f'[core]\n\tsshCommand = "{ssh.command}"\n')
    folder = git_folder(url)
    assert len(read(folder, "churn")) == 6_000_000
    assert read(folder, "card") == b"y"


@pytest.mark.parametrize("ssh", [True], ids=["v2"], indirect=True)
def test_whom_ssh_does_not_know_or_does_not_let_in_is_named(
    ssh: GitHost, origin: Origin, server: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"{ssh.url}{origin.bare}"
    with pytest.raises(Unreachable, match=r"the key of .* is not known to ssh"):
        git_folder(url)
    monkeypatch.setenv("GIT_SSH_COMMAND", ssh.stranger)
    with pytest.raises(Unauthenticated, match="no key that ssh has was accepted") as caught:
        git_folder(url)
    assert "must work without questions" in str(caught.value)
    monkeypatch.setenv("GIT_SSH_COMMAND", ssh.command)
    with pytest.raises(NotFound, match="no Git repository"):
        git_folder(f"{ssh.url}{origin.bare}-absent")


def test_git_daemon(origin: Origin, server: HttpServer) -> None:
    with git_servers.daemon(origin.bare.parent) as url:
        assert read(git_folder(f"{url}/models.git", "main"), "card") == b"y"
        with pytest.raises(NotFound):
            open_repository(f"{url}/absent.git").commit("main")
    with pytest.raises(Unreachable):
        open_repository(f"{url}/models.git").commit("main")
