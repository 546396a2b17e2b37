"""Cells of one column as cells of another, where no value changes: wider or equal numbers, texts held in another way,
ISO 8601 texts as moments, known values as categories. Everything else is refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from modelyard.types.cells import Place, decode_cells
from modelyard.types.columns import Column
from modelyard.types.instants import NANOSECONDS, write_duration, write_moment
from modelyard.types.mismatch import refusal

_NUMBERS = frozenset(["float", "integer"])
_TEXTS = frozenset(["string", "object", "category"])
_TIMES = frozenset(["datetime", "duration"])


def refit(
    cells: Sequence[Any], have: Column, want: Column, where: str, place: Place
) -> Sequence[Any]:
    """Cells of ``have`` as cells of ``want``, or `SchemaMismatch`."""
    check_families(have, want, where)
    if not want.takes_missing and None in cells:
        raise refusal(place(list(cells).index(None)), want.expected, "a missing value")
    family = want.parsed.family
    if have.parsed.family == family and family in _TIMES:
        return _times(cells, have, want, place)
    if have.parsed.family == family and family in ("bytes", "complex"):
        return cells
    if family == "complex":
        return [None if c is None else complex(c) for c in cells]
    return decode_cells(want, cells, place)


def check_families(have: Column, want: Column, where: str) -> None:
    """Refuse what can never fit, whatever the cells: numbers for texts, booleans for numbers, aware for naive."""
    family, wanted = have.parsed.family, want.parsed.family
    allowed = (
        family == wanted
        or {family, wanted} <= _NUMBERS
        or (family in _NUMBERS and wanted == "complex")
        or family == "object"
        or (family == "category" and wanted in _categories_are(have))
        or (wanted in ("category", "object") and family not in _TIMES)
        or (family in _TEXTS and wanted in ("string", "datetime", "duration", "period"))
    )
    if not allowed or (
        family == wanted == "datetime" and bool(have.parsed.zone) != bool(want.parsed.zone)
    ):
        raise refusal(
            where, f"a column of {want.dtype}", f"one of {have.dtype}", hint=_advice(have, want)
        )


def _categories_are(column: Column) -> tuple[str, ...]:
    """Families that the categories themselves belong to."""
    kinds = {type(c) for c in column.categories}
    return (
        ("integer", "float") if kinds <= {int, float} else ("boolean",) if kinds == {bool} else ()
    )


def _advice(have: Column, want: Column) -> str | None:
    if have.parsed.family == want.parsed.family == "datetime":
        return ".dt.tz_localize(zone) makes naive times aware, .dt.tz_localize(None) the other way"
    if have.parsed.family in _TEXTS and want.parsed.family in _NUMBERS:
        return "texts are not read as numbers; convert the column first"
    return None


def _times(cells: Sequence[Any], have: Column, want: Column, place: Place) -> Sequence[Any]:
    if have.parsed.unit == want.parsed.unit:
        return cells
    factor, size = NANOSECONDS[have.parsed.unit], NANOSECONDS[want.parsed.unit]
    fitted: list[int | None] = []
    for i, cell in enumerate(cells):
        value = None if cell is None else cell * factor // size
        if cell is not None and (
            cell * factor % size or not -(1 << 63) < cell * factor // size < 1 << 63
        ):
            raise refusal(
                place(i), f"whole units of {want.parsed.unit} in its range", _in_words(cell, have)
            )
        fitted.append(value)
    return fitted


def _in_words(cell: int, column: Column) -> str:
    if column.parsed.family == "duration":
        return write_duration(cell * NANOSECONDS[column.parsed.unit])
    return write_moment(cell, column.parsed.unit) or str(cell)
