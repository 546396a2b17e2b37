"""What a card says, in MLflow's words: the signature, the example, the flavors that can read the model themselves."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from modelyard.objects.card import Card
from modelyard.objects.files import ArtifactFiles
from modelyard.objects.formats._mlflow.called import METHOD, batch_argument
from modelyard.objects.formats._mlflow.signatures import write_input, write_params, write_value
from modelyard.objects.model import default_method
from modelyard.objects.native import reading_format
from modelyard.objects.sampling import required_arguments, sample_arguments
from modelyard.types.schema import Signature
from modelyard.types.spelling import signature_to_dict


def signature_of(card: Card) -> dict[str, str | None]:
    """The signature of the default method as ``MLmodel`` holds it: three texts of JSON."""
    signature = card.methods[default_method(list(card.methods))]
    inputs, outputs, params = inputs_of(signature), outputs_of(signature), params_of(card)
    return {
        "inputs": json.dumps(inputs) if inputs else None,
        "outputs": json.dumps(outputs) if outputs else None,
        "params": json.dumps(params) if params else None,
    }


def inputs_of(signature: Signature) -> list[dict[str, Any]]:
    """The columns or tensors that the method takes."""
    batch = batch_argument(signature)
    if batch is not None:
        return write_input(signature.args[batch].type.to_dict()) or []
    names = required_arguments(signature)
    return [
        {**write_value(signature.args[name].type.to_dict()), "name": name, "required": True}
        for name in names
    ]


def takes_list(card: Card) -> bool:
    """Whether the default method takes a list of values as it is."""
    signature = card.methods[default_method(list(card.methods))]
    batch = batch_argument(signature)
    return batch is not None and signature.args[batch].type.kind == "list"


def outputs_of(signature: Signature) -> list[dict[str, Any]] | None:
    """What it answers; None when nobody knows."""
    if signature.returns is None:
        return None
    spelled = signature.returns.to_dict()
    if batch_argument(signature) is None:
        return [{**write_value(spelled), "required": True}]
    return write_input(spelled) or [{**write_value(spelled), "required": True}]


def params_of(card: Card) -> list[dict[str, Any]]:
    """The optional arguments of the default method, and the choice of a method where there are several."""
    default = default_method(list(card.methods))
    signature = card.methods[default]
    spelled = signature_to_dict(signature)["args"]
    needed = required_arguments(signature)
    found = write_params({n: a for n, a in spelled.items() if "default" in a and n not in needed})
    if len(card.methods) > 1 and METHOD not in signature.args:
        choice = {"name": METHOD, "default": default, "shape": None, "type": "string"}
        found.append(choice)
    return found


# -- the example


def example_of(card: Card) -> tuple[Any, Any, dict[str, Any]] | None:
    """The card's sample as an input example, as a request to ``/invocations``, and what ``MLmodel`` says of it."""
    signature = card.methods[default_method(list(card.methods))]
    arguments = sample_arguments(card.sample, signature)
    batch = batch_argument(signature)
    value = arguments.get(batch) if batch else [arguments] if arguments else None
    if not isinstance(value, list) or not value:
        return None
    about = {"artifact_path": EXAMPLE, "serving_input_path": SERVING_EXAMPLE}
    inputs = inputs_of(signature)
    if inputs and inputs[0]["type"] != "tensor" and "name" in inputs[0]:
        names = [spec["name"] for spec in inputs]
        rows = value if batch else [arguments]
        if not all(isinstance(row, Mapping) for row in rows):
            return None
        split = {"columns": names, "data": [[row.get(n) for n in names] for row in rows]}
        about |= {"pandas_orient": "split", "type": "dataframe"}
        return split, {"dataframe_split": split}, about
    tensor = bool(inputs) and inputs[0]["type"] == "tensor"
    return value, {"inputs": value}, {**about, "type": "ndarray" if tensor else "json_object"}


EXAMPLE, SERVING_EXAMPLE = "input_example.json", "serving_input_example.json"


# -- MLflow's own readers


