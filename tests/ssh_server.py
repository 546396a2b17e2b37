"""A real sshd on loopback, for a user with a key of its own, known to this process or not."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

START_SECONDS = 20


@dataclass(frozen=True)
class Sshd:
    """A running server; ``home`` is the home of whoever asks, with key and known hosts."""

    port: int
    home: Path
    user: str

    @property
    def address(self) -> str:
        return f"sftp://{self.user}@127.0.0.1:{self.port}"


@contextlib.contextmanager
def sshd(folder: Path) -> Iterator[Sshd]:
    """A server that takes one key. It ends with the block."""
    program = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin") or pytest.fail(
        "sshd is missing: apt-get install openssh-server"
    )
    home = folder / "home"
    (home / ".ssh").mkdir(parents=True, mode=0o700)
    for key in (folder / "host", home / ".ssh" / "id_ed25519"):
        _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key))
    allowed = folder / "authorized_keys"
    shutil.copy(home / ".ssh" / "id_ed25519.pub", allowed)
    port = _free_port()
    settings = [
        f"Port {port}",
        "ListenAddress 127.0.0.1",
        f"HostKey {folder / 'host'}",
        f"AuthorizedKeysFile {allowed}",
        f"PidFile {folder / 'pid'}",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "UsePAM no",
        "StrictModes no",
        "PermitRootLogin prohibit-password",
        "MaxStartups 100",
        "Subsystem sftp internal-sftp",
    ]
    (folder / "sshd_config").write_text("\n".join(settings) + "\n")
    Path("/run/sshd").mkdir(exist_ok=True) if os.getuid() == 0 else None
    command = [program, "-D", "-e", "-f", str(folder / "sshd_config")]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stderr=log) as server:
        try:
            _wait_for(port, server, folder / "log")
            host_key = (folder / "host.pub").read_text().split()
            known = f"[127.0.0.1]:{port} {host_key[0]} {host_key[1]}\n"
            (home / ".ssh" / "known_hosts").write_text(known)
            yield Sshd(port, home, getpass.getuser())
        finally:
            server.terminate()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


def _wait_for(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    import time

    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if server.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    pytest.fail(f"sshd did not start: {log.read_text()}")
