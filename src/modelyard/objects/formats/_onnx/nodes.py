"""Nodes of a graph that is being made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from modelyard.objects.formats._onnx import graph


class Nodes:
    """Nodes and constants in their order, with names that begin alike, so that they are none of a graph beside them."""

    def __init__(self, prefix: str) -> None:
        library = graph.onnx()
        self._helper, self._arrays = library.helper, library.numpy_helper
        self._prefix = prefix
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(self, kind: str, inputs: Sequence[str], name: str = "", **attributes: Any) -> str:
        """A node; the name of its one output."""
        name = name or f"{self._prefix}{len(self.nodes)}"
        self.nodes.append(self._helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def constant(self, value: Any) -> str:
        """An array that the graph holds."""
        import numpy

        name = f"{self._prefix}c{len(self.constants)}"
        value = numpy.asarray(value)
        if value.dtype.kind in "UO":
            value = value.astype(object)
        self.constants.append(self._arrays.from_array(value, name))
        return name

    def array(self, value: Any) -> Any:
        """An array as an attribute."""
        return self._arrays.from_array(value)
