"""Fitted scikit-learn estimators without code: a zip of arrays and of the names of allow-listed types.

Written and read by us, under our own allow-list; other readers of the format can read the files. Nothing in a file widens
what may be made of it: a type that is not listed is refused before anything is imported.
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from modelyard.base.errors import (
    Corrupted,
    InvalidInput,
    MissingExtra,
    ModelyardError,
    NewerSchema,
    UnsupportedType,
    Untrusted,
)
from modelyard.objects.interface import Files, Tier

if TYPE_CHECKING:
    from modelyard.objects.formats._skops.archive import Archive
    from modelyard.objects.formats._skops.audit import Findings

NAME = "skops"
TIER: Tier = 1
SUFFIX = ".skops"

FILE = "model.skops"
PROTOCOLS = range(1, 3)
"""Versions of the format that are read."""


def dump(obj: Any, folder: Path) -> None:
    """Write ``model.skops``: the same bytes each time for the same object.

    Raises `UnsupportedType` with the names of all types that are not on the allow-list, and for objects that do not
    come back from what was written.
    """
    if importlib.util.find_spec("skops") is None:
        raise MissingExtra("saving scikit-learn models without code", "sklearn", missing="skops")
    from modelyard.objects.formats._skops import archive, writing

    schema, members = writing.encode(obj)
    path = folder / FILE
    archive.write(path, schema, members)
    try:
        with path.open("rb") as stream, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of classes that will go: whoever made it has heard
            _load(stream)
    except ModelyardError as error:
        path.unlink()
        raise UnsupportedType(
            f"skops cannot hold this {type(obj).__name__}: {error.message}"
        ) from error


def load(files: Files) -> Any:
    """The object. `Untrusted` for types beyond the allow-list, `Corrupted` for a file that is damaged or no skops file."""
    name = _only(files)
    with files.open(name) as stream:
        try:
            return _load(stream)
        except ModelyardError as error:
            raise _located(error, name) from error.__cause__


def inspect(files: Files) -> Sequence[str]:
    """The types and functions that the file names, sorted; nothing is imported or made."""
    name = _only(files)
    with files.open(name) as stream:
        try:
            _, _, found = _open(stream)
        except ModelyardError as error:
            raise _located(error, name) from error.__cause__
    shown = [n for n in found.types if not n.startswith("builtins.")]
    return sorted(f"{n} (not on the allow-list)" if n in found.refused else n for n in shown)


def root_type(stream: IO[bytes]) -> str:
    """The dotted type of the whole object of a skops file; nothing is imported or made."""
    from modelyard.objects.formats._skops.audit import dotted

    schema, _, _ = _open(stream)
    return dotted(schema)


def _only(files: Files) -> str:
    names = list(files.names())
    chosen = [n for n in names if n.endswith(SUFFIX)] if len(names) > 1 else names
    if len(chosen) != 1:
        raise InvalidInput(
            f"a skops model is one file, not {len(chosen)} of {', '.join(names) or 'none'}"
        )
    return chosen[0]


def _open(stream: IO[bytes]) -> tuple[dict[str, Any], Archive, Findings]:
    from modelyard.objects.formats._skops.archive import SCHEMA, Archive
    from modelyard.objects.formats._skops.audit import audit

    archive = Archive(stream)
    schema = archive.schema()
    protocol = schema.get("protocol")
    if type(protocol) is int and protocol >= PROTOCOLS.stop:
        raise NewerSchema(
            f"protocol {protocol} of skops is newer than {PROTOCOLS.stop - 1}",
            hint="update modelyard",
        )
    if type(protocol) is not int or protocol not in PROTOCOLS:
        raise Corrupted(f"protocol {protocol!r} of skops is not read")
    found = audit(schema)
    strangers = (archive.names() - {SCHEMA}) ^ found.files
    if strangers:
        raise Corrupted(f"members and schema do not agree on {min(strangers)[:80]!r}")
    return schema, archive, found


def _load(stream: IO[bytes]) -> Any:
    schema, archive, found = _open(stream)
    if found.refused:
        names = sorted(found.refused)
        raise Untrusted(
            f"it names what is not on the allow-list: {', '.join(names[:10])}",
            hint="such a model is saved as tier 2 (cloudpickle), which loads once you trust its digest",
            types=names,
        )
    from modelyard.objects.formats._skops.building import build

    try:
        return build(schema, archive)
    except (ModelyardError, Warning):
        raise
    except Exception as error:  # whatever a library says of a state that no fitted object has
        raise Corrupted(f"its content makes no object: {type(error).__name__}: {error}") from error


def _located(error: ModelyardError, name: str) -> ModelyardError:
    """The same error, saying in which file."""
    return type(error)(f"{name}: {error.message}", hint=error.hint, **error.details)
