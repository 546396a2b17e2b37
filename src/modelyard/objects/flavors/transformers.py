"""transformers: pipelines, and models alone, as the folder that ``save_pretrained`` writes. Nothing is ever downloaded.

A pipeline's ``predict`` takes what its task does (a text, a list of texts …) and gives plain lists, dicts, texts and
numbers. A model's is its forward pass, as of any PyTorch module.
"""

from __future__ import annotations

import enum
import functools
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from modelyard.base.errors import Corrupted, ModelFailed, ModelyardError, UnsupportedType
from modelyard.objects.flavors import torch as modules
from modelyard.objects.flavors._hub_folder import (
    align_files,
    align_weights,
    kept_with,
    offline,
    opened_folder,
)
from modelyard.objects.flavors._torch import calling
from modelyard.objects.flavors.callable import labels as labels_of
from modelyard.objects.interface import Files
from modelyard.objects.native import NativeFormat

NAME = "transformers"
EXTRA = "transformers"

ABOUT = "modelyard.json"
"""Beside the library's own files: what it does not write down itself."""
PARTS: Mapping[str, str] = {
    "tokenizer": "AutoTokenizer",
    "feature_extractor": "AutoFeatureExtractor",
    "image_processor": "AutoImageProcessor",
    "video_processor": "AutoVideoProcessor",
    "processor": "AutoProcessor",
}
"""Part of a pipeline -> what loads it."""
_KEPT = (
    *("_preprocess_params", "_forward_params", "_postprocess_params", "_generate_kwargs"),
    *("_batch_size", "binary_output"),
)
"""Attributes of a pipeline that hold what it was made with."""
_TASKS = {
    "ForSequenceClassification": "text-classification",
    "ForTokenClassification": "token-classification",
    "ForMaskedLM": "fill-mask",
    "ForCausalLM": "text-generation",
    "LMHeadModel": "text-generation",
    "ForImageClassification": "image-classification",
}
"""End of a model class's name -> the task of a folder that says no more."""


def claims(obj: Any) -> bool:
    from transformers import Pipeline, PreTrainedModel

    return isinstance(obj, (Pipeline, PreTrainedModel))


def methods(obj: Any) -> Mapping[str, Callable[..., Any]]:
    if not _is_pipeline(obj):
        return {n: _values_only(m) for n, m in calling.module_methods(obj).items()}

    def predict(inputs: Any, **parameters: Any) -> Any:
        with calling.evaluating(obj.model):
            return plain(obj(inputs, **parameters))

    return {"predict": predict}


