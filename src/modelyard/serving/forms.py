"""The forms in which people send arguments as JSON, read into one mapping by argument name. Pure.

For a method with the argument ``X`` these mean the same::

    {"X": [{"a": 1, "b": 2}]}                        by name (optional arguments beside it)
    [{"a": 1, "b": 2}]                               the bare value, when one argument is required
    {"a": [1], "b": [2]}                             a table by columns
    {"columns": ["a", "b"], "data": [[1, 2]]}        a table split
    {"data": {"values": [{"a": 1, "b": 2}]}}         wrapped, as older clients send it

When an object could be read in two ways (a table with a column named like the argument, a method that takes an object with
that key), the first of the order above that fits the schema is meant. Of a key that stands twice in one object the last
one counts, as JSON parsers do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modelyard.base.errors import ModelyardError, SchemaMismatch, did_you_mean
from modelyard.objects.sampling import is_bare, required_arguments
from modelyard.types.interface import DataType
from modelyard.types.schema import Signature

REFERENCE_ID = "reference_id"
"""A field of a record that is the caller's own id for it, when the method takes nothing of that name."""

LONGEST_ID = 256


class Forms:
    """Reads the bodies sent to one method; what its signature says is looked up once."""

    def __init__(self, signature: Signature) -> None:
        self._signature = signature
        self._names = frozenset(signature.args)
        self._required = frozenset(n for n, a in signature.args.items() if a.required)
        self._bare = required_arguments(signature)[0] if is_bare(signature) else None
        self._columns = {n: columns_of(a.type) for n, a in signature.args.items()}
        self._takes_object = {n: _takes_object(a.type) for n, a in signature.args.items()}

    def read(self, body: Any) -> dict[str, Any]:
        """JSON values by argument name, or `SchemaMismatch` naming what is missing or unknown."""
        if isinstance(body, list) and self._bare:
            readings = [{self._bare: body}]
        else:
            readings = list(self._readings(body))
        if len(readings) > 1:
            readings = [r for r in readings if self._fits(r)] or readings
        if not readings:
            raise self._unreadable(body)
        for name, value in readings[0].items():
            if value == []:
                raise SchemaMismatch(
                    f"{name}: expected at least one record, got an empty list",
                    field=name,
                    expected="at least one record",
                )
        return readings[0]

    def check_names(self, values: Mapping[str, Any]) -> None:
        """Refuse values by name that lack a required argument, or have one too many, as `read` does."""
        if not self._is_by_name(values):
            raise self._unreadable(dict(values))

    def take_reference_ids(self, body: Any, arguments: Mapping[str, Any]) -> list[str]:
        """Take the caller's ids out, in place: one a record, one for the request, or none.

        Raises `SchemaMismatch` for an id that is neither text nor a whole number, or too long.
        """
        for name, value in arguments.items():
            columns = self._columns.get(name)
            if columns is not None and REFERENCE_ID not in columns:
                ids = _ids_in(value)
                return [read_id(x, f"{name}[{i}].{REFERENCE_ID}") for i, x in enumerate(ids)]
        if REFERENCE_ID not in arguments and isinstance(body, dict) and REFERENCE_ID in body:
            return [read_id(body[REFERENCE_ID], REFERENCE_ID)]
        return []

    def _readings(self, body: Any) -> Iterator[dict[str, Any]]:
        """Every way to read a body, the likeliest first."""
        bare, known = self._bare, False
        if isinstance(body, dict):
            if self._is_by_name(body):
                known = True
                yield {n: self._unwrapped(n, v) for n, v in body.items() if self._is_argument(n)}
            elif bare and body.keys() == {"data"}:
                known = True
                yield {bare: self._unwrapped(bare, body["data"])}
        if bare and (not known or self._may_be_value(bare, body)):
            yield {bare: body}

    def _is_by_name(self, body: Mapping[str, Any]) -> bool:
        sent = body.keys() - {REFERENCE_ID} | (body.keys() & self._names)
        known = self._signature.extra is not None or sent <= self._names
        return self._required <= sent and known and bool(sent or not self._names)

    def _is_argument(self, name: str) -> bool:
        return name in self._names or (self._signature.extra is not None and name != REFERENCE_ID)

    def _unwrapped(self, name: str, value: Any) -> Any:
        columns = self._columns.get(name)
        wrapped = isinstance(value, dict) and value.keys() == {"values"}
        return value["values"] if wrapped and columns and "values" not in columns else value

    def _may_be_value(self, name: str, body: Mapping[str, Any]) -> bool:
        columns = self._columns[name]
        return self._takes_object[name] if columns is None else body.keys() <= set(columns)

    def _fits(self, arguments: Mapping[str, Any]) -> bool:
        try:
            for name, value in arguments.items():
                known = self._signature.args.get(name)
                declared = known.type if known else self._signature.extra
                if declared is not None:
                    declared.decode(value, name)
        except ModelyardError:
            return False
        return True

    def _unreadable(self, body: Any) -> SchemaMismatch:
        names = list(self._signature.args)
        expected = f"an object with {', '.join(names)}" if names else "an empty object"
        if not isinstance(body, dict):
            message = f"expected {expected}, got a bare value"
            return SchemaMismatch(message, field="", expected=expected)
        unknown = [n for n in body if n not in self._names]
        missing = [n for n in names if n in self._required and n not in body]
        if missing:
            return SchemaMismatch(
                f"{missing[0]}: expected a value, got none",
                hint=did_you_mean(missing[0], unknown),
                field=missing[0],
                expected="a value",
            )
        return SchemaMismatch(
            f"{unknown[0]}: this method has no such argument",
            hint=did_you_mean(unknown[0], names) or f"it takes: {', '.join(names) or 'nothing'}",
            field=unknown[0],
            expected=expected,
        )


