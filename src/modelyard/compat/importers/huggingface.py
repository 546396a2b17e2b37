"""Folders of Hugging Face's libraries: ``config.json`` with safetensors, or the ``modules.json`` of sentence-transformers.

Opened as if they had a card: the task follows from the architecture that ``config.json`` names. Of what lies in a
downloaded folder only weights in safetensors, settings and vocabularies are taken; other copies of the weights, code and
pictures are left where they are. A folder whose only weights are pickles is refused.
"""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePosixPath
from typing import Any

from modelyard.base.errors import InvalidInput
from modelyard.base.paths import list_below
from modelyard.objects.card import Card, FormatInfo, Requirements
from modelyard.objects.importers import source_of
from modelyard.objects.source import Source

NAME = "huggingface"

CONFIG, MODULES = "config.json", "modules.json"
_WEIGHTS = ".safetensors"
_WORDS = frozenset([".json", ".txt", ".jinja", ".model", ".vocab", ".bpe", ".spm", ".tiktoken"])
_PICKLES = frozenset([".bin", ".pt", ".pth", ".ckpt"])


def recognises(path: Path) -> bool:
    """A folder with the settings of a model that transformers or sentence-transformers wrote."""
    if not path.is_dir():
        return False
    if (path / MODULES).is_file():
        return _is_modules(_read(path / MODULES))
    config = _read(path / CONFIG) if (path / CONFIG).is_file() else None
    return isinstance(config, dict) and isinstance(config.get("model_type"), str)


def _is_modules(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(m, dict) and "type" in m for m in value)
    )


def source(path: Path) -> Source:
    """The files that make the model, and a card that says by which library. `InvalidInput` for pickled weights."""
    if not recognises(path):
        raise InvalidInput(
            f"{path} is no folder of transformers or sentence-transformers",
            hint=f"it would have a {CONFIG} with a model_type, or a {MODULES}",
        )
    names = [n for n in list_below(path) if not n.startswith((".", "onnx/", "openvino/", "runs/"))]
    weights = [n for n in names if n.endswith(_WEIGHTS)]
    if not weights:
        pickles = [n for n in names if PurePosixPath(n).suffix in _PICKLES]
        raise InvalidInput(
            f"{path} has no weights in safetensors"
            + f", only {', '.join(pickles[:3])}" * bool(pickles),
            hint="pickled weights run code: load them with transformers where you trust them, and save with "
            "save_pretrained(), which writes safetensors",
        )
    sentences = (path / MODULES).is_file()
    flavor = "sentence_transformers" if sentences else "transformers"
    words = [n for n in names if PurePosixPath(n).suffix in _WORDS and not _is_index(n, weights)]
    card = Card(
        kind="model",
        flavor=flavor,
        format=FormatInfo(flavor, 1),
        labels=_labels(path),
        requirements=Requirements(packages=_packages(flavor)),
    )
    return source_of(path, card, [*words, *weights])


def _is_index(name: str, weights: list[str]) -> bool:
    """Whether a file lists the parts of weights that are not taken (``pytorch_model.bin.index.json``)."""
    return name.endswith(".index.json") and name.removesuffix(".index.json") not in weights and (
        not name.endswith(f"{_WEIGHTS}.index.json")
    )  # fmt: skip


def _labels(path: Path) -> tuple[str, ...]:
    config = _read(path / CONFIG) if (path / CONFIG).is_file() else {}
    kind = config.get("model_type") if isinstance(config, dict) else None
    return (kind,) if isinstance(kind, str) and kind else ()


def _packages(flavor: str) -> tuple[str, ...]:
    """What will read it, as installed here: the folder names no versions."""
    wanted = ["torch", "transformers"]
    if flavor == "sentence_transformers":
        wanted.append("sentence-transformers")
    found: list[str] = []
    for name in sorted(wanted):
        try:
            found.append(f"{name}=={version(name).partition('+')[0]}")
        except PackageNotFoundError:
            found.append(name)
    return tuple(found)


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return None
