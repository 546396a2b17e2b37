"""ONNX: graphs of operators, made by any library. They answer as `formats._onnx.model.OnnxModel` does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

NAME = "onnx"
EXTRA = "onnx"
FORMATS = ("onnx",)


def claims(obj: Any) -> bool:
    """A ``ModelProto``, and what was loaded of one."""
    from modelyard.objects.formats._onnx.model import OnnxModel

    return isinstance(obj, OnnxModel) or type(obj).__name__ == "ModelProto"


def methods(obj: Any) -> Mapping[str, Callable[..., Any]]:
    """``predict``, and ``predict_proba`` of a classifier; of a converted model those that its graph has."""
    return _model(obj).methods


def labels(obj: Any) -> Sequence[str]:
    """What the model was before its conversion, else the program that made the graph."""
    model = _model(obj)
    noted = model.notes.get("labels", ())
    if isinstance(noted, list) and noted:
        return [str(label) for label in noted]
    return [model.proto.producer_name] if model.proto.producer_name else []


def system(obj: Any) -> Sequence[str]:
    """None: its wheels carry what they need."""
    return ()


def _model(obj: Any) -> Any:
    from modelyard.objects.formats._onnx.model import OnnxModel

    return obj if isinstance(obj, OnnxModel) else OnnxModel(obj)
