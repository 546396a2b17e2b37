"""The rows of an owner's files and folders, each function inside the caller's transaction.

A folder is there as long as it has files; its row holds the sums of what is below, so that a listing shows them and
the last file takes its folders along. The root's row (no name) is the lock that all changes of one owner take first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from modelyard.base.clock import now_ms
from modelyard.base.digests import sha256_bytes
from modelyard.base.errors import Conflict, InvalidPath, Overloaded
from modelyard.stores.interface import Blob
from modelyard.stores.references import refer, refer_all, release
from modelyard.stores.tables import artifacts

Segments = tuple[str, ...]

_ROOT_KEY = "0" * 64
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, or (without a digest) a folder with the number and size of all files below it."""

    path: str
    size: int
    sha256: str | None
    files: int
    at_ms: int

    @property
    def is_folder(self) -> bool:
        """Whether other entries may be below it."""
        return self.sha256 is None

    @property
    def name(self) -> str:
        """The last segment of the path."""
        return self.path.rpartition("/")[2]


def place(connection: Connection, owner: str, path: Segments, blob: Blob) -> Entry:
    """Put a file at a path, instead of the file that is there. `Conflict` where a folder is in the way, or a file
    where a folder is needed."""
    if not path:
        raise InvalidPath("path '' is refused: a file needs a name")
    lock(connection, owner, create=True)
    rows = require_free(connection, owner, path)
    old = rows[-1]
    at_ms = now_ms()
    refer(connection, owner, [blob.sha256])
    more = Sums(blob.size - (old.size if old else 0), 0 if old else 1)
    for depth, row in enumerate(rows[:-1]):
        _add(connection, owner, path[:depth], row, more, at_ms)
    values = {"digest": blob.sha256, "size": blob.size, "files": 1, "at_ms": at_ms}
    if old is None:
        connection.execute(insert(artifacts).values(**_key(owner, path), **values))
    else:
        connection.execute(update(artifacts).where(_at(owner, path)).values(**values))
        _release_unused(connection, owner, {old.digest} - {blob.sha256})
    return Entry(_text(path), blob.size, blob.sha256, 1, at_ms)


Files = Mapping[Segments, Blob]


def place_all(connection: Connection, told: Mapping[str, Files]) -> None:
    """Put files of several owners; those of owners that had none yet are written together."""
    there: set[str] = set()
    owners = sorted(told)
    for start in range(0, len(owners), _BATCH):
        mine = artifacts.c.owner.in_(owners[start : start + _BATCH])
        query = select(artifacts.c.owner).where(mine, artifacts.c.folder_key == _ROOT_KEY)
        there.update(connection.scalars(query))
    new = {owner: told[owner] for owner in owners if owner not in there}
    refer_all(connection, {o: {blob.sha256 for blob in files.values()} for o, files in new.items()})
    rows = [row for owner, files in new.items() for row in _rows_of(owner, files)]
    if rows:
        try:
            connection.execute(insert(artifacts), rows)
        except IntegrityError as error:  # somebody else did after we looked
            raise Overloaded("others are putting files of the same", transient=True) from error
    for owner in sorted(there):
        for path, blob in told[owner].items():
            place(connection, owner, path, blob)


def _rows_of(owner: str, files: Files) -> Iterator[dict[str, Any]]:
    """Rows of files and of the folders that they are in, the root among them."""
    at_ms = now_ms()
    sums: dict[Segments, list[int]] = {}
    for path, blob in files.items():
        for depth in range(len(path)):
            if depth and path[:depth] in files:
                raise Conflict(f"{_text(path)!r} cannot be put: {_text(path[:depth])!r} is a file")
            total = sums.setdefault(path[:depth], [0, 0])
            total[0] += blob.size
            total[1] += 1
        yield {**_key(owner, path), "digest": blob.sha256, "size": blob.size, "files": 1, "at_ms": at_ms}  # fmt: skip
    for folder, (size, count) in sums.items():
        yield {**_key(owner, folder), "digest": None, "size": size, "files": count, "at_ms": at_ms}


