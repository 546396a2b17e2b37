"""csv with or without a header: rows for a table by the position of its columns, rows of cells for an array or a list."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

from modelyard.base.errors import InvalidInput, SchemaMismatch
from modelyard.serving.execution import Method
from modelyard.serving.forms import REFERENCE_ID
from modelyard.serving.interface import Json
from modelyard.serving.text_csv import read_csv

Read = tuple[dict[str, Any], int, list[str]]

_WHOLE = re.compile(r"[+-]?\d{1,18}")


def read_plain_csv(body: bytes, method: Method, header: str = "") -> Read:
    """The argument that holds records. ``header`` is ``present`` or ``absent``, as the content type has it; else it is told
    by the first row: for a table a header is one that names any of its columns, for numbers one that holds a text."""
    name = method.records
    if name is None or (method.columns is not None and not body.strip()):
        value, rows, ids = read_csv(body, method)  # which says what is wrong
        return {str(name): value}, rows, ids
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"the CSV is not UTF-8: byte {error.start} is wrong") from None
    if method.columns is not None:
        return _table(body, text, method, list(map(str, method.columns)), header)
    return _cells(_rows(text), method, name, header)


def _table(body: bytes, text: str, method: Method, columns: list[str], header: str) -> Read:
    first = next(iter(_rows(text.split("\n", 1)[0] if '"' not in text else text)), [])
    named = bool({cell.strip() for cell in first} & {*columns, REFERENCE_ID})
    if header == "absent" or (not named and header != "present"):
        if len(first) != len(columns):
            raise SchemaMismatch(
                f"{method.records}: expected {len(columns)} columns, got {len(first)}",
                hint=f"without a header, columns come as {', '.join(columns)}",
                field=str(method.records),
                expected=f"{len(columns)} columns",
            )
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerow(columns)
        body = (out.getvalue() + text).encode()
    value, rows, ids = read_csv(body, method)
    return {str(method.records): value}, rows, ids


def _rows(text: str) -> list[list[str]]:
    try:
        return [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    except (csv.Error, ValueError) as error:
        raise InvalidInput(f"not CSV: {error}") from error


def _cells(rows: list[list[str]], method: Method, name: str, header: str) -> Read:
    declared = method.signature.args[name].type
    numbers = _holds_numbers(declared.json_schema())
    if numbers and rows and not header:
        if rows[0] == [str(i) for i in range(len(rows[0]))] and len(rows) > 1:
            raise InvalidInput(
                "the first row may be a header or a record",
                hint="say which: Content-Type: text/csv; header=present, or header=absent",
            )
        header = "present" if any(type(_number(cell)) is str for cell in rows[0]) else "absent"
    rows = rows[1:] if header == "present" else rows
    if not rows:
        raise SchemaMismatch(
            f"{name}: expected at least one record, got a CSV without rows",
            field=name,
            expected="at least one record",
        )
    value: Any = [[_number(cell) for cell in row] if numbers else row for row in rows]
    return {name: Json(flat(value, declared))}, len(rows), []


def flat(rows: Any, declared: Any) -> Any:
    """Rows of one cell as the cells, for what is a list of them."""
    one_cell = isinstance(rows, Sequence) and all(isinstance(r, list) and len(r) == 1 for r in rows)
    return [row[0] for row in rows] if one_cell and _dimensions(declared) == 1 else rows


def _dimensions(declared: Any) -> int:
    count, schema = 0, declared.json_schema()
    while isinstance(schema, Mapping) and schema.get("type") == "array":
        count, schema = count + 1, schema.get("items")
    return count


def _holds_numbers(schema: Any) -> bool:
    while isinstance(schema, Mapping) and schema.get("type") == "array":
        schema = schema.get("items")
    kinds = schema.get("type") if isinstance(schema, Mapping) else None
    if kinds is None and isinstance(schema, Mapping):
        return any(_holds_numbers(s) for s in schema.get("anyOf", ()))
    return bool({"number", "integer"} & set([kinds] if isinstance(kinds, str) else kinds or ()))


def _number(cell: str) -> Any:
    """A cell as JSON has it: an empty one is missing, and what is no number stays a text."""
    cell = cell.strip()
    if not cell:
        return None
    if _WHOLE.fullmatch(cell):
        return int(cell)
    try:
        number = float(cell)
    except ValueError:
        return cell
    return number if number - number == 0 else None if number != number else cell
