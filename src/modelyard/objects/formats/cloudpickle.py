"""Any Python object, as code: functions, objects of one's own classes, estimators that hold either.

What is defined in the running script or a notebook is stored whole; what a module defines is found there again when
loaded. Loading runs whatever the file says, so trust is decided before (`objects.trust`); `inspect` only reads.
"""

from __future__ import annotations

import contextlib
import importlib
import mmap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from modelyard.base.errors import ModelyardError, UnsupportedType
from modelyard.base.paths import discard
from modelyard.objects import flavors
from modelyard.objects.formats._beside import (
    Nested,
    Unpickler,
    give_files,
    libraries_of_nested,
    pickles,
    store_files,
)
from modelyard.objects.formats._pickles.loading import globals_of as globals_of
from modelyard.objects.formats._pickles.loading import load_file, names_in, only_file
from modelyard.objects.interface import Files, Tier

NAME = "cloudpickle"
TIER: Tier = 2
SUFFIX = ".pkl"
LIBRARIES = ("cloudpickle",)

FILE = "model.pkl"
PROTOCOL = 5


def dump(obj: Any, folder: Path, *, by_value: Sequence[str] = ()) -> None:
    """Write ``model.pkl``. Modules named in ``by_value`` are stored whole, as ``__main__`` always is; models that the
    object holds are written in their own formats beside it.

    `UnsupportedType` says what cannot be pickled: an open file, a lock, a connection.
    """
    path = folder / FILE
    try:
        made = store_files(obj, folder)
        with stored_whole(by_value), path.open("wb") as stream:
            pickler(stream, Nested(made, folder)).dump(made)
    except (OSError, ModelyardError):
        raise
    except Exception as error:  # each class words its own refusal
        for part in folder.iterdir():
            discard(part)
        raise UnsupportedType(
            f"this {type(obj).__name__} cannot be pickled: {error}",
            hint="make what cannot be stored (a file, a lock, a connection) on first use instead",
        ) from error


def libraries(folder: Path) -> Sequence[str]:
    """What reading it needs that nobody sees from outside: nested models', and pyarrow, in whose memory pandas keeps the
    texts of columns and labels where it can."""
    found = libraries_of_nested(folder)
    with (
        (folder / FILE).open("rb") as stream,
        mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data,
    ):
        return [*found, "pyarrow"] if data.find(b"pyarrow.lib") >= 0 else found


def load(files: Files) -> Any:
    """The object; runs the code in the file."""
    return load_file(
        files, _only(files), lambda stream: give_files(Unpickler(stream, files).load(), files)
    )


def inspect(files: Files) -> Sequence[str]:
    """What the file would import, as dotted names in order of appearance; nothing is loaded."""
    return names_in(files, _only(files))


def pickler(stream: IO[bytes], nested: Nested) -> Any:
    """A pickler that leaves nested models out, and asks a library's flavor how its objects are pickled."""
    import cloudpickle

    class Pickler(cloudpickle.Pickler):
        def persistent_id(self, obj: Any) -> Any:
            return nested.persistent_id(obj)

        def reducer_override(self, obj: Any) -> Any:
            reduced = flavors.reducer_of(type(obj))
            found = NotImplemented if reduced is None else reduced(obj)
            return super().reducer_override(obj) if found is NotImplemented else found

    return Pickler(stream, protocol=PROTOCOL)


@contextlib.contextmanager
def stored_whole(modules: Sequence[str]) -> Iterator[None]:
    """While it lasts, objects of these modules are pickled with their code."""
    import cloudpickle

    found = [importlib.import_module(name) for name in modules]
    for module in found:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in found:
            cloudpickle.unregister_pickle_by_value(module)


def _only(files: Files) -> str:
    return only_file(pickles(files), SUFFIX)
