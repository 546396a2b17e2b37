"""Any Python object, as code: functions, objects of one's own classes, estimators that hold either.

What is defined in the running script or a notebook is stored whole; what a module defines is found there again when
loaded. Loading runs whatever the file says, so trust is decided before (`objects.trust`); `inspect` only reads.
"""

from __future__ import annotations

import contextlib
import importlib
import pickle
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from modelyard.base.errors import UnsupportedType
from modelyard.objects.formats._pickles.loading import load_file, names_in
from modelyard.objects.interface import Files, Tier

NAME = "cloudpickle"
TIER: Tier = 2
SUFFIX = ".pkl"
LIBRARIES = ("cloudpickle",)

FILE = "model.pkl"
PROTOCOL = 5


def dump(obj: Any, folder: Path, *, by_value: Sequence[str] = ()) -> None:
    """Write ``model.pkl``. Modules named in ``by_value`` are stored whole, as ``__main__`` always is.

    `UnsupportedType` says what cannot be pickled: an open file, a lock, a connection.
    """
    import cloudpickle

    path = folder / FILE
    try:
        with stored_whole(by_value), path.open("wb") as stream:
            cloudpickle.dump(obj, stream, protocol=PROTOCOL)
    except OSError:
        raise
    except Exception as error:  # each class words its own refusal
        path.unlink(missing_ok=True)
        raise UnsupportedType(
            f"this {type(obj).__name__} cannot be pickled: {error}",
            hint="make what cannot be stored (a file, a lock, a connection) on first use instead",
        ) from error


def load(files: Files) -> Any:
    """The object; runs the code in the file."""
    return load_file(files, SUFFIX, pickle.load)


def inspect(files: Files) -> Sequence[str]:
    """What the file would import, as dotted names in order of appearance; nothing is loaded."""
    return names_in(files, SUFFIX)


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
