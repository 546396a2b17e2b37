"""Tables as ``text/csv``: request bodies into a method's own table type, answers into rows with a header."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from modelyard.base import plugins
from modelyard.base.errors import InvalidInput, ModelyardError, SchemaMismatch, UnsupportedFormat
from modelyard.serving.edge import dump_json
from modelyard.serving.execution import Method
from modelyard.serving.forms import REFERENCE_ID, read_id


def read_csv(body: bytes, method: Method) -> tuple[Any, int, list[str]]:
    """The native table, its rows, and the reference ids when there is such a column beside the schema's.

    Raises `UnsupportedFormat` for a method that takes no table, `InvalidInput` for text that is no CSV.
    """
    form = plugins.load("formats", "csv")
    table = method.signature.args[method.records].type.table if method.records else None
    if table is None or not form.can_hold(table):
        raise UnsupportedFormat(f"{method.name} takes no table", hint="send application/json")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"the CSV is not UTF-8: byte {error.start} is wrong") from None
    ids: list[str] = []
    if method.columns is None or REFERENCE_ID not in method.columns:
        text, ids = _take_ids(text)
    try:
        value = form.read(io.BytesIO(text.encode()), table)
    except ModelyardError:
        raise
    except (ValueError, LookupError) as error:
        raise InvalidInput(f"not CSV that fits: {error}") from error
    rows = table.rows(value) or 0
    if not rows:
        raise SchemaMismatch(
            f"{method.records}: expected at least one record, got a CSV without rows",
            field=str(method.records),
            expected="at least one record",
        )
    return value, rows, ids


def _take_ids(text: str) -> tuple[str, list[str]]:
    if REFERENCE_ID not in text.split("\n", 1)[0]:
        return text, []
    try:
        header, *rows = (row for row in csv.reader(io.StringIO(text, newline="")) if row)
    except (csv.Error, ValueError) as error:
        raise InvalidInput(f"not CSV: {error}") from error
    if REFERENCE_ID not in header:
        return text, []
    at = header.index(REFERENCE_ID)
    for i, row in enumerate(rows):
        if len(row) != len(header):
            raise InvalidInput(f"line {i + 2} has {len(row)} fields, the header has {len(header)}")
    ids = [read_id(row.pop(at), f"[{i}].{REFERENCE_ID}") for i, row in enumerate(rows)]
    header.pop(at)
    return _write([header, *rows]), ids


def write_csv(value: Any, name: str, ids: Sequence[str] = (), *, headed: bool = True) -> bytes:
    """An answer's JSON form as CSV: records by their columns, lists as ``<name>_0 …``, single values as ``<name>``.

    >>> write_csv([0, 1], "predict", ["a", "b"])
    b'reference_id,predict\\na,0\\nb,1\\n'
    """
    records = [_record(item, name) for item in (value if isinstance(value, list) else [value])]
    if len(ids) == len(records):
        records = [{REFERENCE_ID: i, **record} for i, record in zip(ids, records, strict=True)]
    header = list(dict.fromkeys(key for record in records for key in record))
    rows = [[_cell(record.get(key)) for key in header] for record in records]
    return _write([header, *rows] if headed else rows).encode()


def _record(item: Any, name: str) -> Mapping[str, Any]:
    if isinstance(item, dict):
        return item
    if isinstance(item, list):
        return {f"{name}_{i}": part for i, part in enumerate(item)}
    return {name: item}


def _cell(value: Any) -> Any:
    return dump_json(value).decode() if isinstance(value, (list, dict, bool)) else value


def _write(rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO(newline="")
    plain = csv.writer(text, lineterminator="\n")
    # Before Python 3.13 the writer leaves a lone carriage return unquoted, and readers take it for the end of a row.
    quoting = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    for row in rows:
        has_return = any(isinstance(cell, str) and "\r" in cell for cell in row)
        (quoting if has_return else plain).writerow(row)
    return text.getvalue()
