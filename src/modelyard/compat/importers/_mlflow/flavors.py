"""MLflow's flavors that save in their library's own format or as a pickle, and how each is read here."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from modelyard.base import plugins
from modelyard.base.errors import Corrupted, FileMissing, UnsupportedFormat
from modelyard.compat.importers._mlflow.folder import files_below, files_in
from modelyard.compat.importers._mlflow.reading import Reading
from modelyard.objects.formats._mlflow.mlmodel import FILE, inner_path
from modelyard.objects.importers.pickle import pickle_format
from modelyard.objects.native import reading_format
from modelyard.objects.source import Source


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
    return _by_importer("onnx", inner_path(options.get("data"), "flavors.onnx.data"), folder)


def _statsmodels(options: Mapping[str, Any], folder: Path) -> Reading:
    return _pickled("statsmodels", inner_path(options.get("data"), "data"), folder)


def _prophet(options: Mapping[str, Any], folder: Path) -> Reading:
    return _one_file("prophet", "prophet_json", options, "data", folder)


def _pytorch(options: Mapping[str, Any], folder: Path) -> Reading:
    """An exported program, TorchScript, or a pickled module."""
    data = inner_path(options.get("model_data"), "flavors.pytorch.model_data")
    found = {Path(name).suffix: f"{data}/{name}" for name in files_below(folder, data)}
    path = found.get(".pt2") or found.get(".pth")
    if path is None:
        raise FileMissing(f"{FILE} of {folder} names {data!r}, where no model is")
    if path.endswith(".pt2"):
        return _torch("torch_export", path, "what is in an exported program can run code")
    with zipfile.ZipFile(_real(folder, path)) as archive:
        script = any(name.endswith("/constants.pkl") for name in archive.namelist())
    if script:
        return _torch("torchscript", path, "TorchScript is a program of its own")
    return _torch("torch_pickle", path, "a module that was pickled whole")


def _torch(format: str, path: str, reason: str) -> Reading:
    reading = Reading("torch", format, {path.rpartition("/")[2]: path}, reasons=[reason])
    return _checked(replace(reading, arrays=True))


def _keras(options: Mapping[str, Any], folder: Path) -> Reading:
    return _keras_at(f"{inner_path(options.get('data'), 'flavors.keras.data')}/model", folder)


def _tensorflow(options: Mapping[str, Any], folder: Path) -> Reading:
    if "saved_model_dir" in options:
        path = inner_path(options["saved_model_dir"], "flavors.tensorflow.saved_model_dir")
        return replace(_by_importer("saved_model", path, folder), arrays=True)
    return _keras_at(f"{inner_path(options.get('data'), 'flavors.tensorflow.data')}/model", folder)


def _keras_at(path: str, folder: Path) -> Reading:
    """``model.keras``, ``model.h5``, or the folder ``model`` of one that was exported."""
    for suffix, importer in ((".keras", "keras"), (".h5", "keras"), ("", "saved_model")):
        if _real(folder, path + suffix).exists():
            return replace(_by_importer(importer, path + suffix, folder), arrays=True)
    raise FileMissing(f"{FILE} of {folder} names {path!r}, where no model is")


def _spacy(options: Mapping[str, Any], folder: Path) -> Reading:
    """MLflow's wrapper takes tables; a pipeline takes texts, as it says itself when it is loaded."""
    path = inner_path(options.get("data"), "flavors.spacy.data")
    return replace(_by_importer("spacy", path, folder), methods={})


def _sentence_transformers(options: Mapping[str, Any], folder: Path) -> Reading:
    root = "model.sentence_transformer"
    files = {name: f"{root}/{name}" for name in files_below(folder, root)}
    return _checked(Reading("sentence_transformers", "sentence_transformers", files, methods={}))


NATIVE: Mapping[str, Callable[[Mapping[str, Any], Path], Reading]] = {
    "sklearn": _sklearn,
    "xgboost": _xgboost,
    "lightgbm": _lightgbm,
    "catboost": _catboost,
    "onnx": _onnx,
    "statsmodels": _statsmodels,
    "prophet": _prophet,
    "pytorch": _pytorch,
    "keras": _keras,
    "tensorflow": _tensorflow,
    "spacy": _spacy,
    "sentence_transformers": _sentence_transformers,
}
"""MLflow's flavor -> how it is read. `UnsupportedFormat` for a variant that only MLflow itself reads."""


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


def _by_importer(name: str, path: str, folder: Path) -> Reading:
    """As the importer of the library's own files and folders opens what stands at an inner path."""
    inner = _real(folder, path)
    if inner.is_dir():
        names = {n: f"{path}/{n}" for n in files_below(folder, path)}
    else:
        files_in(folder, {path: path})  # it is there, and no link
        names = None
    source: Source = plugins.load("importers", name).source(inner)
    card = source.card
    assert card.format is not None, "an importer of models gives one"
    if names is None:
        beside = path.rpartition("/")[0]
        found = [entry.path for entry in card.artifact]
        names = {n: f"{beside}/{n}" if beside else n for n in found}
    reading = Reading(card.flavor, card.format.name, names, reasons=card.format.reasons)
    return replace(reading, tier=card.format.tier, methods=card.methods or None)


def _real(folder: Path, path: str) -> Path:
    return folder.joinpath(*path.split("/"))
