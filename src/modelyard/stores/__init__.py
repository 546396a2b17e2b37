"""Where bytes and rows live: blob stores under one contract (`interface`), and the database engine (`rows`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelyard.stores.interface import Store

__all__ = ["open_store"]


def open_store(location: str) -> Store:
    """The blob store at a folder or URI: ``models/blobs``, ``file:///…``, ``memory://``, ``postgresql://…``, ``s3://…``, or any
    scheme that a package's entry point in ``modelyard.stores`` serves.

    >>> open_store("memory://").stat("0" * 64) is None
    True
    """
    from modelyard.base import plugins

    scheme, separator, _ = location.partition("://")
    if not separator:
        return plugins.load("stores", "local").from_uri(location)
    name = _OURS.get(scheme.lower().partition("+")[0], scheme)
    return plugins.load("stores", name).from_uri(location)


_OURS = {
    "file": "local",
    "memory": "memory",
    **dict.fromkeys(("sqlite", "postgresql", "postgres", "mysql", "mariadb"), "sql"),
    **dict.fromkeys(("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss"), "fsspec"),
    **dict.fromkeys(("sftp", "ssh", "hdfs", "webhdfs", "smb"), "fsspec"),
}
"""Scheme -> our file that serves it: equal to the files' own ``SCHEMES``, known without importing them."""
