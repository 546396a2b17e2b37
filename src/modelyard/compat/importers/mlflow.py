"""Folders with ``MLmodel``, as MLflow's ``save_model`` and ``log_model`` write them, opened as if they had a card.

What the folder says of itself becomes the card: the signature, the example, the requirements, when and in which run it
was made. The model is read by the reader of its library where there is one (a booster as a booster), and else called as a
Python function. A folder that `build mlflow` wrote has our own card inside, and that is taken.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelyard import types
from modelyard.base.errors import InvalidCard, InvalidInput, ModelyardError
from modelyard.base.notes import note
from modelyard.base.paths import open_below
from modelyard.compat.importers._mlflow.example import sample_of
from modelyard.compat.importers._mlflow.folder import files_in
from modelyard.compat.importers._mlflow.reading import Reading
from modelyard.compat.importers._mlflow.readings import reading_of
from modelyard.environments.requirements import normalise_name, parse_requirement
from modelyard.objects.card import Card, Created, FormatInfo, Requirements
from modelyard.objects.card_reader import card_from_plain
from modelyard.objects.files import ArtifactFiles, FolderOpener
from modelyard.objects.formats._mlflow.mlmodel import FILE, MLmodel, inner_path, read_mlmodel
from modelyard.objects.native import libraries_of, reading_format
from modelyard.objects.source import Source
from modelyard.types.schema import Argument, Signature
from modelyard.types.spelling import signature_from_dict

NAME = "mlflow"

OURS = "modelyard"
"""The flavor under which `build mlflow` names the card inside."""

_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.\d+)?Z?")
_VERSION = re.compile(r"\d+(\.\d+)*")
_OWN_PACKAGES = ("mlflow", "mlflow-skinny", "mlflow-tracing")
_MAX_TEXT = 1 << 20


def recognises(path: Path) -> bool:
    """A folder with a file ``MLmodel``."""
    return path.is_dir() and (path / FILE).is_file()


def source(path: Path) -> Source:
    """The card and the files of the folder."""
    if not recognises(path):
        raise InvalidInput(f"{path} is no folder with a file {FILE}")
    folder = path.absolute()
    description = read_mlmodel(_text(folder, FILE) or "", str(path / FILE))
    if OURS in description.flavors:
        return _built_here(description, folder, path)
    reading = reading_of(description, folder)
    files = files_in(folder, reading.files)
    card = _card(description, reading, folder).but(artifact=files.entries())
    return Source(
        card,
        files,
        name=folder.name,
        ref=str(path),
        outlined=reading.native and reading.methods is None,
    )


def _card(description: MLmodel, reading: Reading, folder: Path) -> Card:
    function = description.function
    methods = _methods(description, reading)
    signature = methods.get("predict")
    return Card(
        kind="model",
        flavor=reading.flavor,
        format=FormatInfo(reading.format, reading.tier, tuple(_reasons(reading))),
        methods=methods,
        requirements=Requirements(
            python=_matching(_VERSION, function.get("python_version")),
            packages=_packages(folder, reading, methods),
            modules=tuple(reading.modules),
        ),
        sample=sample_of(description, folder, signature) if signature else None,
        created=Created(at=_created(description)),
        metadata=_metadata(description),
    )


def _methods(description: MLmodel, reading: Reading) -> dict[str, Signature]:
    """The signature, on ``predict``; nothing when nobody gave one: then the loaded object tells."""
    if reading.methods is not None:
        return dict(reading.methods)
    try:
        spelled = description.input(bare=not reading.native)
        kind = types.parse(spelled) if spelled is not None else None
    except InvalidInput as error:
        note(f"{FILE}: {error.message}; any input is taken")
        kind = types.parse("any")
    if kind is None:
        return {}
    if reading.native and kind.kind == "list":
        kind = types.parse("any")  # nested cells: only MLflow's wrapper makes a table of them
    if reading.arrays and kind.kind != "array":
        return {}
    args = {reading.first: Argument(kind)}
    params = {} if reading.native else description.params()
    if reading.first in params:
        raise InvalidInput(f"{FILE}: a parameter is called {reading.first!r}, as the input is")
    args |= signature_from_dict({"args": params}).args
    return {"predict": Signature(args, _returns(description, reading))}


def _returns(description: MLmodel, reading: Reading) -> types.DataType | None:
    """The type of the answer, where the signature says it for the object that we call."""
    if not reading.native or reading.flavor not in _SAME_ANSWER:
        return None
    try:
        spelled = description.output()
        array = isinstance(spelled, Mapping) and spelled["type"] == "array"
        return types.parse(spelled) if spelled is not None and array else None
    except InvalidInput:
        return None


_SAME_ANSWER = ("sklearn", "xgboost", "lightgbm", "catboost", "statsmodels")
"""Flavors whose own ``predict`` gives what MLflow's wrapper around it gives."""


