"""What a client of tensors does: arguments become tensors by a model's metadata, and tensors an answer again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any


@dataclass(frozen=True)
class Sent:
    """A tensor with its elements as Python has them, flat."""

    name: str
    datatype: str
    shape: list[int]
    data: list[Any]


def tensors_of(arguments: Mapping[str, Any], ports: Mapping[str, Any]) -> list[Sent]:
    """Arguments as JSON has them (a table is a list of records) as tensors; ``ports`` is the metadata by name."""
    sent: list[Sent] = []
    for name, value in arguments.items():
        if name not in ports and isinstance(value, list) and (not value or type(value[0]) is dict):
            columns = list(value[0]) if value else list(ports)
            sent += [
                _tensor(column, [r[column] for r in value], ports.get(column)) for column in columns
            ]
        else:
            sent.append(_tensor(name, value, ports.get(name)))
    return sent


def _tensor(name: str, value: Any, port: Mapping[str, Any] | None) -> Sent:
    if not isinstance(value, list):
        value = [value]
    shape, flat = [len(value)], value
    while flat and isinstance(flat[0], list):
        shape.append(len(flat[0]))
        flat = [x for part in flat for x in part]
    if not flat and port is not None:
        shape = [max(0, size) for size in port["shape"]]
    return Sent(name, _datatype(flat, port), shape, flat)


def _datatype(flat: Sequence[Any], port: Mapping[str, Any] | None) -> str:
    """What the metadata says, unless the elements are something else."""
    kinds = set(map(type, flat)) - {type(None)}
    told = port["datatype"] if port is not None else "FP64"
    if kinds == {str}:
        return "BYTES"
    if kinds == {float} and "INT" in told:
        return "FP64"
    if kinds == {int} and told == "BYTES":
        return "INT64"
    return told


def value_of(outputs: Sequence[Sent], ports: Sequence[Mapping[str, Any]]) -> Any:
    """Tensors as the JSON form of an answer."""
    if len(outputs) > 1:
        names = [output.name for output in outputs]
        rows = zip(*(output.data for output in outputs), strict=True)
        return [dict(zip(names, row, strict=True)) for row in rows]
    [output] = outputs
    if ports[0]["shape"] == [1]:
        [element] = output.data
        return element
    nested: list[Any] = output.data
    assert len(nested) == prod(output.shape)
    for size in reversed(output.shape[1:]):
        nested = [nested[i : i + size] for i in range(0, len(nested), size)]
    return nested
