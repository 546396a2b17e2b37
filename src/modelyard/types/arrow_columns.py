"""One column of an Arrow table: its description, its cells, and a column made of cells.

Most families have an Arrow type of their own. Of the others, periods and objects that are all texts travel as texts, mixed
objects (and categories of several types) as JSON texts cell by cell, complex numbers as ``{real, imag}``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from modelyard.base.errors import InvalidInput, SchemaMismatch, UnsupportedType
from modelyard.types.cells import Place, decode_cells
from modelyard.types.columns import Column
from modelyard.types.dtypes import parse_dtype
from modelyard.types.fitting import refit
from modelyard.types.mismatch import refusal

if TYPE_CHECKING:
    import pyarrow as pa

_NAMES = {
    "halffloat": "float16", "float": "float32", "double": "float64", "string": "str", "large_string": "str",
    "string_view": "str", "binary": "bytes", "large_binary": "bytes", "date32[day]": "date",
}  # fmt: skip
_SECONDS = {"D": 86_400, "h": 3_600, "m": 60}
"""Units that Arrow does not have, as many of its coarsest one."""


def describe(name: str, values: pa.ChunkedArray[Any]) -> Column:
    """What a card says of a column; `UnsupportedType` for one that has no exact JSON form."""
    import pyarrow as pa

    kind = values.type
    nullable = values.null_count > 0
    if pa.types.is_dictionary(kind):
        categories = (
            values.unify_dictionaries().chunk(0).dictionary if values.num_chunks else pa.array([])
        )
        return Column("category", nullable, tuple(categories.to_pylist()), bool(kind.ordered))
    try:
        parsed = parse_dtype(_name_of(kind))
    except InvalidInput:
        raise UnsupportedType(
            f"column {name!r}: Arrow's {kind} has no data type",
            hint="use numbers, booleans, texts, bytes, dates, timestamps, durations or dictionaries of texts",
        ) from None
    return Column(parsed.name, nullable=nullable and not parsed.holds_missing)


def _name_of(kind: Any) -> str:
    name = str(kind)
    return _NAMES.get(name) or name.replace("timestamp", "datetime64").replace(
        "duration", "timedelta64"
    ).replace("tz=", "")


def arrow_type(column: Column) -> Any:
    """The Arrow type of a column; `InvalidInput` where Arrow has none."""
    import pyarrow as pa

    parsed, family = column.parsed, column.parsed.family
    if family == "category" and not _as_json(column):
        categories = pa.array(column.categories)
        return pa.dictionary(pa.int32(), categories.type, ordered=column.ordered)
    if family == "datetime":
        if column.dtype == "date" or (parsed.unit == "D" and not parsed.zone):
            return pa.date32()
        return pa.timestamp(_unit(parsed.unit), parsed.zone or None)
    if family == "duration":
        return pa.duration(_unit(parsed.unit))
    if family == "complex":
        part = pa.float64() if parsed.bits == 128 else pa.float32()
        return pa.struct([("real", part), ("imag", part)])
    if family == "integer":
        return pa.type_for_alias(f"{'u' * parsed.unsigned}int{parsed.bits}")
    if family == "float":
        return {16: pa.float16(), 32: pa.float32(), 64: pa.float64()}[parsed.bits]
    return {"boolean": pa.bool_(), "bytes": pa.binary()}.get(family, pa.string())


def _unit(unit: str) -> Any:
    return "s" if unit in _SECONDS else unit


def _as_json(column: Column) -> bool:
    """Whether cells are of several types, of which an Arrow column has but one."""
    kinds = {type(c) for c in column.categories}
    return column.items == "mixed" or len(kinds) > 1


def array_of(column: Column, cells: Sequence[Any], where: str = "") -> Any:
    """An Arrow array of cells as `cells_of` gives them; `SchemaMismatch` for what Arrow cannot hold."""
    import pyarrow as pa

    family, kind = column.parsed.family, arrow_type(column)
    try:
        if _as_json(column):
            return pa.array([None if c is None else json.dumps(c) for c in cells], kind)
        if family == "category":
            numbers = pa.array([None if c is None else column.code(c) for c in cells], pa.int32())
            return pa.DictionaryArray.from_arrays(
                numbers, pa.array(column.categories, kind.value_type), ordered=column.ordered
            )
        if family in ("datetime", "duration"):
            return pa.array(_whole(cells, column), _plain(kind)).cast(kind)
        if family == "complex":
            cells = [None if c is None else {"real": c.real, "imag": c.imag} for c in cells]
        return pa.array(cells, kind)
    except (pa.ArrowException, OverflowError, UnicodeEncodeError) as error:
        raise refusal(where, f"cells that Arrow's {kind} holds", str(error)) from None


def _whole(cells: Sequence[Any], column: Column) -> Sequence[Any]:
    """Moments and durations in the unit that Arrow counts in."""
    size = _SECONDS.get(column.parsed.unit, 1)
    if size == 1 or (column.parsed.unit == "D" and column.parsed.family == "datetime"):
        return cells
    return [None if c is None else c * size for c in cells]


def _plain(kind: Any) -> Any:
    """The integers that a moment or duration is made of."""
    import pyarrow as pa

    return pa.int32() if pa.types.is_date32(kind) else pa.int64()


def cells_of(values: pa.ChunkedArray[Any], column: Column) -> list[Any]:
    """The cells of a column of that description: times as numbers of their unit, missing ones as None."""
    if column.parsed.family in ("datetime", "duration"):
        return values.cast(_plain(values.type)).to_pylist()
    return values.to_pylist()


def read_cells(
    values: pa.ChunkedArray[Any], want: Column, where: str, place: Place
) -> Sequence[Any]:
    """The cells of any Arrow column as cells of the wanted one, or `SchemaMismatch`."""
    family = want.parsed.family
    if _as_json(want) and str(values.type) in ("string", "large_string"):
        return decode_cells(want, _from_json(values.to_pylist(), place), place)
    if family == "complex" and str(values.type).startswith("struct"):
        return [None if c is None else complex(c["real"], c["imag"]) for c in values.to_pylist()]
    try:
        have = describe(where, values)
    except UnsupportedType as error:
        raise refusal(where, f"a column of {want.dtype}", f"Arrow's {values.type}") from error
    if have.parsed.family == "bytes" == family:
        return values.to_pylist()
    if family == "object":
        return decode_cells(want, values.to_pylist(), place)
    return refit(cells_of(values, have), have, want, where, place)


def _from_json(cells: Sequence[Any], place: Place) -> list[Any]:
    found: list[Any] = []
    for i, cell in enumerate(cells):
        try:
            found.append(None if cell is None else json.loads(cell))
        except ValueError:
            raise SchemaMismatch(
                f"{place(i)}: expected a JSON text, got another", field=place(i), expected="JSON"
            ) from None
    return found


def numbers_of(values: pa.ChunkedArray[Any], want: Column) -> Any:
    """The column as a numpy array, without a look at each cell, where its type is the wanted one; else None."""
    plain = want.parsed.family in ("float", "integer", "boolean") and not want.parsed.extension
    if not plain or values.type != arrow_type(want):
        return None
    if values.null_count and want.parsed.family != "float":
        return None
    return values.to_numpy()
