"""Debian's nginx with the configuration of `examples/hub/compose`, in front of hubs of this machine."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import ssl
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from arch.source import ROOT
from servers import account, serving, temporary_folder

CONFIGURATION = ROOT / "examples/hub/compose/nginx.conf"
NAME = "localhost"


def program() -> str:
    """The nginx of this machine."""
    found = shutil.which("nginx", path=os.pathsep.join((os.environ["PATH"], "/usr/sbin")))
    if found is None:
        pytest.fail("no nginx: apt-get install nginx-light")
    return found


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(contextlib.closing(socket.socket())) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for ``localhost`` that nobody but the test trusts, and its key."""
    key, made = folder / "tls.key", folder / "tls.crt"
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    words += ["-nodes", "-days", "2", "-subj", f"/CN={NAME}", "-addext"]
    words += [f"subjectAltName=DNS:{NAME}", "-keyout", str(key), "-out", str(made)]
    subprocess.run(words, check=True, capture_output=True)
    for path in (key, made):
        if to := account():
            os.chown(path, to.user, to.group)
    return made, key


def substituted(folder: Path, hubs: Sequence[int], plain: int, tls: int) -> str:
    """The example with addresses, certificate and its folder for temporary files replaced: nothing else."""
    text = CONFIGURATION.read_text("utf-8")
    made, key = certificate(folder)
    for there, here in (
        ("/tmp/", f"{folder}/tmp/"),
        ("hub-a:5000", f"127.0.0.1:{hubs[0]}"),
        ("hub-b:5000", f"127.0.0.1:{hubs[1]}"),
        ("listen 8080;", f"listen 127.0.0.1:{plain};"),
        ("listen 8443 ssl;", f"listen 127.0.0.1:{tls} ssl;"),
        ("/run/secrets/tls_certificate", str(made)),
        ("/run/secrets/tls_key", str(key)),
        ("/dev/stdout", f"{folder}/access"),
        ("/dev/stderr", f"{folder}/errors"),
    ):
        assert text.count(there) >= 1, there
        text = text.replace(there, here)
    return text


class Nginx:
    """A running proxy. ``url`` is where it answers, ``trust`` is a client's context that knows its certificate."""

    def __init__(self, folder: Path, plain: int, tls: int) -> None:
        self.plain = f"http://{NAME}:{plain}"
        self.url = f"https://{NAME}:{tls}"
        self.folder = folder
        self.trust = ssl.create_default_context(cafile=str(folder / "tls.crt"))

    def answered_by(self) -> list[str]:
        """Of the requests so far, the address of the hub that answered each."""
        return [line.split()[6] for line in (self.folder / "access").read_text().splitlines()]


@contextlib.contextmanager
def nginx(hubs: Sequence[int]) -> Iterator[Nginx]:
    """A proxy in front of two hubs."""
    plain, tls = free_ports(2)
    with temporary_folder("nginx") as folder:
        (folder / "tmp").mkdir()
        if to := account():
            os.chown(folder / "tmp", to.user, to.group)
        configuration = folder / "nginx.conf"
        text = substituted(folder, hubs, plain, tls)
        configuration.write_text(text)
        command = [program(), "-e", f"{folder}/errors", "-c", configuration, "-g", "daemon off;"]
        connect = lambda: socket.create_connection(("127.0.0.1", tls), timeout=2)  # noqa: E731
        with serving(command, folder, connect, signal.SIGQUIT):
            yield Nginx(folder, plain, tls)
