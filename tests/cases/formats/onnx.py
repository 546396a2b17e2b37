"""Graphs as files."""

from __future__ import annotations

from sklearn.linear_model import Ridge

from cases.flavors.onnx import product, two_answers
from cases.importers.onnx import pointing_at
from cases.importers.onnx import product as own_product
from modelyard.objects.formats import onnx
from modelyard.objects.formats._onnx.model import OnnxModel
from modelyard.testing.flavors import ModelFormatCase


def case() -> ModelFormatCase:
    return ModelFormatCase(
        format=onnx,
        holds={"product": OnnxModel(product()), "two answers": OnnxModel(two_answers())},
        refuses={
            "estimator": (Ridge(), "is no ONNX graph"),
            "values elsewhere": (
                type(product()).FromString(pointing_at("weights.bin")),
                "are in another file ('weights.bin')",
            ),
            "operators of a library": (
                own_product(operator="Own", domain="com.acme"),
                "of the set 'com.acme'",
            ),
        },
        broken={
            "nothing": (b"", "no ONNX graph"),
            "text": (b"hello there", "no ONNX graph"),
            "cut off": (product().SerializeToString()[:-9], "no ONNX graph"),
            "path": (pointing_at("../x"), "in another file ('../x')"),
        },
        same_bytes=True,
    )
