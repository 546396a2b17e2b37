"""The parts of a model read from their files, and called one after the other."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from modelyard.base.errors import InvalidInput, ModelFailed, NotSupported
from modelyard.objects import flavors
from modelyard.objects.files import Part
from modelyard.objects.formats._mlem.lacking import library_named
from modelyard.objects.formats._mlem.pickles import load_function, load_pickle
from modelyard.objects.formats._mlem.plan import NATIVE, OLD_BINARY, Plan
from modelyard.objects.formats._pickles.loading import load_file
from modelyard.objects.interface import Files
from modelyard.objects.native import reading_format

CALL = "__call__"


class Chain:
    """A model with its pre- and post-processors: each method passes one value through all that answer it.

    ``parts`` are the bare objects by their names; ``model`` is the model itself.
    """

    def __init__(self, parts: Mapping[str, Any], plan: Plan) -> None:
        self.parts = dict(parts)
        self._functions = {
            _public(name): _through([_function(parts[s], s, m, plan) for s, m in chain])
            for name, chain in plan.orders.items()
        }

    @property
    def model(self) -> Any:
        """The model without its steps."""
        return self.parts["model"]

    def __getattr__(self, name: str) -> Any:
        functions: Mapping[str, Any] = self.__dict__.get("_functions", {})
        if name in functions:
            return functions[name]
        raise AttributeError(
            f"this model has no method {name!r}; it has: {', '.join(functions)} (and .model is the bare model)"
        )

    def __call__(self, data: Any) -> Any:
        return next(iter(self._functions.values()))(data)

    def __dir__(self) -> list[str]:
        return sorted([*super().__dir__(), *self._functions])

    def __repr__(self) -> str:
        return f"Chain({', '.join(self.parts)})"


def read_chain(plan: Plan, files: Files) -> Any:
    """The model of a plan: the bare one when it is alone, else a `Chain`."""
    parts: dict[str, Any] = {}
    for name, step in plan.steps.items():
        part: Any = Part(files, f"{name}/")  # type: ignore[arg-type]  # any files will do
        parts[name] = read_model(step.io, part)
    return parts["model"] if list(parts) == ["model"] else Chain(parts, plan)


def read_model(way: Mapping[str, Any], files: Files) -> Any:
    """One object from its files, by the way it was written."""
    reader = READERS.get(str(way.get("type")))
    if reader is None:
        raise InvalidInput(f"models written by {way.get('type')!r} are not read here")
    with library_named("this model"):
        return reader(files, way)


def _public(name: str) -> str:
    return "predict" if name == CALL else name


def _function(part: Any, step: str, method: str, plan: Plan) -> Callable[[Any], Any]:
    """The method of a part, by its library's flavor where that knows better than the object itself."""
    if callable(part) and method == CALL and not hasattr(part, "predict"):
        return part
    own = flavors.find(part).methods(part)
    return own.get(_public(method)) or getattr(part, plan.steps[step].methods[method])


def _through(functions: Sequence[Callable[[Any], Any]]) -> Callable[[Any], Any]:
    def call(data: Any) -> Any:
        for function in functions:
            data = function(data)
        return data

    return call


def _only(files: Files) -> str:
    names = list(files.names())
    if len(names) != 1:
        raise InvalidInput(f"the model is one file, not {len(names)}: {', '.join(names)}")
    return names[0]


def _native(files: Files, way: Mapping[str, Any]) -> Any:
    """By the library's own format here, which reads the very file."""
    flavor, name = NATIVE[str(way["type"])]
    if way["type"] == "xgboost_io" and files.read(_only(files)).startswith(OLD_BINARY):
        raise NotSupported(
            "the booster is in the binary form of xgboost before 2.0, which its newer versions do not read",
            hint="in an environment with xgboost<3.1: Booster(model_file=…).save_model('model.ubj')",
        )
    return reading_format(name, flavor).load(files)


def _torch(files: Files, way: Mapping[str, Any]) -> Any:
    import torch

    def read(stream: Any) -> Any:
        if not way.get("is_jit"):
            return torch.load(stream, weights_only=False)
        with warnings.catch_warnings():
            # What is there has to be read, whatever is recommended for new files.
            warnings.filterwarnings("ignore", "`torch.jit.load` is deprecated", DeprecationWarning)
            return torch.jit.load(io.BytesIO(stream.read()))

    return load_file(files, _only(files), read)


def _keras(files: Files, way: Mapping[str, Any]) -> Any:
    """A ``.h5`` file, or the folder of a SavedModel, which newer versions of Keras only run."""
    if way.get("save_format") == "tf" or list(files.names()) != ["data"]:
        return reading_format("savedmodel", "tensorflow").load(files)
    import keras

    place = files.local("data")
    named = place.with_suffix(".h5")
    named.write_bytes(place.read_bytes())
    try:
        return keras.models.load_model(named, compile=False)
    except Exception as error:
        raise ModelFailed(f"the network cannot be read: {error}") from error


READERS: Mapping[str, Callable[[Files, Mapping[str, Any]], Any]] = {
    "simple_pickle": lambda files, _: load_pickle(files),
    "pickle": lambda files, _: load_function(files),
    **dict.fromkeys(NATIVE, _native),
    "torch_io": _torch,
    "tf_keras": _keras,
}
