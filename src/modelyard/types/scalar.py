"""Single values of Python's own: texts, numbers, moments, and what has no better description.

In JSON: bytes are base64 text, decimals and UUIDs text, moments and durations ISO 8601, complex numbers
``{"real": …, "imag": …}``; floats that JSON has no number for are the texts ``"NaN"``, ``"Infinity"``, ``"-Infinity"``.
"""

from __future__ import annotations

import base64
import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, ClassVar, Self
from uuid import UUID

from modelyard import types
from modelyard.base.errors import InvalidInput
from modelyard.types import cells
from modelyard.types.interface import DataType
from modelyard.types.mismatch import listed, mismatch, refusal

_LOWEST, _HIGHEST = -(1 << 63), (1 << 64) - 1
"""Integers that JSON parsers agree on: signed and unsigned 64 bits."""


@dataclass(frozen=True)
class Scalar(DataType):
    """A kind without parameters whose values are of one Python class."""

    expected: ClassVar[str]
    schema: ClassVar[Mapping[str, Any]]

    def to_dict(self) -> dict[str, Any]:
        return {"type": self.kind}

    @classmethod
    def from_dict(cls, spelled: Mapping[str, Any]) -> Self:
        only_fields(spelled)
        return cls()

    def json_schema(self) -> dict[str, Any]:
        return dict(self.schema)

    def check(self, value: Any, where: str = "") -> Any:
        value = unboxed(value)
        if not self.holds(value):
            raise mismatch(where, self.expected, value)
        return value

    def decode(self, data: Any, where: str = "") -> Any:
        value = self.read(data)
        if value is None:
            raise mismatch(where, self.expected, data)
        return value

    def encode(self, value: Any) -> Any:
        return self.write(self.check(value))

    @abstractmethod
    def holds(self, value: Any) -> bool:
        """Whether a native value is of this kind."""

    @abstractmethod
    def read(self, data: Any) -> Any:
        """A native value from its JSON form, or None for what is none."""

    def write(self, value: Any) -> Any:
        """The JSON form of a native value; itself, unless a kind says otherwise."""
        return value


def unboxed(value: Any) -> Any:
    """A numpy scalar as the Python value it stands for; everything else as it is."""
    if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0:
        return value.item()
    return value


def only_fields(spelled: Mapping[str, Any], *known: str) -> None:
    """Refuse fields of a spelled type that its kind does not have."""
    extra = [k for k in spelled if k not in ("type", *known)]
    if extra:
        also = f"it has: {', '.join(known)}" if known else "it has none"
        raise InvalidInput(f"type '{spelled.get('type')}' has no field {extra[0]!r}", hint=also)


class NullType(Scalar):
    """None."""

    kind = "null"
    expected = "null"
    schema: ClassVar = {"type": "null"}

    def holds(self, value: Any) -> bool:
        return value is None

    def decode(self, data: Any, where: str = "") -> Any:
        if data is not None:
            raise mismatch(where, self.expected, data)

    def read(self, data: Any) -> Any:
        return data


class BooleanType(Scalar):
    kind = "boolean"
    expected = "true or false"
    schema: ClassVar = {"type": "boolean"}

    def holds(self, value: Any) -> bool:
        return isinstance(value, bool)

    def read(self, data: Any) -> Any:
        return data if type(data) is bool else None


