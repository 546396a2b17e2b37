"""Folders in buckets, on servers and behind URLs: from a reference to the folder that holds what it names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol, runtime_checkable
from urllib.parse import unquote

from modelyard.base.errors import InvalidReference, NotSupported
from modelyard.base.paths import safe_segments
from modelyard.base.refs import RemoteRef
from modelyard.stores.folders.interface import Folder

WEB = ("http", "https")


@runtime_checkable
class Ranged(Folder, Protocol):
    """A folder that gives any part of a file, to several threads at once, and so keeps nothing here itself."""

    def pieces(self, path: str, start: int, length: int) -> Iterator[bytes]:
        """So many bytes from ``start`` on, piece by piece. What is cut off is `Unreachable` after the pieces that came;
        `NotSupported` where only whole files are given."""
        ...


@runtime_checkable
class Writable(Ranged, Protocol):
    """A folder that takes files. Each appears whole, or not at all, in place of what was there."""

    def put(self, path: str, file: Path, told: Callable[[int], None]) -> None:
        """Upload a file, its parts side by side where that can be; ``told`` hears of bytes that are through."""
        ...

    def replace(self, path: str, data: bytes) -> None:
        """Write a small file."""
        ...

    def remove(self, path: str) -> None:
        """Take away a file, or a folder with all that is in it; nothing there is no error."""
        ...

    def changed_ms(self, path: str) -> int | None:
        """When a file, or the newest of a folder, was written; None where that is not known."""
        ...


def open_remote(ref: RemoteRef, *, local: bool = True) -> tuple[Folder, str]:
    """The folder that what a reference names lies in, and its path there: its last segment, ``""`` for a bare root.

    ``local=False``: nobody typed this address here, so one behind http(s) must be an address of the internet. Nothing
    is asked of the other side yet. `MissingExtra` names what to install.
    """
    address, _, query = ref.url.partition("?")
    scheme, _, rest = address.partition("://")
    if query and scheme not in WEB:
        raise InvalidReference(f"reference '{address}?…' is refused: only web addresses have a '?'")
    above, _, last = rest.rstrip("/").rpartition("/")
    if not above:  # a bucket or host alone
        above, last = last, ""
    path = safe_segments(unquote(last))[0] if last else ""
    if scheme in WEB:
        from modelyard.stores.folders.http import HttpFolder

        return HttpFolder(f"{scheme}://{above}", query, local=local), path
    from modelyard.stores.folders.fsspec import from_address

    return from_address(scheme, *_place(scheme, above)), path


def _place(scheme: str, above: str) -> tuple[str, str]:
    """Host or bucket, and the path below it, decoded."""
    place, _, path = above.partition("/")
    if "@" in place and scheme not in ("sftp", "hdfs"):
        raise InvalidReference(f"{scheme}://{place} is no bucket")
    return place, "/".join(safe_segments(unquote(path))) if path else ""


def open_writable(ref: RemoteRef) -> tuple[Writable, str]:
    """As `open_remote`, to write there. `NotSupported` for a web address."""
    folder, path = open_remote(ref)
    if not isinstance(folder, Writable):
        raise NotSupported(
            f"nothing can be saved to {folder.ref(path)}: a web server takes no files",
            hint="save to a bucket (s3://, gs://, az://) or server (sftp://), or register it with a hub",
        )
    return folder, path
