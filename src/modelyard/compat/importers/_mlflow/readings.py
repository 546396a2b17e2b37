"""Which of our readers opens a flavor of MLflow, and from which files of the folder.

A flavor that saves in its library's own format, or as a pickle, is read as our own models of that library are. Whatever
has no such reader is called as a Python function (`objects.formats.mlflow_pyfunc`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from modelyard.base.errors import Corrupted, UnsupportedFormat
from modelyard.compat.importers._mlflow.folder import files_below, files_in, model_files
from modelyard.objects.formats import mlflow_pyfunc
from modelyard.objects.formats._mlflow.mlmodel import FILE, FUNCTION, MLmodel, inner_path
from modelyard.objects.formats._mlflow.python_models import stands_alone
from modelyard.objects.importers import onnx
from modelyard.objects.importers.pickle import pickle_format
from modelyard.objects.native import reading_format
from modelyard.types.schema import Signature

MODULES = "modules/"
"""Where our artifacts hold local code."""


@dataclass(frozen=True)
class Reading:
    """How a folder is opened."""

    flavor: str
    """Ours; empty when only the loaded object tells."""
    format: str
    files: Mapping[str, str]
    """Name in the artifact -> path in the folder."""
    modules: Sequence[str] = ()
    reasons: Sequence[str] = ()
    first: str = "X"
    """What the first argument is called."""
    needs_mlflow: bool = False
    methods: Mapping[str, Signature] | None = None
    """Where the model's own file tells them."""
    native: bool = True
    """Whether the object's own methods are called, and not MLflow's wrapper."""
    tier: Literal[0, 1, 2] = 2
    """The reader's own, or higher."""


def reading_of(description: MLmodel, folder: Path) -> Reading:
    """The safest reader for the folder's flavors. `UnsupportedFormat` names those that it has, and the known ones."""
    refused: list[str] = []
    for name, read in NATIVE.items():
        options = description.flavors.get(name)
        if options is None:
            continue
        try:
            return _with_code(read(options, folder), options, folder)
        except UnsupportedFormat as error:
            refused.append(error.message)
    if description.function:
        return _function(description, folder, refused)
    raise UnsupportedFormat(
        f"{folder} has only the flavors {', '.join(description.flavors)}, which are not read here",
        hint=f"known: {', '.join([*NATIVE, FUNCTION])}; save it with a signature and the flavor {FUNCTION}",
    )


# -- flavors


def _sklearn(options: Mapping[str, Any], folder: Path) -> Reading:
    return _pickled_or_skops("sklearn", options, "pickled_model", folder)


def _lightgbm(options: Mapping[str, Any], folder: Path) -> Reading:
    if str(options.get("model_class", "Booster")).endswith(".Booster"):
        return _one_file("lightgbm", "lightgbm_text", options, "data", folder)
    return _pickled_or_skops("lightgbm", options, "data", folder, default="cloudpickle")


def _xgboost(options: Mapping[str, Any], folder: Path) -> Reading:
    return _one_file("xgboost", "ubj", options, "data", folder)


def _catboost(options: Mapping[str, Any], folder: Path) -> Reading:
    if options.get("save_format", "cbm") not in ("cbm", "json"):
        raise UnsupportedFormat(f"a catboost model saved as {options['save_format']}")
    return _one_file("catboost", "cbm", options, "data", folder)


def _onnx(options: Mapping[str, Any], folder: Path) -> Reading:
    """The graph tells what it takes better than the signature, which is that of MLflow's wrapper."""
    path = inner_path(options.get("data"), "flavors.onnx.data")
    files_in(folder, {path: path})
    source = onnx.source(folder.joinpath(*path.split("/")))
    above = path.rpartition("/")[0]
    files = {name: f"{above}/{name}" if above else name for name in source.files.names()}
    if len(files) == 1:
        files = {path.rpartition("/")[2]: path}
    return _checked(Reading("onnx", "onnx", files, methods=source.card.methods))


