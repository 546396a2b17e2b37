"""Graphs of operators: made by hand, and converted from scikit-learn."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import onnx as library
import pandas as pd
import skl2onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.linear_model import LogisticRegression

from cases.flavors import sklearn
from modelyard.base.notes import collected
from modelyard.objects.flavors import onnx
from modelyard.objects.formats import onnx as form
from modelyard.testing.flavors import Example, FlavorCase

ROWS = sklearn.NUMBERS
LABELS = (ROWS[:, 0] > 0).astype(int)
TABLE = pd.DataFrame(ROWS, columns=["a", "b", "c"])


def graph(
    nodes: list[Any], inputs: list[Any], outputs: list[Any], values: Any = (), version: int = 18
) -> Any:
    """A model of these parts."""
    made = helper.make_graph(nodes, "graph", inputs, outputs, list(values))
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", version)], ir_version=10)


def tensor(name: str, shape: list[Any], kind: int = TensorProto.FLOAT) -> Any:
    """An input or output."""
    return helper.make_tensor_value_info(name, kind, shape)


@cache
def product() -> Any:
    weights = numpy_helper.from_array(np.arange(6, dtype=np.float32).reshape(3, 2), "weights")
    node = helper.make_node("MatMul", ["rows", "weights"], ["products"])
    return graph([node], [tensor("rows", ["n", 3])], [tensor("products", ["n", 2])], [weights])


@cache
def two_answers() -> Any:
    nodes = [
        helper.make_node("Neg", ["x"], ["less"]),
        helper.make_node("ReduceSum", ["x"], ["all of it"], keepdims=0),
    ]
    return graph(
        nodes, [tensor("x", ["n", 3])], [tensor("less", ["n", 3]), tensor("all of it", [])]
    )


def classifier(**options: Any) -> Callable[[], Any]:
    def make() -> Any:
        model = LogisticRegression().fit(ROWS, np.where(LABELS, "yes", "no"))
        return skl2onnx.to_onnx(model, ROWS[:1].astype(np.float32), **options)

    return cache(make)


def converted(make: Callable[[], Any], rows: Any) -> Callable[[], Any]:
    def convert() -> Any:
        with collected():  # what the graph has no output for
            return form.convert(make(), {"X": rows})

    return cache(convert)


def case() -> FlavorCase:
    examples = sklearn.models()
    forest, columns = examples["forest"], examples["selected columns, pandas out"]
    return FlavorCase(
        flavor=onnx,
        models={
            "product": Example(product, ROWS, ("predict",), format="onnx"),
            "two answers": Example(two_answers, ROWS, ("predict",), format="onnx"),
            "classifier with dicts": Example(
                classifier(), ROWS, ("predict", "predict_proba"), ["skl2onnx"], "onnx"
            ),
            "classifier of a table": Example(
                classifier(options={"zipmap": False}),
                TABLE,
                ("predict", "predict_proba"),
                ["skl2onnx"],
                "onnx",
            ),
            "forest": Example(
                converted(forest.make, forest.rows),
                forest.rows,
                ("predict", "predict_proba"),
                ["random-forest"],
                "onnx",
            ),
            "pipeline": Example(
                converted(columns.make, columns.rows),
                columns.rows,
                ("predict", "decision_function"),
                ["pipeline", "svc"],
                "onnx",
            ),
        },
        strangers={
            "tensor": numpy_helper.from_array(np.eye(2)),
            "graph": product().graph,
            "library": library,
            "bytes": product().SerializeToString(),
        },
    )
