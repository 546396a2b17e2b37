"""PyTorch's layers that may be made from a file, by class, with the arguments that make them.

An argument's value is the layer's attribute of that name, or what `DERIVED` finds. None of them calls back into Python
or opens anything, whatever its arguments are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

_CONV = (
    *("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "groups"),
    *("bias", "padding_mode"),
)
_CONV_TRANSPOSE = (*_CONV, "output_padding")
_BATCH_NORM = ("num_features", "eps", "momentum", "affine", "track_running_stats")
_RNN = (
    *("input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout"),
    "bidirectional",
)
_CELL = ("input_size", "hidden_size", "bias")
_DROPOUT = ("p", "inplace")
_MAX_POOL = ("kernel_size", "stride", "padding", "dilation", "return_indices", "ceil_mode")
_AVG_POOL = ("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad")
_ENCODER = (
    *("d_model", "nhead", "dim_feedforward", "dropout", "activation", "layer_norm_eps"),
    *("batch_first", "norm_first", "bias"),
)
_INPLACE = ("ReLU", "ReLU6", "SELU", "SiLU", "Mish", "Hardswish", "Hardsigmoid")
_BARE = ("Identity", "Sigmoid", "Tanh", "LogSigmoid", "Softsign", "Tanhshrink", "Softmax2d")

ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "Linear": ("in_features", "out_features", "bias"),
    "Bilinear": ("in1_features", "in2_features", "out_features", "bias"),
    **{f"Conv{d}d": _CONV for d in (1, 2, 3)},
    **{f"ConvTranspose{d}d": _CONV_TRANSPOSE for d in (1, 2, 3)},
    **{f"BatchNorm{d}d": _BATCH_NORM for d in (1, 2, 3)},
    **{f"InstanceNorm{d}d": _BATCH_NORM for d in (1, 2, 3)},
    "LayerNorm": ("normalized_shape", "eps", "elementwise_affine", "bias"),
    "RMSNorm": ("normalized_shape", "eps", "elementwise_affine"),
    "GroupNorm": ("num_groups", "num_channels", "eps", "affine"),
    "LocalResponseNorm": ("size", "alpha", "beta", "k"),
    "RNN": (*_RNN, "nonlinearity"),
    "LSTM": (*_RNN, "proj_size"),
    "GRU": _RNN,
    "RNNCell": (*_CELL, "nonlinearity"),
    "LSTMCell": _CELL,
    "GRUCell": _CELL,
    "Embedding": (
        *("num_embeddings", "embedding_dim", "padding_idx", "max_norm", "norm_type"),
        *("scale_grad_by_freq", "sparse"),
    ),
    "EmbeddingBag": (
        *("num_embeddings", "embedding_dim", "max_norm", "norm_type", "scale_grad_by_freq"),
        *("mode", "sparse", "include_last_offset", "padding_idx"),
    ),
    "MultiheadAttention": (
        *("embed_dim", "num_heads", "dropout", "bias", "add_bias_kv", "add_zero_attn"),
        *("kdim", "vdim", "batch_first"),
    ),
    "TransformerEncoderLayer": _ENCODER,
    "TransformerDecoderLayer": _ENCODER,
    **dict.fromkeys(("Dropout", "Dropout1d", "Dropout2d", "Dropout3d"), _DROPOUT),
    **dict.fromkeys(("AlphaDropout", "FeatureAlphaDropout"), _DROPOUT),
    **dict.fromkeys(_INPLACE, ("inplace",)),
    **dict.fromkeys(_BARE, ()),
    "Flatten": ("start_dim", "end_dim"),
    "Unflatten": ("dim", "unflattened_size"),
    "GELU": ("approximate",),
    "ELU": ("alpha", "inplace"),
    "CELU": ("alpha", "inplace"),
    "LeakyReLU": ("negative_slope", "inplace"),
    "PReLU": ("num_parameters",),
    "Hardtanh": ("min_val", "max_val", "inplace"),
    "Hardshrink": ("lambd",),
    "Softshrink": ("lambd",),
    "Softplus": ("beta", "threshold"),
    "Threshold": ("threshold", "value", "inplace"),
    "GLU": ("dim",),
    "Softmax": ("dim",),
    "Softmin": ("dim",),
    "LogSoftmax": ("dim",),
    **{f"MaxPool{d}d": _MAX_POOL for d in (1, 2, 3)},
    "AvgPool1d": _AVG_POOL,
    "AvgPool2d": (*_AVG_POOL, "divisor_override"),
    "AvgPool3d": (*_AVG_POOL, "divisor_override"),
    **{f"AdaptiveAvgPool{d}d": ("output_size",) for d in (1, 2, 3)},
    **{f"AdaptiveMaxPool{d}d": ("output_size", "return_indices") for d in (1, 2, 3)},
    "Upsample": ("size", "scale_factor", "mode", "align_corners", "recompute_scale_factor"),
    "PixelShuffle": ("upscale_factor",),
    "PixelUnshuffle": ("downscale_factor",),
    "ZeroPad2d": ("padding",),
    "ReflectionPad1d": ("padding",),
    "ReflectionPad2d": ("padding",),
    "ReplicationPad1d": ("padding",),
    "ReplicationPad2d": ("padding",),
    "CosineSimilarity": ("dim", "eps"),
    "PairwiseDistance": ("p", "eps", "keepdim"),
}
CONTAINERS = frozenset(["Sequential", "ModuleList", "ModuleDict"])


def _has_bias(layer: Any) -> bool:
    return layer.bias if isinstance(layer.bias, bool) else layer.bias is not None


def _activation(layer: Any) -> Any:
    """``relu`` or ``gelu``; any other is a function, which a file cannot say."""
    from torch.nn import functional

    known = {functional.relu: "relu", functional.gelu: "gelu"}
    return known.get(layer.activation, layer.activation)


_LAYER: Mapping[str, Callable[[Any], Any]] = {
    "d_model": lambda layer: layer.self_attn.embed_dim,
    "nhead": lambda layer: layer.self_attn.num_heads,
    "dim_feedforward": lambda layer: layer.linear1.out_features,
    "dropout": lambda layer: layer.dropout.p,
    "activation": _activation,
    "layer_norm_eps": lambda layer: layer.norm1.eps,
    "batch_first": lambda layer: layer.self_attn.batch_first,
    "bias": lambda layer: layer.linear1.bias is not None,
}

DERIVED: Mapping[tuple[str, str], Callable[[Any], Any]] = {
    ("", "bias"): _has_bias,
    ("LayerNorm", "bias"): lambda layer: layer.bias is not None or not layer.elementwise_affine,
    ("MultiheadAttention", "bias"): lambda layer: layer.in_proj_bias is not None,
    ("MultiheadAttention", "add_bias_kv"): lambda layer: layer.bias_k is not None,
    ("PairwiseDistance", "p"): lambda layer: layer.norm,
    **{
        (f"Transformer{kind}Layer", name): find
        for kind in ("Encoder", "Decoder")
        for name, find in _LAYER.items()
    },
}
"""(class, argument) -> what finds the value on a layer; ``""`` stands for any class."""
