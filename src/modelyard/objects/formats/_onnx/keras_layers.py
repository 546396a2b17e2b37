"""Layers of Keras as nodes of a graph: what each computes when it predicts.

Values have Keras' layout, channels last; convolutions turn them around and back, which onnxruntime mostly does away with.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Mapping
from typing import Any

from modelyard.base.errors import UnsupportedType
from modelyard.objects.formats._onnx.nodes import Nodes

Step = Callable[..., str]
"""Of nodes, a layer and the names of what it is called with: the name of what it gives."""
LARGEST = 1 << 24
"""Whole numbers below it are themselves in float32, in which all values are."""


def step_of(layer: Any) -> Step:
    """How a layer is converted; `UnsupportedType` names what is not, such as a class of one's own."""
    cls = type(layer)
    if getattr(layer, "compute_dtype", "float32") != "float32":
        raise UnsupportedType(f"its layer {layer.name} computes in {layer.compute_dtype}")
    if getattr(layer, "data_format", None) == "channels_first":
        raise UnsupportedType(f"its layer {layer.name} has channels first")
    if getattr(layer, "quantization_mode", None) is not None:
        raise UnsupportedType(f"its layer {layer.name} is quantized")
    known: Mapping[str, Step] = {}
    if cls.__module__.startswith("keras.src.layers."):
        known = LAYERS
    elif cls.__module__ in ("keras.src.ops.numpy", "keras.src.ops.nn"):
        known = OPERATIONS
    if cls.__name__ not in known:
        raise UnsupportedType(f"layers of {cls.__name__} are not converted")
    return known[cls.__name__]


def _array(value: Any) -> Any:
    """A weight, or what is no weight yet, in float32."""
    import numpy

    keras: Any = importlib.import_module("keras")
    return numpy.asarray(keras.ops.convert_to_numpy(value), numpy.float32)


def _number(nodes: Nodes, value: Any) -> str:
    return nodes.constant(_array(value))


def _whole(nodes: Nodes, *values: int) -> str:
    import numpy

    return nodes.constant(numpy.array(values, numpy.int64))


# Activations

PLAIN: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "relu": ("Relu", {}),
    "sigmoid": ("Sigmoid", {}),
    "tanh": ("Tanh", {}),
    "softmax": ("Softmax", {"axis": -1}),
    "log_softmax": ("LogSoftmax", {"axis": -1}),
    "elu": ("Elu", {}),
    "selu": ("Selu", {}),
    "softplus": ("Softplus", {}),
    "softsign": ("Softsign", {}),
    "exponential": ("Exp", {}),
    "leaky_relu": ("LeakyRelu", {"alpha": 0.2}),
    "hard_sigmoid": ("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}),
    "hard_silu": ("HardSwish", {}),
    "mish": ("Mish", {}),
}
"""Functions that one node computes."""


def _activated(nodes: Nodes, function: Any, x: str) -> str:
    if hasattr(function, "compute_dtype"):  # a layer in the place of a function
        return step_of(function)(nodes, function, x)
    name = getattr(function, "__name__", type(function).__name__)
    if function is None or name == "linear":
        return x
    if not getattr(function, "__module__", "").startswith("keras.src.activations."):
        raise UnsupportedType(f"its activation {name} is not keras' own")
    if name in PLAIN:
        kind, attributes = PLAIN[name]
        return nodes.add(kind, [x], **attributes)
    if name == "silu":
        return nodes.add("Mul", [x, nodes.add("Sigmoid", [x])])
    if name == "gelu":
        return _gelu(nodes, x)
    if name == "relu6":
        return nodes.add("Clip", [x, _number(nodes, 0), _number(nodes, 6)])
    raise UnsupportedType(f"the activation {name} is not converted")


def _gelu(nodes: Nodes, x: str) -> str:
    inner = nodes.add("Erf", [nodes.add("Mul", [x, _number(nodes, 1 / math.sqrt(2))])])
    share = nodes.add("Mul", [nodes.add("Add", [inner, _number(nodes, 1)]), _number(nodes, 0.5)])
    return nodes.add("Mul", [x, share])


