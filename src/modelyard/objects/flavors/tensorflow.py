"""TensorFlow: modules, functions made by ``tf.function``, and what a SavedModel folder brings back.

A module answers with its ``__call__`` (named ``predict``) and with its public graph functions, in tensors; a model that
Keras exported answers with arrays, as its ``predict`` did. A graph is not safe because it is no Python: it can read and write
files, so a SavedModel is tier 2.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from modelyard.base.errors import Corrupted, InvalidInput, MissingExtra, UnsupportedType
from modelyard.objects.flavors._keras.inputs import as_inputs
from modelyard.objects.flavors.sklearn import label
from modelyard.objects.interface import Files
from modelyard.objects.native import NativeFormat

NAME = "tensorflow"
EXTRA = "tensorflow"
FORMATS = ("savedmodel",)

SERVE = "serve"
"""What Keras calls the function of a model that it exports."""
SIGNATURE = "serving_default"
PROTO = "saved_model.pb"


def library() -> Any:
    """TensorFlow, imported without its greetings about this machine's processor."""
    import os
    import sys

    if "tensorflow" not in sys.modules:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        import tensorflow
    except ModuleNotFoundError as error:
        raise MissingExtra("TensorFlow models", "tensorflow", missing="tensorflow") from error
    return tensorflow


def claims(obj: Any) -> bool:
    """Functions of graphs, and objects that have some: without one, it is plain Python that can be called."""
    if _is_function(obj):
        return True
    trackable = isinstance(obj, library().__internal__.tracking.AutoTrackable)
    return trackable and bool(_all_functions(obj) or _signatures(obj))


def methods(obj: Any) -> Mapping[str, Callable[..., Any]]:
    """``predict`` first: what the object does when it is called, else what it was exported to serve."""
    if _is_function(obj):
        return {"predict": _calling(obj)}
    found = _functions(obj)
    own = {name: _calling(function) for name, function in found.items() if name != SERVE}
    if (call := _call_of(obj)) is not None:
        return {"predict": _calling(call), **own}
    if SERVE in found:
        return {"predict": _serving(found[SERVE]), **own}
    if not own and SIGNATURE in _signatures(obj):
        return {"predict": _calling(_signatures(obj)[SIGNATURE])}
    return own


def labels(obj: Any) -> Sequence[str]:
    """The class of a module; ``saved-model`` for one that came back from a folder."""
    if _is_function(obj):
        return ["function"]
    return ["saved-model"] if type(obj).__name__ == "_UserObject" else [label(obj)]


def system(obj: Any) -> Sequence[str]:
    """None: its wheels carry what they need."""
    return ()


def _is_function(obj: Any) -> bool:
    kinds = library().types.experimental
    return isinstance(obj, kinds.PolymorphicFunction | kinds.ConcreteFunction)


def _signatures(obj: Any) -> Mapping[str, Any]:
    return getattr(obj, "signatures", None) or {}


def _functions(obj: Any) -> dict[str, Any]:
    """The public graph functions of an object that a SavedModel would bring back."""
    names = dict.fromkeys([*vars(type(obj)), *vars(obj)])
    for base in type(obj).__mro__[1:]:
        if base.__module__.partition(".")[0] not in ("tensorflow", "builtins"):
            names |= dict.fromkeys(vars(base))
    found = {name: getattr(obj, name, None) for name in sorted(names) if name[0] != "_"}
    return {name: f for name, f in found.items() if _is_function(f) and is_traced(f)}


def is_traced(function: Any) -> bool:
    """Whether it is known what a function takes: it was called, or says so itself."""
    return getattr(function, "input_signature", None) is not None or bool(_graphs(function))


def _graphs(function: Any) -> list[Any]:
    listed = getattr(function, "_list_all_concrete_functions_for_serialization", None)
    return list(listed()) if listed else [function]


def _calling(function: Any) -> Callable[..., Any]:
    """A graph function that takes arrays, tables and lists too, under the names that its arguments have."""
    kind = getattr(function, "function_type", None)
    wanted = getattr(function, "structured_input_signature", ((), {}))[1]

    def call(*args: Any, **named: Any) -> Any:
        given = {name: _tensors(value, wanted.get(name)) for name, value in named.items()}
        return function(*map(_tensors, args), **given)

    if kind is not None:
        plain = [p.replace(annotation=p.empty) for p in _plain_parameters(kind)]
        call.__signature__ = inspect.Signature(plain)  # type: ignore[attr-defined]
    call.__name__ = "predict"
    return call


def _plain_parameters(kind: Any) -> list[inspect.Parameter]:
    return [
        inspect.Parameter(p.name, p.kind, default=None if p.optional else inspect.Parameter.empty)
        for p in kind.parameters.values()
    ]


def _serving(function: Any) -> Callable[..., Any]:
    """What Keras exported, with arrays out, as from the model itself."""
    tf = library()
    wanted = _structure([p.type_constraint for p in function.function_type.parameters.values()])
    wanted = wanted[0] if len(wanted) == 1 else wanted
    like = SimpleNamespace(input=wanted, inputs=tf.nest.flatten(wanted))

    def predict(X: Any) -> Any:
        answer = function(_tensors(as_inputs(like, X), wanted))
        return tf.nest.map_structure(lambda tensor: tensor.numpy(), answer)

    return predict


