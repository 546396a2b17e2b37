"""The contracts of flavors (what kind of object it is) and formats (how its bytes are written).

How to add a flavor: write ``flavors/<library>.py``, named like the library's root package, so that the class ancestry of
an object finds it, with the module-level names of `Flavor`; and a case file ``tests/cases/flavors/<library>.py``. A
format that only this library writes is a `native.NativeFormat` in the same file, listed under ``NATIVE``.
How to add a format: ``formats/<name>.py`` with the names of `ModelFormat` or `DataFormat`, and a case file. The contract
suites are ``testing/flavors.py`` and ``testing/formats.py``. A format that needs a library to be read names it in
``LIBRARIES`` (import names), so that it stands among the card's requirements; where that depends on what was written, a
function ``libraries(folder)`` names more. Neither may import its library at module level of a file
that is imported when another one is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Literal, Protocol, runtime_checkable

from modelyard.types.interface import DataType

Tier = Literal[0, 1, 2]


class Files(Protocol):
    """The verified files of one artifact, by relative POSIX path. Reading one checks its digest first."""

    def names(self) -> Sequence[str]: ...

    def read(self, path: str) -> bytes:
        """All bytes, digest checked."""
        ...

    def open(self, path: str, *, private: bool = True) -> IO[bytes]:
        """A seekable stream of bytes whose digest has been checked; ``private`` as in `local`."""
        ...

    def local(self, path: str, *, private: bool = True) -> Path:
        """A real file with checked content, for libraries that only take paths; all of an artifact lie as they are
        named, in one folder. ``private=False`` allows a reader of plain data (numbers, not what tells code from data) to
        get a large file itself instead of a copy of it."""
        ...


class Flavor(Protocol):
    """A module in ``flavors/``."""

    NAME: str
    EXTRA: str
    """The extra that brings the library; empty when core can do it."""
    FORMATS: Sequence[str]
    """Model formats that can hold it, safest first; `save` takes the first that round-trips. A module that writes
    formats of its own has them under ``NATIVE`` (a sequence of `native.NativeFormat`)."""

    # Optional: ``reduced(obj)`` answers as ``__reduce__`` for objects of the library whose own pickles do not come back,
    # and NotImplemented for the others. ``same_output(a, b)`` compares two answers of models that draw lots.

    def claims(self, obj: Any) -> bool: ...

    def methods(self, obj: Any) -> Mapping[str, Callable[..., Any]]:
        """Public method name -> what to call, the default first. Only methods that can be called now (a fitted
        ``predict_proba``, not the one a hinge loss forbids)."""
        ...

    def labels(self, obj: Any) -> Sequence[str]:
        """A few words that name the kind of model: ``random-forest``."""
        ...

    def system(self, obj: Any) -> Sequence[str]:
        """Debian packages the library needs at run time: ``libgomp1``."""
        ...


class ModelFormat(Protocol):
    """A module in ``formats/`` that writes any object of the flavors that name it."""

    NAME: str
    TIER: Tier
    SUFFIX: str
    """Of the file when people look for one: ``.skops``; used by `import`, not by `save`."""

    def dump(self, obj: Any, folder: Path) -> None:
        """Write one or more files into an empty folder. What it cannot hold: `UnsupportedType` with the reason, so
        that `save` goes on to the next format; ``types`` of the error names what stood in the way, nothing (``()``) where
        the format is not for this kind of object at all."""
        ...

    def load(self, files: Files) -> Any:
        """The object. Trust has been decided before; nothing in the files can widen it."""
        ...

    def inspect(self, files: Files) -> Sequence[str]:
        """What loading would import or run, as readable names, found without loading."""
        ...


class DataFormat(Protocol):
    """A module in ``formats/`` that holds data: a table, an array, or plain Python values."""

    NAME: str
    TIER: Tier
    SUFFIXES: Sequence[str]
    """``(".csv",)``; the first is the one `save` and ``-o`` use. A format of tier 2 names another one of tier 0 or 1 in
    ``UNVOUCHED``, which reads its files where nobody was asked to trust them."""

    def can_hold(self, type: DataType) -> bool: ...

    def write(self, value: Any, path: Path, type: DataType) -> None: ...

    def read(self, stream: IO[bytes], type: DataType | None) -> Any:
        """The value; ``type`` (from a card or a model's schema) decides dtypes where the format does not."""
        ...


@runtime_checkable
class FilesReader(Protocol):
    """Optional power of a data format: a value that is kept in several files."""

    def read_files(self, files: Files, type: DataType | None) -> Any: ...


@runtime_checkable
class BatchReader(Protocol):
    """Optional power of a data format: read a file larger than memory."""

    def read_batches(
        self, stream: IO[bytes], type: DataType | None, rows: int
    ) -> Iterator[Any]: ...


@runtime_checkable
class BatchWriter(Protocol):
    """Optional power of a data format: write piece by piece."""

    def open_writer(self, path: Path) -> Any:
        """A context manager with ``write(value)``."""
        ...
