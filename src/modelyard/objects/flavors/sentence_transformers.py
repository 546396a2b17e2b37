"""sentence-transformers: models of sentences, as the folder the library itself saves. Nothing is ever downloaded.

``encode`` gives vectors of texts; a cross encoder's ``predict`` scores pairs.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from modelyard.base.errors import ModelFailed, ModelyardError, UnsupportedType
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

NAME = "sentence_transformers"
EXTRA = "sentence-transformers"

ABOUT = "config_sentence_transformers.json"
METHODS = ("predict", "encode", "encode_query", "encode_document")


def claims(obj: Any) -> bool:
    from sentence_transformers import CrossEncoder, SentenceTransformer

    return isinstance(obj, (CrossEncoder, SentenceTransformer))


def methods(obj: Any) -> Mapping[str, Callable[..., Any]]:
    found = {name: getattr(obj, name, None) for name in METHODS}
    return {name: _evaluating(method, obj) for name, method in found.items() if callable(method)}


def _evaluating(method: Callable[..., Any], obj: Any) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(*args: Any, **named: Any) -> Any:
        with calling.evaluating(obj):
            return method(*args, **{"show_progress_bar": False, **named})

    return call


def labels(obj: Any) -> Sequence[str]:
    return labels_of(obj)


def system(obj: Any) -> Sequence[str]:
    """None: its wheels carry what they need."""
    return ()


def dump(obj: Any, folder: Path) -> None:
    """Write the folder; `UnsupportedType` names parts that the library alone could not make again."""
    parts = [obj, *getattr(obj, "_modules", {}).values()]
    strangers = [
        t for t in map(type, parts) if not t.__module__.startswith("sentence_transformers.")
    ]
    if strangers:
        names = [f"{t.__module__}.{t.__qualname__}" for t in strangers]
        raise UnsupportedType(
            f"not of sentence_transformers itself: {', '.join(names)}", types=names
        )
    with offline():
        obj.save_pretrained(str(folder), create_model_card=False)
    align_files(folder)


def load(files: Files) -> Any:
    """The model, made by the library's own classes from what is in the folder."""
    import sentence_transformers

    folder = opened_folder(files)
    own = json.loads(files.read(ABOUT)) if ABOUT in files.names() else {}
    pairs = own.get("model_type", "") == "CrossEncoder" or "modules.json" not in files.names()
    cls = sentence_transformers.CrossEncoder if pairs else sentence_transformers.SentenceTransformer
    try:
        with offline():
            made = cls(
                str(folder), device="cpu", local_files_only=True, trust_remote_code=False,
                model_kwargs={"use_safetensors": True},
            )  # fmt: skip
    except ModelyardError:
        raise
    except Exception as error:  # the library's own many ways to say that a file is not right
        raise ModelFailed(
            f"sentence-transformers cannot load the folder: {type(error).__name__}: {error}"
        ) from error
    align_weights(made)
    return kept_with(made, files)


FOLDER = NativeFormat("sentence_transformers", 1, ".safetensors", dump, load)
NATIVE = (FOLDER, modules.STATE)
FORMATS = ("sentence_transformers", "torch_state", "cloudpickle")
