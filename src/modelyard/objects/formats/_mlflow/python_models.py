"""A pickled ``PythonModel`` (or function) without the library that it was written with.

Such a pickle holds the user's own class whole; of MLflow it needs little more than the base class. Where MLflow is not
installed, what stands here takes the place of that little, so that a model of a few lines does not bring a tracking
client of some hundred megabytes along.
"""

from __future__ import annotations

import importlib
import inspect
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from modelyard.base.errors import Corrupted, EnvironmentMismatch, InvalidInput


class PythonModel:
    """Stands for ``mlflow.pyfunc.PythonModel``."""

    def load_context(self, context: Any) -> None:
        """Nothing, unless the user's class has something to set up."""


class FunctionModel(PythonModel):
    """Stands for the class in which a saved function is wrapped."""

    func: Callable[[Any], Any]

    def predict(self, model_input: Any, params: Mapping[str, Any] | None = None) -> Any:
        """The function takes the input alone."""
        return self.func(model_input)


class Context(NamedTuple):
    """What ``load_context`` and ``predict`` get: paths of artifacts by name, and the model's settings."""

    artifacts: Mapping[str, str]
    model_config: Mapping[str, Any]


class _Description:
    """Stands for whatever describes the input: it has been read from ``MLmodel``, and the pickle's copy is not used."""

    def __init__(self, *_: Any, **__: Any) -> None: ...


class _FuncInfo(NamedTuple):
    input_type_hint: Any
    input_param_name: str


def _as_given(args: Any, named: Any, *_: Any) -> tuple[Any, Any]:
    """Values have been checked against the signature already."""
    return args, named


_STAND_INS: Mapping[tuple[str, str], Any] = {
    ("mlflow.pyfunc.model", "PythonModel"): PythonModel,
    ("mlflow.pyfunc.model", "_FunctionPythonModel"): FunctionModel,
    ("mlflow.pyfunc.model", "PythonModelContext"): Context,
    ("mlflow.pyfunc.utils.data_validation", "FuncInfo"): _FuncInfo,
    ("mlflow.pyfunc.utils.data_validation", "_validate_model_input"): _as_given,
    ("mlflow.exceptions", "MlflowException"): InvalidInput,
}


_DESCRIBING = ("mlflow.models.signature", "mlflow.types.schema")


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _STAND_INS:
            return _STAND_INS[module, name]
        if module in _DESCRIBING:
            return _Description
        return super().find_class(module, name)


def read_python_model(path: Path, compression: str | None = None) -> Any:
    """The object in a file; runs the code in it."""
    try:
        with _opened(path, compression) as stream:
            return _Unpickler(stream).load()
    except (ImportError, AttributeError) as error:
        raise EnvironmentMismatch(
            f"{path.name} needs code that is not here: {error}",
            hint="install what the model's requirements name; some models need mlflow itself",
        ) from error
    except (pickle.UnpicklingError, EOFError, ValueError, IndexError, KeyError) as error:
        raise Corrupted(f"{path.name} is damaged, or no pickle: {error}") from error


def _opened(path: Path, compression: str | None) -> Any:
    if not compression:
        return path.open("rb")
    modules = {"lzma": "lzma", "bzip2": "bz2", "gzip": "gzip"}
    if compression not in modules:
        raise InvalidInput(f"{path.name} is compressed by {compression!r}, which is not read here")
    return importlib.import_module(modules[compression]).open(path, "rb")


def as_function(model: Any, context: Context) -> Callable[[Any, dict[str, Any]], Any]:
    """The model's ``predict`` with its context, called with the input and its params."""
    model.load_context(context)
    known = inspect.signature(model.predict).parameters
    before = [context] if _takes_context(known) else []

    def call(data: Any, params: dict[str, Any]) -> Any:
        named = {"params": params or None} if "params" in known else {}
        return model.predict(*before, data, **named)

    return call


def _takes_context(parameters: Mapping[str, Any]) -> bool:
    """MLflow's own rule: by that name, or as the first of two without a name for it."""
    names = [name for name in parameters if name not in ("self", "params", "kwargs")]
    return "context" in parameters or len(names) > 1
