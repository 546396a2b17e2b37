"""A pickled ``PythonModel`` (or function) without the library that it was written with.

Such a pickle holds the user's own class whole; of MLflow it needs little more than the base class. What stands here takes
the place of that little, so that a model of a few lines does not bring a tracking client of some hundred megabytes and
seconds along. A pickle that names more of it is for MLflow itself (`stands_alone`).
"""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from modelyard.base.errors import InvalidInput
from modelyard.objects.formats._pickles.loading import load_file
from modelyard.objects.interface import Files


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


def _as_hinted(args: Any, named: Any, place: int, hint: Any, name: str) -> tuple[Any, Any]:
    """The input as objects of the type hint: dicts become the user's pydantic models."""
    from pydantic import TypeAdapter

    def read(value: Any) -> Any:
        return value if hint is None else TypeAdapter(hint).validate_python(value)

    if name in named:
        return args, {**named, name: read(named[name])}
    return tuple(read(a) if i == place else a for i, a in enumerate(args)), named


_STAND_INS: Mapping[tuple[str, str], Any] = {
    ("mlflow.pyfunc.model", "PythonModel"): PythonModel,
    ("mlflow.pyfunc.model", "_FunctionPythonModel"): FunctionModel,
    ("mlflow.pyfunc.model", "PythonModelContext"): Context,
    ("mlflow.pyfunc.utils.data_validation", "FuncInfo"): _FuncInfo,
    ("mlflow.pyfunc.utils.data_validation", "_validate_model_input"): _as_hinted,
    ("mlflow.exceptions", "MlflowException"): InvalidInput,
}


_DESCRIBING = ("mlflow.models.signature", "mlflow.types.schema")


def stands_alone(names: Iterable[str]) -> bool:
    """Whether all that a pickle names of MLflow has its stand-in here."""
    known = {".".join(name) for name in _STAND_INS}
    return all(
        name in known or name.rpartition(".")[0] in _DESCRIBING
        for name in names
        if name.partition(".")[0] == "mlflow"
    )


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _STAND_INS:
            return _STAND_INS[module, name]
        if module in _DESCRIBING:
            return _Description
        return super().find_class(module, name)


def read_python_model(files: Files, name: str) -> Any:
    """The object in a file, packed or not; runs the code in it."""
    return load_file(files, name, lambda stream: _Unpickler(stream).load())


def as_function(model: Any, context: Context) -> Callable[[Any, dict[str, Any]], Any]:
    """The model's ``predict`` with its context, called with the input and its params."""
    if not callable(getattr(model, "predict", None)):
        raise InvalidInput(f"the pickle holds a {type(model).__name__}, no model with predict")
    if hasattr(model, "load_context"):
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
