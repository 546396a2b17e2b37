"""The text of a ``.mlem`` file in one layout, the one of 0.4, whichever version wrote it.

=========  ====================================================================================
0.1        ``object_type: dataset``, ``dataset_type``, ``tags``, ``repo``; files below ``.mlem/<kind>/``
0.2        ``model_type`` at the root, ``description``, ``labels``; methods such as ``sklearn_predict``
0.3        ``model_type`` at the root
0.4        ``processors`` and ``call_orders``; description and labels are ``params``
=========  ====================================================================================

Keys that no version knew are passed over: the reader is for files that nobody will write again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelyard.base.errors import FileMissing, InvalidCard
from modelyard.objects.yaml_text import read_yaml

SUFFIX = ".mlem"
CONFIG = ".mlem.yaml"
INDEX = ".mlem"
"""The folder in which versions up to 0.2 kept their objects: ``.mlem/model/churn.mlem``."""
INDEXED = ("model", "data", "dataset", "link", "env", "deployment", "builder", "packager", "target")

MAIN = "model"
"""The processor that is the model itself."""
CALL = "__call__"

_RENAMED = {"dataset_type": "data_type"}
_KINDS = {"dataset": "data", "packager": "builder", "target": "env"}


@dataclass(frozen=True)
class Meta:
    """A ``.mlem`` file. ``fields`` are those of 0.4."""

    path: Path
    kind: str
    """``model``, ``data``, ``link``, ``env``, ``deployment``, ``builder`` or ``server``."""
    fields: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The object's name: the file's without its suffix."""
        return self.path.name.removesuffix(SUFFIX)

    @property
    def label(self) -> str:
        """How messages call it."""
        return str(self.path)

    def refuse(self, field: str, problem: str, hint: str | None = None) -> InvalidCard:
        """The error of a field that cannot be meant."""
        return InvalidCard(f"{self.path}: {field}: {problem}", hint=hint, field=field)

    def mapping(self, field: str, value: Any) -> Mapping[str, Any]:
        """A value that must be a mapping (or absent)."""
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self.refuse(field, f"must be a mapping, not {type(value).__name__}")
        return value

    def sequence(self, field: str, value: Any) -> list[Any]:
        """A value that must be a list (or absent)."""
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.refuse(field, f"must be a list, not {type(value).__name__}")
        return value

    def text(self, field: str, value: Any) -> str:
        """A value that must be text (or absent)."""
        if value is not None and not isinstance(value, str):
            raise self.refuse(field, f"must be text, not {value!r}")
        return value or ""

    @property
    def params(self) -> Mapping[str, Any]:
        """What users noted down."""
        return self.mapping("params", self.fields.get("params"))


def file_of(path: Path) -> Path:
    """The ``.mlem`` file of an object's path, which may name the file itself."""
    return path if path.name.endswith(SUFFIX) else path.with_name(path.name + SUFFIX)


def read_meta(path: Path) -> Meta:
    """Read a file; wrong content is `InvalidCard`. Nothing it names is imported."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        raise FileMissing(f"no file at {path}") from None
    except UnicodeDecodeError as error:
        raise InvalidCard(f"{path}: not UTF-8 text (byte {error.start})") from None
    raw = read_yaml(text, str(path), older=True).value  # an md5 may read 12345e67
    if not isinstance(raw, dict):
        raise InvalidCard(f"{path}: not a description that MLEM wrote: no mapping")
    return normalised(path, raw)


def normalised(path: Path, raw: Mapping[str, Any]) -> Meta:
    """A parsed file of any version in the layout of 0.4."""
    fields = _renamed(raw)
    kind = fields.pop("object_type", None) or _guessed(fields)
    if not isinstance(kind, str) or _KINDS.get(kind, kind) not in KNOWN:
        raise InvalidCard(
            f"{path}: object_type: {kind!r} is none of {', '.join(KNOWN)}",
            hint="nothing is imported to find out what it may be",
            field="object_type",
        )
    meta = Meta(path, _KINDS.get(kind, kind), fields)
    _keep_words(meta, fields)
    if kind == "link" and "repo" in fields:
        fields.setdefault("project", fields.pop("repo"))
    if meta.kind == "model" and "processors" not in fields:
        _split_model(meta, fields)
    return meta


KNOWN = ("model", "data", "link", "env", "deployment", "builder", "server")


def _guessed(fields: Mapping[str, Any]) -> str | None:
    """Servers were declared as plain YAML, without saying what they are."""
    return "server" if set(fields) & {"type"} and "artifacts" not in fields else None


def _renamed(value: Any) -> Any:
    if isinstance(value, dict):
        return {_RENAMED.get(k, k): _renamed(v) for k, v in value.items()}
    return [_renamed(v) for v in value] if isinstance(value, list) else value


def _keep_words(meta: Meta, fields: dict[str, Any]) -> None:
    """Description and labels of old layouts become params, as 0.4 has them."""
    found = {
        "description": fields.pop("description", None),
        "labels": fields.pop("labels", None) or fields.pop("tags", None),
    }
    fields.pop("tags", None)
    kept = {k: v for k, v in found.items() if v}
    if kept:
        fields["params"] = {**kept, **meta.params}


def _split_model(meta: Meta, fields: dict[str, Any]) -> None:
    """The one model of an old layout as the only processor, its methods without their doubles."""
    model = dict(meta.mapping("model_type", fields.pop("model_type", None)))
    if not model:
        raise meta.refuse("processors", "the model's own description is missing")
    methods = dict(meta.mapping("model_type.methods", model.get("methods")))
    kept = {name: method for name, method in methods.items() if not _is_double(name, methods)}
    if CALL in kept and len(kept) > 1 and model.get("type") == "callable":
        kept = {CALL: kept[CALL]}
    model["methods"] = kept
    fields["processors"] = {MAIN: model}
    fields["call_orders"] = {name: [[MAIN, name]] for name in kept}


def _is_double(name: str, methods: Mapping[str, Any]) -> bool:
    """``sklearn_predict`` beside ``predict``: the same method, by its library's name."""
    return any(name != other and name.endswith(f"_{other}") for other in methods) and name[
        : name.rfind("_predict")
    ] in ("sklearn", "lightgbm", "xgboost", "catboost", "torch", "tf", "onnx")


def project_root(path: Path) -> Path | None:
    """The nearest folder upward that MLEM took for a project."""
    for folder in path.resolve().parents:
        if (folder / CONFIG).is_file() or (folder / INDEX).is_dir():
            return folder
    return None