def _reasons(reading: Reading) -> list[str]:
    code = [f"module {name}" for name in reading.modules]
    return [*reading.reasons, *code] if reading.tier == 2 else []


def _packages(folder: Path, reading: Reading, methods: Mapping[str, Signature]) -> tuple[str, ...]:
    """The lines of requirements.txt that a card can hold. MLflow itself is left out where the model does not need it, and
    what it would have brought along is named."""
    found: dict[str, str] = {}
    for line in (_text(folder, "requirements.txt") or "").splitlines():
        bare = line.partition(" #")[0].strip()
        if not bare or bare.startswith("#"):
            continue
        try:
            requirement = parse_requirement(bare)
        except InvalidInput as error:
            note(f"{folder.name}: {error.message}; it is left out")
            continue
        found[requirement.name] = str(requirement)
    if not reading.needs_mlflow:
        found = {name: line for name, line in found.items() if name not in _OWN_PACKAGES}
    kinds = {a.type.kind for s in methods.values() for a in s.args.values()}
    brought = [*libraries_of(reading_format(reading.format, reading.flavor))]
    brought += [] if reading.native else ["pandas"]
    brought += [library for kind, library in _LIBRARIES.items() if kind in kinds]
    for library in brought:
        name = normalise_name(library)
        found.setdefault(name, name)
    return tuple(sorted(found.values()))


_LIBRARIES = {"dataframe": "pandas", "array": "numpy"}
"""Kind of data -> the library it takes."""


def _created(description: MLmodel) -> str:
    match = _TIME.fullmatch(str(description.values.get("utc_time_created", "")))
    return f"{match[1]}T{match[2]}Z" if match else ""


def _metadata(description: MLmodel) -> dict[str, Any]:
    """What the author added, and where the model came from."""
    names = ("run_id", "model_id", "artifact_path", "mlflow_version")
    values = description.values
    came = {name: values[name] for name in names if isinstance(values.get(name), str)}
    return {**description.metadata, "mlflow": came}


def _matching(pattern: re.Pattern[str], value: Any) -> str:
    return value if isinstance(value, str) and pattern.fullmatch(value) else ""


def _text(folder: Path, name: str) -> str | None:
    """A text file of the folder; None when it is not there."""
    if not (folder / name).is_file():
        return None
    with open_below(folder, name) as stream:
        return stream.read(_MAX_TEXT).decode("utf-8-sig", "replace")


def _built_here(description: MLmodel, folder: Path, path: Path) -> Source:
    """The object that was built into the folder, with its own card."""
    place = inner_path(description.flavors[OURS].get("card"), f"flavors.{OURS}.card")
    text = _text(folder, place)
    if text is None:
        raise InvalidCard(f"{path}: the card {place} that {FILE} names is not there")
    try:
        card = card_from_plain(json.loads(text), f"{path}/{place}")
    except ValueError as error:
        if isinstance(error, ModelyardError):
            raise
        raise InvalidCard(f"{path}/{place} is not JSON") from None
    root = folder / place.rpartition("/")[0]
    files = ArtifactFiles(card.artifact, FolderOpener(root), str(path))
    return Source(card, files, name=folder.name, ref=str(path))
