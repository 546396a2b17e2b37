"""Graphs in ONNX, and the files beside them that hold their values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from modelyard.base.errors import InvalidInput, ModelyardError
from modelyard.objects.card import Card, FormatInfo, Requirements
from modelyard.objects.formats import onnx
from modelyard.objects.formats._onnx import graph
from modelyard.objects.formats._onnx.model import OnnxModel
from modelyard.objects.importers import files_source, packages_of
from modelyard.objects.source import Source

NAME = "onnx"


def recognises(path: Path) -> bool:
    """A file called ``.onnx``: its bytes have no mark of their own."""
    return path.suffix.lower() == onnx.SUFFIX and path.is_file()


def source(path: Path) -> Source:
    """A graph that needs nothing but itself and files beside it."""
    if not path.is_file():
        raise InvalidInput(f"{path} is no file")
    try:
        return _source(path, graph.parse(path.read_bytes()))
    except ModelyardError as error:
        raise type(error)(f"{path}: {error.message}", hint=error.hint) from error.__cause__


def _source(path: Path, proto: Any) -> Source:
    beside = graph.files_beside(proto)
    missing = [name for name in beside if not (path.parent / name).is_file()]
    if missing:
        raise InvalidInput(f"the file {missing[0]!r} with its values is not beside it")
    found = OnnxModel(proto, str(path) if beside else None)
    card = Card(
        flavor="onnx",
        format=FormatInfo("onnx", 0),
        methods={name: method.signature for name, method in found.methods.items()},
        requirements=Requirements(packages=packages_of(*onnx.LIBRARIES)),
    )
    return files_source(path, [path.name, *beside], card)
