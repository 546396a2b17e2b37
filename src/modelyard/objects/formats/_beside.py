"""What stands beside the pickle of a function or object: models it holds, in their own formats, and files it reads.

A function that closes over three models is pickled without them. Each is written by the safest format of its own
flavor into a folder like ``nested/0-sklearn-skops/``, and the pickle holds that name in its place. So a booster inside a
function stays a file that its library can read, and large weights stay out of the pickle.

An object that follows the `Model` protocol (`objects.protocol`) has its files copied into ``files/<name>/`` and is set
up from these copies when it has been loaded.
"""

from __future__ import annotations

import pickle
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from modelyard.base.errors import FileMissing, InvalidPath, UnsupportedType
from modelyard.base.paths import discard, safe_segments
from modelyard.objects import flavors
from modelyard.objects.card import NESTED
from modelyard.objects.files import Part
from modelyard.objects.interface import Files, ModelFormat
from modelyard.objects.native import libraries_of, model_format, reading_format
from modelyard.objects.protocol import as_made, is_model, set_up

_NAME = re.compile(r"[0-9]+-\w+-\w+", re.ASCII)
FILES = "files/"


class Nested:
    """Writes each of an object's models once, in the safest format of its flavor, and remembers which are none."""

    def __init__(self, root: Any, folder: Path) -> None:
        self._root, self._folder = root, folder
        self._kept: dict[int, tuple[Any, str | None]] = {}
        self._holds_models = flavors.claiming(root) is None
        """A pipeline's own parts belong to it: they share what a format of their own would tear apart."""
        self.reasons: list[str] = []
        """Why models could not be written without code."""

    def persistent_id(self, obj: Any) -> str | None:
        """What a pickler writes in place of an object; None pickles it as usual."""
        if not self._holds_models or not flavors.may_be_model(type(obj)) or obj is self._root:
            return None
        return self.write(obj)

    def write(self, obj: Any) -> str | None:
        """The name of the folder that a model was written into; None for what is none, or is code."""
        if id(obj) not in self._kept:
            self._kept[id(obj)] = (obj, self._written(obj))  # held, so that no id comes twice
        return self._kept[id(obj)][1]

    def _written(self, obj: Any) -> str | None:
        flavor = flavors.claiming(obj)
        if flavor is None:
            return None
        writers = [model_format(name, flavor) for name in flavor.FORMATS]
        for writer in (w for w in writers if w.TIER < 2):
            name = f"{len(self._kept)}-{flavor.NAME}-{writer.NAME}"
            folder = self._folder / NESTED / name
            folder.mkdir(parents=True)
            try:
                writer.dump(obj, folder)
            except UnsupportedType as error:
                self.reasons += error.details.get("types", [error.message])
                discard(folder)
                continue
            return name
        return None


class Unpickler(pickle.Unpickler):
    """Reads a pickle whose nested models stand beside it."""

    def __init__(self, stream: IO[bytes], files: Files) -> None:
        super().__init__(stream)
        self._files = files
        self._read: dict[str, Any] = {}

    def persistent_load(self, pid: Any) -> Any:
        """The model of a persistent id."""
        if not isinstance(pid, str) or not _NAME.fullmatch(pid):
            raise pickle.UnpicklingError(f"the persistent id {pid!r:.80} is none of ours")
        if pid not in self._read:
            reader, part = nested_part(self._files, pid)
            self._read[pid] = reader.load(part)
        return self._read[pid]


def nested_part(files: Files, name: str) -> tuple[ModelFormat, Part]:
    """The format that reads a nested model, and its files."""
    return _format_of(name), Part(files, f"{NESTED}{name}/")


def _format_of(name: str) -> ModelFormat:
    _, flavor, written = name.split("-")
    return reading_format(written, flavor)


def libraries_of_nested(folder: Path) -> list[str]:
    """Import names of what reading the nested models of a folder needs, besides what they do themselves."""
    nested = folder / NESTED
    names = sorted(p.name for p in nested.iterdir()) if nested.is_dir() else []
    return [library for name in names for library in libraries_of(_format_of(name))]


def store_files(obj: Any, folder: Path) -> Any:
    """Copy the files of an object that follows the `Model` protocol; what is to be pickled of it."""
    if not is_model(obj):
        return obj
    made, files = as_made(obj)
    for name, path in _checked(files).items():
        target = folder / FILES / name / path.name
        target.parent.mkdir(parents=True)
        if path.is_dir():
            shutil.copytree(path, target)
        else:
            shutil.copyfile(path, target)
    return made


def give_files(obj: Any, files: Files) -> Any:
    """Set an object up from the copies that were saved with it."""
    if not is_model(obj):
        return obj
    given: dict[str, Path] = {}
    for name in files.names():
        if name.startswith(FILES):
            parts = name.split("/")
            folder = files.local(name).parents[len(parts) - 3]
            given[parts[1]] = folder / parts[2]
    return set_up(obj, given, holding=files)


def pickles(files: Files) -> Sequence[str]:
    """The names of an artifact's files that belong to no nested model and are not the user's own."""
    return [n for n in files.names() if not n.startswith((NESTED, FILES))]


def _checked(files: Mapping[str, Any]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for name, value in files.items():
        try:
            [_] = safe_segments(name)
        except (InvalidPath, ValueError):
            raise UnsupportedType(
                f"files: {name!r} cannot be the name of a folder",
                hint="letters and digits, as in 'weights'",
            ) from None
        found[name] = path = Path(value).expanduser().absolute()
        if not path.exists():
            raise FileMissing(f"files[{name!r}]: there is nothing at {value}")
    return found
