"""Folders behind a web server that says of each file how long it is, and gives any part of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from modelyard.base.refs import RemoteRef
from modelyard.stores.folders.http import HttpFolder
from modelyard.stores.folders.remote import open_remote
from modelyard.testing.folders import FILES
from web_server import Web


@contextlib.contextmanager
def served() -> Iterator[str]:
    """The address of a server that has the files of the contract."""
    with Web({f"/files/{path}": data for path, data in FILES.items()}) as web:
        yield f"{web.url}/files"


def folder(address: str) -> HttpFolder:
    """The folder at an address, opened anew."""
    found, last = open_remote(RemoteRef("http", f"{address}/any"))
    assert last == "any"
    assert isinstance(found, HttpFolder)
    return found
