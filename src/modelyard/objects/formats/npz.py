"""numpy arrays by name in one zip: a single one, or a dict of them. No objects, which are pickles."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import IO, Any

from modelyard.base.errors import InvalidInput
from modelyard.objects.formats._arrays import (
    holds_no_objects,
    load_numpy,
    not_an_array,
    refuse_objects,
)
from modelyard.types.interface import DataType

NAME = "npz"
TIER = 0
SUFFIXES = (".npz",)

ALONE = "arr_0"
"""The name that numpy gives to an array saved without one."""


def can_hold(type: DataType) -> bool:
    return _holds_arrays(type) if type.kind == "dict" else holds_no_objects(type)


def _holds_arrays(kind: Any) -> bool:
    if kind.fields is None:
        return kind.keys.kind == "string" and holds_no_objects(kind.values)
    return bool(kind.fields) and all(map(holds_no_objects, kind.fields.values()))


def write(value: Any, path: Path, type: DataType) -> None:
    numpy = load_numpy("writing npz")
    checked = type.check(value)
    arrays = checked if type.kind == "dict" else {ALONE: checked}
    for name, array in arrays.items():
        refuse_objects(array, f"{name!r}")
    with path.open("wb") as out, zipfile.ZipFile(out, "w") as archive:
        for name, array in arrays.items():
            # Not numpy.savez: it takes names as keywords, and an array may be called 'file'.
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                numpy.lib.format.write_array(member, numpy.asanyarray(array), allow_pickle=False)


def read(stream: IO[bytes], type: DataType | None) -> Any:
    arrays = _arrays(stream)
    if type is None:
        return arrays[ALONE] if list(arrays) == [ALONE] else arrays
    if type.kind == "dict":
        return type.check(arrays)
    if len(arrays) != 1:
        raise InvalidInput(
            f"the npz holds {len(arrays)} arrays: {', '.join(sorted(arrays)[:20])}",
            hint="the model takes one; write that one alone",
        )
    return type.check(next(iter(arrays.values())))


def _arrays(stream: IO[bytes]) -> dict[str, Any]:
    numpy = load_numpy("reading npz")
    try:
        with zipfile.ZipFile(stream) as archive:
            found = {}
            for member in archive.namelist():
                with archive.open(member) as data:
                    array = numpy.lib.format.read_array(data, allow_pickle=False)
                found[member.removesuffix(".npy")] = array
    except (ValueError, EOFError, TypeError, SyntaxError, zipfile.BadZipFile) as error:
        raise not_an_array("the npz", error) from None
    if not found:
        raise InvalidInput("the npz holds no array")
    return found
