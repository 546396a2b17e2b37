"""Folders as MLflow writes them for Python functions, made here by hand; its own client's are in `tests/frameworks`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import cloudpickle

from modelyard.objects.formats._mlflow import python_models

COLUMNS = [{"name": "a", "type": "double"}, {"name": "b", "type": "long"}]


def write_folder(
    folder: Path, model: Any, *, inputs: Any = COLUMNS, params: Any = None, **options: Any
) -> Path:
    """A folder with a pickled model, described as MLflow does."""
    folder.mkdir()
    with as_mlflow():
        (folder / "python_model.pkl").write_bytes(cloudpickle.dumps(model))
    function = {
        "loader_module": "mlflow.pyfunc.model",
        "python_model": "python_model.pkl",
        "python_version": "3.11.7",
        **options,
    }
    signature = {"inputs": json.dumps(inputs), "params": json.dumps(params) if params else None}
    text = {"flavors": {"python_function": function}, "signature": signature}
    (folder / "MLmodel").write_text(json.dumps(text, indent=1))
    return folder


@contextmanager
def as_mlflow() -> Iterator[None]:
    """While it lasts, classes pickled by name go by the names that MLflow gives them."""
    name = "mlflow.pyfunc.model"
    module = ModuleType(name)
    own = {"PythonModel": python_models.PythonModel, "_FunctionPythonModel": python_models.FunctionModel}  # fmt: skip
    before = {cls: (cls.__module__, cls.__qualname__) for cls in own.values()}
    modules = {"mlflow": ModuleType("mlflow"), "mlflow.pyfunc": ModuleType("mlflow.pyfunc"), name: module}  # fmt: skip
    sys.modules.update(modules)
    for word, cls in own.items():
        cls.__module__, cls.__qualname__ = name, word
        setattr(module, word, cls)
    try:
        yield
    finally:
        for cls, (at, called) in before.items():
            cls.__module__, cls.__qualname__ = at, called
        for known in modules:
            del sys.modules[known]


def weighted() -> Any:
    """A model with set-up, pickled whole as one from a notebook is."""

    class Weighted(python_models.PythonModel):
        def load_context(self, context: Any) -> None:
            self.weight = float(Path(context.artifacts["weight"]).read_text())

        def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
            return model_input["a"] * self.weight + (params or {}).get("shift", 0)

    return Weighted()


def function() -> Any:
    """A function as MLflow wraps it."""
    model = python_models.FunctionModel()
    model.func = lambda texts: [text.upper() for text in texts]
    return model