def _values_only(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method whose answer is a dict of what there is: no fields without a value, and no cache of a running text."""

    @functools.wraps(method)
    def call(*args: Any, **named: Any) -> Any:
        result = method(*args, **named)
        if not isinstance(result, Mapping):
            return result
        return {k: v for k, v in result.items() if v is not None and not _is_cache(k, v)}

    return call


def _is_cache(name: str, value: Any) -> bool:
    return name == "past_key_values" or type(value).__module__ == "transformers.cache_utils"


def labels(obj: Any) -> Sequence[str]:
    """A pipeline's task, and the class of the model: ``text-classification``, ``bert-for-sequence-classification``."""
    return [obj.task, *labels_of(obj.model)] if _is_pipeline(obj) else labels_of(obj)


def system(obj: Any) -> Sequence[str]:
    """None: its wheels carry what they need."""
    return ()


def plain(value: Any) -> Any:
    """A result without numpy's and torch's own classes, as its JSON looks."""
    if isinstance(value, Mapping):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if type(value).__module__ == "numpy" or hasattr(value, "detach"):
        return value.tolist()
    return value


def _is_pipeline(obj: Any) -> bool:
    from transformers import Pipeline

    return isinstance(obj, Pipeline)


def dump(obj: Any, folder: Path) -> None:
    """Write the folder; `UnsupportedType` names what the library alone could not make again."""
    pipeline = obj if _is_pipeline(obj) else None
    model = pipeline.model if pipeline else obj
    parts = {n: p for n in PARTS if (p := getattr(pipeline, n, None)) is not None}
    strangers = [_name(type(o)) for o in (obj, model, *parts.values()) if not _is_own(type(o))]
    if strangers:
        raise UnsupportedType(
            f"not of transformers itself: {', '.join(strangers)}", types=strangers
        )
    if getattr(model, "_hf_peft_config_loaded", False) or getattr(model, "hf_quantizer", None):
        raise UnsupportedType(
            "a model with adapters or quantized weights", types=["adapters or quantizers"]
        )
    about: dict[str, Any] = {
        "model": type(model).__name__,
        "training": sorted(name for name, m in model.named_modules() if m.training),
        "frozen": sorted(name for name, p in model.named_parameters() if not p.requires_grad),
    }
    if pipeline:
        kept = {name: getattr(pipeline, name) for name in _KEPT if hasattr(pipeline, name)}
        about |= {"pipeline": type(pipeline).__name__, "task": pipeline.task, "parts": list(parts)}
        about["parameters"] = _spelled(kept, pipeline.task)
    with offline():
        for part in (*parts.values(), model):
            part.save_pretrained(str(folder))
    align_files(folder)
    (folder / ABOUT).write_text(json.dumps(about, allow_nan=False), "utf-8")


def _is_own(cls: type) -> bool:
    """Whether the library finds the class by its name."""
    import transformers

    return (
        cls.__module__.startswith("transformers.")
        and getattr(transformers, cls.__name__, None) is cls
    )


def _name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _spelled(value: Any, where: str) -> Any:
    """Parameters as JSON; choices of the library by their class and value."""
    if isinstance(value, enum.Enum):
        return {"choice": type(value).__name__, "value": value.value}
    if isinstance(value, dict):
        return {str(k): _spelled(v, f"{where}.{k}") for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_spelled(v, where) for v in value]
    if value is None or type(value) in (bool, int, float, str):
        return value
    raise UnsupportedType(f"{where} is a {_name(type(value))}", types=[_name(type(value))])


def load(files: Files) -> Any:
    """The pipeline or model, made by the library's own classes from what is in the folder. `Corrupted` when it cannot."""
    folder = opened_folder(files)
    about = _about(files, folder)
    try:
        with offline():
            model = _loaded_model(folder, about)
            if ABOUT in files.names():
                align_weights(model)
            made = _loaded_pipeline(folder, about, model) if "pipeline" in about else model
    except ModelyardError:
        raise
    except Exception as error:  # the library's own many ways to say that a file is not right
        raise ModelFailed(
            f"transformers cannot load the folder: {type(error).__name__}: {error}"
        ) from error
    return kept_with(made, files)


def _about(files: Files, folder: Path) -> dict[str, Any]:
    if ABOUT in files.names():
        about = json.loads(files.read(ABOUT))
        if not isinstance(about, dict) or not isinstance(about.get("model"), str):
            raise Corrupted(f"{ABOUT} does not name a model")
        return about
    config = json.loads((folder / "config.json").read_bytes())
    name = str(next(iter(config.get("architectures") or []), "AutoModel"))
    about = {"model": name, "training": [], "frozen": []}
    parts = [p for p, file in _FILES.items() if file in files.names()]
    task = next((task for end, task in _TASKS.items() if name.endswith(end)), None)
    if task is None and "tokenizer" in parts:
        task = "feature-extraction"
    needed = "image_processor" if task == "image-classification" else "tokenizer"
    return (
        {**about, "task": task, "parts": [needed], "pipeline": ""}
        if task and needed in parts
        else about
    )


_FILES = {"tokenizer": "tokenizer_config.json", "image_processor": "preprocessor_config.json"}
"""Part of a pipeline -> the file that shows it is there."""


def _loaded_model(folder: Path, about: Mapping[str, Any]) -> Any:
    import transformers

    cls = (
        _of_library(about["model"], "PreTrainedModel")
        if about["model"] != "AutoModel"
        else transformers.AutoModel
    )
    model = cls.from_pretrained(
        str(folder),
        local_files_only=True,
        use_safetensors=True,
        trust_remote_code=False,
        dtype="auto",
    )
    training, frozen = set(about["training"]), set(about["frozen"])
    for name, part in model.named_modules():
        part.training = name in training
    for name, weight in model.named_parameters():
        if name in frozen:
            weight.requires_grad_(requires_grad=False)
    return model


def _loaded_pipeline(folder: Path, about: Mapping[str, Any], model: Any) -> Any:
    import transformers

    parts = {}
    for name in about["parts"]:
        loader = getattr(transformers, PARTS[name])
        parts[name] = loader.from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=False
        )
    if not about["pipeline"]:  # a folder that says no more than its architecture
        return transformers.pipeline(about["task"], model=model, device="cpu", **parts)
    cls = _of_library(about["pipeline"], "Pipeline")
    made = cls(model=model, task=str(about["task"]), device="cpu", **parts)
    for name, value in about.get("parameters", {}).items():
        if name in _KEPT and hasattr(made, name):
            setattr(made, name, _read(value, cls))
    return made


def _of_library(name: str, base: str) -> Any:
    """A class of the library by its name, of a kind."""
    import transformers

    cls = getattr(transformers, name, None) if name.isidentifier() else None
    if not (isinstance(cls, type) and issubclass(cls, getattr(transformers, base))):
        raise Corrupted(f"transformers has no {base} {name[:80]!r} here")
    return cls


def _read(value: Any, cls: type) -> Any:
    if isinstance(value, dict) and value.keys() == {"choice", "value"}:
        choices = getattr(sys.modules[cls.__module__], str(value["choice"]), None)
        if not (isinstance(choices, type) and issubclass(choices, enum.Enum)):
            raise Corrupted(f"{ABOUT}: {value['choice']!r} is no choice of {cls.__name__}")
        return choices(value["value"])
    if isinstance(value, dict):
        return {k: _read(v, cls) for k, v in value.items()}
    return [_read(v, cls) for v in value] if isinstance(value, list) else value


FOLDER = NativeFormat("transformers", 1, ".safetensors", dump, load)
NATIVE = (FOLDER, modules.STATE)
FORMATS = ("transformers", "torch_state", "cloudpickle")
