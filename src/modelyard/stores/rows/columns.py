"""Column types that mean the same on every database: what is stored comes back exactly, or is refused (P14).

Names and texts compare byte by byte everywhere: ``A`` is not ``a``, ``é`` is not ``e``, and ``'a'`` is not ``'a '``
(MySQL's own string types say the opposite of all three, so they are bytes there). Order is by code point.

Tables of all folders share `metadata`; their names start with `PREFIX`.
"""

from __future__ import annotations

import json
import math
import struct
from typing import Any

from sqlalchemy import (
    VARBINARY,
    VARCHAR,
    BigInteger,
    Column,
    ColumnElement,
    Dialect,
    Double,
    Integer,
    LargeBinary,
    MetaData,
    String,
    and_,
)
from sqlalchemy import Text as SqlText
from sqlalchemy.types import TypeDecorator, TypeEngine

from modelyard.base.digests import canonical_json
from modelyard.base.errors import InvalidInput, TooLarge

_HEX = frozenset("0123456789abcdef")

PREFIX = "my_"
PREFIX_CHARACTERS = 191
"""How much of a long text an index holds: MySQL takes keys up to 3072 bytes, PostgreSQL up to 2704."""

MYSQL_LARGEST = 8_000_000
"""Bytes of one value: a statement there has at most 16 MB, and escaping may double a value."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""All tables of modelyard, whichever folder owns them."""