def require_free(connection: Connection, owner: str, path: Segments) -> Sequence[Any]:
    """`Conflict` when a file cannot be put at a path. Returns the rows on the way."""
    rows = _chain(connection, owner, path)
    for depth in range(1, len(path)):
        if (row := rows[depth]) is not None and row.digest is not None:
            raise Conflict(f"{_text(path)!r} cannot be put: {_text(path[:depth])!r} is a file")
    if (there := rows[-1]) is not None and there.digest is None:
        raise Conflict(f"{_text(path)!r} cannot be put: a folder is there")
    return rows


def remove(connection: Connection, owner: str, path: Segments) -> int:
    """Remove a file, or a folder with all that is in it; ``()`` is everything. Returns how many files went."""
    if not lock(connection, owner, create=False):
        return 0
    if not path:
        done = _total(connection, owner)
        connection.execute(delete(artifacts).where(artifacts.c.owner == owner))
        release(connection, owner)
        return done
    rows = _chain(connection, owner, path)
    target = rows[-1]
    if target is None:
        return 0
    files = list(files_below(connection, owner, path))
    for folder in [*folders_below(connection, owner, path), path]:
        inside = artifacts.c.folder_key == folder_key(folder)
        connection.execute(delete(artifacts).where(artifacts.c.owner == owner, inside))
    connection.execute(delete(artifacts).where(_at(owner, path)))
    less = Sums(-target.size, -target.files)
    for depth, row in enumerate(rows[:-1]):
        _add(connection, owner, path[:depth], row, less, now_ms())
    _release_unused(connection, owner, {entry.sha256 for entry in files if entry.sha256})
    return target.files


def duplicate(
    connection: Connection, source: str, path: Segments, target: str, to: Segments
) -> int:
    """Give ``target`` the files of ``source`` at or below a path, under another path; no byte is copied."""
    for owner in sorted({source, target}):
        lock(connection, owner, create=False)
    found = list(files_below(connection, source, path))
    for entry in found:
        assert entry.sha256 is not None
        inner = tuple(entry.path.split("/"))[len(path) :]
        place(connection, target, to + inner, Blob(entry.sha256, entry.size))
    return len(found)


def find(connection: Connection, owner: str, path: Segments) -> Entry | None:
    """The file or folder at a path."""
    row = connection.execute(select(artifacts).where(_at(owner, path))).first()
    return None if row is None or not row.files else entry_of(row)


def page(
    connection: Connection, owner: str, folder: Segments, after: str | None, limit: int
) -> list[Entry]:
    """Entries of one folder by name, those after a name."""
    query = select(artifacts).where(
        artifacts.c.owner == owner, artifacts.c.folder_key == folder_key(folder)
    )
    if after is not None:
        query = query.where(artifacts.c.name > after)
    rows = connection.execute(query.order_by(artifacts.c.name).limit(limit))
    return [entry_of(row) for row in rows]


def files_below(connection: Connection, owner: str, path: Segments) -> Iterator[Entry]:
    """The file at a path, or all files below the folder there."""
    found = find(connection, owner, path)
    if found is not None and not found.is_folder:
        yield found
        return
    folders = [path, *folders_below(connection, owner, path)] if found else []
    for folder in folders:
        for entry in _all_of(connection, owner, folder):
            if not entry.is_folder:
                yield entry


def folders_below(connection: Connection, owner: str, path: Segments) -> Iterator[Segments]:
    """All folders below one."""
    for entry in _all_of(connection, owner, path):
        if entry.is_folder:
            inner = (*path, entry.name)
            yield inner
            yield from folders_below(connection, owner, inner)


