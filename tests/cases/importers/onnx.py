"""Graphs in ONNX as their makers write them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import skl2onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.linear_model import LogisticRegression

from cases.importers.boosters import LABELS, ROWS
from modelyard.objects.importers import onnx as importer
from modelyard.testing.importers import Foreign, ImporterCase

WEIGHTS = np.arange(6, dtype=np.float32).reshape(3, 2)


def product(weights: Any = WEIGHTS, operator: str = "MatMul", domain: str = "") -> Any:
    """A graph that multiplies rows with weights."""
    graph = helper.make_graph(
        [helper.make_node(operator, ["rows", "weights"], ["products"], domain=domain)],
        "product",
        [helper.make_tensor_value_info("rows", TensorProto.FLOAT, ["n", 3])],
        [helper.make_tensor_value_info("products", TensorProto.FLOAT, ["n", 2])],
        [numpy_helper.from_array(weights, "weights")],
    )
    versions = [helper.make_opsetid("", 18), *([helper.make_opsetid(domain, 1)] if domain else [])]
    return helper.make_model(graph, opset_imports=versions, ir_version=10)


def multiplied(rows: Any) -> Any:
    return rows.astype(np.float32) @ WEIGHTS


def one_file(path: Path) -> Callable[[Any], Any]:
    onnx.save_model(product(), path)
    return multiplied


def values_beside(path: Path) -> Callable[[Any], Any]:
    onnx.save_model(
        product(), path, save_as_external_data=True, location="values.bin", size_threshold=0
    )
    return multiplied


def classifier(path: Path, **options: Any) -> Callable[[Any], Any]:
    model = LogisticRegression().fit(ROWS, LABELS)
    graph = skl2onnx.to_onnx(model, ROWS[:1].astype(np.float32), **options)
    path.write_bytes(graph.SerializeToString())
    return model.predict


def pointing_at(location: str) -> bytes:
    """A graph whose values are said to be in a file somewhere else."""
    proto = product()
    tensor = proto.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return proto.SerializeToString()


def case() -> ImporterCase:
    return ImporterCase(
        importer=importer,
        files={
            "one file": Foreign("m.onnx", one_file, "onnx", 0, "onnx", ROWS),
            "classifier": Foreign("c.onnx", classifier, "onnx", 0, "onnx", ROWS),
            "values beside it": Foreign("v.onnx", values_beside, "onnx", 0, "onnx", ROWS),
        },
        strangers={"m.pb": product().SerializeToString(), "m.onnx.data": b"\0\0"},
        broken={
            "text.onnx": (b"hello there", "no ONNX graph"),
            "empty.onnx": (b"", "no ONNX graph"),
            "cut.onnx": (product().SerializeToString()[:-9], "no ONNX graph"),
            "absent.onnx": (
                pointing_at("values.bin"),
                "'values.bin' with its values is not beside",
            ),
            "above.onnx": (pointing_at("../values.bin"), "in another file ('../values.bin')"),
            "system.onnx": (pointing_at("/etc/passwd"), "in another file ('/etc/passwd')"),
            "own.onnx": (
                product(operator="Own", domain="com.acme").SerializeToString(),
                "of the set 'com.acme', which needs a library",
            ),
            "unknown.onnx": (product(operator="NoSuch").SerializeToString(), "cannot run this"),
            "context.onnx": (
                product(operator="EPContext", domain="com.microsoft").SerializeToString(),
                "names files or code",
            ),
        },
        never_imported=["onnxruntime", "sklearn"],
    )
