"""The files of a folder with ``MLmodel``: which belong to the model, and how each is opened without following a link."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import IO

from modelyard.base.digests import FileEntry, sha256_stream
from modelyard.base.errors import FileMissing, InvalidPath
from modelyard.base.paths import list_below, open_below
from modelyard.objects.files import ArtifactFiles, FolderOpener
from modelyard.objects.formats._mlflow.mlmodel import FILE

_NOT_THE_MODEL = frozenset(
    [
        "requirements.txt",
        "constraints.txt",
        "conda.yaml",
        "python_env.yaml",
        "registered_model_meta",
    ]
)
"""Files that loading does not need."""


class MovedOpener(FolderOpener):
    """Opens the files of a folder that an artifact calls by other names."""

    def __init__(self, root: Path, places: Mapping[str, str]) -> None:
        super().__init__(root)
        self.places = places

    def open(self, entry: FileEntry) -> IO[bytes]:
        return open_below(self.root, self.places[entry.path])

    def path(self, entry: FileEntry) -> Path:
        return self.root.joinpath(*self.places[entry.path].split("/"))


def files_in(folder: Path, names: Mapping[str, str]) -> ArtifactFiles:
    """An artifact of files of a folder: name in the artifact -> path in the folder. `FileMissing` for one that is not
    there."""
    entries: list[FileEntry] = []
    for name, path in names.items():
        try:
            with open_below(folder, path) as stream:
                sha256, size = sha256_stream(stream)
        except FileMissing:
            raise FileMissing(f"{FILE} of {folder} names {path!r}, which is not there") from None
        entries.append(FileEntry(f"{folder.name}/{name}", size, sha256))
    if all(name == path for name, path in names.items()):
        return ArtifactFiles(entries, FolderOpener(folder.parent), str(folder))
    places = {f"{folder.name}/{name}": path for name, path in names.items()}
    return ArtifactFiles(entries, MovedOpener(folder, places), str(folder))


def model_files(folder: Path) -> list[str]:
    """What stands beside ``MLmodel`` and may be the model's."""
    return [n for n in list_below(folder) if n not in _NOT_THE_MODEL and n != FILE]


def files_below(folder: Path, relative: str) -> list[str]:
    """Files of an inner folder, as they are called in it; a link on the way is refused."""
    place = folder
    for segment in relative.split("/"):
        place = place / segment
        if place.is_symlink():
            raise InvalidPath(f"path {relative!r} is refused: {segment!r} is a link")
    if not place.is_dir():
        raise FileMissing(f"{FILE} of {folder} names {relative!r}, which is not there")
    return list_below(place)