def _structure(kind: Any) -> Any:
    """What a function's type says of an argument: specifications of tensors, alone, in a list or by name."""
    if hasattr(kind, "mapping"):
        return {name: _structure(inner) for name, inner in kind.mapping.items()}
    inner = kind if isinstance(kind, list) else getattr(kind, "components", None)
    return kind if inner is None else [_structure(one) for one in inner]


def _tensors(value: Any, wanted: Any = None) -> Any:
    """Arrays, tables and lists as tensors, of the dtype that is wanted where that is known."""
    tf = library()
    spec = getattr(wanted, "dtype", None)
    if isinstance(value, tf.Tensor) and spec not in (None, value.dtype):
        return tf.cast(value, spec)
    if isinstance(value, tf.Tensor | tf.Variable | tf.RaggedTensor | tf.SparseTensor | str | bytes):
        return value
    if isinstance(value, dict):
        inner = wanted if isinstance(wanted, dict) else {}
        return {name: _tensors(item, inner.get(name)) for name, item in value.items()}
    if isinstance(wanted, list) and isinstance(value, list | tuple):
        return [_tensors(item, one) for item, one in zip(value, wanted, strict=True)]
    if hasattr(value, "to_numpy"):
        value = value.to_numpy()
    if isinstance(value, list) or hasattr(value, "__array__"):
        tensor = tf.constant(value)
        return tensor if spec in (None, tensor.dtype) else tf.cast(tensor, spec)
    return value


def dump(obj: Any, folder: Path) -> None:
    """A SavedModel folder. Functions that were called on some rows are traced for any number of rows before."""
    tf = library()
    from modelyard.base.paths import discard

    if _is_function(obj):
        module = tf.Module()
        module.__call__ = obj
        obj, functions = module, [obj]
    else:
        functions = _all_functions(obj)
    if not any(map(is_traced, functions)):
        raise UnsupportedType(
            f"this {type(obj).__name__} has no graph function that was ever called",
            hint="give sample_data=, or decorate with tf.function(input_signature=[…])",
        )
    try:
        for function in functions:
            _trace_for_any_rows(function)
        tf.saved_model.save(obj, str(folder))
    except Exception as error:  # each kind of untracked state has its own words
        for file in folder.iterdir():
            discard(file)
        raise UnsupportedType(
            f"this {type(obj).__name__} makes no SavedModel: {error}",
            hint="keep variables and lookup tables as attributes of the module",
        ) from error


def _call_of(obj: Any) -> Any:
    """The graph function that an object is when it is called, or None."""
    call = getattr(obj, "__call__", None)  # noqa: B004  # the function itself is wanted
    return call if _is_function(call) else None


def _all_functions(obj: Any) -> list[Any]:
    call = _call_of(obj)
    return [*_functions(obj).values(), *([] if call is None else [call])]


def _trace_for_any_rows(function: Any) -> None:
    """A graph for each call that was made, with the first dimension left open; where that is no valid one, none."""
    tf = library()
    if getattr(function, "input_signature", None) is not None:
        return

    def opened(spec: Any) -> Any:
        if isinstance(spec, tf.TensorSpec) and spec.shape.rank:
            return tf.TensorSpec([None, *spec.shape[1:]], spec.dtype, spec.name)
        return spec

    for graph in _graphs(function):
        args, named = tf.nest.map_structure(opened, graph.structured_input_signature)
        try:
            function.get_concrete_function(*args, **named)
        except Exception:  # noqa: BLE001  # a graph for just these rows is what there is
            continue


def load(files: Files) -> Any:
    """What the folder holds; its graphs may do to files what this process may."""
    tf = library()
    names = list(files.names())
    if PROTO not in names:
        raise Corrupted(f"a SavedModel has a {PROTO}, this has {', '.join(names[:8]) or 'nothing'}")
    paths = [files.local(name) for name in names]
    folder = paths[names.index(PROTO)].parent
    try:
        return tf.saved_model.load(str(folder))
    except Exception as error:
        raise InvalidInput(f"this SavedModel cannot be read: {error}") from error


def inspect_graph(files: Files) -> Sequence[str]:
    """The operations of its graphs that reach beyond tensors, by name."""
    library()
    from tensorflow.core.protobuf import saved_model_pb2

    proto: Any = saved_model_pb2.SavedModel()
    proto.ParseFromString(files.read(PROTO))
    found: set[str] = set()
    for graph in proto.meta_graphs:
        found |= {node.op for node in graph.graph_def.node}
        for function in graph.graph_def.library.function:
            found |= {node.op for node in function.node_def}
    return sorted(op for op in found if any(word in op for word in _REACHING))


_REACHING = ("File", "PyFunc", "Read", "Write", "Save", "Restore", "Print", "Python", "Dataset")


SAVED_MODEL = NativeFormat(
    "savedmodel",
    2,
    "",
    dump,
    load,
    inspect_graph,
    REASON="a SavedModel: its graphs can read and write files",
)
NATIVE = (SAVED_MODEL,)
