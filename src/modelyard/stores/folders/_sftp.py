"""SFTP as the user's own ``ssh`` does it: keys, agent, ``~/.ssh/config``, and only hosts that are known."""

from __future__ import annotations

import contextlib
import functools
import getpass
import queue
import re
import threading
import weakref
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any

import paramiko
from fsspec.implementations.sftp import SFTPFileSystem

from modelyard.base.errors import InvalidReference, NotAllowed, Unreachable

SECONDS = 15.0


CHANNELS = 4
"""Conversations over one connection; a server allows ten."""


class KnownHosts(SFTPFileSystem):
    """A connection to a host whose key the user has accepted before. Threads may share it: each call has a channel to
    itself, for on one of two threads takes the other's answer."""

    cachable = False  # a connection that broke is not handed out again

    def _connect(self) -> None:
        self.client = paramiko.SSHClient()
        for file in ("/etc/ssh/ssh_known_hosts", Path.home() / ".ssh" / "known_hosts"):
            if Path(file).is_file():
                self.client.load_system_host_keys(str(file))
        self.client.set_missing_host_key_policy(paramiko.RejectPolicy())
        self.client.connect(self.host, **self.ssh_kwargs)
        weakref.finalize(self, self.client.close)
        self._mine = threading.local()
        self._free: queue.LifoQueue[paramiko.SFTPClient] = queue.LifoQueue()
        self._allowed = threading.BoundedSemaphore(CHANNELS)

    @contextlib.contextmanager
    def channel(self) -> Generator[paramiko.SFTPClient]:
        """A conversation of one's own; within the block, the same one."""
        if (mine := getattr(self._mine, "channel", None)) is not None:
            yield mine
            return
        with self._allowed:
            try:
                self._mine.channel = self._free.get_nowait()
            except queue.Empty:
                self._mine.channel = self.client.open_sftp()
            try:
                yield self._mine.channel
            finally:
                self._free.put(self._mine.channel)
                self._mine.channel = None

    @property
    def ftp(self) -> paramiko.SFTPClient:
        """The channel of the call that this thread is in."""
        return self._mine.channel

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return path  # always one: nothing in it is a mark of a URL

    def replace_file(self, new: str, place: str) -> None:
        """Rename over what is there, in one step."""
        with self.channel() as channel:
            channel.posix_rename(new, place)

    def cat_file(
        self, path: str, start: int | None = None, end: int | None = None, **_: Any
    ) -> bytes:
        """A part of a file; its blocks are asked for all at once, not one after another's answer."""
        with self.channel() as channel, channel.open(path, "rb") as file:
            size = file.stat().st_size or 0
            start, end = start or 0, min(size if end is None else end, size)
            file.seek(start)
            file.prefetch(end)
            return file.read(max(0, end - start))

    def makedirs(self, path: str, exist_ok: bool = True, mode: int = 0o777) -> None:
        """Make a folder and those above it, also while others do the same."""
        above, _, _ = path.rstrip("/").rpartition("/")
        with self.channel() as channel:
            if self.isdir(path):
                return
            if above:
                self.makedirs(above, exist_ok, mode)
            try:
                channel.mkdir(path, mode)
            except OSError:  # the protocol does not say why
                if not self.isdir(path):
                    raise

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **_: Any) -> None:
        """A file of these bytes."""
        with self.channel() as channel, channel.open(path, "wb") as file:
            file.set_pipelined(True)
            file.write(value)

    def put_file(self, lpath: str, rpath: str, callback: Any = None, **_: Any) -> None:
        """Upload a file."""

        def told(done: int, _total: int) -> None:
            if callback is not None:
                callback.absolute_update(done)

        with self.channel() as channel:
            channel.put(lpath, rpath, told)


def _on_one_channel(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def called(self: KnownHosts, *arguments: Any, **options: Any) -> Any:
        with self.channel():
            return method(self, *arguments, **options)

    return called


for _name in (
    "info",
    "ls",
    "mkdir",
    "rmdir",
    "rm_file",
    "mv",
    "find",
    "rm",
):
    setattr(KnownHosts, _name, _on_one_channel(getattr(SFTPFileSystem, _name)))


def connected(place: str, options: Mapping[str, Any]) -> KnownHosts:
    """A connection to ``[user@]host[:port]``, completed by the user's ``~/.ssh/config`` and options."""
    user, _, host = place.rpartition("@")
    name, _, port = host.partition(":")
    if not re.fullmatch(
        r"[A-Za-z0-9_][A-Za-z0-9._-]*", name
    ):  # the user's ssh config may hand it to a shell
        raise InvalidReference(f"sftp://{place} names no host")
    told = _configured(name)
    keys = options.get("key_file") or told.get("identityfile")
    settings: dict[str, Any] = {
        "username": user or options.get("user") or told.get("user") or getpass.getuser(),
        "port": int(port or options.get("port") or told.get("port") or 22),
        "key_filename": keys,
        "timeout": SECONDS,
        "banner_timeout": SECONDS,
        "auth_timeout": SECONDS,
        **{word: options[word] for word in ("password", "passphrase") if word in options},
    }
    try:
        return KnownHosts(told.get("hostname", name), **settings)
    except paramiko.BadHostKeyException as error:
        raise NotAllowed(
            f"sftp://{place}: the host has another key than before: {error}",
            hint="somebody may be in between: ask who runs it, then change ~/.ssh/known_hosts",
        ) from None
    except paramiko.AuthenticationException as error:
        raise NotAllowed(f"sftp://{place} does not take these keys: {error}") from None
    except paramiko.SSHException as error:
        if "not found in known_hosts" not in str(error):
            raise Unreachable(f"sftp://{place} cannot be reached: {error}") from None
        raise NotAllowed(
            f"sftp://{place}: the host is not known here: {error}",
            hint=f"connect once with ssh {host}, and accept its key",
        ) from None


def _configured(host: str) -> Mapping[str, Any]:
    file = Path.home() / ".ssh" / "config"
    if not file.is_file():
        return {}
    return paramiko.SSHConfig.from_path(str(file)).lookup(host)
