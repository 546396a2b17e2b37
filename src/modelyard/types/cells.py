"""Cells of one column between JSON and plain Python, a whole list at a time.

A *cell* is what every table library can be built from: float, int, bool, str, bytes, complex, a category's value;
datetimes and durations are integers of the column's unit (since 1970, UTC for aware ones); a missing value is None.
A column is looked at once, by the set of its cells' types; only a column with something wrong is walked to name the place.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Callable, Sequence
from typing import Any

from modelyard.types.columns import Column
from modelyard.types.instants import (
    NANOSECONDS,
    read_duration,
    read_moment,
    write_duration,
    write_moment,
)
from modelyard.types.mismatch import listed, mismatch, refusal

Place = Callable[[int], str]
"""Where the cell of a number is, for errors."""

_NONE = type(None)
_SPECIAL = {"Infinity": math.inf, "-Infinity": -math.inf, "NaN": math.nan}
_EXACT = 1 << 53
"""Up to here every integer is a double."""
_LIMIT = {16: 65520.0, 32: 3.4028235677973366e38, 64: math.inf}
"""From here on, rounding to so many bits gives infinity."""
FLOAT_PATTERN = "^(-?Infinity|NaN)$"


def decode_cells(column: Column, values: Sequence[Any], place: Place) -> Sequence[Any]:
    """Cells from parsed JSON, or `SchemaMismatch` naming the first that does not fit."""
    kinds = set(map(type, values))
    if _NONE in kinds:
        kinds.discard(_NONE)
        if not column.takes_missing:
            hint = "missing values were not in the sample this was saved with"
            raise mismatch(place(list(values).index(None)), column.expected, None, hint=hint)
    return _DECODERS[column.parsed.family](column, values, kinds, place)


def _each(values: Sequence[Any], place: Place, read: Callable[[Any], Any], column: Column) -> Any:
    """The slow walk: ``read`` gives a cell, or None for what does not fit."""
    cells = []
    for i, value in enumerate(values):
        cell = None if value is None else read(value)
        if cell is None and value is not None:
            raise mismatch(place(i), _wanted(column, value), value)
        cells.append(cell)
    return cells


def _wanted(column: Column, value: Any) -> str:
    parsed = column.parsed
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if parsed.family == "integer" and number and value == value // 1:
        return f"an integer from {parsed.lowest} to {parsed.highest}"
    if parsed.family == "float" and number:
        return f"a number that {parsed.name} can hold"
    if parsed.family == "datetime" and isinstance(value, str) and read_moment(value):
        zone = "with an offset" if parsed.zone else "without an offset"
        return f"{column.expected} {zone}, in whole units of {parsed.unit}"
    return column.expected


def _floats(column: Column, values: Sequence[Any], kinds: set[type], place: Place) -> Any:
    limit = _LIMIT[column.parsed.bits]
    if kinds <= {float} and limit == math.inf:
        return values
    if kinds <= {float, int} and None not in values and are_exact([values], limit):
        return values

    def read(value: Any) -> float | None:
        if type(value) is str:
            return _SPECIAL.get(value)
        if type(value) is float:
            return value if abs(value) < limit or not math.isfinite(value) else None
        if type(value) is int and abs(value) < limit:
            return float(value) if abs(value) <= _EXACT or _is_double(value) else None
        return None

    return _each(values, place, read, column)


def are_exact(rows: Sequence[Sequence[Any]], limit: float = math.inf) -> bool:
    """Whether integers among the floats of some rows (none of them empty) are doubles, and nothing reaches a limit.

    A float beyond the safe integers makes it say no, too: then a closer look is needed.
    """
    bound = min(_EXACT, limit)
    return all(-bound < min(row) and max(row) < bound for row in rows if row)


def _is_double(value: int) -> bool:
    try:
        return int(float(value)) == value
    except OverflowError:
        return False


def _integers(column: Column, values: Sequence[Any], kinds: set[type], place: Place) -> Any:
    parsed = column.parsed
    low, high = parsed.lowest, parsed.highest
    if kinds <= {int}:
        known = (
            values
            if len(kinds) == 1 and None not in values
            else [v for v in values if v is not None]
        )
        if not known or (low <= min(known) and max(known) <= high):
            return values

    def read(value: Any) -> int | None:
        if type(value) is float and value.is_integer():
            value = int(value)
        return value if type(value) is int and low <= value <= high else None

    return _each(values, place, read, column)


def _only(kind: type) -> Callable[..., Any]:
    def decode(column: Column, values: Sequence[Any], kinds: set[type], place: Place) -> Any:
        if kinds <= {kind}:
            return values
        return _each(values, place, lambda v: v if type(v) is kind else None, column)

    return decode


def _texts(column: Column, values: Sequence[Any], kinds: set[type], place: Place) -> Any:
    if kinds <= {str} and is_unicode("".join([v for v in values if v is not None])):
        return values
    return _each(values, place, lambda v: v if type(v) is str and is_unicode(v) else None, column)


def is_unicode(text: str) -> bool:
    """False for half of a surrogate pair, which no JSON, database or file can hold."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _objects(column: Column, values: Sequence[Any], kinds: set[type], place: Place) -> Any:
    if column.items == "string":
        return _texts(column, values, kinds, place)
    return _each(values, place, lambda v: v if _is_json_scalar(v) else None, column)


