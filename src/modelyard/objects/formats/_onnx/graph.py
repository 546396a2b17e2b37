"""A graph as data: what it reads, what it needs to run, and what a conversion wrote about it. Nothing is run here."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from modelyard.base.errors import Corrupted, MissingExtra, UnsupportedType

DOMAINS = frozenset(["", "ai.onnx", "ai.onnx.ml", "com.microsoft", "com.microsoft.nchwc"])
"""Sets of operators that onnxruntime brings itself."""
REFUSED_OPERATORS = frozenset(["EPContext", "PythonOp", "PyOp"])
"""Operators that name files or code of their own."""

NOTES = "modelyard"
"""The key of the graph's metadata under which a conversion says what its outputs are."""


def onnx() -> Any:
    """The library that reads graphs, or the extra that brings it."""
    try:
        import onnx
    except ModuleNotFoundError as error:
        raise MissingExtra("models in ONNX", "onnx", missing=error.name) from error
    return onnx


def parse(data: bytes) -> Any:
    """The graph of a file's bytes. `Corrupted` for what is none."""
    library = onnx()
    try:
        proto = library.ModelProto.FromString(data)
    except Exception as error:  # each version of protobuf words and names its own
        raise Corrupted(f"no ONNX graph, or a damaged one: {error}") from error
    if not proto.graph.node and not proto.graph.output:
        raise Corrupted("no ONNX graph: it has no nodes and no outputs")
    return proto


def check(proto: Any, files: Sequence[str] = ()) -> None:
    """`UnsupportedType` for a graph that needs more than itself: files beside it that are not among ``files``, operators
    of somebody's library, operators that name files or code."""
    own = {function.domain for function in proto.functions}
    for node in nodes(proto):
        if node.domain not in DOMAINS | own:
            raise UnsupportedType(
                f"its operator {node.op_type} is of the set {node.domain!r}, which needs a library to run",
                hint="export it with the standard operators of ONNX",
            )
        if node.op_type in REFUSED_OPERATORS:
            raise UnsupportedType(f"its operator {node.op_type} names files or code of its own")
    for tensor in tensors(proto):
        location = external_location(tensor)
        if location is not None and location not in files:
            raise UnsupportedType(
                f"the values of {tensor.name!r:.80} are in another file ({location!r:.80})",
                hint="read it with onnx.load(path), which brings them in",
            )


def external_location(tensor: Any) -> str | None:
    """The file that a tensor's values are said to be in; None when it has them itself."""
    if tensor.data_location != tensor.EXTERNAL:
        return None
    return next((e.value for e in tensor.external_data if e.key == "location"), "")


def files_beside(proto: Any) -> list[str]:
    """The files with values that lie beside a graph, by name. Those that would be elsewhere are left to `check`."""
    found = [external_location(tensor) for tensor in tensors(proto)]
    return [name for name in dict.fromkeys(found) if name is not None and is_beside(name)]


def is_beside(location: str) -> bool:
    """Whether a location is a plain name in the folder of the graph, and leads nowhere else."""
    path = PurePosixPath(location)
    return bool(location) and len(path.parts) == 1 and path.name == location and location != ".."


def nodes(proto: Any) -> Iterator[Any]:
    """All nodes, those of inner graphs and functions too."""
    waiting = [proto.graph.node, *(function.node for function in proto.functions)]
    while waiting:
        for node in waiting.pop():
            yield node
            waiting += [graph.node for graph in _inner(node)]


def tensors(proto: Any) -> Iterator[Any]:
    """All tensors of a graph, wherever they stand."""
    for graph in _graphs(proto):
        yield from graph.initializer
        for sparse in graph.sparse_initializer:
            yield from (sparse.values, sparse.indices)
    for node in nodes(proto):
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
            for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                yield from (sparse.values, sparse.indices)


def _graphs(proto: Any) -> Iterator[Any]:
    yield proto.graph
    for training in proto.training_info:
        yield from (training.initialization, training.algorithm)
    for node in nodes(proto):
        yield from _inner(node)


def _inner(node: Any) -> list[Any]:
    graphs = [a.g for a in node.attribute if a.HasField("g")]
    return [*graphs, *(g for a in node.attribute for g in a.graphs)]


def classes(proto: Any) -> list[Any] | None:
    """The classes that a classifier's operators name, in the order of their probabilities; None when none does."""
    for node in proto.graph.node:
        for attribute in node.attribute:
            if attribute.name.startswith(("classlabels_", "classlabels_int", "cats_")):
                found = [s.decode("utf-8") for s in attribute.strings] or list(attribute.ints)
                if found:
                    return found
    return None


def notes(proto: Any) -> Mapping[str, Any]:
    """What a conversion of ours wrote into the graph; nothing for others, and for what is not of its form."""
    for entry in proto.metadata_props:
        if entry.key == NOTES:
            try:
                found = json.loads(entry.value)
            except ValueError:
                return {}
            return found if isinstance(found, dict) else {}
    return {}


def annotated(proto: Any, notes: Mapping[str, Any]) -> Any:
    """The graph with such notes."""
    kept = [(e.key, e.value) for e in proto.metadata_props if e.key != NOTES]
    del proto.metadata_props[:]
    for key, value in [*kept, (NOTES, json.dumps(notes))]:
        proto.metadata_props.add(key=key, value=value)
    return proto
