"""A graph that answers like a model: tables and arrays in, arrays out, on onnxruntime.

Numbers are taken in the precision people have: where a graph computes in float32, float64 is rounded to it (as is done by
hand before every ``run``); a value beyond float32, a fraction for an integer and a text for a number are refused. A
graph of one matrix takes a table as its matrix, one input a column takes a table by column names. A classifier's
probabilities are one array, also where the graph gives a list of dicts, with the classes in ``classes_``.
"""

from __future__ import annotations

import contextlib
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

from modelyard import types
from modelyard.base.errors import Corrupted, InvalidInput, MissingExtra, UnsupportedType
from modelyard.objects.formats._onnx import graph
from modelyard.types.schema import Argument, Signature

_WIDENED = {"float32": "float64", "float16": "float64"}
_PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")
"""Where graphs run, best first; not on machines of others (Azure)."""


@dataclass(frozen=True)
class Port:
    """An input or output of a graph."""

    name: str
    dtype: str
    """numpy's name; empty for what is no tensor of numbers or texts."""
    shape: tuple[int | None, ...] | None
    """None for an open dimension, or for any number of them."""
    maps: bool = False
    """A list of dicts by class, as classifiers give."""

    @classmethod
    def of(cls, value: Any) -> Port:
        """Of a ``ValueInfoProto``."""
        kind = value.type
        if kind.WhichOneof("value") != "tensor_type":
            inner = kind.sequence_type.elem_type.WhichOneof("value")
            return cls(value.name, "", None, maps=inner == "map_type")
        tensor = kind.tensor_type
        sizes = None
        if tensor.HasField("shape"):
            sizes = tuple(
                d.dim_value if d.HasField("dim_value") else None for d in tensor.shape.dim
            )
        return cls(value.name, _dtype(tensor.elem_type), sizes)

    @property
    def is_column(self) -> bool:
        """One value a row."""
        return self.shape in ((None,), (None, 1))

    def type(self, *, taken: bool = False) -> Any:
        """As a card has it; what is taken may be wider than what the graph computes in."""
        if not self.dtype or self.shape is None:
            return types.parse("any")
        dtype = _WIDENED.get(self.dtype, self.dtype) if taken else self.dtype
        return types.parse({"type": "array", "dtype": dtype, "shape": list(self.shape)})


def _dtype(code: int) -> str:
    """numpy's name of a tensor's type; empty for those it has none for (bfloat16, complex …)."""
    kind = graph.onnx().TensorProto.DataType.Name(code).lower()
    names = {"float": "float32", "double": "float64", "string": "str"}
    plain = re.fullmatch(r"float16|bool|u?int(8|16|32|64)", kind) is not None
    return names.get(kind, kind if plain else "")