def _is_json_scalar(value: Any) -> bool:
    """A text, boolean or number as any JSON parser gives it back: finite, and at most 64 bits."""
    if type(value) is str:
        return is_unicode(value)
    if type(value) is int:
        return -(1 << 63) <= value < 1 << 64
    return type(value) is bool or (type(value) is float and math.isfinite(value))


def _categories(column: Column, values: Sequence[Any], kinds: set[type], place: Place) -> Any:
    cells = []
    for i, value in enumerate(values):
        try:
            cells.append(None if value is None else column.categories[column.code(value)])
        except (KeyError, TypeError):  # no category, or a list that cannot be one
            hint = f"known: {listed(column.categories, 20)}"
            raise mismatch(place(i), column.expected, value, hint=hint) from None
    return cells


def _bytes(column: Column, values: Sequence[Any], kinds: set[type], place: Place) -> Any:
    return _each(values, place, read_base64, column)


def read_base64(value: Any) -> bytes | None:
    """The bytes of standard base64 text; None for anything else."""
    if type(value) is not str:
        return None
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return None


def _complex(column: Column, values: Sequence[Any], kinds: set[type], place: Place) -> Any:
    return _each(values, place, read_complex, column)


def read_complex(value: Any) -> complex | None:
    """A complex number from ``{"real": …, "imag": …}`` or from a plain number; None for anything else."""
    if type(value) in (int, float):
        return complex(value)
    if type(value) is not dict or set(value) != {"real", "imag"}:
        return None
    real, imag = (_SPECIAL.get(p) if type(p) is str else p for p in (value["real"], value["imag"]))
    numbers = type(real) in (int, float) and type(imag) in (int, float)
    return complex(real, imag) if numbers else None  # type: ignore[arg-type]  # checked in the line above


