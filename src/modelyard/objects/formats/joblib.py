"""Any object that can be pickled, as joblib writes it: arrays lie in the file as they are in memory. As code."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from modelyard.base.errors import MissingExtra
from modelyard.objects.formats._pickles.loading import load_file, names_in, only_file, run
from modelyard.objects.formats.pickle import can_hold, write_pickle
from modelyard.objects.interface import Files, Tier
from modelyard.types.interface import DataType

__all__ = ["can_hold"]

NAME = "joblib"
TIER: Tier = 2
SUFFIX = ".joblib"
SUFFIXES = (".joblib",)
UNVOUCHED = "checked_pickle"
LIBRARIES = ("joblib",)

FILE = "model.joblib"


def dump(obj: Any, folder: Path) -> None:
    """Write ``model.joblib``. `UnsupportedType` says what cannot be pickled."""
    write_pickle(obj, folder / FILE, lambda stream: _joblib("writing").dump(obj, stream))


def load(files: Files) -> Any:
    """The object; runs what the file says."""
    return load_file(files, only_file(files.names(), SUFFIX), _joblib("reading").load)


def inspect(files: Files) -> Sequence[str]:
    """What the file would import, as dotted names in order of appearance; nothing is loaded."""
    return names_in(files, only_file(files.names(), SUFFIX))


def write(value: Any, path: Path, type: DataType) -> None:
    write_pickle(value, path, lambda stream: _joblib("writing").dump(value, stream))


def read(stream: IO[bytes], type: DataType | None) -> Any:
    """The value; runs what the file says, so that trust must have been decided."""
    value = run("the joblib file", stream, _joblib("reading").load)
    return value if type is None else type.check(value)


def _joblib(what: str) -> Any:
    try:
        import joblib
    except ModuleNotFoundError as error:
        raise MissingExtra(f"{what} joblib", "sklearn", missing=error.name) from error
    return joblib
