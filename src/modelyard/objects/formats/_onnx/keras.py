"""Models of Keras, layer by layer: Functional and Sequential ones of one input. Else by Keras' own export, where tf2onnx is here."""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from modelyard.base.errors import UnsupportedType
from modelyard.objects.formats._onnx import graph
from modelyard.objects.formats._onnx.keras_layers import step_of
from modelyard.objects.formats._onnx.nodes import Nodes

OPERATORS, FORMAT = 18, 8
"""The operators' version, and that of the file that such operators came with."""


def attempts(model: Any, *values: Any) -> Iterator[tuple[str, Callable[[], Any]]]:
    """As it predicts, for any number of rows."""
    yield "layer by layer", lambda: _by_layers(model, *values)
    if importlib.util.find_spec("tf2onnx") is not None:
        yield "by its own export", lambda: _exported(model)


def _by_layers(model: Any, *values: Any) -> Any:
    inner = _graph_of(model)
    if len(inner.inputs) != 1 or len(inner.outputs) != 1 or isinstance(inner.input, dict):
        raise UnsupportedType("models are converted that have one input and one output")
    library, nodes = graph.onnx(), Nodes("keras_")
    helper, kinds = library.helper, library.TensorProto
    wanted = inner.inputs[0]
    shape, source = _fed(wanted, values[0]), "input"
    if len(shape) != len(wanted.shape):
        source = nodes.add("Unsqueeze", [source, nodes.constant([1])])
    source = nodes.add("Cast", [source], to=kinds.FLOAT)
    found = _through(inner, nodes, source)
    nodes.add("Identity", [found], "output")
    rows = ["rows", *shape[1:]]
    answer = ["rows", *inner.outputs[0].shape[1:]]
    made = helper.make_graph(
        nodes.nodes,
        "keras",
        [helper.make_tensor_value_info("input", _code(wanted.dtype), rows)],
        [helper.make_tensor_value_info("output", kinds.FLOAT, answer)],
        initializer=nodes.constants,
    )
    versions = [helper.make_opsetid("", OPERATORS)]
    return helper.make_model(made, opset_imports=versions, ir_version=FORMAT)


def _graph_of(model: Any) -> Any:
    """What knows how its layers are connected; `UnsupportedType` for classes of one's own."""
    found = getattr(model, "_functional", None) or model
    if type(found).__name__ != "Functional" or not _is_keras_own(type(model)):
        raise UnsupportedType(f"how a {type(model).__name__} connects its layers is code")
    return found


def _is_keras_own(cls: type) -> bool:
    return cls.__module__.startswith("keras.src.")


def _fed(wanted: Any, value: Any) -> tuple[Any, ...]:
    """The shape of what comes in: of an array as it is, else as the model's input is."""
    shape = tuple(wanted.shape)
    rank = getattr(value, "ndim", len(shape)) if not hasattr(value, "columns") else len(shape)
    if rank == 1 and len(shape) == 2 and shape[1] == 1:
        return shape[:1]
    if rank != len(shape):
        raise UnsupportedType(f"arrays of rank {rank} for an input of rank {len(shape)}")
    return shape


def _code(dtype: str) -> int:
    import numpy

    if dtype not in numpy.sctypeDict:
        raise UnsupportedType(f"inputs of {dtype} are not converted")
    return graph.onnx().helper.np_dtype_to_tensor_dtype(numpy.dtype(dtype))


def _through(inner: Any, nodes: Nodes, source: str) -> str:
    """The nodes of each layer in turn, by Keras' own walk; texts, names of values, stand for tensors."""

    def convert(layer: Any) -> Callable[..., Any]:
        def call(*inputs: Any, **options: Any) -> str:
            # Whoever predicts says anew that it is no training.
            on = [n for n, value in options.items() if n != "training" and value is not None]
            if on:
                raise UnsupportedType(f"its layer {layer.name} is called with {', '.join(on)}")
            if hasattr(layer, "layers"):
                return _nested(layer, nodes, *inputs)
            return step_of(layer)(nodes, layer, *inputs)

        return call

    return inner._run_through_graph(source, operation_fn=convert)


def _nested(model: Any, nodes: Nodes, source: Any) -> str:
    inner = _graph_of(model)
    if not isinstance(source, str) or len(inner.outputs) != 1:
        raise UnsupportedType("models inside it have one input and one output")
    return _through(inner, nodes, source)


def _exported(model: Any) -> Any:
    with tempfile.TemporaryDirectory(prefix="modelyard-") as folder:
        path = Path(folder, "model.onnx")
        model.export(str(path), format="onnx", verbose=False)
        return graph.onnx().load(str(path))