def _datetimes(column: Column, values: Sequence[Any], kinds: set[type], place: Place) -> Any:
    parsed = column.parsed
    size = NANOSECONDS[parsed.unit]

    def read(value: Any) -> int | None:
        moment = read_moment(value) if type(value) is str else None
        if moment is None or moment[1] is not bool(parsed.zone) or moment[0] % size:
            return None
        return _int64(moment[0] // size)

    return _each(values, place, read, column)


def _durations(column: Column, values: Sequence[Any], kinds: set[type], place: Place) -> Any:
    size = NANOSECONDS[column.parsed.unit]

    def read(value: Any) -> int | None:
        duration = read_duration(value) if type(value) is str else None
        return None if duration is None or duration % size else _int64(duration // size)

    return _each(values, place, read, column)


def _int64(value: int) -> int | None:
    # The lowest integer is how numpy spells "not a time".
    return value if -(1 << 63) < value < 1 << 63 else None


_DECODERS: dict[str, Callable[[Column, Sequence[Any], set[type], Place], Any]] = {
    "float": _floats,
    "integer": _integers,
    "boolean": _only(bool),
    "string": _texts,
    "bytes": _bytes,
    "complex": _complex,
    "datetime": _datetimes,
    "duration": _durations,
    "period": _texts,
    "category": _categories,
    "object": _objects,
}


def encode_cells(
    column: Column, cells: list[Any], where: str = "", *, nan: Any = None
) -> list[Any]:
    """JSON-able form of cells; ``nan`` is how a float that is no number is spelled (null where it means missing)."""
    family = column.parsed.family
    if not column.takes_missing and None in cells:
        raise refusal(f"{where}[{cells.index(None)}]", column.expected, "a missing value")
    if family in ("string", "object"):
        # Here JSON's form is the cell itself, so what may come in may go out.
        return list(decode_cells(column, cells, lambda i: f"{where}[{i}]"))
    if family == "float":
        return [v if v is None or math.isfinite(v) else spell_float(v, nan) for v in cells]
    write = _ENCODERS.get(family)
    if write is None:
        return cells
    return [None if v is None else write(column, v, f"{where}[{i}]") for i, v in enumerate(cells)]


def spell_float(value: float, nan: Any = "NaN") -> Any:
    """A float that JSON has no number for, as text; NaN as told.

    >>> spell_float(float("-inf"))
    '-Infinity'
    """
    return nan if value != value else ("Infinity" if value > 0 else "-Infinity")


def read_float(text: Any) -> float | None:
    """The inverse of `spell_float`; None for anything else."""
    return _SPECIAL.get(text) if type(text) is str else None


def write_complex(value: complex) -> dict[str, Any]:
    """``{"real": 1.0, "imag": 2.0}``."""
    parts = {"real": value.real, "imag": value.imag}
    return {k: v if math.isfinite(v) else spell_float(v) for k, v in parts.items()}


def _write_moment(column: Column, value: int, where: str) -> str:
    text = write_moment(value, column.parsed.unit, utc=bool(column.parsed.zone))
    if text is None:
        raise refusal(where, "a date between the years 1 and 9999", "one outside")
    return text


_ENCODERS: dict[str, Callable[[Column, Any, str], Any]] = {
    "bytes": lambda _c, value, _w: base64.b64encode(value).decode(),
    "complex": lambda _c, value, _w: write_complex(value),
    "datetime": _write_moment,
    "duration": lambda c, value, _w: write_duration(value * NANOSECONDS[c.parsed.unit]),
}


def cell_schema(column: Column) -> dict[str, Any]:
    """JSON Schema of one cell."""
    parsed = column.parsed
    schema = dict(_SCHEMAS.get(parsed.family, {}))
    if parsed.family == "integer":
        schema |= {"minimum": parsed.lowest, "maximum": parsed.highest}
    elif parsed.family == "datetime":
        moment = "date-time" if parsed.zone else "date-time-local"
        schema["format"] = "date" if parsed.unit == "D" else moment
    elif parsed.family == "category":
        missing = [None] if column.takes_missing else []
        return {"enum": [*column.categories, *missing]}
    elif parsed.family == "object":
        mixed = ["string", "number", "boolean", "null"]
        return {"type": ["string", "null"] if column.items == "string" else mixed}
    if column.takes_missing:
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        schema["type"] = [*kinds, "null"]
    return schema


_SCHEMAS: dict[str, dict[str, Any]] = {
    "float": {"type": ["number", "string"], "pattern": FLOAT_PATTERN},
    "integer": {"type": "integer"},
    "boolean": {"type": "boolean"},
    "string": {"type": "string"},
    "bytes": {"type": "string", "contentEncoding": "base64"},
    "complex": {
        "type": "object",
        "properties": {
            part: {"type": ["number", "string"], "pattern": FLOAT_PATTERN}
            for part in ("real", "imag")
        },
        "required": ["real", "imag"],
        "additionalProperties": False,
    },
    "datetime": {"type": "string"},
    "duration": {"type": "string", "format": "duration"},
    "period": {"type": "string"},
}
