"""Rows into a model and answers out of it, as JSON that says each number exactly."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from modelyard.base.errors import InvalidInput, ModelFailed, did_you_mean

_NUMBERED = re.compile(r"x([1-9]\d*)")
_NUMERIC = frozenset(["double", "float", "integer"])
_NOTHING = -(1 << 63)
"""What the scorer writes for an integer that it has none of."""


def predict(model: Any, X: Any) -> Any:
    """A table of everything the model answers, a row for each given one."""
    import pandas as pd

    names = list(model.inputNames)
    kinds = {f.name: f.dataType for f in model.inputFields}
    columns = {
        name: _cells(values, name, kinds.get(name, ""))
        for name, values in _columns(X, names).items()
    }
    rows = [list(row) for row in zip(*columns.values(), strict=True)]
    text = json.dumps({"columns": list(columns), "data": rows}, allow_nan=False)
    answer = json.loads(_call(model, text))
    found = [[None if cell == _NOTHING else cell for cell in row] for row in answer["data"]]
    if len(found) != len(rows):
        raise ModelFailed(f"the model answered {len(found)} rows to {len(rows)}")
    index = X.index if isinstance(X, pd.DataFrame) else None
    return pd.DataFrame(found, columns=answer["columns"], index=index)


def _call(model: Any, text: str) -> str:
    from py4j.protocol import Py4JJavaError

    try:
        return str(model.call("predict", text))
    except Py4JJavaError as error:
        raise ModelFailed(f"the model failed: {error.java_exception.getMessage()}") from error


def _columns(X: Any, names: Sequence[str]) -> dict[str, list[Any]]:
    """The values of each input, of a table, of records, or of rows by place."""
    if isinstance(X, Mapping):
        X = [X]
    if isinstance(X, list) and X and all(isinstance(row, Mapping) for row in X):
        return {name: [_named(row, name) for row in X] for name in names}
    if hasattr(X, "columns"):
        table: Any = X
        return {name: table[_known(table.columns, name)].tolist() for name in names}
    import numpy as np

    rows = np.asarray(X, dtype=object)
    if rows.ndim != 2:
        raise InvalidInput("a PMML model takes a table, records, or rows of values")
    return {name: rows[:, place].tolist() for name, place in _places(names, rows.shape[1]).items()}


def _named(row: Mapping[str, Any], name: str) -> Any:
    return row[_known(row, name)]


def _known(names: Any, name: str) -> str:
    if name not in names:
        raise InvalidInput(
            f"there is no column {name!r}, which the model takes",
            hint=did_you_mean(name, list(map(str, names))),
        )
    return name


def _places(names: Sequence[str], width: int) -> dict[str, int]:
    """By place: all inputs in their order; or those that converters call x1, x2 … by these numbers, for they leave out
    what a model does not look at."""
    numbers = [_NUMBERED.fullmatch(name) for name in names]
    places = [int(n[1]) - 1 for n in numbers if n is not None]
    if len(places) == len(names) and max(places, default=-1) < width:
        return dict(zip(names, places, strict=True))
    if width != len(names):
        raise InvalidInput(
            f"the model takes {len(names)} columns, and the rows have {width}",
            hint=f"give a table with the columns {', '.join(names[:8])}",
        )
    return {name: place for place, name in enumerate(names)}


def _cells(values: Sequence[Any], name: str, kind: str) -> list[Any]:
    cells = [_cell(value) for value in values]
    if kind in _NUMERIC:
        for cell in cells:
            if isinstance(cell, str):
                raise InvalidInput(f"{name}: expected numbers, got {cell[:40]!r}", field=name)
    return cells


def _cell(given: Any) -> Any:
    value: Any = given
    if hasattr(value, "item"):
        value = value.item()
    if value is None or type(value).__name__ in ("NAType", "NaTType") or value != value:
        return None
    if isinstance(value, float) and math.isinf(value):
        raise InvalidInput("a PMML model takes no infinities")
    said = getattr(value, "isoformat", None)
    return said() if said is not None else value
