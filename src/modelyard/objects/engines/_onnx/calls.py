"""A graph as a call: what is within the proven domain goes in as it is, and one array comes out."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelyard.base.errors import UnsupportedType
from modelyard.objects.engines._onnx import adapting
from modelyard.objects.engines._onnx.domain import Domain
from modelyard.objects.engines._onnx.feeding import Feed
from modelyard.objects.formats._onnx.model import Way


class NotProven(ValueError):
    """A value of a kind that the proof did not see: the model itself answers it."""


@dataclass(frozen=True)
class Finish:
    """How the method's answer is made of the graph's output: in its shape and its type."""

    shape: str
    dtype: Any
    tensor: bool = False
    """As a tensor of torch."""

    def of(self) -> Callable[[Any], Any]:
        dtype, flat, column, second = self.dtype, self.shape == "flat", self.shape == "column", self.shape == "second"  # fmt: skip

        def finish(value: Any) -> Any:
            if flat:
                value = value.reshape(-1)
            elif column:
                value = value.reshape(-1, 1)
            elif second:
                value = value[:, 1]
            return value if value.dtype == dtype else value.astype(dtype)

        if not self.tensor:
            return finish
        from_numpy = importlib.import_module("torch").from_numpy
        return lambda value: from_numpy(finish(value))


def session_of(proto: Any, threads: int) -> Any:
    """A session that keeps to its threads, and lets them sleep when there is nothing to do."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what it says of graphs comes as errors, or is for their makers
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(
            proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime has a class for each of its codes
        raise UnsupportedType(f"onnxruntime cannot run its graph: {error}") from error


def call_of(
    proto: Any, way: Way, feed: Feed, wanted: Any, domain: Domain, threads: int
) -> Callable[[Any], Any]:
    """The call of one method that answers as in ``wanted``."""
    made = adapting.fed(adapting.alone(proto, way.output), feed)
    array = plain(wanted)
    finishing = Finish(way.shape, array.dtype, tensor=array is not wanted)
    return bound(session_of(made, threads), feed, finishing, domain)


def bound(session: Any, feed: Feed, finishing: Finish, domain: Domain) -> Callable[[Any], Any]:
    """Everything that does not change from call to call is looked up here, once."""
    run, within, finish = session.run, domain.guard(feed), finishing.of()
    outputs = [session.get_outputs()[0].name]
    names = [port.name for port in session.get_inputs()]

    if feed.kind != "columns":
        [only] = names
        objects = feed.kind == "values"

        def call(value: Any) -> Any:
            if objects and value.dtype != object:
                value = value.astype(object)
            if not within(value):
                raise NotProven("beyond what the graph was proven on")
            return finish(run(outputs, {only: value})[0])

        return call

    pairs = [(name, name.removeprefix("fed_")) for name in names]

    def call_columns(value: Any) -> Any:
        if not within(value):
            raise NotProven("beyond what the graph was proven on")
        return finish(run(outputs, {name: value[plain] for name, plain in pairs})[0])

    return call_columns


def require_plain(value: Any) -> None:
    """`UnsupportedType` for an answer that is no plain array, or tensor of this machine's memory."""
    array = plain(value)
    if type(array) is not np.ndarray or array.dtype.kind not in "biufUO":
        raise UnsupportedType(f"it answers with a {type(value).__name__}")


def plain(value: Any) -> Any:
    """The array of a tensor; anything else as it is."""
    if (
        type(value).__module__ == "torch"
        and getattr(getattr(value, "device", None), "type", "") == "cpu"
    ):
        return value.detach().numpy()
    return value


def objects(value: Any) -> Any:
    """Texts as onnxruntime takes them; anything else as it is."""
    texts = isinstance(value, np.ndarray) and value.dtype.kind == "U"
    return value.astype(object) if texts else value
