"""Ensembles of trees as a graph that adds up what the library adds up, in float64 and in its order.

Converters round thresholds and leaves to float32 and add them in another order. A forest whose votes are even then says
another class: about one row in two hundred of a plain forest of a hundred trees. So here the graph's own operator only finds
each tree's leaf. Its values are looked up and added in float64, from the first tree to the last, as the libraries do.

Trees that look at rows in float32 compare in float32: ``x <= t`` means the same for the greatest float32 that is not above
``t``. Other trees compare in float64.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelyard.base.errors import UnsupportedType
from modelyard.objects.formats._onnx import graph
from modelyard.objects.formats._onnx.nodes import Nodes

OPERATORS: Mapping[str, int] = {"": 18, "ai.onnx.ml": 5}
"""The operators' versions: the first that have trees of any precision."""
FORMAT = 9
"""Of the file: the version that such operators came with."""
PREFIX = "trees_"
"""Of all names that are made here, so that they are none of a graph that comes before."""


@dataclass(frozen=True)
class Tree:
    """Nodes by number, the root first. A row goes left where its feature is at most the threshold."""

    feature: Any
    threshold: Any
    left: Any
    """-1 for a leaf."""
    right: Any
    missing_left: Any
    """Where a row without the feature goes."""
    values: Any
    """What a leaf says: one row a node, one column an output."""


@dataclass(frozen=True)
class Ensemble:
    """Trees whose values are added, and what is made of the sum."""

    trees: Sequence[Tree]
    narrow: bool
    """Rows are looked at in float32."""
    groups: int = 1
    """Trees take turns in as many outputs; where a leaf has several values itself, 1."""
    base: Any = None
    """Added to the sums; comes first."""
    divisor: float = 1.0
    link: str = ""
    """``logistic`` of one sum, or ``softmax`` of several, gives probabilities; ``votes`` are probabilities themselves;
    ``exp`` is what predictions are; empty: sums are predictions."""
    classes: Any = None
    """Of a classifier, in the order of its probabilities."""
    second: str = "Greater"
    """Of two classes the second is said where the sum compares so with zero; empty: where it is likelier."""


def graph_of(ensemble: Ensemble, width: int) -> Any:
    """The graph, of one matrix in float64."""
    library = graph.onnx()
    helper, kinds = library.helper, library.TensorProto
    nodes = Nodes(PREFIX)
    outputs = add_to(nodes, ensemble, "X")
    made = helper.make_graph(
        nodes.nodes,
        "trees",
        [helper.make_tensor_value_info("X", kinds.DOUBLE, [None, width])],
        [helper.make_tensor_value_info(name, kind, None) for name, kind in outputs.items()],
        initializer=nodes.constants,
    )
    return model_of(helper, made)


def after(head: Any, ensemble: Ensemble) -> Any:
    """The graph of steps that end in one matrix, with the trees behind it."""
    library = graph.onnx()
    if len(head.graph.output) != 1:
        raise UnsupportedType("the steps before the trees have several answers")
    nodes = Nodes(PREFIX)
    source = nodes.add("Cast", [head.graph.output[0].name], to=library.TensorProto.DOUBLE)
    outputs = add_to(nodes, ensemble, source)
    head.graph.node.extend(nodes.nodes)
    head.graph.initializer.extend(nodes.constants)
    del head.graph.output[:]
    head.graph.output.extend(
        library.helper.make_tensor_value_info(n, k, None) for n, k in outputs.items()
    )
    return model_of(library.helper, head.graph)


def model_of(helper: Any, made: Any) -> Any:
    """A file of a graph, with the versions of its operators."""
    versions = [helper.make_opsetid(domain, version) for domain, version in OPERATORS.items()]
    return helper.make_model(made, opset_imports=versions, ir_version=FORMAT)


def add_to(nodes: Nodes, ensemble: Ensemble, source: str) -> dict[str, Any]:
    """The nodes from a matrix to the answers; the answers' names and element types."""
    kinds = graph.onnx().TensorProto
    sums = _sums(nodes, ensemble, source)
    if ensemble.classes is None:
        value = nodes.add("Exp", [sums]) if ensemble.link == "exp" else sums
        nodes.add("Identity", [value], "answer")
        return {"answer": kinds.DOUBLE}
    if ensemble.groups > 1 or ensemble.trees[0].values.shape[1] > 1:
        index = nodes.add("ArgMax", [sums], axis=1, keepdims=0)
        probabilities = nodes.add("Softmax", [sums], axis=1) if ensemble.link == "softmax" else sums
    else:
        index, probabilities = _of_two(nodes, ensemble, sums)
    nodes.add("Gather", [nodes.constant(_labels(ensemble.classes)), index], "label")
    nodes.add("Identity", [probabilities], "probabilities")
    found = {"label": kinds.STRING if _is_text(ensemble.classes) else kinds.INT64}
    found["probabilities"] = kinds.DOUBLE
    if ensemble.link != "votes":
        nodes.add("Identity", [sums], "decision")
        found["decision"] = kinds.DOUBLE
    return found


def _of_two(nodes: Nodes, ensemble: Ensemble, sums: str) -> tuple[str, str]:
    """Which of two classes, and the probabilities of both, of one sum."""
    second = nodes.add("Sigmoid", [sums])
    first = nodes.add("Sub", [nodes.constant(1.0), second])
    probabilities = nodes.add("Concat", [first, second], axis=1)
    if not ensemble.second:
        return nodes.add("ArgMax", [probabilities], axis=1, keepdims=0), probabilities
    said = nodes.add(ensemble.second, [sums, nodes.constant(0.0)])
    whole = nodes.add("Cast", [said], to=graph.onnx().TensorProto.INT64)
    return nodes.add("Squeeze", [whole, nodes.constant(np.array([1]))]), probabilities


