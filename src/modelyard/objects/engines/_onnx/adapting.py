"""A graph made to be fed as rows come: one matrix, or one flat array a column; and to give one answer alone."""

from __future__ import annotations

from typing import Any

from modelyard.base.errors import UnsupportedType
from modelyard.objects.engines._onnx.feeding import Feed, is_text
from modelyard.objects.formats._onnx import graph
from modelyard.objects.formats._onnx.model import Port

MATRIX = "fed_matrix"


def copied(proto: Any) -> Any:
    """The same graph once more."""
    copy = graph.onnx().ModelProto()
    copy.CopyFrom(proto)
    return copy


def alone(proto: Any, output: str) -> Any:
    """A copy with one of its outputs; onnxruntime leaves out what that does not need."""
    copy = copied(proto)
    kept = [value for value in copy.graph.output if value.name == output]
    del copy.graph.output[:]
    copy.graph.output.extend(kept)
    _without_zip_maps(copy, output)
    return copy


def _without_zip_maps(proto: Any, output: str) -> None:
    """Probabilities as the array that they are before a list of dicts is made of them."""
    for node in list(proto.graph.node):
        if node.op_type == "ZipMap" and output in node.output:
            source = node.input[0]
            proto.graph.node.remove(node)
            del proto.graph.output[:]
            kinds = graph.onnx().TensorProto
            value = graph.onnx().helper.make_tensor_value_info(source, kinds.FLOAT, [None, None])
            proto.graph.output.append(value)


def fed(proto: Any, feed: Feed) -> Any:
    """The graph with the inputs of a feed, in their own types."""
    ports = [Port.of(v) for v in _inputs(proto)]
    match feed.kind:
        case "matrix":
            return _of_matrix(proto, feed, ports)
        case "columns":
            return _of_columns(proto, feed, ports)
        case "values":
            return _renamed_input(proto, ports, [None], "str", unsqueezed=True)
    if len(ports) == 1 and ports[0].dtype != feed.dtype:
        return _renamed_input(proto, ports, list(feed.shape), feed.dtype)
    return proto if len(ports) == 1 else _refused(len(ports))


def _refused(count: int) -> Any:
    raise UnsupportedType(f"its graph has {count} inputs")


def _inputs(proto: Any) -> list[Any]:
    known = {tensor.name for tensor in proto.graph.initializer}
    return [value for value in proto.graph.input if value.name not in known]


def _of_matrix(proto: Any, feed: Feed, ports: list[Port]) -> Any:
    width = len(feed.columns)
    if len(ports) == 1 and (ports[0].shape or (None, None))[-1] in (width, None):
        return _renamed_input(proto, ports, [None, width], feed.dtype)
    if len(ports) != width:
        return _refused(len(ports))
    helper = graph.onnx().helper
    names = [f"{MATRIX}_{i}" for i in range(width)]
    sizes = {"num_outputs": width} if _version(proto) >= 18 else {}
    nodes = [helper.make_node("Split", [MATRIX], names, axis=1, **sizes)]
    by_name = {port.name: port for port in ports}
    for name, part in zip(feed.names, names, strict=True):
        port = by_name[str(name)]
        nodes.append(_cast(part, port.name, port.dtype))
    return _with(proto, nodes, {MATRIX: (feed.dtype, [None, width])})


def _version(proto: Any) -> int:
    """Of the standard operators."""
    return max((v.version for v in proto.opset_import if v.domain in ("", "ai.onnx")), default=1)


def _of_columns(proto: Any, feed: Feed, ports: list[Port]) -> Any:
    library = graph.onnx()
    by_name = {port.name: port for port in ports}
    nodes, inputs = [], {}
    axis = library.numpy_helper.from_array(_one(), f"{MATRIX}_axis")
    for name, column in zip(feed.names, feed.columns, strict=True):
        port = by_name.pop(str(name), None)
        if port is None:
            continue  # what the model does not look at
        inner = f"{MATRIX}_{port.name}"
        nodes.append(library.helper.make_node("Unsqueeze", [f"fed_{port.name}", axis.name], [inner]))  # fmt: skip
        nodes.append(_cast(inner, port.name, port.dtype))
        inputs[f"fed_{port.name}"] = ("str" if is_text(column) else column.dtype, [None])
    if by_name:
        return _refused(len(ports))
    proto.graph.initializer.append(axis)
    return _with(proto, nodes, inputs)


