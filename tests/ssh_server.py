"""A real sshd on loopback, for a user with a key of its own, known to this process or not."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from git_servers import free_port, running


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
def sshd(folder: Path, *more: str) -> Iterator[Sshd]:
    """A server that takes one key, with more lines of configuration. It ends with the block."""
    program = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin") or pytest.fail(
        "sshd is missing: apt-get install openssh-server"
    )
    home = folder / "home"
    (home / ".ssh").mkdir(parents=True, mode=0o700)
    for key in (folder / "host", home / ".ssh" / "id_ed25519"):
        _make_key(key)
    allowed = folder / "authorized_keys"
    shutil.copy(home / ".ssh" / "id_ed25519.pub", allowed)
    port = free_port()
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
        *more,
    ]
    (folder / "sshd_config").write_text("\n".join(settings) + "\n")
    Path("/run/sshd").mkdir(exist_ok=True) if os.getuid() == 0 else None
    command = [program, "-D", "-E", str(folder / "log"), "-f", str(folder / "sshd_config")]
    host_key = (folder / "host.pub").read_text().split()
    known = f"[127.0.0.1]:{port} {host_key[0]} {host_key[1]}\n"
    (home / ".ssh" / "known_hosts").write_text(known)
    with running(command, port):
        yield Sshd(port, home, getpass.getuser())


@dataclass(frozen=True)
class GitHost:
    """A server that lets one key in, and the command by which ssh calls it."""

    url: str
    command: str
    stranger: str
    """The same with a key that is not let in."""


@contextlib.contextmanager
def git_host(folder: Path, *, protocol: bool = True) -> Iterator[GitHost]:
    """Repositories of this machine behind ssh. ``protocol``: whether Git may say that it speaks version 2."""
    with sshd(folder, *(["AcceptEnv GIT_PROTOCOL"] if protocol else [])) as server:
        keys = server.home / ".ssh"
        _make_key(folder / "other")
        usual = f"ssh -F none -o IdentitiesOnly=yes -o UserKnownHostsFile={keys}/known_hosts"
        yield GitHost(
            f"ssh://127.0.0.1:{server.port}",
            f"{usual} -i {keys}/id_ed25519",
            f"{usual} -i {folder}/other",
        )


def _make_key(file: Path) -> None:
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(file)]
    subprocess.run(words, check=True, capture_output=True)
