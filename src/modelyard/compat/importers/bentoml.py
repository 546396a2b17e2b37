"""Models of BentoML's store: a folder with ``model.yaml``, the folder of a name (its latest), or an exported archive.

The model's own file is read by its library's format here; a pickle needs trust as any other. What the store knows (tag,
labels, options) is kept under ``metadata``.
"""

from __future__ import annotations

import shutil
import tarfile
import tempfile
import weakref
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from modelyard.base.clock import from_rfc3339, to_rfc3339
from modelyard.base.errors import (
    InvalidCard,
    InvalidInput,
    InvalidPath,
    MissingExtra,
    NotSupported,
    TooLarge,
    UnsupportedFormat,
)
from modelyard.base.notes import note
from modelyard.base.paths import safe_segments
from modelyard.environments.requirements import parse_requirement
from modelyard.objects.assembled import ALONE, Piece, assemble
from modelyard.objects.card import Card, Created, FormatInfo, Requirements
from modelyard.objects.importers.pickle import pickle_format
from modelyard.objects.native import reading_format
from modelyard.objects.source import Source
from modelyard.objects.yaml_text import read_yaml

NAME = "bentoml"

DESCRIPTION = "model.yaml"
ARCHIVE = ".bentomodel"
LATEST = "latest"

READ: Mapping[str, tuple[str, str]] = {
    "sklearn": ("sklearn", "pickle"),
    "picklable_model": ("", "pickle"),
    "xgboost": ("xgboost", "ubj"),
    "lightgbm": ("lightgbm", "lightgbm_text"),
    "catboost": ("catboost", "cbm"),
    "onnx": ("onnx", "onnx"),
}
"""Its module -> our flavor and the format that reads the very file."""

MAX_FILES = 2000
MAX_TOTAL = 16 << 30
MAX_RATIO = 1000
_HEAD = 64 << 10


def recognises(path: Path) -> bool:
    """By the words that every description has, or an archive's suffix."""
    if path.name.endswith(ARCHIVE):
        return path.is_file()
    folder = _of_store(path)
    return folder is not None and _is_description(folder / DESCRIPTION)


def source(path: Path) -> Source:
    """The model; of a name in a store, its latest version."""
    if path.is_file():
        return _archived(path)
    folder = _of_store(path)
    if folder is None:
        raise InvalidInput(f"{path} is no model of BentoML's: it has no {DESCRIPTION}")
    return _model(folder, str(path))


def _of_store(path: Path) -> Path | None:
    """The folder of a model, or of the version that a name's ``latest`` tells."""
    if (path / DESCRIPTION).is_file():
        return path
    latest = path / LATEST
    if not path.is_dir() or not latest.is_file() or latest.stat().st_size > 300:
        return None
    version = latest.read_text("utf-8", "replace").strip()
    try:
        found = path.joinpath(*safe_segments(version))
    except InvalidPath:
        return None
    return found if (found / DESCRIPTION).is_file() else None


def _is_description(file: Path) -> bool:
    with file.open("rb") as stream:
        head = stream.read(_HEAD)
    return all(word in head for word in (b"module:", b"context:", b"bentoml_version:"))


def _archived(path: Path) -> Source:
    folder = Path(tempfile.mkdtemp(prefix="modelyard-"))
    try:
        _unpack(path, folder)
        found = _model(folder, str(path))
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    weakref.finalize(found.files, shutil.rmtree, folder, ignore_errors=True)
    return replace(found, name=path.name.removesuffix(ARCHIVE))


def _unpack(path: Path, folder: Path) -> None:
    """Member by member: regular files at plain places, within limits of size, number and growth."""
    most = min(MAX_TOTAL, max(path.stat().st_size * MAX_RATIO, 1 << 20))
    total = files = 0
    try:
        with tarfile.open(path, "r|*") as archive:
            for member in archive:
                name = member.name.removeprefix("./")
                if member.isdir():
                    continue
                total, files = total + member.size, files + 1
                if total > most or files > MAX_FILES:
                    raise TooLarge(f"{path}: it unpacks to more than a model would take")
                stream = archive.extractfile(member) if member.isreg() else None
                if stream is None:
                    raise InvalidInput(f"{path}: {name!r} is no regular file")
                target = folder.joinpath(*safe_segments(name))
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("xb") as out:
                    shutil.copyfileobj(stream, out)
    except (tarfile.TarError, EOFError, OSError) as error:
        if isinstance(error, InvalidPath):
            raise
        raise InvalidInput(f"{path}: no archive that can be unpacked: {error}") from error


def _model(folder: Path, label: str) -> Source:
    file = folder / DESCRIPTION
    told = read_yaml(file.read_text("utf-8"), str(file), older=True).value
    if not isinstance(told, dict):
        raise InvalidCard(f"{file}: no mapping")
    module = str(told.get("module", "")).rpartition(".")[2]
    if module not in READ:
        raise NotSupported(
            f"{label}: models of {told.get('module') or 'no module'} are not opened here",
            hint=f"opened are: {', '.join(READ)}",
        )
    flavor, reader = READ[module]
    piece = Piece(folder, _file(folder, label))
    info = (
        pickle_format(folder / piece.path) if reader == "pickle" else _native(reader, flavor, label)
    )
    context = _mapping(file, "context", told.get("context"))
    card = Card(
        flavor=flavor,
        format=info,
        requirements=_requirements(file, context),
        created=Created(at=_moment(told.get("creation_time"))),
        metadata=_metadata(file, told),
    )
    name = str(told.get("name") or folder.name)
    return assemble(card, {ALONE: piece}, name, label)


def _file(folder: Path, label: str) -> str:
    """``saved_model.pkl``, ``.ubj`` …; the name says little, LightGBM's text is called ``.ubj`` too."""
    found = sorted(p.name for p in folder.glob("saved_model*"))
    if len(found) != 1:
        raise InvalidInput(f"{label}: a model is one file, not {', '.join(found) or 'none'}")
    others = {p.name for p in folder.iterdir()} - {found[0], DESCRIPTION}
    if others:
        note(f"{label}: left out: {', '.join(sorted(others))}")
    return found[0]


def _native(name: str, flavor: str, label: str) -> FormatInfo:
    try:
        found = reading_format(name, flavor)
    except UnsupportedFormat as error:
        raise NotSupported(f"{label}: {error.message}") from None
    except MissingExtra as error:
        raise MissingExtra(label, error.details["extra"]) from error
    return FormatInfo(found.NAME, found.TIER)


def _mapping(file: Path, field: str, value: Any) -> Mapping[str, Any]:
    if value is not None and not isinstance(value, dict):
        raise InvalidCard(f"{file}: {field}: must be a mapping", field=field)
    return value or {}


def _requirements(file: Path, context: Mapping[str, Any]) -> Requirements:
    versions = _mapping(file, "framework_versions", context.get("framework_versions"))
    lines: list[str] = []
    for name, version in versions.items():
        try:
            lines.append(str(parse_requirement(f"{name}=={version}")))
        except InvalidInput as error:
            note(f"{file}: {error.message}")
    return Requirements(python=str(context.get("python_version") or ""), packages=sorted(lines))


def _metadata(file: Path, told: Mapping[str, Any]) -> dict[str, Any]:
    kept = {
        "tag": f"{told.get('name')}:{told.get('version')}",
        **{k: told[k] for k in ("labels", "options") if told.get(k)},
    }
    return {**_mapping(file, "metadata", told.get("metadata")), "bentoml": kept}


def _moment(text: Any) -> str:
    try:
        return to_rfc3339(from_rfc3339(str(text)))
    except (InvalidInput, ValueError):
        return ""