def _statsmodels(options: Mapping[str, Any], folder: Path) -> Reading:
    return _pickled("statsmodels", inner_path(options.get("data"), "data"), folder)


def _prophet(options: Mapping[str, Any], folder: Path) -> Reading:
    return _one_file("prophet", "prophet_json", options, "data", folder)


NATIVE: Mapping[str, Callable[[Mapping[str, Any], Path], Reading]] = {
    "sklearn": _sklearn,
    "xgboost": _xgboost,
    "lightgbm": _lightgbm,
    "catboost": _catboost,
    "onnx": _onnx,
    "statsmodels": _statsmodels,
    "prophet": _prophet,
}
"""MLflow's flavor -> how it is read, the nearest library first (an ``sklearn`` wrapper of another library is its own)."""


def _one_file(
    flavor: str, format: str, options: Mapping[str, Any], key: str, folder: Path
) -> Reading:
    path = inner_path(options.get(key), f"flavors.{flavor}.{key}")
    return _checked(Reading(flavor, format, {path.rpartition("/")[2]: path}))


def _pickled_or_skops(
    flavor: str, options: Mapping[str, Any], key: str, folder: Path, default: str = "pickle"
) -> Reading:
    path = inner_path(options.get(key), f"flavors.{flavor}.{key}")
    if options.get("serialization_format", default) != "skops":
        return _pickled(flavor, path, folder)
    reading = _checked(Reading(flavor, "skops", {path.rpartition("/")[2]: path}))
    try:
        named = reading_format("skops").inspect(files_in(folder, reading.files))
    except Corrupted:  # whoever loads it is told
        return reading
    refused = [n.removesuffix(_REFUSED) for n in named if n.endswith(_REFUSED)]
    return replace(reading, format="trusted_skops", tier=2, reasons=refused) if refused else reading


_REFUSED = " (not on the allow-list)"


def _pickled(flavor: str, path: str, folder: Path) -> Reading:
    """A checked pickle where all that it names is harmless, else code."""
    files = {path.rpartition("/")[2]: path}
    files_in(folder, files)  # it is there, and no link
    form = pickle_format(folder.joinpath(*path.split("/")))
    return Reading(flavor, form.name, files, reasons=form.reasons, tier=form.tier)


def _checked(reading: Reading) -> Reading:
    """The reading, when its format is one we read."""
    return replace(reading, tier=reading_format(reading.format, reading.flavor).TIER)


def _function(description: MLmodel, folder: Path, refused: Sequence[str]) -> Reading:
    loader = str(description.function.get("loader_module", ""))
    names = [n for n in model_files(folder) if not n.endswith((".pyc", ".pyo"))]
    files = {name: name for name in [FILE, *names]}
    alone = loader.partition(".")[0] != "mlflow"
    if loader == mlflow_pyfunc.PICKLED:
        alone = stands_alone(mlflow_pyfunc.inspect(files_in(folder, files))[1:])
    return Reading(
        flavor="callable",
        format=mlflow_pyfunc.NAME,
        files=files,
        reasons=[loader, *refused],
        first=mlflow_pyfunc.FIRST,
        needs_mlflow=not alone,
        native=False,
        tier=2,
    )


def _with_code(reading: Reading, options: Mapping[str, Any], folder: Path) -> Reading:
    """The model's own code, where our artifacts have it: importable while it is loaded, and a reason to ask for trust."""
    code = options.get("code")
    if not code:
        return reading
    root = inner_path(code, "code")
    found = {name: f"{root}/{name}" for name in files_below(folder, root) if _is_code(name)}
    tops = sorted({name.partition("/")[0] for name in found})
    files = {**reading.files, **{MODULES + name: path for name, path in found.items()}}
    return replace(reading, files=files, modules=tops, tier=2)


def _is_code(name: str) -> bool:
    top = name.partition("/")[0]
    return top.partition(".")[0].isidentifier() and not name.endswith((".pyc", ".pyo"))
