"""Files of Keras: ``.keras`` (safe where it names Keras' own parts alone), and the HDF5 layout of Keras 2 (``.h5``)."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

from modelyard.base.errors import InvalidInput, ModelyardError
from modelyard.objects.card import Card, FormatInfo, Requirements
from modelyard.objects.flavors._keras import archive, config
from modelyard.objects.importers import packages_of, source_of
from modelyard.objects.source import Source

NAME = "keras"

_ZIP, _HDF5 = b"PK\x03\x04", b"\x89HDF\r\n\x1a\n"
_LEGACY = (".h5", ".hdf5")


def recognises(path: Path) -> bool:
    """By its name and first bytes; an HDF5 file is Keras' where a model's config stands near its start."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        head = stream.read(1 << 16)
    if path.suffix == ".keras":
        return head.startswith(_ZIP)
    return path.suffix in _LEGACY and head.startswith(_HDF5) and b"model_config" in head


def source(path: Path) -> Source:
    """Its card says whether the file is read as data, or runs code and why."""
    if not path.is_file():
        raise InvalidInput(f"{path} is no file")
    if path.suffix in _LEGACY:
        reason = "the HDF5 layout of Keras 2, whose loader does not check what it makes"
        form, version = FormatInfo("keras_h5", 2, (reason,)), ""
    else:
        form, version = _read(path)
    needs = Requirements(
        packages=(*((f"keras=={version}",) if version else ()), *packages_of("tensorflow"))
    )
    return source_of(path, Card(kind="model", flavor="keras", format=form, requirements=needs))


def _read(path: Path) -> tuple[FormatInfo, str]:
    """How to read a file, and the version of Keras that wrote it."""
    with path.open("rb") as stream:
        try:
            zipped = archive.open_archive(stream)
            found = config.review(config.parse(archive.read_config(zipped)))
        except ModelyardError as error:
            raise InvalidInput(f"{path}: {error.message}", hint=error.hint) from error
        version = _version(zipped)
    if found.strangers:
        return FormatInfo("keras_code", 2, found.strangers[:20]), version
    return FormatInfo("keras", 1), version


def _version(zipped: zipfile.ZipFile) -> str:
    try:
        version = json.loads(zipped.read(archive.METADATA))["keras_version"]
    except (KeyError, ValueError, TypeError, OSError, zipfile.BadZipFile):
        return ""
    plain = isinstance(version, str) and len(version) < 40
    return version if plain and version.replace(".", "").isalnum() and version[0].isdigit() else ""
