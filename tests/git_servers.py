"""Git servers on loopback, started by the tests and ended by their id: ``git daemon``, HTTP(S) and ssh.

The HTTP server runs stock ``git http-backend``, with TLS and passwords, and counts what it is asked and what it sends.
"""

from __future__ import annotations

import base64
import contextlib
import io
import os
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

START_SECONDS = 20.0
_QUIET = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_AUTHOR_NAME": "Ana",
    "GIT_AUTHOR_EMAIL": "ana@example.org",
    "GIT_COMMITTER_NAME": "Ana",
    "GIT_COMMITTER_EMAIL": "ana@example.org",
    "GIT_TERMINAL_PROMPT": "0",
}


def run(folder: Path, *words: str, input: bytes | None = None, **environment: str) -> str:
    """What ``git words…`` prints, for a user without configuration."""
    around = {**os.environ, **_QUIET, **environment}
    done = subprocess.run(
        ["git", *words], cwd=folder, env=around, input=input, capture_output=True, check=False
    )
    assert done.returncode == 0, f"git {words}: {done.stderr.decode()}"
    return done.stdout.decode().rstrip("\n")


@dataclass
class Origin:
    """A bare repository with a worktree beside it to make commits in."""

    bare: Path
    work: Path

    def commit(self, files: dict[str, bytes], branch: str = "main", tag: str = "") -> str:
        """Commit files to a branch (made when it is new), tag that, push all, and return the commit's id."""
        heads = run(self.work, "branch", "--list", branch)
        run(self.work, "checkout", "-q", *([] if heads else ["-B"]), branch)
        for path, data in files.items():
            target = self.work / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        run(self.work, "add", "-A")
        run(self.work, "commit", "-q", "--allow-empty", "-m", f"files {sorted(files)}")
        if tag:
            run(self.work, "tag", "-a", tag, "-m", tag)
        self.push()
        return run(self.work, "rev-parse", "HEAD")

    def push(self) -> None:
        """All branches and tags."""
        run(self.work, "push", "-q", "-f", "--prune", str(self.bare), "refs/heads/*", "refs/tags/*")


def new_origin(folder: Path, name: str = "models", *, filters: bool = True) -> Origin:
    """An empty repository ``<folder>/<name>.git``; its server may be asked to leave contents out, or may not."""
    bare, work = folder / f"{name}.git", folder / f"{name}-work"
    folder.mkdir(parents=True, exist_ok=True)
    run(folder, "init", "-q", "--bare", "-b", "main", str(bare))
    run(folder, "init", "-q", "-b", "main", str(work))
    run(bare, "config", "uploadpack.allowFilter", "true" if filters else "false")
    run(bare, "config", "http.receivepack", "true")
    return Origin(bare, work)


# HTTP


@dataclass
class HttpServer:
    """What a server was asked, and what it answers."""

    root: Path
    url: str = ""
    users: dict[str, str] = field(default_factory=dict[str, str])
    """Secret -> ``read``, or the status that its owner sees. Without any, everybody may read."""
    moved: dict[str, str] = field(default_factory=dict[str, str])
    """Path of a repository -> the URL to redirect its callers to."""
    asked: list[str] = field(default_factory=list[str])
    """``GET /models.git/info/refs?service=…`` and the like, in order."""
    seen: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """User and secret of every call that had some."""
    sent: int = 0
    """Bytes of bodies."""
    stall_after: int | None = None
    """After so many bytes of a pack nothing more comes."""
    stalled: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)

    def counted(self) -> tuple[int, int]:
        """How many calls and bytes since the last time."""
        found = len(self.asked), self.sent
        self.asked.clear()
        self.sent = 0
        return found


@contextlib.contextmanager
def http_server(root: Path, certificate: tuple[Path, Path] | None = None) -> Iterator[HttpServer]:
    """Serve the bare repositories of a folder; over TLS, when there is a certificate and its key."""
    state = HttpServer(root)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None: ...

        def do_GET(self) -> None:
            _answer(self, state)

        do_POST = do_GET  # noqa: N815

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(
            self, request: object, client_address: object
        ) -> None: ...  # a client that went

    server = Server(("127.0.0.1", 0), Handler)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    state.url = f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield state
    finally:
        state.go_on.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _answer(call: BaseHTTPRequestHandler, state: HttpServer) -> None:
    state.asked.append(f"{call.command} {call.path}")
    body = _body(call)
    repository = re.split(r"/(info/refs|git-upload-pack|git-receive-pack)", call.path)[0]
    if target := state.moved.get(repository):
        _reply(call, 301, {"Location": target + call.path.removeprefix(repository)})
    elif status := _refusal(call, state):
        _reply(call, status, {"WWW-Authenticate": 'Basic realm="git"'} if status == 401 else {})
    else:
        _backend(call, state, body)