def columns_of(type: DataType | None) -> Sequence[str] | None:
    """The column names of a table type; None for all others."""
    columns = type.table.to_dict().get("columns") if type is not None else None
    return list(columns) if isinstance(columns, dict) else None


def _takes_object(type: DataType) -> bool:
    return _allows_object(type.json_schema())


def _allows_object(schema: Mapping[str, Any]) -> bool:
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return any(_allows_object(option) for option in schema[word])
    kinds = schema.get("type", "object")
    return "object" in ([kinds] if isinstance(kinds, str) else kinds)


def _ids_in(table: Any) -> list[Any]:
    if is_split(table):
        return _ids_in_split(table)
    if isinstance(table, dict):
        found = table.pop(REFERENCE_ID, [])
        return found if isinstance(found, list) else [found]
    if isinstance(table, list) and any(isinstance(r, dict) and REFERENCE_ID in r for r in table):
        return [r.pop(REFERENCE_ID, None) if isinstance(r, dict) else None for r in table]
    return []


def _ids_in_split(table: dict[str, Any]) -> list[Any]:
    columns, rows = table["columns"], table["data"]
    if REFERENCE_ID not in columns:
        return []
    if not all(isinstance(row, list) and len(row) == len(columns) for row in rows):
        return []  # the schema will say what is wrong with it
    at = columns.index(REFERENCE_ID)
    columns.pop(at)
    return [row.pop(at) for row in rows]


def is_split(value: Any) -> bool:
    """Whether a value is a table as ``{"columns": […], "data": [[…]]}``."""
    return (
        isinstance(value, dict)
        and {"columns", "data"} <= value.keys() <= {"columns", "data", "index"}
        and isinstance(value["columns"], list)
        and isinstance(value["data"], list)
    )


def as_records(value: Any, columns: Sequence[str] | None = None) -> list[Any]:
    """The records of a table or array in any JSON form; rows get the given columns' names.

    >>> as_records({"a": [1, 3], "b": [2, 4]})
    [{'a': 1, 'b': 2}, {'a': 3, 'b': 4}]
    """
    if is_split(value):
        columns, value = value["columns"], value["data"]
    elif isinstance(value, dict) and value.keys() == {"values"} and "values" not in (columns or ()):
        value = value["values"]
    elif isinstance(value, dict):
        columns, value = list(value), [list(row) for row in zip(*value.values(), strict=False)]
    if columns is None:
        return list(value)
    return [dict(zip(columns, r, strict=False)) if isinstance(r, list) else r for r in value]


def count_rows(value: Any) -> int:
    """How many records a JSON value seems to hold; at least 1, since nothing is free.

    >>> count_rows({"columns": ["a"], "data": [[1], [2]]})
    2
    """
    if is_split(value):
        value = value["data"]
    elif isinstance(value, dict):
        value = next(iter(value.values()), None)
    return max(1, len(value)) if isinstance(value, list) else 1


def read_id(given: Any, where: str) -> str:
    """A reference id as text; null is none.

    >>> read_id(17, "[0].reference_id")
    '17'
    """
    if given is None:
        return ""
    text = str(given) if isinstance(given, (str, int)) and not isinstance(given, bool) else None
    if text is None or len(text) > LONGEST_ID or not text.isprintable():
        expected = f"a text or whole number of at most {LONGEST_ID} characters"
        raise SchemaMismatch(
            f"{where}: expected {expected}, got something else", field=where, expected=expected
        )
    return text
