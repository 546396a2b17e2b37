"""Calls to URLs: against real servers on this machine."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from modelyard.base.errors import FileMissing, InvalidInput, NotAllowed, TooLarge, Unreachable
from modelyard.base.outbound import fetch, is_url


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    elsewhere = ""

    def do_GET(self) -> None:
        getattr(
            self, "send_" + self.path.strip("/").split("/")[0].partition("?")[0], self.send_none
        )()

    def send_none(self) -> None:
        self.send_error(404)

    def send_dog(self) -> None:
        assert self.headers["Accept-Encoding"] == "identity"
        self.answer(b"RIFF" * 1000, ("Content-Type", "audio/wav"))

    def answer(self, body: bytes, *headers: tuple[str, str]) -> None:
        self.send_response(200)
        for name, value in (*headers, ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def send_chunks(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for _ in range(100):
            self.wfile.write(b"3e8\r\n" + b"x" * 1000 + b"\r\n")
        self.wfile.write(b"0\r\n\r\n")

    def send_short(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b"x" * 50)
        self.close_connection = True

    def send_away(self) -> None:
        self.redirect("/dog/short.wav")

    def send_round(self) -> None:
        self.redirect("/round")

    def send_other(self) -> None:
        self.redirect(Handler.elsewhere)

    def send_gopher(self) -> None:
        self.redirect("gopher://127.0.0.1/")

    def send_broken(self) -> None:
        self.send_error(503)

    def redirect(self, target: str) -> None:
        self.send_response(302)
        self.send_header("Location", target)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_url_gives_its_content_and_a_name(url: str) -> None:
    found = fetch(f"{url}/dog/short%20phrase.wav?x=1", local=True)
    assert found.content == b"RIFF" * 1000
    assert (found.content_type, found.name) == ("audio/wav", "short phrase.wav")


def test_a_redirect_on_the_same_host_is_followed(url: str) -> None:
    assert fetch(f"{url}/away", local=True).url == f"{url}/dog/short.wav"


def test_redirects_end(url: str) -> None:
    with pytest.raises(Unreachable, match="redirects more than 5 times"):
        fetch(f"{url}/round", local=True)


def test_a_redirect_to_another_place_on_this_machine_is_not_followed(url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        Handler.elsewhere = f"http://127.0.0.1:{other.getsockname()[1]}/"
        with pytest.raises(NotAllowed, match="not an address of the internet"):
            fetch(f"{url}/other", local=True)
        other.settimeout(0.1)
        with pytest.raises(TimeoutError):
            other.accept()


def test_a_redirect_to_another_protocol_is_not_followed(url: str) -> None:
    with pytest.raises(InvalidInput, match="no http"):
        fetch(f"{url}/gopher", local=True)


@pytest.mark.parametrize("path", ["dog", "chunks"])
def test_what_is_larger_than_the_limit_is_refused(url: str, path: str) -> None:
    with pytest.raises(TooLarge, match="more than 3999 bytes"):
        fetch(f"{url}/{path}", limit=3999, local=True)


@pytest.mark.parametrize(
    ("path", "error", "message"),
    [
        ("nothing", FileMissing, "answered 404"),
        ("broken", Unreachable, "answered 503"),
        ("short", Unreachable, "no answer|broke off"),
    ],
)
def test_what_is_no_answer(url: str, path: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        fetch(f"{url}/{path}", local=True)


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(Unreachable, match="no answer from http"):
        fetch(f"http://127.0.0.1:{port}/", local=True)


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_a_server_that_drips_is_left_in_time(sent: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(sent)
                try:
                    for _ in range(100):
                        connection.sendall(b"x")
                        time.sleep(0.05)
                except OSError:
                    return

        threading.Thread(target=drip, daemon=True).start()
        with pytest.raises(Unreachable, match="took too long"):
            fetch(f"http://127.0.0.1:{server.getsockname()[1]}/", seconds=0.5, local=True)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "127.1", "0x7f000001", "2130706433", "017700000001", "0.0.0.0", "[::1]", "[::]",
        "[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]", "10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254",
        "100.64.0.1", "[fe80::1]", "[fd00::1]", "224.0.0.1", "[2002:7f00:1::]", "255.255.255.255",
    ],
)  # fmt: skip
def test_addresses_that_are_not_of_the_internet_are_not_called(host: str) -> None:
    with pytest.raises((NotAllowed, Unreachable)) as raised:
        fetch(f"http://{host}:9/x", seconds=2)
    # A spelling that this system does not resolve leads nowhere either.
    assert isinstance(raised.value, NotAllowed) or "[Errno -" in str(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "ftp://example.org/x", "http://", "http://[::1", "http://a:b@127.0.0.1/", "http://h:99999/",
        "http://127.0.0.1/a b", "http://127.0.0.1/\r\nX: y", "http://ex\u00e4mple.org/", "http://h/" + "x" * 5000,
    ],
)  # fmt: skip
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput):
        fetch(url, local=True)


def test_words_that_are_urls() -> None:
    assert is_url("HTTPS://example.org")
    assert not is_url("s3://bucket/x")
    assert not is_url("https")
