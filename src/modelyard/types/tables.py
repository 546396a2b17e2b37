"""The JSON forms of a table, read into columns of raw values: what every table library shares.

========== =======================================================================
records    ``[{"a": 1, "b": 2}, …]``, or the same under ``{"values": […]}``
columns    ``{"a": [1, …], "b": [2, …]}``
split      ``{"columns": ["a", "b"], "data": [[1, 2], …]}``; an ``index`` is ignored
rows       ``[[1, 2], …]``: columns by position
========== =======================================================================

Columns are matched by name and may come in any order; all must be there and no others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelyard.base.errors import SchemaMismatch, did_you_mean
from modelyard.types.cells import cell_schema
from modelyard.types.columns import Column
from modelyard.types.mismatch import inside, listed, mismatch, refusal


@dataclass(frozen=True, slots=True)
class RawTable:
    """A table as it was sent: ``rows`` or ``columns`` of values in the order of the wanted names.

    Optional columns (levels of an index) follow the wanted ones when they were sent; ``names`` lists all present.
    """

    names: Sequence[str]
    length: int
    rows: Sequence[Sequence[Any]] | None = None
    by_column: Sequence[Sequence[Any]] | None = None

    def columns(self) -> Sequence[Sequence[Any]]:
        if self.by_column is not None:
            return self.by_column
        return list(zip(*self.rows or (), strict=True))


def read_table(
    data: Any, names: Sequence[str], where: str, optional: Sequence[str] = ()
) -> RawTable:
    """Any of the forms, or `SchemaMismatch` that says which columns are missing or unknown."""
    if type(data) is list:
        return _read_list(data, names, where, optional)
    if type(data) is not dict:
        raise mismatch(where, "a table (records, columns, split or rows)", data)
    if _is_values(data, names):
        return read_table(data["values"], names, inside(where, "values"), optional)
    if _is_split(data, names):
        return _read_split(data, names, where, optional)
    return _read_columns(data, names, where, optional)


def _is_values(data: dict[str, Any], names: Sequence[str]) -> bool:
    if len(data) != 1 or type(inner := data.get("values")) is not list:
        return False
    # A table may have a column that is called so.
    return "values" not in names or (bool(inner) and type(inner[0]) in (dict, list))


def _is_split(data: dict[str, Any], names: Sequence[str]) -> bool:
    known = {"columns", "data", "index"}
    return {"columns", "data"} <= data.keys() <= known and not data.keys() <= set(names)


def _read_list(
    data: list[Any], names: Sequence[str], where: str, optional: Sequence[str]
) -> RawTable:
    if not data:
        raise refusal(where, "at least one record", "an empty list")
    if type(data[0]) is list:
        return RawTable(names, len(data), rows=_read_rows(data, len(names), where))
    width = len(names)
    if optional and type(data[0]) is dict and any(name in data[0] for name in optional):
        names = [*names, *(n for n in optional if n in data[0])]
        width = len(names)
    try:
        rows = [[record[name] for name in names] for record in data]
    except (KeyError, TypeError, IndexError):
        rows = None
    if rows is None or any(len(record) != width for record in data):
        raise _record_problem(data, names, where)
    return RawTable(names, len(data), rows=rows)


def _record_problem(data: list[Any], names: Sequence[str], where: str) -> SchemaMismatch:
    for i, record in enumerate(data):
        place = f"{where}[{i}]"
        if type(record) is not dict:
            return mismatch(place, "an object", record)
        if record.keys() != set(names):
            return wrong_columns(list(record), names, place)
    raise AssertionError("asked only when some record is wrong")


def _read_rows(data: list[Any], width: int, where: str) -> list[Any]:
    for i, row in enumerate(data):
        if type(row) is not list:
            raise mismatch(f"{where}[{i}]", f"a list of {width}", row)
        if len(row) != width:
            raise refusal(f"{where}[{i}]", f"{width} values, one a column", str(len(row)))
    return data


def _read_split(
    data: dict[str, Any], names: Sequence[str], where: str, optional: Sequence[str]
) -> RawTable:
    sent, rows = data["columns"], data["data"]
    if type(sent) is not list or type(rows) is not list:
        raise refusal(where, "lists under 'columns' and 'data'", "something else")
    sent = [name if type(name) is str else str(name) for name in sent]
    if not rows:
        raise refusal(inside(where, "data"), "at least one row", "an empty list")
    if len(set(sent)) != len(sent):
        raise refusal(inside(where, "columns"), "different names", "one twice")
    wanted = [*names, *(n for n in optional if n in sent)]
    if set(sent) != set(wanted):
        raise wrong_columns(sent, wanted, where)
    rows = _read_rows(rows, len(sent), inside(where, "data"))
    if sent != wanted:
        order = [sent.index(name) for name in wanted]
        rows = [[row[i] for i in order] for row in rows]
    return RawTable(wanted, len(rows), rows=rows)


def _read_columns(
    data: dict[str, Any], names: Sequence[str], where: str, optional: Sequence[str]
) -> RawTable:
    wanted = [*names, *(n for n in optional if n in data)]
    if data.keys() != set(wanted):
        raise wrong_columns(list(data), wanted, where)
    columns = [data[name] for name in wanted]
    for name, column in zip(wanted, columns, strict=True):
        if type(column) is not list:
            hint = "a single record goes into a list: [{…}]"
            raise mismatch(inside(where, name), "a list of values", column, hint=hint)
        if len(column) != len(columns[0]):
            expected = f"{len(columns[0])} values, as in {wanted[0]!r}"
            raise refusal(inside(where, name), expected, str(len(column)))
    if not columns or not columns[0]:
        raise refusal(where, "at least one row", "empty columns")
    return RawTable(wanted, len(columns[0]), by_column=columns)


def wrong_columns(have: Sequence[Any], want: Sequence[Any], where: str) -> SchemaMismatch:
    """The difference between the columns that came and those the schema has.

    >>> print(wrong_columns(["age", "salery"], ["age", "salary"], "X"))
    X: the columns differ: missing 'salary'; unknown 'salery'
    Hint: did you mean 'salary'?
    """
    missing = [n for n in want if n not in set(have)]
    unknown = [n for n in have if n not in set(want)]
    parts = [f"missing {listed(missing)}"] if missing else []
    parts += [f"unknown {listed(unknown)}"] if unknown else []
    hint = did_you_mean(str(unknown[0]), map(str, missing)) if unknown else None
    first = (missing or unknown)[0]
    return SchemaMismatch(
        f"{where or 'value'}: the columns differ: {'; '.join(parts)}",
        hint=hint or f"the schema has {listed(want, 20)}",
        field=inside(where, first),
        expected=f"columns {listed(want, 100)}",
        missing=[str(n) for n in missing],
        unknown=[str(n) for n in unknown],
    )


def table_schema(columns: Mapping[str, Column], optional: Mapping[str, Column]) -> dict[str, Any]:
    """JSON Schema of a table as records, the form that answers have and docs show."""
    return {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {n: cell_schema(c) for n, c in {**optional, **columns}.items()},
            "required": list(columns),
            "additionalProperties": False,
        },
    }
