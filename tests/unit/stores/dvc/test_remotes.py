"""Remotes on loopback: HTTP, S3, and what is said when they fail."""

from __future__ import annotations

import base64
import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import dvc_project
from modelyard.base.errors import Corrupted, InvalidPath, NotAllowed, NotSupported, Unreachable
from modelyard.stores.apart import pull, push
from modelyard.stores.dvc import filesystems
from modelyard.stores.folders.dvc import with_dvc
from modelyard.stores.folders.local import LocalFolder


class Served(ThreadingHTTPServer):
    """A folder behind HTTP that takes what is sent to it, and remembers what was asked."""

    daemon_threads = True

    def __init__(self, root: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.root = root
        self.asked: list[tuple[str, str, str]] = []
        self.password = ""
        self.redirect = ""
        self.cut = 0
        self.sent = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Served
    protocol_version = "HTTP/1.1"

    def _begin(self) -> bool:
        told = self.headers.get("Authorization", "")
        self.server.asked.append((self.command, self.path, told))
        if self.server.redirect:
            self.send_response(302)
            self.send_header("Location", self.server.redirect + self.path)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return False
        if self.server.password and told != self.server.password:
            self._end(401)
            return False
        return True

    def _end(self, status: int, body: bytes = b"", length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
            self.server.sent += len(body)

    def do_GET(self) -> None:
        if not self._begin():
            return
        file = self.server.root / self.path.lstrip("/")
        if not file.is_file():
            self._end(404)
            return
        data = file.read_bytes()
        if self.server.cut:
            self._end(200, data[: self.server.cut], len(data))
            self.close_connection = True
        else:
            self._end(200, data)

    do_HEAD = do_GET  # noqa: N815

    def do_POST(self) -> None:
        if not self._begin():
            return
        file = self.server.root / self.path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
        self._end(200)

    do_PUT = do_POST  # noqa: N815

    def log_message(self, format: str, *args: object) -> None: ...


@contextlib.contextmanager
def serving(root: Path) -> Iterator[Served]:
    root.mkdir(parents=True, exist_ok=True)
    with Served(root) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Served]:
    with serving(tmp_path / "store") as found:
        yield found


def local_config(root: Path, text: str) -> None:
    (root / ".dvc/config.local").write_text(f"['remote \"store\"']\n{text}\n")


def read(root: Path, path: str) -> bytes:
    with with_dvc(LocalFolder(root)).open(path) as stream:
        return stream.read()


def test_files_come_over_http(tmp_path: Path, server: Served) -> None:
    root = dvc_project.new_project(tmp_path / "project", server.url)
    files = {f"{n}.txt": str(n).encode() for n in range(40)}
    dvc_project.track_folder(root, server.root, "data", files)
    moved = pull([root])
    assert moved.objects == 41
    assert {p.name: p.read_bytes() for p in (root / "data").iterdir()} == files
    server.asked.clear()
    assert pull([root]).unchanged == 40
    assert server.asked == []


def test_files_go_over_http_by_the_method_that_is_set(tmp_path: Path, server: Served) -> None:
    for method, more in (("POST", ""), ("PUT", "    method = PUT\n")):
        root = dvc_project.new_project(tmp_path / method, server.url, more)
        name = dvc_project.track(root, root / ".dvc/cache", "x", method.encode())
        server.asked.clear()
        assert push([root]).objects == 1
        assert [asked[0] for asked in server.asked] == ["HEAD", method]
        assert (server.root / "files/md5" / name[:2] / name[2:]).read_bytes() == method.encode()
        assert push([root]).objects == 0


def test_a_password_goes_to_the_server_it_is_for_and_no_further(
    tmp_path: Path, server: Served
) -> None:
    root = dvc_project.new_project(tmp_path / "project", server.url, "    auth = basic\n")
    dvc_project.track(root, server.root, "x", b"x")
    server.password = "Basic " + base64.b64encode(b"ana:secret").decode()
    with pytest.raises(NotAllowed, match="401"):
        read(root, "x")
    local_config(root, "user = ana\npassword = secret")
    assert read(root, "x") == b"x"
    with serving(tmp_path / "store") as elsewhere:
        dvc_project.track(root, server.root, "y", b"y")
        server.redirect = elsewhere.url
        assert read(root, "y") == b"y"
        assert [told for _, _, told in elsewhere.asked] == [""]
    assert server.asked[-1][2] == server.password


def test_a_password_of_all_repositories_does_not_go_to_one_that_takes_its_name(
    tmp_path: Path, server: Served, reader: Path
) -> None:
    (reader / "dvc").mkdir(parents=True)
    (reader / "dvc/config").write_text(
        "['remote \"store\"']\n    auth = basic\n    user = ana\n    password = secret\n"
    )
    root = dvc_project.new_project(tmp_path / "project", server.url)
    dvc_project.track(root, server.root, "x", b"x")
    assert read(root, "x") == b"x"
    assert [told for _, _, told in server.asked if "secret" in told or told] == []


def test_an_answer_that_breaks_off_is_not_kept(
    tmp_path: Path, server: Served, reader: Path
) -> None:
    root = dvc_project.new_project(tmp_path / "project", server.url)
    dvc_project.track(root, server.root, "x", b"0123456789")
    server.cut = 4
    with pytest.raises(Unreachable, match="broke off"):
        read(root, "x")
    assert not [p for p in (reader / "cache").rglob("*") if p.is_file()]
    server.cut = 0
    assert read(root, "x") == b"0123456789"


def test_a_server_that_deceives_is_found_out(tmp_path: Path, server: Served) -> None:
    root = dvc_project.new_project(tmp_path / "project", server.url)
    name = dvc_project.track(root, server.root, "x", b"right")
    (server.root / "files/md5" / name[:2] / name[2:]).write_bytes(b"wrong")
    with pytest.raises(Corrupted, match="x is damaged in the remote 'store'") as raised:
        read(root, "x")
    assert server.url in str(raised.value)


def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    root = dvc_project.new_project(tmp_path / "project", "http://127.0.0.1:9/store")
    dvc_project.track(root, tmp_path / "s", "x", b"x")
    with pytest.raises(Unreachable, match=r"no answer from http://127\.0\.0\.1:9/store"):
        read(root, "x")


def test_loading_transfers_each_byte_once(tmp_path: Path, server: Served) -> None:
    root = dvc_project.new_project(tmp_path / "project", server.url)
    data = bytes(range(256)) * 20_000
    dvc_project.track(root, server.root, "x", data)
    for _ in range(3):
        assert read(root, "x") == data
    assert server.sent == len(data)


def test_a_model_of_a_repository_elsewhere_costs_one_transfer_of_it(
    tmp_path: Path, server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """100 MB behind HTTP, their pointer in a repository behind another server; loaded twice."""
    import numpy as np

    import git_servers
    import modelyard as my

    origin = git_servers.new_origin(tmp_path / "git")
    dvc_project.new_project(origin.work, server.url)
    model = tmp_path / "model"
    my.save(np.ones(12_500_000), model)
    data = model.read_bytes()
    dvc_project.track(origin.work, server.root, "models/model", data)
    card = (tmp_path / "model.yard.yaml").read_bytes()
    commit = origin.commit({"models/model.yard.yaml": card})
    pair = git_servers.certificate(tmp_path)
    monkeypatch.setenv("GIT_SSL_CAINFO", str(pair[0]))
    with git_servers.http_server(origin.bare.parent, pair) as git:
        ref = f"git+{git.url}/{origin.bare.name}@{commit}#models/model"
        assert my.load(ref).sum() == 12_500_000
        first = git.counted()[1]
        assert server.sent == len(data) > 100_000_000
        assert first < 100_000
        assert my.load(ref).sum() == 12_500_000
        assert (server.sent, git.counted()) == (len(data), (0, 0))


def test_a_remote_behind_ssh_goes_both_ways(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ssh_server import sshd

    with sshd(tmp_path / "ssh") as running:
        monkeypatch.setenv("HOME", str(running.home))
        url = f"ssh://{running.user}@127.0.0.1:{running.port}{tmp_path}/far"
        root = dvc_project.new_project(tmp_path / "project", url)
        dvc_project.track_folder(root, root / ".dvc/cache", "data", {"a": b"1", "b/c": b"22"})
        assert push([root]).objects == 3
        assert push([root]).objects == 0
        clone = dvc_project.new_project(tmp_path / "clone", url)
        (clone / "data.dvc").write_bytes((root / "data.dvc").read_bytes())
        assert pull([clone]).objects == 3
        assert (clone / "data/b/c").read_bytes() == b"22"
        (running.home / ".ssh/known_hosts").unlink()
        other = dvc_project.new_project(tmp_path / "other", url)
        (other / "data.dvc").write_bytes((root / "data.dvc").read_bytes() + b"\n")
        (root / ".dvc/cache").rename(tmp_path / "gone")
        with pytest.raises(NotAllowed, match="not known here"):
            push([root], remote="store")


@pytest.fixture
def bucket(s3_server: str) -> str:
    import secrets

    import s3fs

    name = f"dvc-{secrets.token_hex(6)}"
    s3fs.S3FileSystem(
        key="test",
        secret="test",
        endpoint_url=s3_server,
        use_listings_cache=False,
        skip_instance_cache=True,
    ).mkdir(name)
    return name


KEYS = "access_key_id = test\nsecret_access_key = test"


def test_files_and_folders_go_to_a_bucket_and_come_back(
    tmp_path: Path, s3_server: str, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filesystems, "ONE_BY_ONE", 10)
    url = f"s3://{bucket}/some/where"
    root = dvc_project.new_project(tmp_path / "project", url, f"    endpointurl = {s3_server}\n")
    local_config(root, KEYS)
    large = bytes(range(256)) * (80 << 10)  # more than a part
    dvc_project.track(root, root / ".dvc/cache", "models/x", large)
    files = {f"{n}.txt": str(n).encode() for n in range(12)}  # enough to be looked up by listing
    dvc_project.track_folder(root, root / ".dvc/cache", "data", files)
    assert push([root]).objects == 14
    again = push([root])
    assert (again.objects, again.unchanged) == (0, 14)
    clone = dvc_project.new_project(tmp_path / "clone", url, f"    endpointurl = {s3_server}\n")
    local_config(clone, KEYS)
    for pointer in ("models/x.dvc", "data.dvc"):
        (clone / pointer).parent.mkdir(exist_ok=True)
        (clone / pointer).write_bytes((root / pointer).read_bytes())
    assert read(clone, "models/x") == large
    assert pull([clone]).unchanged == 0
    assert {p.name: p.read_bytes() for p in (clone / "data").iterdir()} == files


def test_own_keys_are_not_shown_to_an_endpoint_of_the_repository(
    tmp_path: Path, server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server would see them in the header of each request."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "MYKEY")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    root = dvc_project.new_project(
        tmp_path / "project",
        "s3://bucket/x",
        f"    endpointurl = {server.url}\n    region = eu-west-1\n",
    )
    dvc_project.track(root, tmp_path / "s", "x", b"x")
    server.password = "nobody has it"
    with pytest.raises((NotAllowed, Unreachable)) as raised:
        read(root, "x")
    assert server.asked
    assert all("MYKEY" not in told for _, _, told in server.asked)
    if isinstance(raised.value, NotAllowed):
        assert "own credentials are not sent" in str(raised.value)
    server.asked.clear()
    local_config(root, f"endpointurl = {server.url}")
    with pytest.raises((NotAllowed, Unreachable)):
        read(root, "x")
    assert any("MYKEY" in told for _, _, told in server.asked)


@pytest.mark.parametrize(
    ("url", "more", "said"),
    [
        ("gdrive://folder", "", "only DVC itself"),
        ("s3://b/x", "    version_aware = true\n", "versions of the bucket"),
        ("https://h/x", "    auth = digest\n", "digest"),
    ],
)
def test_what_only_dvc_can_reach_says_so(tmp_path: Path, url: str, more: str, said: str) -> None:
    root = dvc_project.new_project(tmp_path / "project", url, more)
    dvc_project.track(root, tmp_path / "s", "x", b"x")
    with pytest.raises(NotSupported, match=said) as raised:
        read(root, "x")
    assert "modelyard[dvc]" in str(raised.value)


def test_a_question_for_a_password_is_not_asked(tmp_path: Path, server: Served) -> None:
    root = dvc_project.new_project(tmp_path / "project", server.url, "    auth = basic\n")
    local_config(root, "ask_password = true")
    dvc_project.track(root, server.root, "x", b"x")
    with pytest.raises(NotSupported, match="wants to ask for its password"):
        read(root, "x")


def test_a_store_beside_a_repository_elsewhere_cannot_be_meant(tmp_path: Path) -> None:
    import git_servers
    from modelyard.stores.folders.git import git_folder

    origin = git_servers.new_origin(tmp_path / "git")
    dvc_project.new_project(origin.work, "../../store")
    dvc_project.track(origin.work, tmp_path / "s", "x", b"x")
    origin.commit({"a": b""})
    folder = with_dvc(git_folder(origin.bare))
    with pytest.raises(InvalidPath, match="not on this machine"):
        folder.open("x")