def _relu(nodes: Nodes, layer: Any, x: str) -> str:
    if layer.threshold:
        raise UnsupportedType(f"its layer {layer.name} has a threshold")
    slope, most = float(layer.negative_slope), layer.max_value
    x = nodes.add("LeakyRelu", [x], alpha=slope) if slope else nodes.add("Relu", [x])
    return x if most is None else nodes.add("Min", [x, _number(nodes, most)])


def _softmax(nodes: Nodes, layer: Any, x: str) -> str:
    if not isinstance(layer.axis, int):
        raise UnsupportedType(f"its layer {layer.name} is of several axes")
    return nodes.add("Softmax", [x], axis=layer.axis)


# Shapes


def _same(nodes: Nodes, layer: Any, x: str) -> str:
    """What does something in training alone."""
    return x


def _flatten(nodes: Nodes, layer: Any, x: str) -> str:
    return nodes.add("Reshape", [x, _whole(nodes, 0, -1)])


def _reshape(nodes: Nodes, layer: Any, x: str) -> str:
    return nodes.add("Reshape", [x, _whole(nodes, 0, *layer.target_shape)])


def _permute(nodes: Nodes, layer: Any, x: str) -> str:
    return nodes.add("Transpose", [x], perm=[0, *layer.dims])


def _zero_padding(nodes: Nodes, layer: Any, x: str) -> str:
    sides = layer.padding
    sides = [sides] if isinstance(sides[0], int) else sides
    pads = [0, *(s[0] for s in sides), 0, 0, *(s[1] for s in sides), 0]
    return nodes.add("Pad", [x, _whole(nodes, *pads)])


# Numbers


def _dense(nodes: Nodes, layer: Any, x: str) -> str:
    x = nodes.add("MatMul", [x, _number(nodes, layer.kernel)])
    if layer.bias is not None:
        x = nodes.add("Add", [x, _number(nodes, layer.bias)])
    return _activated(nodes, layer.activation, x)


def _embedding(nodes: Nodes, layer: Any, x: str) -> str:
    if layer.mask_zero:
        raise UnsupportedType(f"its layer {layer.name} masks zeros")
    if layer.input_dim > LARGEST:
        raise UnsupportedType(f"its layer {layer.name} has {layer.input_dim} rows")
    from onnx import TensorProto

    numbers = nodes.add("Cast", [x], to=TensorProto.INT64)
    return nodes.add("Gather", [_number(nodes, layer.embeddings), numbers], axis=0)


def _rescaling(nodes: Nodes, layer: Any, x: str) -> str:
    x = nodes.add("Mul", [x, _number(nodes, layer.scale)])
    return nodes.add("Add", [x, _number(nodes, layer.offset)])


def _normalization(nodes: Nodes, layer: Any, x: str) -> str:
    import numpy

    keras: Any = importlib.import_module("keras")
    if layer.invert:
        raise UnsupportedType(f"its layer {layer.name} is inverted")
    spread = numpy.maximum(numpy.sqrt(_array(layer.variance)), keras.config.epsilon())
    x = nodes.add("Sub", [x, _number(nodes, layer.mean)])
    return nodes.add("Div", [x, _number(nodes, spread)])


def _batch_normalization(nodes: Nodes, layer: Any, x: str) -> str:
    import numpy

    if layer.axis not in (-1, layer.input_spec.ndim - 1):
        raise UnsupportedType(f"its layer {layer.name} is not of the last axis")
    scale = 1 / numpy.sqrt(_array(layer.moving_variance) + numpy.float32(layer.epsilon))
    if layer.gamma is not None:
        scale = scale * _array(layer.gamma)
    offset = -_array(layer.moving_mean) * scale
    if layer.beta is not None:
        offset = offset + _array(layer.beta)
    x = nodes.add("Mul", [x, _number(nodes, scale)])
    return nodes.add("Add", [x, _number(nodes, offset)])


