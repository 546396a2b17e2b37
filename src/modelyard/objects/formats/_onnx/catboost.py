"""Boosters of CatBoost, by its own export: numbers only, no categories."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any


def attempts(model: Any, value: Any) -> Iterator[tuple[str, Callable[[], Any]]]:
    """As the library writes it."""
    yield "by its own export", lambda: _exported(model)


def _exported(model: Any) -> Any:
    import onnx

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.onnx")
        model.save_model(str(path), format="onnx")
        return onnx.load(path)
