"""Folders that fsspec reaches: in memory, in a bucket behind a server that speaks S3, behind a real sshd."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelyard.base.refs import RemoteRef
from modelyard.stores.folders.fsspec import FsspecFolder
from modelyard.stores.folders.remote import open_remote
from modelyard.testing.folders import FILES
from ssh_server import sshd


def write(address: str) -> str:
    """The files of the contract below an address; returns it."""
    there = folder(address)
    for path, data in FILES.items():
        there.replace(path, data)
    return address


def folder(address: str) -> FsspecFolder:
    """The folder at an address, opened anew."""
    scheme = address.partition(":")[0]
    found, last = open_remote(RemoteRef(scheme, f"{address}/any"))
    assert last == "any"
    assert isinstance(found, FsspecFolder)
    return found


@contextlib.contextmanager
def bucket(server: str) -> Iterator[str]:
    """The address of a new bucket of a server; the environment says how to reach it meanwhile."""
    import s3fs

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", server)
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        s3fs.S3FileSystem.clear_instance_cache()
        name = f"test-{secrets.token_hex(6)}"
        s3fs.S3FileSystem(use_listings_cache=False).mkdir(name)
        yield f"s3://{name}"
        s3fs.S3FileSystem.clear_instance_cache()


@contextlib.contextmanager
def ssh_server(place: Path) -> Iterator[str]:
    """The address of an empty folder behind a server that is known here, for a user with a key."""
    with sshd(place) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(server.home))
        patch.delenv("SSH_AUTH_SOCK", raising=False)
        (place / "files").mkdir()
        yield f"{server.address}{place}/files"