def _layer_normalization(nodes: Nodes, layer: Any, x: str) -> str:
    import numpy

    if layer.axis not in (-1, [-1]) or layer.rms_scaling:
        raise UnsupportedType(f"its layer {layer.name} is not of the last axis")
    weights = [w for w in (layer.gamma, layer.beta) if w is not None]
    if layer.gamma is None:
        size = layer._build_shapes_dict["input_shape"][-1]
        weights = [numpy.ones(size, numpy.float32), *weights]
    inputs = [x, *(_number(nodes, w) for w in weights)]
    return nodes.add("LayerNormalization", inputs, axis=-1, epsilon=float(layer.epsilon))


# Convolutions and pools

PADDING = {"valid": "VALID", "same": "SAME_UPPER"}


def _channels_first(nodes: Nodes, rank: int, x: str, make: Callable[[str], str]) -> str:
    """What ``make`` gives for the value with its channels turned to the front, turned back."""
    turned = make(nodes.add("Transpose", [x], perm=[0, rank + 1, *range(1, rank + 1)]))
    return nodes.add("Transpose", [turned], perm=[0, *range(2, rank + 2), 1])


def _convolved(nodes: Nodes, layer: Any, x: str, kernel: Any, groups: int, **options: Any) -> str:
    """By a kernel of ONNX' order: outputs, inputs of a group, sizes."""
    where: dict[str, Any] = {"auto_pad": PADDING.get(layer.padding, "NOTSET")}
    if layer.padding == "causal":
        where = {"pads": [(layer.kernel_size[0] - 1) * layer.dilation_rate[0], 0]}
    where |= {"strides": list(layer.strides), "dilations": list(layer.dilation_rate), **options}

    def make(turned: str) -> str:
        return nodes.add("Conv", [turned, _number(nodes, kernel)], group=groups, **where)

    return _channels_first(nodes, layer.rank, x, make)


def _biased(nodes: Nodes, layer: Any, x: str) -> str:
    if layer.use_bias:
        x = nodes.add("Add", [x, _number(nodes, layer.bias)])
    return _activated(nodes, layer.activation, x)


def _convolution(nodes: Nodes, layer: Any, x: str) -> str:
    import numpy

    kernel = numpy.moveaxis(_array(layer.kernel), (-1, -2), (0, 1))
    return _biased(nodes, layer, _convolved(nodes, layer, x, kernel, layer.groups))


def _by_depth(nodes: Nodes, layer: Any, x: str, kernel: Any) -> str:
    import numpy

    turned = numpy.moveaxis(_array(kernel), (-2, -1), (0, 1))
    groups, several = turned.shape[:2]
    turned = turned.reshape(groups * several, 1, *turned.shape[2:])
    return _convolved(nodes, layer, x, turned, groups)


def _depthwise(nodes: Nodes, layer: Any, x: str) -> str:
    return _biased(nodes, layer, _by_depth(nodes, layer, x, layer.kernel))


def _separable(nodes: Nodes, layer: Any, x: str) -> str:
    x = _by_depth(nodes, layer, x, layer.depthwise_kernel)
    last = _array(layer.pointwise_kernel)
    matrix = last.reshape(last.shape[-2:])
    return _biased(nodes, layer, nodes.add("MatMul", [x, _number(nodes, matrix)]))


def _pool(kind: str, **options: Any) -> Step:
    def step(nodes: Nodes, layer: Any, x: str) -> str:
        where = {
            "kernel_shape": list(layer.pool_size),
            "strides": list(layer.strides),
            "auto_pad": PADDING[layer.padding],
        }

        def make(turned: str) -> str:
            return nodes.add(kind, [turned], **where, **options)

        return _channels_first(nodes, len(layer.pool_size), x, make)

    return step


def _global_pool(kind: str) -> Step:
    def step(nodes: Nodes, layer: Any, x: str) -> str:
        axes = _whole(nodes, *range(1, layer.input_spec.ndim - 1))
        return nodes.add(kind, [x, axes], keepdims=int(layer.keepdims))

    return step