def _all_of(connection: Connection, owner: str, folder: Segments) -> list[Entry]:
    inside = artifacts.c.folder_key == folder_key(folder)
    query = select(artifacts).where(artifacts.c.owner == owner, inside).order_by(artifacts.c.name)
    return [entry_of(row) for row in connection.execute(query)]


def lock(connection: Connection, owner: str, *, create: bool) -> bool:
    """Lock an owner's files until the transaction ends. False when it has none and none were to be made."""
    query = select(artifacts.c.files).where(_at(owner, ())).with_for_update()
    if connection.execute(query).first() is not None:
        return True
    if create:
        values = {"digest": None, "size": 0, "files": 0, "at_ms": now_ms()}
        try:
            connection.execute(insert(artifacts).values(**_key(owner, ()), **values))
        except IntegrityError as error:  # somebody else did after we looked
            raise Overloaded(
                f"others are putting the first file of {owner}", transient=True
            ) from error
    return create


@dataclass(frozen=True, slots=True)
class Sums:
    """What a change adds to the folders above it."""

    size: int
    files: int


def _add(
    connection: Connection, owner: str, folder: Segments, row: Any, change: Sums, at_ms: int
) -> None:
    """Change a folder's sums. One that had no row gets it; one without files loses it."""
    if row is None:
        values = {"digest": None, "size": change.size, "files": change.files, "at_ms": at_ms}
        connection.execute(insert(artifacts).values(**_key(owner, folder), **values))
    elif row.files + change.files == 0:
        connection.execute(delete(artifacts).where(_at(owner, folder)))
    elif change.size or change.files:
        values = {"size": row.size + change.size, "files": row.files + change.files}
        connection.execute(update(artifacts).where(_at(owner, folder)).values(**values))


def _release_unused(connection: Connection, owner: str, digests: set[str]) -> None:
    """Let go of blobs that no path of the owner has any more."""
    wanted = sorted(digests)
    for start in range(0, len(wanted), _BATCH):
        batch = wanted[start : start + _BATCH]
        mine = (artifacts.c.owner == owner, artifacts.c.digest.in_(batch))
        used = set(connection.scalars(select(artifacts.c.digest).where(*mine)))
        release(connection, owner, set(batch) - used)


def _chain(connection: Connection, owner: str, path: Segments) -> Sequence[Any]:
    """The rows of the root, of each folder on the way, and of the path itself; None where there is none."""
    wanted = [_key(owner, path[:depth]) for depth in range(len(path) + 1)]
    keys = [
        and_(artifacts.c.folder_key == key["folder_key"], artifacts.c.name == key["name"])
        for key in wanted
    ]
    rows = connection.execute(select(artifacts).where(artifacts.c.owner == owner, or_(*keys)))
    found = {(row.folder_key, row.name): row for row in rows}
    return [found.get((key["folder_key"], key["name"])) for key in wanted]


def _total(connection: Connection, owner: str) -> int:
    return connection.scalar(select(artifacts.c.files).where(_at(owner, ()))) or 0


def _key(owner: str, path: Segments) -> dict[str, str]:
    if not path:
        return {"owner": owner, "folder_key": _ROOT_KEY, "name": "", "folder": ""}
    folder = path[:-1]
    return {
        "owner": owner,
        "folder_key": folder_key(folder),
        "name": path[-1],
        "folder": _text(folder),
    }


def _at(owner: str, path: Segments) -> Any:
    key = _key(owner, path)
    return and_(
        artifacts.c.owner == owner,
        artifacts.c.folder_key == key["folder_key"],
        artifacts.c.name == key["name"],
    )


def folder_key(folder: Segments) -> str:
    """What a folder's entries are found by."""
    return sha256_bytes(_text(folder).encode())


def entry_of(row: Row[Any]) -> Entry:
    """An entry from its row."""
    path = f"{row.folder}/{row.name}" if row.folder else row.name
    return Entry(path, row.size, row.digest, row.files, row.at_ms)


def _text(path: Segments) -> str:
    return "/".join(path)
