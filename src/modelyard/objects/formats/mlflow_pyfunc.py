"""Models that MLflow calls as a Python function: a class or function of the user's, or whatever a loader module makes.

Read only; `build mlflow` writes such folders. A pickled ``PythonModel`` and a loader module among the model's own code
are called without MLflow, whether it is installed or not; all else is handed to MLflow itself.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from modelyard import environments, types
from modelyard.base.errors import EnvironmentMismatch, InvalidInput, did_you_mean
from modelyard.objects.formats._mlflow import python_models
from modelyard.objects.formats._mlflow.mlmodel import FILE, MLmodel, inner_path, read_mlmodel
from modelyard.objects.formats._pickles.loading import names_in
from modelyard.objects.interface import Files, Tier

NAME = "mlflow_pyfunc"
TIER: Tier = 2
SUFFIX = ".mlmodel"
LIBRARIES = ("ruamel.yaml", "cloudpickle")
STAYS = True
"""`import` with a sample leaves the files as they are: what was made of them holds on to them."""

FIRST = "data"
"""What the model's input is called."""
PICKLED = "mlflow.pyfunc.model"
"""The loader module of classes and functions that were pickled."""

Call = Callable[[Any, dict[str, Any]], Any]


class PythonFunction:
    """A loaded model. ``predict`` takes the input, and the model's params by name or as a dict ``params``."""

    def __init__(self, call: Call, description: MLmodel, files: Files) -> None:
        self._call = call
        self._params = description.params()
        self._as_table = table_columns(description)
        self._files = files  # the model may open its artifacts while it predicts

    def predict(self, data: Any, /, params: Mapping[str, Any] | None = None, **named: Any) -> Any:
        """The model's answer."""
        given = {**(params or {}), **named}
        for name in given:
            if name not in self._params:
                raise InvalidInput(
                    f"the model has no parameter {name!r}",
                    hint=did_you_mean(name, self._params) or f"it has: {', '.join(self._params)}",
                )
        defaults = {n: default_of(spelled) for n, spelled in self._params.items() if n not in given}
        return self._call(as_table(data, self._as_table), {**defaults, **given})

    def __reduce__(self) -> Any:
        raise TypeError("it belongs to the folder it was loaded from; import that folder instead")

    def __repr__(self) -> str:
        return f"PythonFunction({', '.join([FIRST, *self._params])})"


def load(files: Files) -> Any:
    """The model as one object with ``predict``; runs the code in the folder."""
    folder = private_copy(files)
    description = read_mlmodel(files.read(FILE).decode("utf-8", "replace"))
    loader = str(description.function.get("loader_module", ""))
    if loader.partition(".")[0] != "mlflow":
        call = _through_loader(loader, description, folder)
    elif loader == PICKLED and python_models.stands_alone(inspect(files)[1:]):
        call = _pickled(description, folder, files)
    elif importlib.util.find_spec("mlflow") is not None:
        call = _through_mlflow(folder)
    else:
        raise EnvironmentMismatch(
            f"only mlflow can load this model: its loader is {loader}",
            hint="pip install mlflow",
        )
    return PythonFunction(call, description, files)


def inspect(files: Files) -> Sequence[str]:
    """The loader, the code that comes along, and what the pickle names."""
    description = read_mlmodel(files.read(FILE).decode("utf-8", "replace"))
    found = [str(description.function.get("loader_module", ""))]
    found += [name for name in files.names() if name.endswith(".py")]
    pickled = str(description.function.get("python_model"))
    if pickled in files.names():
        found += names_in(files, pickled)
    return list(dict.fromkeys(found))


def private_copy(files: Files) -> Path:
    """All files in a folder of their own, as they stood beside ``MLmodel``."""
    for name in files.names():
        files.local(name)
    return files.local(FILE).parent


def table_columns(description: MLmodel) -> list[Any] | None:
    """The columns of the table that a column-based model gets; None when it gets its input as it is."""
    spelled = description.input(bare=True)
    if description.takes_hinted or spelled is None or isinstance(spelled, str):
        return None
    if spelled["type"] == "dataframe":
        return list(spelled["columns"])
    items = spelled.get("items") if spelled["type"] == "list" else None
    if isinstance(items, Mapping) and items["type"] == "dict" and "fields" in items:
        return list(items["fields"])
    return [0] if spelled["type"] == "list" else None


def as_table(data: Any, columns: Sequence[Any] | None) -> Any:
    """Values that a request carried, as the table that the model expects; anything else as it is."""
    if columns is None or not isinstance(data, list):
        return data
    import pandas

    if columns == [0]:
        return pandas.DataFrame({0: data})
    return pandas.DataFrame(data, columns=list(columns))


def default_of(spelled: Mapping[str, Any]) -> Any:
    """A parameter's default as a native value."""
    kind = types.parse({name: part for name, part in spelled.items() if name != "default"})
    return kind.decode(spelled["default"])


def _pickled(description: MLmodel, folder: Path, files: Files) -> Call:
    options = description.function
    with _code_of(options, folder):
        name = inner_path(options.get("python_model"), "python_model")
        model = python_models.read_python_model(files, name)
    context = python_models.Context(artifacts(options, folder), dict(options.get("config") or {}))
    return python_models.as_function(model, context)


def _code_of(options: Mapping[str, Any], folder: Path) -> Any:
    """The model's own code, importable from here on."""
    code = options.get("code")
    return environments.importable(folder / inner_path(code, "code") if code else None)


def artifacts(options: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """Name -> path of each artifact, all inside the folder."""
    return {
        name: str(folder / inner_path(entry.get("path"), f"artifacts.{name}"))
        for name, entry in (options.get("artifacts") or {}).items()
    }


def _through_loader(loader: str, description: MLmodel, folder: Path) -> Call:
    """A loader module among the model's own code, or installed beside it."""
    options = description.function
    with _code_of(options, folder):
        try:
            module = importlib.import_module(loader)
        except ImportError as error:
            raise EnvironmentMismatch(
                f"the model's loader {loader!r} cannot be imported: {error}",
                hint="install what the model's requirements name",
            ) from error
    config = [dict(options["config"])] if options.get("config") else []
    data = options.get("data")
    path = folder / inner_path(data, "data") if data else folder
    model = module._load_pyfunc(str(path), *config)
    predict = getattr(model, str(options.get("predict_fn") or "predict"))
    return _with_params(predict)


def _with_params(predict: Callable[..., Any]) -> Call:
    import inspect as inspecting

    takes = "params" in inspecting.signature(predict).parameters

    def call(data: Any, params: dict[str, Any]) -> Any:
        return predict(data, params=params) if takes else predict(data)

    return call


def _through_mlflow(folder: Path) -> Call:
    with _allowed(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of how else the author could have written it
        import mlflow.pyfunc  # type: ignore[import-not-found]  # it is there, or this is not called

        model: Any = mlflow.pyfunc.load_model(str(folder), suppress_warnings=True)
    return lambda data, params: model.predict(data, params=params or None)


@contextmanager
def _allowed() -> Iterator[None]:
    """Trust has been decided, so MLflow need not ask again; and it is not to report that it was used."""
    wanted = {"MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "true", "MLFLOW_DISABLE_TELEMETRY": "true"}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is not None:
                os.environ[name] = value
            elif name != "MLFLOW_DISABLE_TELEMETRY":  # its threads look again later
                del os.environ[name]
