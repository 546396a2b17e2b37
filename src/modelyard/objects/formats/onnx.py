"""A graph of operators, as ONNX: data alone, which onnxruntime runs anywhere. Models of other libraries become one by
``format="onnx"``: converted, then compared with the original on the sample.

A file holds all it needs. Values that lie beside a graph are brought into it, up to the 2 GB that one file may have; above
that they lie in ``model.onnx.data`` in the artifact's folder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from modelyard.base.errors import InvalidInput, ModelyardError, UnsupportedType
from modelyard.objects.formats._onnx import graph
from modelyard.objects.interface import Files, Tier

NAME = "onnx"
TIER: Tier = 0
SUFFIX = ".onnx"
FLAVOR = "onnx"
LIBRARIES = ("onnx", "onnxruntime")

FILE = "model.onnx"
VALUES = f"{FILE}.data"
MAX_FILE = (2 << 30) - (1 << 20)
"""What a graph in one file may have; protobuf ends at 2 GB."""


def convert(obj: Any, sample: Mapping[str, Any]) -> Any:
    """The graph of a model of any flavor that has a conversion. Its answers on the sample are those of the model: labels
    exactly, numbers within 1e-5 of their size.

    `UnsupportedType` says what cannot be converted, or how far the answers are apart.
    """
    from modelyard.objects.formats._onnx import converting

    return converting.converted(obj, sample)


def dump(obj: Any, folder: Path) -> None:
    """Write ``model.onnx`` of a graph. `UnsupportedType` when it needs more than itself, or is no graph."""
    library = graph.onnx()
    proto = getattr(obj, "proto", obj)
    if not isinstance(proto, library.ModelProto):
        raise UnsupportedType(
            f"a {type(obj).__name__} is no ONNX graph", hint="format='onnx' converts it", types=()
        )
    graph.check(proto, [VALUES] if getattr(obj, "_path", None) else ())
    if proto.ByteSize() <= MAX_FILE and not getattr(obj, "_path", None):
        (folder / FILE).write_bytes(proto.SerializeToString(deterministic=True))
        return
    whole = library.ModelProto()
    whole.CopyFrom(proto)
    if path := getattr(obj, "_path", None):
        library.load_external_data_for_model(whole, str(Path(path).parent))
    library.save_model(
        whole, folder / FILE, save_as_external_data=True, location=VALUES, size_threshold=1024
    )


def load(files: Files) -> Any:
    """The graph, ready to run. `Corrupted` for what is no graph, `UnsupportedType` for one that needs more than itself."""
    from modelyard.objects.formats._onnx.model import OnnxModel

    graph.onnx()
    name = _only(files)
    try:
        proto = graph.parse(files.read(name))
        path = None
        if len(files.names()) > 1:
            path = str(files.local(name))
            for other in files.names():
                files.local(other)
        model = OnnxModel(proto, path, files)
        _ = model.session  # what cannot run is told now
        return model
    except ModelyardError as error:
        raise type(error)(f"{name}: {error.message}", hint=error.hint, **error.details) from error.__cause__  # fmt: skip


def inspect(files: Files) -> Sequence[str]:
    """Nothing: a graph names no code. One that needs code is told as an error."""
    graph.check(graph.parse(files.read(_only(files))), files.names())
    return ()


def _only(files: Files) -> str:
    """The graph: the one file, or among several the one that is named like one."""
    names = list(files.names())
    graphs = [n for n in names if n.endswith(SUFFIX)] if len(names) > 1 else names
    if len(graphs) != 1 or "/" in graphs[0]:
        raise InvalidInput(f"a graph is one file, not {len(graphs)} of {', '.join(names)}")
    return graphs[0]
