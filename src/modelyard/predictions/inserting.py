"""Predictions as parameters of one INSERT, quickly: tens of thousands a second are written at once.

Values are prepared column by column and handed to the driver in one call. A text that many rows share is checked
once, and JSON is written by orjson wherever that says exactly what the strict writer would.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from operator import attrgetter
from typing import Any

import orjson
from sqlalchemy import Dialect, insert

from modelyard.base.errors import InvalidInput
from modelyard.predictions.interface import Prediction
from modelyard.predictions.selection import split_model
from modelyard.predictions.tables import predictions as table

_SHARED = frozenset(["name", "version", "method", "arm", "caller", "error", "digest"])
_JSON = frozenset(["inputs", "outputs", "actual"])
_COLUMNS = tuple(column.name for column in table.c if column.name != "id")


def prepare(dialect: Dialect, predictions: Sequence[Prediction]) -> tuple[str, list[Any]]:
    """The INSERT as the driver takes it, and a row of parameters for each prediction.

    `InvalidInput` for what the database could not give back exactly.
    """
    compiled = insert(table).compile(dialect=dialect, column_keys=_COLUMNS)
    columns = [_column(dialect, name, predictions) for name in _COLUMNS]
    rows = zip(*columns, strict=True)
    if compiled.positiontup:
        return str(compiled), list(rows)
    return str(compiled), [dict(zip(_COLUMNS, row, strict=True)) for row in rows]


def _column(dialect: Dialect, name: str, predictions: Sequence[Prediction]) -> Iterable[Any]:
    if name in ("name", "version"):
        side, split = int(name == "version"), cache(split_model)
        values: Iterable[Any] = [split(prediction.model)[side] for prediction in predictions]
    else:
        values = map(attrgetter(name), predictions)
    return map(_converter(dialect, name), values)


def _converter(dialect: Dialect, name: str) -> Callable[[Any], Any]:
    """What a value passes through: the checks of its column's type, told once what many rows share."""
    if name in _JSON:
        return json_text
    if name == "latency_ms":
        return _finite
    kind: Any = table.c[name].type
    check = kind.dialect_impl(dialect).bind_processor(dialect)
    return cache(check) if name in _SHARED else check


def _finite(value: float | None) -> float | None:
    if value is not None and not math.isfinite(value):
        raise InvalidInput(f"a latency of {value} ms cannot be kept")
    return value


_PLAIN = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME


def json_text(value: Any) -> str | None:
    """A value as the text of a JSON column, keys in their own order: it is the order of a model's features."""
    if value is None:
        return None
    try:
        data = orjson.dumps(value, option=_PLAIN)
    except TypeError:  # orjson knows no integers over 64 bits, and no keys but texts
        return _strict(value)
    # A null may have been NaN, which is refused; the column is ASCII.
    return data.decode() if data.isascii() and b"null" not in data else _strict(value)


def _strict(value: Any) -> str:
    try:
        return json.dumps(value, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"a prediction holds what is not JSON: {error}") from None