# Several values


def _merge(kind: str) -> Step:
    def step(nodes: Nodes, layer: Any, values: list[str]) -> str:
        if getattr(layer, "_reshape_required", False):
            raise UnsupportedType(f"its layer {layer.name} joins values of several ranks")
        first, *others = values
        for other in others:
            first = nodes.add(kind, [first, other])
        return first

    return step


def _average(nodes: Nodes, layer: Any, values: list[str]) -> str:
    return nodes.add("Div", [_merge("Add")(nodes, layer, values), _number(nodes, len(values))])


def _concatenate(nodes: Nodes, layer: Any, values: list[str]) -> str:
    return nodes.add("Concat", values, axis=layer.axis)


def _operation(kind: str) -> Step:
    """Of values and numbers."""

    def step(nodes: Nodes, layer: Any, *values: Any) -> str:
        return nodes.add(kind, [v if isinstance(v, str) else _number(nodes, v) for v in values])

    return step


LAYERS: Mapping[str, Step] = {
    **dict.fromkeys(
        ("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "GaussianDropout", "GaussianNoise",
         "AlphaDropout", "ActivityRegularization", "Identity", "RandomFlip", "RandomRotation", "RandomZoom",
         "RandomTranslation", "RandomContrast"),
        _same,
    ),
    "Activation": lambda nodes, layer, x: _activated(nodes, layer.activation, x),
    "ReLU": _relu,
    "LeakyReLU": lambda nodes, layer, x: nodes.add("LeakyRelu", [x], alpha=float(layer.negative_slope)),
    "ELU": lambda nodes, layer, x: nodes.add("Elu", [x], alpha=float(layer.alpha)),
    "PReLU": lambda nodes, layer, x: nodes.add("PRelu", [x, _number(nodes, layer.alpha)]),
    "Softmax": _softmax,
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Permute": _permute,
    "ZeroPadding1D": _zero_padding,
    "ZeroPadding2D": _zero_padding,
    "Dense": _dense,
    "Embedding": _embedding,
    "Rescaling": _rescaling,
    "Normalization": _normalization,
    "BatchNormalization": _batch_normalization,
    "LayerNormalization": _layer_normalization,
    **dict.fromkeys(("Conv1D", "Conv2D", "Conv3D"), _convolution),
    **dict.fromkeys(("DepthwiseConv1D", "DepthwiseConv2D"), _depthwise),
    **dict.fromkeys(("SeparableConv1D", "SeparableConv2D"), _separable),
    **dict.fromkeys(("MaxPooling1D", "MaxPooling2D", "MaxPooling3D"), _pool("MaxPool")),
    **dict.fromkeys(("AveragePooling1D", "AveragePooling2D", "AveragePooling3D"), _pool("AveragePool", count_include_pad=0)),
    **dict.fromkeys(("GlobalAveragePooling1D", "GlobalAveragePooling2D"), _global_pool("ReduceMean")),
    **dict.fromkeys(("GlobalMaxPooling1D", "GlobalMaxPooling2D"), _global_pool("ReduceMax")),
    "Add": _merge("Add"),
    "Multiply": _merge("Mul"),
    "Subtract": _merge("Sub"),
    "Maximum": _merge("Max"),
    "Minimum": _merge("Min"),
    "Average": _average,
    "Concatenate": _concatenate,
}  # fmt: skip
"""Class -> its step."""

OPERATIONS: Mapping[str, Step] = {
    "Add": _operation("Add"),
    "Subtract": _operation("Sub"),
    "Multiply": _operation("Mul"),
    "Divide": _operation("Div"),
    "TrueDivide": _operation("Div"),
    "Negative": _operation("Neg"),
    "Absolute": _operation("Abs"),
    "Exp": _operation("Exp"),
    "Sqrt": _operation("Sqrt"),
    "Relu": _operation("Relu"),
    "Sigmoid": _operation("Sigmoid"),
    "Tanh": _operation("Tanh"),
}
"""The same of operators between values, ``a + b``, and of ``keras.ops``."""