class IntegerType(Scalar):
    """An int. Those beyond 64 bits have no agreed JSON form and are refused there."""

    kind = "integer"
    expected = "an integer"
    schema: ClassVar = {"type": "integer", "minimum": _LOWEST, "maximum": _HIGHEST}

    def holds(self, value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool)

    def check(self, value: Any, where: str = "") -> Any:
        value = unboxed(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        return super().check(value, where)

    def read(self, data: Any) -> Any:
        # The lowest of all as a float is what a parser makes of a whole number below it.
        if type(data) is float and data.is_integer() and data > _LOWEST:
            data = int(data)
        return data if type(data) is int and _LOWEST <= data <= _HIGHEST else None

    def encode(self, value: Any) -> Any:
        value = self.check(value)
        if not _LOWEST <= value <= _HIGHEST:
            raise mismatch("", "an integer of at most 64 bits", value)
        return value


class NumberType(Scalar):
    """A float. Integers are welcome where a double holds them exactly."""

    kind = "number"
    expected = "a number"
    schema: ClassVar = {"type": ["number", "string"], "pattern": cells.FLOAT_PATTERN}

    def holds(self, value: Any) -> bool:
        return isinstance(value, float)

    def check(self, value: Any, where: str = "") -> Any:
        value = unboxed(value)
        if type(value) is int:
            value = exact_float(value, where)
        return super().check(value, where)

    def decode(self, data: Any, where: str = "") -> Any:
        return exact_float(data, where) if type(data) is int else super().decode(data, where)

    def read(self, data: Any) -> Any:
        return data if type(data) is float else cells.read_float(data)

    def write(self, value: Any) -> Any:
        return float(value) if math.isfinite(value) else cells.spell_float(value)


def exact_float(value: int, where: str) -> float:
    """The double equal to an integer, or `SchemaMismatch` when there is none."""
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if number != value:
        raise mismatch(where, "a number that a double holds exactly", value)
    return number


class StringType(Scalar):
    kind = "string"
    expected = "a text"
    schema: ClassVar = {"type": "string"}

    def holds(self, value: Any) -> bool:
        return isinstance(value, str)

    def read(self, data: Any) -> Any:
        return data if type(data) is str and cells.is_unicode(data) else None

    def write(self, value: Any) -> Any:
        if not cells.is_unicode(value):
            raise mismatch("", "a text without broken surrogates", value)
        return str(value)


class BytesType(Scalar):
    """Bytes; a file's content where files come in (see `modelyard.types.binary`)."""

    kind = "bytes"
    media_type: ClassVar = "application/octet-stream"
    expected = "base64 text"
    schema: ClassVar = {"type": "string", "contentEncoding": "base64"}

    def holds(self, value: Any) -> bool:
        return isinstance(value, (bytes, bytearray))

    def check(self, value: Any, where: str = "") -> Any:
        if not self.holds(value):
            raise mismatch(where, "bytes", value)
        return bytes(value)

    def read(self, data: Any) -> Any:
        return cells.read_base64(data)

    def write(self, value: Any) -> Any:
        return base64.b64encode(value).decode()

    def from_bytes(self, data: bytes, where: str = "", *, name: str = "") -> bytes:
        """The bytes themselves."""
        return data

    def from_path(self, path: Path, where: str = "") -> bytes:
        """What is in a file."""
        if not path.is_file():
            raise refusal(where, "the path of a file", f"'{path}', where there is none")
        return path.read_bytes()

    def to_bytes(self, value: Any) -> bytes:
        """The bytes themselves."""
        return self.check(value)

    def json_to_bytes(self, encoded: Any) -> bytes:
        """The bytes of their JSON form."""
        return base64.b64decode(encoded)


class ComplexType(Scalar):
    kind = "complex"
    expected = "an object with real and imag"
    schema: ClassVar = cells.cell_schema(cells.Column("complex128"))

    def check(self, value: Any, where: str = "") -> Any:
        value = unboxed(value)
        if type(value) in (int, float):
            value = complex(exact_float(value, where) if type(value) is int else value)
        return super().check(value, where)

    def holds(self, value: Any) -> bool:
        return isinstance(value, complex)

    def read(self, data: Any) -> Any:
        return cells.read_complex(data)

    def write(self, value: Any) -> Any:
        return cells.write_complex(complex(value))


class DecimalType(Scalar):
    kind = "decimal"
    expected = "a decimal number as text"
    schema: ClassVar = {"type": ["string", "integer"]}

    def holds(self, value: Any) -> bool:
        return isinstance(value, Decimal)

    def read(self, data: Any) -> Any:
        if type(data) is int:
            return Decimal(data)
        try:
            return Decimal(data) if type(data) is str else None
        except InvalidOperation:
            return None

    def write(self, value: Any) -> Any:
        return str(value)


class UuidType(Scalar):
    kind = "uuid"
    expected = "a UUID"
    schema: ClassVar = {"type": "string", "format": "uuid"}

    def holds(self, value: Any) -> bool:
        return isinstance(value, UUID)

    def read(self, data: Any) -> Any:
        return or_none(UUID, data)

    def write(self, value: Any) -> Any:
        return str(value)


def or_none(read: Any, data: Any) -> Any:
    """What a constructor makes of a text; None for what it refuses, and for anything but text."""
    try:
        return read(data) if type(data) is str else None
    except ValueError:
        return None


@dataclass(frozen=True)
class ChoiceType(DataType):
    """One of a few known texts, numbers or booleans, as ``Literal`` hints say: ``{type: choice, of: [mean, median]}``."""

    kind = "choice"
    of: tuple[Any, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {"type": self.kind, "of": list(self.of)}

    @classmethod
    def from_dict(cls, spelled: Mapping[str, Any]) -> Self:
        only_fields(spelled, "of")
        of = spelled.get("of")
        if not isinstance(of, (list, tuple)) or not of:
            raise InvalidInput("type 'choice' needs a list of values under 'of'")
        return cls(tuple(of))

    def json_schema(self) -> dict[str, Any]:
        return {"enum": list(self.of)}

    def check(self, value: Any, where: str = "") -> Any:
        value = unboxed(value)
        for choice in self.of:
            if type(choice) is type(value) and choice == value:
                return choice
        raise mismatch(where, f"one of {listed(self.of, 20)}", value)

    def decode(self, data: Any, where: str = "") -> Any:
        return self.check(data, where)

    def encode(self, value: Any) -> Any:
        return self.check(value)


class AnyType(Scalar):
    """Nothing is known. JSON passes as it is; a native value is written by its own type."""

    kind = "any"
    expected = "anything"
    schema: ClassVar = {}

    def holds(self, value: Any) -> bool:
        return True

    def check(self, value: Any, where: str = "") -> Any:
        return value

    def decode(self, data: Any, where: str = "") -> Any:
        return data

    def read(self, data: Any) -> Any:
        return data

    def encode(self, value: Any) -> Any:
        return types.infer(value).encode(value)


_KINDS = (
    NullType, BooleanType, IntegerType, NumberType, StringType, BytesType, ComplexType, DecimalType, UuidType,
    ChoiceType, AnyType,
)  # fmt: skip
KINDS: Mapping[str, type[DataType]] = {k.kind: k for k in _KINDS}

_BY_CLASS: Mapping[type, DataType] = {
    type(None): NullType(),
    bool: BooleanType(),
    int: IntegerType(),
    float: NumberType(),
    complex: ComplexType(),
    str: StringType(),
    bytes: BytesType(),
    bytearray: BytesType(),
    Decimal: DecimalType(),
    UUID: UuidType(),
}


def claims(value: Any) -> bool:
    return any(cls in _BY_CLASS for cls in type(value).__mro__)


def infer(value: Any) -> DataType:
    return next(_BY_CLASS[cls] for cls in type(value).__mro__ if cls in _BY_CLASS)


def from_hint(hint: Any) -> DataType | None:
    """The type a plain class stands for; a subclass (an Enum of texts) says less than it seems: None."""
    return _BY_CLASS.get(hint)
