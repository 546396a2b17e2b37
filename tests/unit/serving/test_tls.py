"""TLS on a real server: whom it lets in, and what it says of files that are wrong."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from modelyard.base.errors import InvalidSetting, Unreachable
from modelyard.serving.client import Client
from modelyard.serving.tls import Tls, server_context, tls_options
from serving_cases.certificates import Authority, authority
from serving_cases.models import iris, records
from serving_cases.server import serving


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("tls") / "ours")


def url_of(client: httpx2.Client) -> str:
    return str(client.base_url).rstrip("/")


@pytest.fixture(scope="module")
def server(ours: Authority) -> Iterator[str]:
    cert, key = ours.issue("server")
    with serving(iris(), tls_cert=cert, tls_key=key) as client:
        yield url_of(client)


@pytest.fixture(scope="module")
def closed(ours: Authority) -> Iterator[str]:
    cert, key = ours.issue("server")
    with serving(iris(), tls_cert=cert, tls_key=key, tls_client_ca=ours.file) as client:
        yield url_of(client)


def test_https_for_who_trusts_the_authority(server: str, ours: Authority) -> None:
    assert server.startswith("https://127.0.0.1:")
    context = ssl.create_default_context(cafile=ours.file)
    with httpx2.Client(base_url=server, verify=context) as client:
        assert client.post("/predict", json=records()).status_code == 200
        assert client.get("/docs", follow_redirects=True).status_code == 200
    assert shutil.which("curl"), "this test needs curl"
    done = subprocess.run(
        ["curl", "-sS", "--cacert", ours.file, f"{server}/healthz"],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert done.stdout == '{"status":"ok"}'


def test_our_own_client_trusts_by_a_file(server: str, ours: Authority) -> None:
    with Client(server, verify=ours.file) as client:
        assert len(client.predict(records())) == 2
    with pytest.raises(Unreachable, match="certificate"):
        Client(server)


def test_plain_http_and_old_versions_are_not_answered(server: str, ours: Authority) -> None:
    host, port = server.removeprefix("https://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as plain:
        plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        received = b""
        try:
            while part := plain.recv(1000):
                received += part
        except ConnectionError:
            pass
        assert not received.startswith(b"HTTP")
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = ssl.create_default_context(cafile=ours.file)
        context.minimum_version = context.maximum_version = version
        with (
            socket.create_connection((host, int(port)), timeout=30) as raw,
            context.wrap_socket(raw, server_hostname=host) as wrapped,
        ):
            assert wrapped.version() == version.name.replace("_", ".")
    assert server_context(Tls(*ours.issue("old"))).minimum_version == ssl.TLSVersion.TLSv1_2


def test_only_clients_with_a_certificate_are_let_in(
    closed: str, ours: Authority, tmp_path: Path
) -> None:
    def ask(*cert: str) -> int:
        context = ssl.create_default_context(cafile=ours.file)
        if cert:
            context.load_cert_chain(*cert)
        with httpx2.Client(base_url=closed, verify=context) as client:
            return client.get("/healthz").status_code

    assert ask(*ours.issue("client")) == 200
    with pytest.raises(httpx2.TransportError):
        ask()
    with pytest.raises(httpx2.TransportError):
        ask(*authority(tmp_path / "theirs").issue("stranger"))


def test_half_of_it_is_refused() -> None:
    assert tls_options(None, None, None) is None
    for given in (("a", None, None), (None, "b", None), (None, None, "c")):
        with pytest.raises(InvalidSetting, match="TLS needs tls_cert and tls_key"):
            tls_options(*given)


def test_files_that_are_wrong_are_named_and_not_shown(ours: Authority, tmp_path: Path) -> None:
    cert, key = ours.issue("right")
    _, other = ours.issue("another")
    _, locked = ours.issue("locked", password=b"pw")
    secret = Path(key).read_text().splitlines()[1]
    text = tmp_path / "text"
    text.write_text("no PEM at all")
    for given, says in (
        (Tls("/no/such", key), "tls_cert: /no/such cannot be read"),
        (Tls(cert, "/no/such"), "tls_key: /no/such cannot be read"),
        (Tls(cert, other), "do not work together"),
        (Tls(cert, locked), "do not work together"),
        (Tls(str(text), key), "do not work together"),
        (Tls(cert, key, str(text)), "holds no certificates"),
        (Tls(cert, key, "/no/such"), "tls_client_ca: /no/such cannot be read"),
    ):
        with pytest.raises(InvalidSetting, match=says) as refused:
            server_context(given)
        assert secret not in str(refused.value)
