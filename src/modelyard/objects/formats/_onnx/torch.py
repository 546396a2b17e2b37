"""Modules of PyTorch, by its own exporter: along ``torch.export`` where onnxscript is here, else by tracing the sample."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import io
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from modelyard.base.errors import UnsupportedType


def attempts(model: Any, *values: Any) -> Iterator[tuple[str, Callable[[], Any]]]:
    """In evaluation mode, for any number of rows."""
    torch: Any = importlib.import_module("torch")

    from modelyard.objects.flavors._torch.calling import Inputs

    if not isinstance(model, torch.nn.Module) or isinstance(model, torch.jit.ScriptModule):
        raise UnsupportedType(f"a {type(model).__name__} is not converted: only modules are")
    inputs = Inputs(model)
    tensors = [inputs.tensor(value) for value in values]
    if not all(isinstance(t, torch.Tensor) for t in tensors):
        raise UnsupportedType("modules are converted that take tensors alone")
    # A size of one is taken for a constant.
    tensors = [torch.cat([t, t]) if t.ndim and len(t) == 1 else t for t in tensors]
    if importlib.util.find_spec("onnxscript") is not None:
        yield "by torch.export", lambda: _exported(model, tensors)
    yield "by tracing", lambda: _traced(model, tensors)


def _exported(model: Any, tensors: Sequence[Any]) -> Any:
    torch: Any = importlib.import_module("torch")

    free = tuple({0: torch.export.Dim.DYNAMIC} if t.ndim else None for t in tensors)
    with _evaluating(model):
        program = torch.onnx.export(
            model,
            tuple(tensors),
            input_names=_names(model, tensors),
            dynamic_shapes=free,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    return program.model_proto


def _traced(model: Any, tensors: Sequence[Any]) -> Any:
    import onnx

    torch: Any = importlib.import_module("torch")

    target, names = io.BytesIO(), _names(model, tensors)
    free = {name: {0: "rows"} for name, t in zip(names, tensors, strict=True) if t.ndim}
    with _evaluating(model):
        torch.onnx.export(
            model,
            tuple(tensors),
            target,
            input_names=names,
            output_names=["output"],
            dynamic_axes={**free, "output": {0: "rows"}},
            dynamo=False,
        )
    return onnx.load_model_from_string(target.getvalue())


def _names(model: Any, tensors: Sequence[Any]) -> list[str]:
    return list(inspect.signature(model.forward).parameters)[: len(tensors)]


class _evaluating:  # noqa: N801  # reads as a phrase
    """While it lasts, a module answers as it does when it is applied; the exporter's own reports are not heard."""

    def __init__(self, model: Any) -> None:
        self._training = [part for part in model.modules() if part.training]
        self._model = model

    def __enter__(self) -> None:
        self._level = logging.root.manager.disable
        logging.disable(logging.WARNING)
        self._model.eval()

    def __exit__(self, *_: object) -> None:
        logging.disable(self._level)
        for part in self._training:
            part.training = True
