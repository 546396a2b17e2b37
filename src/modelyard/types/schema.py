"""Signatures of methods, and a model's whole schema: what a card records and every edge reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from modelyard.types.interface import DataType


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"


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


@dataclass(frozen=True, slots=True)
class Schema:
    """The methods of a model, or under ``value`` the one type of a data object."""

    methods: Mapping[str, Signature] = field(default_factory=dict[str, Signature])
    value: DataType | None = None
