"""Signatures of methods, and a model's whole schema: what a card records and every edge reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

from modelyard.types.interface import DataType


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"

    def __reduce__(self) -> str:
        return "MISSING"  # a signature that went to another process still knows it


MISSING: Any = _Missing()
"""No default: the argument is required."""


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a method: its type, and its default when it is optional."""

    type: DataType
    default: Any = MISSING

    @property
    def required(self) -> bool:
        return self.default is MISSING


@dataclass(frozen=True, slots=True)
class Signature:
    """What a method takes and gives. Arguments are in calling order; `extra` is the type of ``**kwargs``, if it takes any."""

    args: Mapping[str, Argument]
    returns: DataType | None = None
    extra: DataType | None = None

    def json_schema(self) -> dict[str, Any]:
        """JSON Schemas of the arguments, as one object by name, and of the result: ``{"args": …, "returns": …}``."""
        schema: dict[str, Any] = {
            "args": {
                "type": "object",
                "properties": {n: _argument_schema(n, a) for n, a in self.args.items()},
                "required": [n for n, a in self.args.items() if a.required],
                "additionalProperties": self.extra.json_schema() if self.extra else False,
            }
        }
        if self.returns is not None:
            schema["returns"] = self.returns.json_schema()
        return schema


def _argument_schema(name: str, argument: Argument) -> dict[str, Any]:
    default = {} if argument.required else {"default": argument.default}
    return {"title": name, **argument.type.json_schema(), **default}


@dataclass(frozen=True, slots=True)
class Schema:
    """The methods of a model, or under ``value`` the one type of a data object."""

    methods: Mapping[str, Signature] = field(default_factory=dict[str, Signature])
    value: DataType | None = None

    def json_schema(self) -> dict[str, Any]:
        """``{"methods": {name: {"args": …, "returns": …}}}`` of a model; of a data object the schema of its value."""
        if self.value is not None:
            return self.value.json_schema()
        return {"methods": {m: s.json_schema() for m, s in self.methods.items()}}

    def _repr_html_(self) -> str:
        """A small table for notebooks: one row an argument."""
        rows = [
            (method, name, _in_words(argument))
            for method, signature in self.methods.items()
            for name, argument in signature.args.items()
        ]
        rows += [
            (m, "returns", str(s.returns.to_dict())) for m, s in self.methods.items() if s.returns
        ]
        if self.value is not None:
            rows.append(("", "value", str(self.value.to_dict())))
        cells = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows)
        return f"<table>{''.join(f'<tr>{row}</tr>' for row in cells)}</table>"


def _in_words(argument: Argument) -> str:
    default = "" if argument.required else f" = {argument.default!r}"
    return f"{argument.type.to_dict()}{default}"