class OnnxModel:
    """A graph in ONNX, ready to run. ``run`` gives all outputs as they are; its other methods are those of the graph:
    ``predict``, and ``predict_proba`` of a classifier."""

    FLAVOR: ClassVar[str] = "onnx"

    def __init__(self, proto: Any, path: str | None = None, holding: Any = None) -> None:
        """Of a ``ModelProto``. ``path`` is its file, where the values of tensors lie beside it; ``holding`` keeps that
        file there."""
        self._holding = holding
        graph.check(proto, graph.files_beside(proto) if path else ())
        self.proto = proto
        self._path = path
        self.notes = graph.notes(proto)
        known = {tensor.name for tensor in proto.graph.initializer}
        self.inputs = [Port.of(v) for v in proto.graph.input if v.name not in known]
        self.outputs = [Port.of(v) for v in proto.graph.output]

    def __repr__(self) -> str:
        ports = (", ".join(p.name for p in ports) for ports in (self.inputs, self.outputs))
        return "OnnxModel({} -> {})".format(*ports)

    def __reduce__(self) -> Any:
        if self._path:
            raise TypeError("a graph whose values lie in another file is not pickled")
        return OnnxModel.from_bytes, (self.proto.SerializeToString(),)

    @classmethod
    def from_bytes(cls, data: bytes) -> OnnxModel:
        """Of a file's content."""
        return cls(graph.parse(data))

    @cached_property
    def session(self) -> Any:
        """What runs it; `UnsupportedType` or `Corrupted` when nothing here can."""
        return _session(self.proto, self._path)

    @cached_property
    def classes_(self) -> Any:
        """The classes of a classifier, in the order of its probabilities; AttributeError for any other graph."""
        import numpy

        found = graph.classes(self.proto) if "predict_proba" in self._ways else None
        if found is None:
            raise AttributeError("this graph does not name its classes")
        return numpy.array(found)

    def run(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """All outputs by name, of values by input name; as onnxruntime gives them."""
        fed = {port.name: fitted(inputs[port.name], port) for port in self.inputs if port.name in inputs}  # fmt: skip
        missing = [port.name for port in self.inputs if port.name not in fed]
        if missing or inputs.keys() - fed.keys():
            raise InvalidInput(
                f"the graph takes {', '.join(p.name for p in self.inputs)}, and got {', '.join(inputs)}"
            )
        names = [port.name for port in self.outputs]
        try:
            return dict(zip(names, self.session.run(names, fed), strict=True))
        except Exception as error:  # onnxruntime has a class for each of its codes
            raise InvalidInput(f"onnxruntime cannot run the graph on this: {error}") from error

    @cached_property
    def methods(self) -> Mapping[str, GraphMethod]:
        """Its methods by name, the default first."""
        return {name: GraphMethod(self, name, way) for name, way in self._ways.items()}

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and name in self.methods:
            return self.methods[name]
        raise AttributeError(f"this graph has no {name!r}")

    @cached_property
    def _ways(self) -> dict[str, Way]:
        """Which output answers which method: as its conversion noted, else as classifiers usually have it."""
        names = {port.name for port in self.outputs}
        noted = {
            str(method): Way(*map(str, way))
            for method, way in dict(self.notes.get("methods", {})).items()
            if isinstance(way, list) and len(way) == 2 and way[0] in names
        }
        if noted:
            return noted
        if len(self.outputs) == 2 and _is_classifier(*self.outputs):
            label, scores = self.outputs
            return {"predict": Way(label.name), "predict_proba": Way(scores.name)}
        return {"predict": Way(self.outputs[0].name if len(self.outputs) == 1 else "")}

    def table_columns(self) -> list[str] | None:
        """The columns of the table it takes, where each input is one; None when inputs are arrays."""
        if len(self.inputs) > 1 and all(port.is_column for port in self.inputs):
            return [port.name for port in self.inputs]
        return None

    def answer(self, way: Way, values: Sequence[Any]) -> Any:
        """What a method says to values in the order of its arguments."""
        columns = self.table_columns()
        if columns is not None:
            inputs = {name: column_of(values[0], name) for name in columns}
        else:
            inputs = dict(zip((p.name for p in self.inputs), values, strict=True))
        outputs = self.run(inputs)
        by_name = {port.name: self.as_array(outputs[port.name], port) for port in self.outputs}
        return way.taken(by_name) if way.output else by_name

    def as_array(self, value: Any, port: Port) -> Any:
        """An output as one array where it can be: dicts by class as columns, texts as numpy's own."""
        import numpy

        if port.maps:
            known = graph.classes(self.proto) or sorted({key for row in value for key in row})
            return numpy.array([[row[key] for key in known] for row in value], numpy.float32)
        return value.astype(str) if port.dtype == "str" else value


@dataclass(frozen=True)
class Way:
    """How a method's answer is taken from the outputs: one of them, as it is or in another shape; empty for all."""

    output: str = ""
    shape: str = ""
    """``flat``: the one column as values. ``column``: values as
    one column. ``second``: the second column, of the positive class. ``bool``: as booleans."""

    def taken(self, outputs: Mapping[str, Any]) -> Any:
        """The answer."""
        value = outputs[self.output]
        match self.shape:
            case "flat":
                return value.reshape(len(value))
            case "column":
                return value.reshape(-1, 1)
            case "second":
                return value[:, 1]
            case "bool":
                return value.astype(bool)
        return value


class GraphMethod:
    """A method of a graph, with the signature that the graph states."""

    def __init__(self, model: OnnxModel, name: str, way: Way) -> None:
        self._model, self._way, self.__name__ = model, way, name
        self._names = argument_names(model)
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        self.__signature__ = inspect.Signature([inspect.Parameter(n, kind) for n in self._names])

    def __call__(self, *values: Any, **named: Any) -> Any:
        given = self.__signature__.bind(*values, **named).arguments
        return self._model.answer(self._way, [given[name] for name in self._names])

    @cached_property
    def signature(self) -> Signature:
        """What it takes and gives, for those who have no sample."""
        model = self._model
        columns = model.table_columns()
        if columns is None:
            taken = [port.type(taken=True) for port in model.inputs]
        else:
            dtypes = {p.name: _WIDENED.get(p.dtype, p.dtype) or "object" for p in model.inputs}
            taken = [types.parse({"type": "dataframe", "columns": dtypes})]
        arguments = {n: Argument(t) for n, t in zip(self._names, taken, strict=True)}
        return Signature(arguments, self._returns())

    def _returns(self) -> Any:
        port = next((p for p in self._model.outputs if p.name == self._way.output), None)
        if port is None or self._way.shape:
            return None
        if port.maps:
            return types.parse({"type": "array", "dtype": "float32", "shape": [None, None]})
        if port.shape and any(p.shape and p.shape[0] is None for p in self._model.inputs):
            port = replace(port, shape=(None, *port.shape[1:]))  # some say 1, and give one a row
        return port.type()


def argument_names(model: OnnxModel) -> list[str]:
    """One argument an input, named like it as far as Python allows; one for all where they are a table's columns."""
    if model.table_columns() is not None:
        return ["X"]
    if len(model.inputs) == 1:
        name = model.inputs[0].name
        return [name if name.isidentifier() else "X"]
    plain = ["".join(c if c.isalnum() else "_" for c in port.name) for port in model.inputs]
    plain = [n if n.isidentifier() else f"x_{n}" for n in plain]
    return plain if len(set(plain)) == len(plain) else [f"x{i}" for i in range(len(plain))]


def fitted(value: Any, port: Port) -> Any:
    """A value as the array that an input takes; `InvalidInput` says what does not fit."""
    import numpy

    if not port.dtype:
        return value
    value = value.toarray() if hasattr(value, "toarray") else value
    array = numpy.asarray(value)
    if port.shape is not None and array.ndim == 1 and len(port.shape) == 2 and port.shape[1] == 1:
        array = array.reshape(-1, 1)
    array = _texts(array, port) if port.dtype == "str" else _numbers(array, port)
    sizes = port.shape
    if sizes is not None and (
        len(sizes) != array.ndim
        or any(n is not None and n != m for n, m in zip(sizes, array.shape, strict=True))
    ):
        shape = ", ".join("any" if n is None else str(n) for n in sizes)
        raise InvalidInput(f"{port.name}: expected an array of shape ({shape}), got {array.shape}")
    return array


def _texts(array: Any, port: Port) -> Any:
    if not all(isinstance(cell, str) for cell in array.ravel().tolist()):
        raise InvalidInput(f"{port.name}: expected texts, got {array.dtype}")
    return array.astype(object)


def _numbers(array: Any, port: Port) -> Any:
    """Rounded where a float is narrower, refused where a value would become another one."""
    import numpy

    if array.dtype == object:
        with contextlib.suppress(ValueError):
            array = numpy.array(array.tolist())
    if array.dtype.kind not in "biuf":
        raise InvalidInput(f"{port.name}: expected {port.dtype}, got {array.dtype}")
    with numpy.errstate(all="ignore"):
        made = numpy.ascontiguousarray(array.astype(port.dtype))
        if port.dtype.startswith("float"):
            lost = numpy.isinf(made) & numpy.isfinite(array.astype(float))
        else:
            lost = made != array
    if lost.any():
        raise InvalidInput(
            f"{port.name}: {array[lost].ravel()[0]} is no {port.dtype}",
            hint="the graph computes in this type",
        )
    return made


def column_of(table: Any, name: str) -> Any:
    """A column of a table, or of a dict of columns."""
    if isinstance(table, list) and all(isinstance(row, Mapping) for row in table):
        return [row[name] for row in table]
    columns: Any = table
    try:
        return columns[name]
    except (KeyError, TypeError, IndexError, ValueError):
        raise InvalidInput(
            f"the graph takes a table with the column {name!r}",
            hint="a DataFrame, or a dict of columns",
        ) from None


def _is_classifier(label: Port, scores: Port) -> bool:
    """Labels, then a value for each class."""
    labelled = label.dtype in ("int64", "str") and label.shape is not None and len(label.shape) == 1
    tabular = scores.dtype.startswith("float") and len(scores.shape or ()) == 2
    return labelled and (scores.maps or (tabular and "prob" in scores.name.lower()))


def _session(proto: Any, path: str | None) -> Any:
    """A session of onnxruntime, on this machine."""
    try:
        import onnxruntime
    except ModuleNotFoundError as error:
        raise MissingExtra("running models in ONNX", "onnx", missing=error.name) from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = (
        4  # what it says of graphs comes as errors, or is for those who made them
    )
    usable = set(onnxruntime.get_available_providers())
    try:
        return onnxruntime.InferenceSession(
            path or proto.SerializeToString(),
            options,
            providers=[name for name in _PROVIDERS if name in usable],
        )
    except Exception as error:  # onnxruntime has a class for each of its codes
        wanted = type(error).__name__ in ("NotImplemented", "Fail", "InvalidGraph", "InvalidArgument", "RuntimeException")  # fmt: skip
        kind: Callable[..., Exception] = UnsupportedType if wanted else Corrupted
        raise kind(f"onnxruntime cannot run this graph: {error}") from error