def native_flavors(card: Card, files: ArtifactFiles, data: str) -> dict[str, dict[str, Any]]:
    """The flavors of MLflow that read the model's own file, as ``mlflow.<flavor>.load_model`` does. ``data`` is the
    artifact's path in the folder. None where code of ours has to run around the model."""
    if card.format is None or card.steps or card.requirements.modules:
        return {}
    write = _NATIVE.get((card.flavor, card.format.name))
    options = write(card, files, data) if write else None
    return {card.flavor: {"code": None, **options}} if options else {}


def _sklearn(card: Card, files: ArtifactFiles, data: str) -> dict[str, Any]:
    name = card.format.name if card.format else ""
    trusted = list(reading_format("skops").inspect(files)) if name == "skops" else None
    return {
        "pickled_model": _single(files, data),
        "serialization_format": name,
        "sklearn_version": pinned(card.requirements.packages, "scikit-learn"),
        "skops_trusted_types": trusted,
    }


def _xgboost(card: Card, files: ArtifactFiles, data: str) -> dict[str, Any] | None:
    wrapper = _wrapper_class(files)
    return {
        "data": _named(files, data, ".ubj"),
        "model_class": f"xgboost.sklearn.{wrapper}" if wrapper else "xgboost.core.Booster",
        "model_format": "ubj",
        "xgb_version": pinned(card.requirements.packages, "xgboost", "xgboost-cpu"),
    }


def _lightgbm(card: Card, files: ArtifactFiles, data: str) -> dict[str, Any] | None:
    """Boosters only: MLflow keeps LightGBM's estimators as pickles."""
    if _wrapper_class(files) not in ("", "Booster"):
        return None
    version = pinned(card.requirements.packages, "lightgbm")
    return {
        "data": _named(files, data, ".txt"),
        "lgb_version": version,
        "model_class": "lightgbm.basic.Booster",
    }


def _catboost(card: Card, files: ArtifactFiles, data: str) -> dict[str, Any] | None:
    kind = _wrapper_class(files)
    if not kind:
        return None
    version = pinned(card.requirements.packages, "catboost")
    return {
        "catboost_version": version,
        "data": _named(files, data, ".cbm"),
        "model_type": kind,
        "save_format": "cbm",
    }


def _onnx(card: Card, files: ArtifactFiles, data: str) -> dict[str, Any] | None:
    return {
        "data": _named(files, data, ".onnx"),
        "onnx_session_options": None,
        "onnx_version": pinned(card.requirements.packages, "onnx"),
        "providers": ["CPUExecutionProvider"],
    }


def _keras(card: Card, files: ArtifactFiles, data: str) -> dict[str, Any] | None:
    """MLflow looks for ``model.keras`` in a folder; that is what the one file is called here."""
    if files.names() != ["artifact"]:
        return None
    return {
        "data": data.rpartition("/")[0],
        "keras_backend": "tensorflow",
        "keras_version": pinned(card.requirements.packages, "keras"),
        "save_exported_model": False,
    }


_NATIVE = {
    ("sklearn", "skops"): _sklearn,
    ("sklearn", "cloudpickle"): _sklearn,
    ("sklearn", "pickle"): _sklearn,
    ("xgboost", "ubj"): _xgboost,
    ("lightgbm", "lightgbm_text"): _lightgbm,
    ("catboost", "cbm"): _catboost,
    ("onnx", "onnx"): _onnx,
    ("keras", "keras"): _keras,
}


def _single(files: ArtifactFiles, data: str) -> str:
    names = files.names()
    return data if names == ["artifact"] else f"{data}/{names[0]}"


def _named(files: ArtifactFiles, data: str, suffix: str) -> str:
    names = files.names()
    if names == ["artifact"]:
        return data
    return f"{data}/{next(name for name in names if name.endswith(suffix))}"


def _wrapper_class(files: ArtifactFiles) -> str:
    """The class of the library that stands beside its model file; empty when there is none."""
    if "wrapper.json" not in files.names():
        return ""
    found = json.loads(files.read("wrapper.json")).get("class")
    return found if isinstance(found, str) and found.isidentifier() else ""


def pinned(packages: Sequence[str], *names: str) -> str | None:
    """The version that a card pins one of these packages to."""
    for line in packages:
        match = re.fullmatch(r"([A-Za-z0-9._-]+)==([A-Za-z0-9.+!_-]+)", line)
        if match and match[1] in names:
            return match[2]
    return None
