"""Any object that can be pickled, as code: what a module defines is found there again when loaded.

For models `cloudpickle` holds more; this is for those who want plain pickles, and for data that no other format holds. A
file that nobody vouched for is read as a checked pickle instead (`UNVOUCHED`).
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from modelyard.base.errors import UnsupportedType
from modelyard.objects.formats._pickles.loading import load_file, names_in, only_file, run
from modelyard.objects.interface import Files, Tier
from modelyard.types.interface import DataType

NAME = "pickle"
TIER: Tier = 2
SUFFIX = ".pkl"
SUFFIXES = (".pkl", ".pickle")
UNVOUCHED = "checked_pickle"
"""The format that reads such files where nobody was asked whether they may run code."""

FILE = "model.pkl"
PROTOCOL = 5


def dump(obj: Any, folder: Path) -> None:
    """Write ``model.pkl``. `UnsupportedType` says what cannot be pickled."""
    write_pickle(obj, folder / FILE, lambda stream: pickle.dump(obj, stream, PROTOCOL))


def load(files: Files) -> Any:
    """The object; runs what the file says."""
    return load_file(files, only_file(files.names(), SUFFIX), pickle.load)


def inspect(files: Files) -> Sequence[str]:
    """What the file would import, as dotted names in order of appearance; nothing is loaded."""
    return names_in(files, only_file(files.names(), SUFFIX))


def can_hold(type: DataType) -> bool:
    """Anything."""
    return True


def write(value: Any, path: Path, type: DataType) -> None:
    write_pickle(value, path, lambda stream: pickle.dump(value, stream, PROTOCOL))


def read(stream: IO[bytes], type: DataType | None) -> Any:
    """The value; runs what the file says, so that trust must have been decided."""
    value = run("the pickle", stream, pickle.load)
    return value if type is None else type.check(value)


def write_pickle(obj: Any, path: Path, write: Any) -> None:
    """Write a file by a function, or leave none: `UnsupportedType` with what the library said."""
    try:
        with path.open("wb") as stream:
            write(stream)
    except OSError:
        raise
    except Exception as error:  # each class words its own refusal
        path.unlink(missing_ok=True)
        raise UnsupportedType(
            f"this {type(obj).__name__} cannot be pickled: {error}",
            hint="what a script or a function defines can be saved as cloudpickle",
        ) from error