def _renamed_input(
    proto: Any, ports: list[Port], shape: list[int | None], dtype: str, *, unsqueezed: bool = False
) -> Any:
    if len(ports) != 1:
        return _refused(len(ports))
    port, library = ports[0], graph.onnx()
    if not unsqueezed:
        return _with(proto, [_cast(MATRIX, port.name, port.dtype)], {MATRIX: (dtype, shape)})
    if len(port.shape or (None, 1)) == 1:
        return _with(proto, [_cast(MATRIX, port.name, port.dtype)], {MATRIX: (dtype, shape)})
    axis = library.numpy_helper.from_array(_one(), f"{MATRIX}_axis")
    proto.graph.initializer.append(axis)
    node = library.helper.make_node("Unsqueeze", [MATRIX, axis.name], [port.name])
    return _with(proto, [node], {MATRIX: (dtype, shape)})


def _one() -> Any:
    import numpy

    return numpy.array([1])


def _cast(source: str, target: str, dtype: str) -> Any:
    helper = graph.onnx().helper
    if dtype == "str":
        return helper.make_node("Identity", [source], [target])
    return helper.make_node("Cast", [source], [target], to=_code(dtype))


def _code(dtype: str) -> int:
    import numpy

    library = graph.onnx()
    if dtype == "str":
        return library.TensorProto.STRING
    return library.helper.np_dtype_to_tensor_dtype(numpy.dtype(dtype))


def _with(proto: Any, nodes: list[Any], inputs: dict[str, tuple[str, list[int | None]]]) -> Any:
    """The graph behind some nodes and new inputs; its old ones are inner values now."""
    helper, made = graph.onnx().helper, proto.graph
    old = list(made.node)
    del made.node[:], made.input[:]
    made.node.extend([*nodes, *old])
    made.input.extend(helper.make_tensor_value_info(n, _code(d), s) for n, (d, s) in inputs.items())
    return proto


def widened(proto: Any, means: Any = ()) -> Any:
    """The graph with float32 made float64 where both are joined: an encoder gives float32 whatever the numbers are. Missing
    numbers are filled in float64 as well; ``means`` are those that the model fills in, which the graph has in float32."""
    library = graph.onnx()
    kinds = library.TensorProto
    _fill_in_float64(proto, means)
    for _ in range(len(proto.graph.node)):
        types = _element_types(proto)
        node = next(
            (n for n in proto.graph.node if n.op_type == "Concat" and {kinds.FLOAT, kinds.DOUBLE} <= {types.get(i) for i in n.input}),
            None,
        )  # fmt: skip
        if node is None:
            return proto
        at = list(proto.graph.node).index(node)
        for i, name in enumerate(node.input):
            if types.get(name) == kinds.FLOAT:
                cast = library.helper.make_node("Cast", [name], [f"{name}_wide_{at}"], to=kinds.DOUBLE)  # fmt: skip
                node.input[i] = cast.output[0]
                proto.graph.node.insert(at, cast)
                at += 1
    return proto


def _fill_in_float64(proto: Any, means: Any) -> None:
    import numpy

    library, types = graph.onnx(), _element_types(proto)
    exact = numpy.asarray(means, numpy.float64)
    for node in list(proto.graph.node):
        if node.op_type != "Imputer" or types.get(node.input[0]) != library.TensorProto.DOUBLE:
            continue
        attributes = {a.name: a for a in node.attribute}
        if not numpy.isnan(attributes["replaced_value_float"].f):
            continue
        filled = numpy.array(attributes["imputed_value_floats"].floats, numpy.float32)
        values = [next(iter(exact[exact.astype(numpy.float32) == f]), float(f)) for f in filled]
        at, (source, target) = list(proto.graph.node).index(node), (node.input[0], node.output[0])
        constant = library.numpy_helper.from_array(numpy.array([values]), f"{target}_filled")
        proto.graph.initializer.append(constant)
        make = library.helper.make_node
        proto.graph.node.remove(node)
        proto.graph.node.insert(at, make("IsNaN", [source], [f"{target}_missing"]))
        where = make("Where", [f"{target}_missing", constant.name, source], [target])
        proto.graph.node.insert(at + 1, where)


def _element_types(proto: Any) -> dict[str, int]:
    """The element type of every value, as far as it can be told."""
    library = graph.onnx()
    bare = copied(proto)
    del bare.graph.value_info[:]  # what a converter believed
    for value in bare.graph.output:
        value.type.Clear()
    told = library.shape_inference.infer_shapes(bare).graph
    found = {v.name: v.type.tensor_type.elem_type for v in (*told.input, *told.value_info, *told.output)}  # fmt: skip
    return {**found, **{t.name: t.data_type for t in told.initializer}}