class _ExactText(TypeDecorator[str]):
    """Text as UTF-8 bytes on MySQL, with the C collation on PostgreSQL, as it is on SQLite."""

    impl = SqlText
    cache_ok = True

    def mysql_type(self) -> TypeEngine[Any]:
        """What it is on MySQL."""
        raise NotImplementedError

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "mysql":
            return dialect.type_descriptor(self.mysql_type())
        collation = "C" if dialect.name == "postgresql" else None
        return dialect.type_descriptor(SqlText(collation=collation))

    def process_bind_param(self, value: str | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        data = _fitting(encoded(value), dialect)
        return data if dialect.name == "mysql" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        return value.decode() if isinstance(value, (bytes, bytearray)) else value


class Name(_ExactText):
    """A short text that is looked up: at most ``size`` bytes of UTF-8 (128 characters always fit into 512)."""

    cache_ok = True

    def __init__(self, size: int = 512) -> None:
        super().__init__()
        self.size = size

    def mysql_type(self) -> TypeEngine[Any]:
        return VARBINARY(self.size)

    def __repr__(self) -> str:
        return f"Name({self.size})"

    def process_bind_param(self, value: str | None, dialect: Dialect) -> Any:
        if value is not None and len(value) * 4 > self.size and len(encoded(value)) > self.size:
            raise InvalidInput(f"{value[:40]!r}… is longer than {self.size} bytes")
        return super().process_bind_param(value, dialect)


class Text(_ExactText):
    """A text of any length. To look one up, index a part of it: `prefix_column`."""

    cache_ok = True

    def mysql_type(self) -> TypeEngine[Any]:
        return _mysql().LONGBLOB()

    def __repr__(self) -> str:
        return "Text()"


class Json(TypeDecorator[Any]):
    """Any JSON value, as canonical text: sorted keys, ASCII, integers and floats exactly. NaN and infinities are
    refused: spell them as strings."""

    impl = SqlText
    cache_ok = True

    def __repr__(self) -> str:
        return "Json()"

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name != "mysql":
            return dialect.type_descriptor(SqlText())
        return dialect.type_descriptor(_mysql().LONGTEXT(charset="ascii", collation="ascii_bin"))

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        if value is None:
            return None
        try:
            return _fitting(canonical_json(value), dialect).decode()
        except (TypeError, ValueError) as error:
            raise InvalidInput(f"a value is not JSON: {error}") from None

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


class _Ascii(TypeDecorator[str]):
    """A text of fixed length in plain ASCII, compared byte by byte."""

    impl = String
    cache_ok = True
    length: int

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        made: TypeEngine[Any] = String(self.length)
        if dialect.name == "mysql":
            made = _mysql().CHAR(self.length, charset="ascii", collation="ascii_bin")
        elif dialect.name == "postgresql":
            made = VARCHAR(self.length, collation="C")
        return dialect.type_descriptor(made)

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is not None and (len(value) != self.length or not _HEX.issuperset(value)):
            raise InvalidInput(
                f"{value[:80]!r} is not a {type(self).__name__}: {self.length} hex digits"
            )
        return value


class Digest(_Ascii):
    """A sha256 in hex: 64 digits, without the ``sha256:``."""

    cache_ok = True

    length = 64


class Id32(_Ascii):
    """An id of `modelyard.base.clock.new_id`: 32 hex digits."""

    cache_ok = True

    length = 32


class Int64(TypeDecorator[int]):
    """An integer of 64 bits with sign; what does not fit is refused, on SQLite as elsewhere."""

    impl = BigInteger
    cache_ok = True

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:
        if value is not None and not -(2**63) <= value < 2**63:
            raise InvalidInput(f"{value} does not fit into 64 bits")
        return value


class TimeMs(Int64):
    """Milliseconds since 1970, UTC."""

    cache_ok = True


class RowId(TypeDecorator[int]):
    """An integer key the database counts up by itself."""

    impl = BigInteger
    cache_ok = True

    def __repr__(self) -> str:
        return "RowId()"

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        # SQLite counts only columns of exactly this type.
        return dialect.type_descriptor(Integer() if dialect.name == "sqlite" else BigInteger())


class Blob(TypeDecorator[bytes]):
    """A chunk of bytes: one megabyte by custom."""

    impl = LargeBinary
    cache_ok = True

    def __repr__(self) -> str:
        return "Blob()"

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(
            _mysql().MEDIUMBLOB() if dialect.name == "mysql" else LargeBinary()
        )

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        return None if value is None else _fitting(value, dialect)


def _mysql() -> Any:
    # Loaded for those who have such a database: with its drivers it takes as long as half of the rest.
    from sqlalchemy.dialects import mysql

    return mysql


def _fitting(data: bytes, dialect: Dialect) -> bytes:
    """The data, or `TooLarge` where the server would break the connection without a word."""
    if dialect.name == "mysql" and len(data) > MYSQL_LARGEST:
        raise TooLarge(
            f"a value of {len(data):,} bytes does not fit into MySQL or MariaDB: the limit is {MYSQL_LARGEST:,}"
        )
    return data


def encoded(text: str) -> bytes:
    """UTF-8, or `InvalidInput` for what no database keeps: NUL characters and half surrogate pairs."""
    if "\0" in text:
        raise InvalidInput(f"a text has a NUL character: {text[:40]!r}")
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise InvalidInput(f"a text is not valid Unicode: {text[:40]!r}") from None


def sortable_bits(value: float) -> int:
    """The 64 bits of a float as an integer with sign that sorts as the float does; NaN sorts outside infinity.

    >>> sortable_bits(-1.0) < sortable_bits(-0.0) < sortable_bits(0.0) < sortable_bits(1e-320)
    True
    """
    (bits,) = struct.unpack("<q", struct.pack("<d", value))
    return bits if bits >= 0 else bits ^ 0x7FFF_FFFF_FFFF_FFFF


def from_sortable_bits(bits: int) -> float:
    """The float again, bit by bit.

    >>> from_sortable_bits(sortable_bits(-0.0))
    -0.0
    """
    if bits < 0:
        bits ^= 0x7FFF_FFFF_FFFF_FFFF
    return struct.unpack("<d", struct.pack("<q", bits))[0]


def float_columns(name: str, *, nullable: bool = False) -> tuple[Column[int], Column[float]]:
    """``<name>_bits``, which is exact and sorts, and ``<name>`` for people and SQL, NULL where that has no number."""
    return Column(f"{name}_bits", Int64(), nullable=nullable), Column(name, Double())


def float_values(name: str, value: float) -> dict[str, Any]:
    """What to write into the two columns.

    >>> float_values("score", 0.0)
    {'score_bits': 0, 'score': 0.0}
    """
    return {f"{name}_bits": sortable_bits(value), name: value if math.isfinite(value) else None}


def prefix_column(name: str, *, nullable: bool = False) -> Column[str]:
    """``<name>_prefix``: the start of a long `Text` column, short enough for an index."""
    return Column(f"{name}_prefix", Name(PREFIX_CHARACTERS * 4), nullable=nullable)


def prefix(text: str) -> str:
    """What to write into a `prefix_column`."""
    return text[:PREFIX_CHARACTERS]


def equals_long(start: Column[str], whole: Column[str], value: str) -> ColumnElement[bool]:
    """The condition that a long text equals a value: found by the indexed start, decided by the whole."""
    return and_(start == prefix(value), whole == value)