def _body(call: BaseHTTPRequestHandler) -> bytes:
    if call.headers.get("Transfer-Encoding", "").lower() != "chunked":
        return call.rfile.read(int(call.headers.get("Content-Length") or 0))
    parts: list[bytes] = []
    while size := int(call.rfile.readline(), 16):
        parts.append(call.rfile.read(size))
        call.rfile.readline()
    call.rfile.readline()
    return b"".join(parts)


def _refusal(call: BaseHTTPRequestHandler, state: HttpServer) -> int:
    """The status for who may not read, as web hosts answer: 401 without a token and for a wrong one; for one that has no
    rights there 404 (GitHub, GitLab) or 403 (Bitbucket)."""
    kind, _, coded = call.headers.get("Authorization", "").partition(" ")
    user, _, secret = (
        base64.b64decode(coded).decode().partition(":") if kind == "Basic" else ("", "", "")
    )
    if kind:
        state.seen.append((user, secret))
    if not state.users:
        return 0
    if secret not in state.users:
        return 401
    return 0 if state.users[secret] == "read" else int(state.users[secret])


def _reply(call: BaseHTTPRequestHandler, status: int, headers: dict[str, str]) -> None:
    call.send_response(status)
    for name, value in {**headers, "Content-Length": "0"}.items():
        call.send_header(name, value)
    call.end_headers()


def _backend(call: BaseHTTPRequestHandler, state: HttpServer, body: bytes) -> None:
    url = urlsplit(call.path)
    around = {
        **os.environ,
        **_QUIET,
        "GIT_PROJECT_ROOT": str(state.root),
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_PROTOCOL": call.headers.get("Git-Protocol", ""),
        "PATH_INFO": unquote(url.path),
        "QUERY_STRING": url.query,
        "REQUEST_METHOD": call.command,
        "CONTENT_TYPE": call.headers.get("Content-Type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_CONTENT_ENCODING": call.headers.get("Content-Encoding", ""),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
    }
    with subprocess.Popen(
        ["git", "http-backend"], env=around, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:  # fmt: skip
        assert process.stdin
        assert isinstance(process.stdout, io.BufferedReader)
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(body)
            process.stdin.close()
        headers: dict[str, str] = {}
        while line := process.stdout.readline().strip().decode():
            name, _, value = line.partition(": ")
            headers[name] = value
        call.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in {**headers, "Transfer-Encoding": "chunked"}.items():
            call.send_header(name, value)
        call.end_headers()
        try:
            while part := process.stdout.read1(1 << 16):
                _send(call, state, part)
            call.wfile.write(b"0\r\n\r\n")
        except OSError:  # the client went
            process.kill()
            call.close_connection = True


def _send(call: BaseHTTPRequestHandler, state: HttpServer, part: bytes) -> None:
    if state.stall_after is not None and state.sent + len(part) > state.stall_after:
        state.stalled.set()
        state.go_on.wait(60)
    call.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
    state.sent += len(part)


@contextlib.contextmanager
def leading_to(port: int) -> Iterator[str]:
    """A proxy that brings every caller to a port of this machine, whatever host is asked for: its URL."""

    class Tunnel(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None: ...

        def do_CONNECT(self) -> None:
            with socket.create_connection(("127.0.0.1", port)) as there:
                self.send_response(200)
                self.end_headers()
                back = threading.Thread(target=_pump, args=[there, self.connection])
                back.start()
                _pump(self.connection, there)
                back.join()
            self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Tunnel)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while part := source.recv(1 << 16):
            target.sendall(part)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


HOSTS = ("localhost", "github.com", "gitlab.com", "bitbucket.org", "codeberg.org", "git.corp")


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and all of `HOSTS` that signs itself, and its key."""
    names = ",".join(["IP:127.0.0.1", *(f"DNS:{host}" for host in HOSTS)])
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", f"subjectAltName={names}",
         "-keyout", str(key), "-out", str(cert)],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return cert, key


# git daemon


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def daemon(root: Path) -> Iterator[str]:
    """Stock ``git daemon`` over a folder; its URL."""
    port = free_port()
    command = ["git", "daemon", "--reuseaddr", "--export-all", f"--base-path={root}", "--listen=127.0.0.1", f"--port={port}", str(root)]  # fmt: skip
    around = {**os.environ, **_QUIET, "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}  # fmt: skip
    with running(command, port, around):
        yield f"git://127.0.0.1:{port}"


@contextlib.contextmanager
def running(command: list[str], port: int, around: dict[str, str] | None = None) -> Iterator[None]:
    """A program that listens on a port; it ends with the block, and with all that it started."""
    process = subprocess.Popen(
        command, env=around, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )  # fmt: skip
    try:
        _wait_for(port, process)
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 15)
        process.wait(10)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, f"{process.args} ended with {process.returncode}"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    sys.exit(f"{process.args} does not listen")