def _labels(classes: Any) -> Any:
    """Classes as a graph can hold them; `UnsupportedType` for others."""
    array = np.asarray(classes)
    if _is_text(array):
        return array.astype(object)
    if array.dtype.kind not in "biu" and not (array == array.astype(np.int64)).all():
        raise UnsupportedType("its classes are fractions")
    return array.astype(np.int64)


def _is_text(classes: Any) -> bool:
    array = np.asarray(classes)
    return array.dtype.kind in "UO" and all(isinstance(c, str) for c in array.tolist())


def _sums(nodes: Nodes, ensemble: Ensemble, source: str) -> str:
    """What the trees' leaves add up to: one row a row, one column an output."""
    kinds = graph.onnx().TensorProto
    if ensemble.narrow:
        source = nodes.add("Cast", [source], to=kinds.FLOAT)
    attributes, values = _leaves(ensemble)
    arrays = {n: nodes.array(v) for n, v in attributes.items() if isinstance(v, np.ndarray)}
    leaf = nodes.add("TreeEnsemble", [source], domain="ai.onnx.ml", **{**attributes, **arrays})
    numbers = nodes.add("Cast", [leaf], to=kinds.INT64)
    if ensemble.groups > 1 or values.shape[1] == 1:
        shape = nodes.constant(np.array([0, -1, ensemble.groups]))
        said = nodes.add("Gather", [nodes.constant(values[:, 0]), numbers], axis=0)
        said = nodes.add("Reshape", [said, shape])
    else:
        said = nodes.add("Gather", [nodes.constant(values), numbers], axis=0)
    sums = nodes.add("ReduceSum", [said, nodes.constant(np.array([1]))], keepdims=0)
    if ensemble.divisor != 1:
        sums = nodes.add("Div", [sums, nodes.constant(float(ensemble.divisor))])
    if ensemble.base is not None:
        base = np.asarray(ensemble.base, np.float64).reshape(1, -1)
        sums = nodes.add("Add", [sums, nodes.constant(base)])
    return sums


def _leaves(ensemble: Ensemble) -> tuple[dict[str, Any], Any]:
    """The operator's attributes for trees that say the numbers of their leaves, and the leaves' values by number."""
    parts: dict[str, list[Any]] = {}
    roots, values, nodes, leaves = [], [], 0, 0
    for number, tree in enumerate(ensemble.trees):
        tree = _with_a_node(tree)
        inner, ends = np.flatnonzero(tree.left != -1), np.flatnonzero(tree.left == -1)
        place = np.empty(len(tree.left), np.int64)
        place[inner], place[ends] = np.arange(len(inner)) + nodes, np.arange(len(ends)) + leaves
        found = {"features": tree.feature[inner], "splits": tree.threshold[inner]}
        found["missing"] = np.asarray(tree.missing_left)[inner]
        for side, child in (("true", tree.left[inner]), ("false", tree.right[inner])):
            found[side], found[f"{side}leaf"] = place[child], tree.left[child] == -1
        found["target"] = np.full(len(ends), number)
        for name, part in found.items():
            parts.setdefault(name, []).append(np.asarray(part))
        roots.append(nodes)
        values.append(np.asarray(tree.values, np.float64)[ends])
        nodes, leaves = nodes + len(inner), leaves + len(ends)
    dtype = np.float32 if ensemble.narrow else np.float64
    if leaves >= 1 << (24 if ensemble.narrow else 53):
        raise UnsupportedType(f"{leaves} leaves are more than a graph can number")
    return _attributes({n: np.concatenate(p) for n, p in parts.items()}, roots, dtype), np.concatenate(values)  # fmt: skip


def _attributes(parts: Mapping[str, Any], roots: Sequence[int], dtype: Any) -> dict[str, Any]:
    def integers(name: str) -> list[int]:
        return parts[name].astype(np.int64).tolist()

    splits = parts["splits"].astype(np.float64)
    return {
        "tree_roots": list(roots),
        "n_targets": len(roots),
        "aggregate_function": 1,
        "post_transform": 0,
        "nodes_featureids": integers("features"),
        "nodes_splits": floor32(splits) if dtype == np.float32 else splits,
        "nodes_modes": np.zeros(len(splits), np.uint8),  # at most
        "nodes_truenodeids": integers("true"),
        "nodes_trueleafs": integers("trueleaf"),
        "nodes_falsenodeids": integers("false"),
        "nodes_falseleafs": integers("falseleaf"),
        "nodes_missing_value_tracks_true": integers("missing"),
        "leaf_targetids": integers("target"),
        "leaf_weights": np.arange(len(parts["target"]), dtype=dtype),
    }


def floor32(values: Any) -> Any:
    """The greatest float32 that is not above each value."""
    with np.errstate(over="ignore"):
        rounded = values.astype(np.float32)
    above = rounded.astype(np.float64) > values
    rounded[above] = np.nextafter(rounded[above], np.float32(-np.inf))
    return rounded


def _with_a_node(tree: Tree) -> Tree:
    """A tree that is a leaf alone, as one that asks and says the same either way: the operator has no other."""
    if len(tree.left) > 1:
        return tree
    values = np.repeat(tree.values, 3, axis=0)
    ends = np.array([-1, -1])
    return Tree(
        np.zeros(3, int), np.zeros(3), np.r_[1, ends], np.r_[2, ends], np.zeros(3, int), values
    )
