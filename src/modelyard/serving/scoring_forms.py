"""The JSON of scoring servers, read into arguments by name: one of `DATA_KEYS`, and ``params`` beside it. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import orjson

from modelyard.base.errors import InvalidInput, SchemaMismatch, did_you_mean
from modelyard.objects.sampling import required_arguments
from modelyard.serving.edge import parse_json
from modelyard.serving.execution import Method
from modelyard.serving.forms import REFERENCE_ID, Forms, is_split
from modelyard.serving.plain_csv import flat

SPLIT, RECORDS, INSTANCES, INPUTS = DATA_KEYS = (
    "dataframe_split",
    "dataframe_records",
    "instances",
    "inputs",
)
PARAMS = "params"
METHOD = "method"
"""The param that asks for another method than the default, as in the models that we build for another tool."""


class ScoringForms:
    """Reads the bodies sent to one method."""

    def __init__(self, method: Method, forms: Forms) -> None:
        signature = method.signature
        self._args = signature.args
        self._forms = forms
        self._table = method.columns is not None
        names = [method.records, *required_arguments(signature), *signature.args]
        self._first = next((name for name in names if name), "")
        """The argument that the data is for, unless they are by name."""

    def other_method(self, body: Any) -> str | None:
        """The method that ``params`` name, when the one at hand takes nothing of that name; it is taken out."""
        params = body.get(PARAMS) if isinstance(body, dict) else None
        if METHOD in self._args or not isinstance(params, dict) or METHOD not in params:
            return None
        if not any(key in body for key in DATA_KEYS):
            return None
        name = params.pop(METHOD)
        if not isinstance(name, str):
            raise _mismatch(f"{PARAMS}.{METHOD}", "a text")
        return name

    def read(self, body: Any) -> dict[str, Any]:
        """JSON values by argument name. An object without any of the keys is read as REST reads it."""
        keys = [key for key in DATA_KEYS if key in body] if isinstance(body, dict) else []
        if not keys:
            return self._forms.read(body)
        if len(keys) > 1:
            raise InvalidInput(
                f"expected one of {', '.join(DATA_KEYS)}, got {' and '.join(keys)}", hint="send one"
            )
        key, known = keys[0], (PARAMS, REFERENCE_ID)
        for other in body:
            if other != key and other not in known:
                hint = did_you_mean(other, known) or f"beside {key} there may be {PARAMS}"
                raise InvalidInput(f"{other} is not known beside {key}", hint=hint)
        return self._forms.read(self._joined(self._value(key, body[key]), body.get(PARAMS)))

    def _value(self, key: str, value: Any) -> Any:
        if key == SPLIT:
            return self._of_split(value)
        if key == RECORDS:
            if not isinstance(value, list):
                raise _mismatch(key, "a list of records")
            return value if self._table else self._plain([_cells(row, value[0]) for row in value])
        return value

    def _of_split(self, value: Any) -> Any:
        if isinstance(value, dict) and "columns" not in value:
            value = {"columns": None, **value}
        if not isinstance(value, dict) or not isinstance(value.get("data"), list):
            raise _mismatch(SPLIT, "an object with columns and data")
        if unknown := value.keys() - {"columns", "data", "index"}:
            raise _mismatch(SPLIT, f"columns, data and index, without {min(map(str, unknown))}")
        if self._table and value["columns"] is not None:
            return {"columns": value["columns"], "data": value["data"]}
        return value["data"] if self._table else self._plain(value["data"])

    def _plain(self, rows: list[Any]) -> Any:
        known = self._args.get(self._first)
        return rows if known is None else flat(rows, known.type)

    def _joined(self, value: Any, params: Any) -> Any:
        """The data and the further arguments as one object by name."""
        if params is None or params == {}:
            return value
        if not isinstance(params, dict):
            raise _mismatch(PARAMS, "an object")
        by_name = isinstance(value, dict) and value.keys() <= self._args.keys()
        own = value if by_name and not is_split(value) else {self._first: value}
        if twice := own.keys() & params.keys():
            raise _mismatch(f"{PARAMS}.{min(twice)}", "no value, since the data has it")
        return {**own, **params}


def parse_lenient(body: bytes, depth: int) -> Any:
    """JSON in which ``NaN`` may stand for a missing value, as Python's own writer has it."""
    try:
        return parse_json(body, depth)
    except InvalidInput as error:
        if b"NaN" not in body:
            raise
        try:
            value = orjson.dumps(json.loads(body, parse_constant=_missing))
        except (ValueError, TypeError, RecursionError):
            raise error from None
        return parse_json(value, depth)


def _missing(word: str) -> None:
    if word != "NaN":
        raise ValueError(word)


def _cells(record: Any, first: Any) -> Any:
    """The cells of a record, in the order of the first one's fields."""
    if not isinstance(record, dict) or not isinstance(first, Mapping):
        return record
    if record.keys() != first.keys():
        raise _mismatch(RECORDS, "records with the same fields")
    return [record[name] for name in first]


def _mismatch(field: str, expected: str) -> SchemaMismatch:
    return SchemaMismatch(f"{field}: expected {expected}", field=field, expected=expected)
