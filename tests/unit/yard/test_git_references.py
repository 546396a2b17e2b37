"""Every way to refer to a model in a repository, against a server that stands for the web hosts."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import git_servers
import modelyard as my
from git_servers import HttpServer
from modelyard.base.errors import (
    FileMissing,
    InvalidReference,
    NotAllowed,
    NotFound,
    Unauthenticated,
)

TOKEN = "tok-9c1d20"


@pytest.fixture(scope="module")
def commits(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """The same two commits at every path that a web host would have them at: 1 on main (tagged), 2 on feature/x."""
    root = tmp_path_factory.mktemp("hosts")
    origin = git_servers.new_origin(root, "origin")
    my.save({"answer": 1}, origin.work / "models/answer")
    one = origin.commit({}, tag="v1.0.0")
    my.save({"answer": 2}, origin.work / "models/answer")
    two = origin.commit({}, branch="feature/x")
    for place in ("org/models", "group/sub/models.git", "scm/ML/models.git", "scm/~ana/models.git"):
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        git_servers.run(root, "clone", "-q", "--bare", str(origin.bare), place)
        git_servers.run(root / place, "config", "uploadpack.allowFilter", "true")
    return root, [one, two]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return git_servers.certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def running(
    commits: tuple[Path, list[str]], pair: tuple[Path, Path]
) -> Iterator[tuple[HttpServer, str]]:
    with git_servers.http_server(commits[0], pair) as server:
        port = int(server.url.rpartition(":")[2])
        with git_servers.leading_to(port) as proxy:
            yield server, proxy


@pytest.fixture
def hosts(
    running: tuple[HttpServer, str],
    pair: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> HttpServer:
    """All of github.com, gitlab.com, … as this machine sees them."""
    server, proxy = running
    for name, value in {"MODELYARD_CACHE_DIR": tmp_path / "cache", "GIT_CONFIG_GLOBAL": tmp_path / "gitconfig",
                        "GIT_SSL_CAINFO": pair[0], "https_proxy": proxy, "HTTPS_PROXY": proxy}.items():  # fmt: skip
        monkeypatch.setenv(name, str(value))
    for name in ("GITHUB_TOKEN", "GH_TOKEN", "GITLAB_TOKEN", "CI_JOB_TOKEN", "BITBUCKET_TOKEN", "GH_HOST", "GITHUB_SERVER_URL"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    server.users = {}
    server.seen.clear()
    server.counted()
    return server


ADDRESSES = [
    "git+https://github.com/org/models@{rev}#models/answer",
    "git+https://git.corp/group/sub/models.git@{rev}#models/answer",
    "https://github.com/org/models@{rev}#models/answer",
    "https://github.com/org/models/tree/{rev}/models/answer",
    "https://github.com/org/models/blob/{rev}/models/answer.yard.yaml",
    "https://gitlab.com/group/sub/models/-/tree/{rev}/models/answer",
    "https://git.corp/group/sub/models/-/blob/{rev}/models/answer.yard.yaml",
    "https://bitbucket.org/org/models/src/{rev}/models/answer",
    "https://git.corp/projects/ML/repos/models/browse/models/answer?at={rev}",
    "https://git.corp/users/ana/repos/models/browse/models/answer?at={rev}",
    "https://codeberg.org/org/models/src/branch/{rev}/models/answer",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_as_it_is_copied(hosts: HttpServer, address: str) -> None:
    assert my.load(address.format(rev="feature/x")) == {"answer": 2}


def test_a_branch_a_tag_and_a_commit(hosts: HttpServer, commits: tuple[Path, list[str]]) -> None:
    one, two = commits[1]
    revs = ("main", "v1.0.0", one, "feature/x", two)
    for form in (ADDRESSES[0], ADDRESSES[3]):
        found = {rev: my.load(form.format(rev=rev))["answer"] for rev in revs}
        assert found == {"main": 1, "v1.0.0": 1, one: 1, "feature/x": 2, two: 2}
    hosts.counted()
    assert my.load(ADDRESSES[0].format(rev=two)) == {"answer": 2}
    assert hosts.counted() == (0, 0)


def test_a_github_on_a_host_of_its_own(
    hosts: HttpServer, commits: tuple[Path, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with git_servers.http_server(commits[0]) as files, pytest.raises(FileMissing) as caught:
        my.load(f"{files.url}/org/models/tree/main/models/answer")
    assert f"git+{files.url}/org/models@main#models/answer" in str(caught.value)
    address = "https://git.corp/org/models/tree/feature/x/models/answer"
    for variable, value in (("GH_HOST", "git.corp"), ("GITHUB_SERVER_URL", "https://git.corp")):
        with monkeypatch.context() as patch:
            patch.setenv(variable, value)
            assert my.load(address) == {"answer": 2}


@pytest.mark.parametrize(
    ("address", "variable", "user", "refusal"),
    [
        ("https://github.com/org/models", "GITHUB_TOKEN", "x-access-token", "404"),
        ("https://gitlab.com/group/sub/models", "GITLAB_TOKEN", "oauth2", "404"),
        ("https://bitbucket.org/org/models", "BITBUCKET_TOKEN", "x-token-auth", "403"),
    ],
    ids=["github", "gitlab", "bitbucket"],
)
def test_private_repositories_of_each_host(
    hosts: HttpServer,
    monkeypatch: pytest.MonkeyPatch,
    address: str,
    variable: str,
    user: str,
    refusal: str,
) -> None:
    ref = f"{address}@feature/x#models/answer"
    hosts.users = {TOKEN: "read", "tok-stranger": refusal}
    with pytest.raises(Unauthenticated, match=f"set {variable}"):
        my.load(ref)
    monkeypatch.setenv(variable, "tok-wrong")
    with pytest.raises(Unauthenticated, match=f"token in {variable} was not accepted"):
        my.load(ref)
    monkeypatch.setenv(variable, "tok-stranger")
    with pytest.raises(NotFound if refusal == "404" else NotAllowed, match=f"token in {variable}"):
        my.load(ref)
    hosts.seen.clear()
    monkeypatch.setenv(variable, TOKEN)
    assert my.load(ref) == {"answer": 2}
    assert set(hosts.seen) == {(user, TOKEN)}


def test_a_project_and_a_revision_say_it_too(
    hosts: HttpServer, commits: tuple[Path, list[str]]
) -> None:
    root, (one, two) = commits
    url = "git+https://github.com/org/models"
    assert my.load("models/answer", project=url, rev="feature/x") == {"answer": 2}
    assert my.load("models/answer", project=f"{url}@{one}") == {"answer": 1}
    here = root / "origin-work"
    assert my.load("models/answer", project=str(here), rev="main") == {"answer": 1}
    assert my.load("answer", project=str(here / "models"), rev=two) == {"answer": 2}


def test_what_is_not_there_is_named(hosts: HttpServer) -> None:
    with pytest.raises(NotFound, match="no branch, tag or commit 'mian'") as caught:
        my.load("git+https://github.com/org/models@mian#models/answer")
    assert "did you mean 'main'?" in str(caught.value)
    with pytest.raises(NotFound, match="models/anwser") as caught:
        my.load("git+https://github.com/org/models@main#models/anwser")
    assert caught.value.hint == "did you mean 'models/answer'?"
    with pytest.raises(NotFound, match=r"no Git repository at .*/org/absent"):
        my.load("git+https://github.com/org/absent#models/answer")
    with pytest.raises(InvalidReference):
        my.load("git+https://ana:secret@github.com/org/models#x")


def test_the_command_line_says_it_as_well(hosts: HttpServer) -> None:
    ref = "https://github.com/org/models/tree/feature/x/models/answer"
    done = subprocess.run(
        ["modelyard", "show", ref, "--json"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert '"answer"' in done.stdout
    hosts.users = {TOKEN: "read"}
    done = subprocess.run(["modelyard", "show", ref], capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert "set GITHUB_TOKEN" in done.stderr
