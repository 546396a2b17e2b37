"""A repository of the internet that leads to this machine or its network. 127.0.0.2 plays the internet here."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import dvc_project
from modelyard.base import outbound
from modelyard.base.errors import InvalidInput, InvalidReference, NotAllowed, NotFound
from modelyard.stores.dvc.project import Project
from modelyard.stores.folders.dvc import with_dvc
from modelyard.stores.folders.local import LocalFolder


class Far(LocalFolder):
    """A folder that says it is of a repository behind a URL."""

    repo = "https://127.0.0.2/models"

    @property
    def provenance(self) -> dict[str, Any]:
        return {"git": {"repo": self.repo}}


class Server(ThreadingHTTPServer):
    """Sends everybody on."""

    daemon_threads = True

    def __init__(self, host: str, target: str) -> None:
        super().__init__((host, 0), Handler)
        self.target, self.asked = target, 0

    @property
    def url(self) -> str:
        return f"http://{self.server_address[0]}:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Server  # type: ignore[assignment]

    def do_GET(self) -> None:
        self.server.asked += 1
        self.send_response(302 if self.server.target else 404)
        self.send_header("Location", self.server.target)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None: ...


def serving(host: str, target: str = "") -> Iterator[Server]:
    with Server(host, target) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def inside() -> Iterator[Server]:
    yield from serving("127.0.0.1")


@pytest.fixture
def outside(inside: Server) -> Iterator[Server]:
    yield from serving("127.0.0.2", f"{inside.url}/admin?stop=1")


@pytest.fixture(autouse=True)
def internet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbound, "_is_global", lambda address: address == "127.0.0.2")
    monkeypatch.setattr("modelyard.stores.dvc.project._on_this_machine", lambda folder, root: None)


def project(tmp_path: Path, url: str, more: str = "") -> Far:
    root = dvc_project.new_project(tmp_path / "project", url, more)
    dvc_project.track(root, tmp_path / "store", "model.bin", b"weights")
    return Far(root)


@pytest.mark.parametrize(
    ("url", "more"),
    [
        ("{inside}/x?y=", ""),
        ("ssh://127.0.0.1/x", ""),
        ("s3://b/x", "    endpointurl = {inside}\n"),
        ("//files/share", ""),
    ],
    ids=["http", "ssh", "s3", "share"],
)
def test_it_may_not_name_an_address_inside(
    tmp_path: Path, inside: Server, url: str, more: str
) -> None:
    far = project(tmp_path, url.format(inside=inside.url), more.format(inside=inside.url))
    with pytest.raises(NotAllowed, match="its network"):
        Project(far).remote(None)
    assert inside.asked == 0


def test_what_the_reader_names_too_is_called(tmp_path: Path, reader: Path, inside: Server) -> None:
    (reader / "dvc").mkdir(parents=True)
    (reader / "dvc/config").write_text(f"['remote \"ours\"']\n    url = {inside.url}\n")
    with pytest.raises(NotFound, match=r"model\.bin"):
        with_dvc(project(tmp_path, inside.url)).open("model.bin")
    assert inside.asked == 2


def test_one_that_is_inside_itself_may(tmp_path: Path, inside: Server) -> None:
    far = project(tmp_path, inside.url)
    far.repo = "https://127.0.0.1/models"
    with pytest.raises(NotFound, match=r"model\.bin"):
        with_dvc(far).open("model.bin")
    assert inside.asked == 2


def test_no_redirect_leads_inside(tmp_path: Path, inside: Server, outside: Server) -> None:
    with pytest.raises(NotAllowed, match="redirects"):
        with_dvc(project(tmp_path, outside.url)).open("model.bin")
    assert (outside.asked, inside.asked) == (1, 0)


def test_an_account_is_no_host(tmp_path: Path) -> None:
    pytest.importorskip("adlfs")
    far = project(tmp_path, "azure://box/x", "    account_name = evil.example/?\n")
    with pytest.raises(InvalidInput, match="account"):
        Project(far).remote(None)


def test_a_host_is_no_command(tmp_path: Path) -> None:
    pytest.importorskip("paramiko")
    far = project(tmp_path, "ssh://$(touch ran)/x")
    with pytest.raises(InvalidReference, match="names no host"):
        Project(far).remote(None)
