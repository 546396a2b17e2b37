"""Files of a place: read, listed, written. Of versions that were not registered by MLflow's client, a folder that it can
load is built when it is first asked for."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from modelyard.base.errors import NotAllowed
from modelyard.compat.mlflow_rest.errors import told
from modelyard.compat.mlflow_rest.places import Place, checked, version_root
from modelyard.compat.mlflow_rest.wire import given
from modelyard.registry.interface import Version
from modelyard.tracking.interface import Columns
from modelyard.yard.owners import require_owner

if TYPE_CHECKING:
    from modelyard.stores.overlay import Entry
    from modelyard.yard.yard import Yard

_PAGE = 10_000


def listed(yard: Yard, place: Place) -> Iterator[Entry]:
    """The entries of a folder, by name; none of a file, or where nothing is."""
    after: str | None = None
    while True:
        page = yard.artifacts.list(place.owner, place.path, after=after, limit=_PAGE)
        yield from page.entries
        after = page.after
        if after is None:
            return


def infos(yard: Yard, place: Place, *, whole: bool = False) -> dict[str, Any]:
    """A listing as clients read it; with ``whole`` paths from the place's root, else bare names."""
    files = [
        {
            "path": entry.path if whole else entry.name,
            "is_dir": entry.is_folder,
            **({} if entry.is_folder else {"file_size": entry.size}),
        }
        for entry in listed(yard, place)
    ]
    return given(files=files)


def opened(yard: Yard, place: Place) -> tuple[Entry, IO[bytes]]:
    """A file, and its bytes, verified as they are read."""
    entry = yard.artifacts.file(place.owner, place.path)
    return entry, yard.artifacts.open(place.owner, place.path)


def require_writable(yard: Yard, place: Place) -> None:
    """Only runs and logged models take files, and only those that are there."""
    called = {"run": "run", "model": "logged_model"}.get(place.kind)
    if called is None:
        raise NotAllowed("files of a registered version are never changed: register another one")
    with told(called, place.id):
        require_owner(yard, place.owner)


def no_values() -> Columns:
    """No values of a run: that it is there is all we ask."""
    return Columns(metrics=(), params=(), tags=(), inputs=False)


def write_below(yard: Yard, place: Place, folder: Path) -> None:
    """Copy all files of a place into a new folder of this machine."""
    import shutil

    start = len(place.path) + 1 if place.path else 0
    for entry in yard.artifacts.walk(place.owner, place.path):
        target = folder.joinpath(*entry.path[start:].split("/"))
        target.parent.mkdir(parents=True, exist_ok=True)
        with yard.artifacts.open(place.owner, entry.path) as stream, target.open("wb") as copy:
            shutil.copyfileobj(stream, copy, 1 << 20)


def version_place(yard: Yard, version: Version, path: str = "") -> Place:
    """The files of a version, as MLflow's client loads them."""
    files = version.facts.get("files")
    if isinstance(files, str):
        return Place(f"version:{files}", checked(path))
    return Place(f"view:{_built(yard, version)}", checked(path))


def let_go(yard: Yard, versions: Iterable[Version]) -> None:
    """Forget the files of versions that were deleted; their bytes go when nobody else has them."""
    for version in versions:
        if isinstance(files := version.facts.get("files"), str):
            yard.artifacts.delete(f"version:{files}")


def version_uri(yard: Yard, version: Version) -> str:
    """The URI of a version's files."""
    return version_root(version_place(yard, version).id)


def _built(yard: Yard, version: Version) -> str:
    """The folder with ``MLmodel`` that stands for a model of our own: built once, equal models have the same."""
    from modelyard.base.clock import new_id
    from modelyard.shipping.build import build
    from modelyard.yard.versions import ModelVersion

    owner = f"view:{version.digest}"
    if yard.artifacts.stat(owner) is not None:
        return version.digest
    source = ModelVersion(yard, 0, yard.models.registry.state(version.name), version).source
    apart = f"view:{new_id()}"
    with tempfile.TemporaryDirectory(prefix="modelyard-") as scratch:
        folder = Path(scratch, "model")
        build(source, "mlflow", output=folder)
        for file in sorted(p for p in folder.rglob("*") if p.is_file()):
            with file.open("rb") as stream:
                yard.artifacts.put(apart, file.relative_to(folder).as_posix(), stream)
    yard.artifacts.copy(apart, owner)  # all at once: nobody sees half of it
    yard.artifacts.delete(apart)
    return version.digest
