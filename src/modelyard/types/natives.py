"""Python values that stand for a table (dicts of columns, records, rows, arrays), said as JSON would say them, so that one
set of rules judges what a program passes and what a request carries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from modelyard.types.instants import timedelta_to_ns, write_duration
from modelyard.types.mismatch import mismatch, refusal
from modelyard.types.scalar import unboxed
from modelyard.types.tables import RawTable, read_table


def native_table(
    value: Any, names: Sequence[str], where: str, optional: Sequence[str] = ()
) -> RawTable:
    """The table that a dict, list, tuple, array or foreign frame stands for; `SchemaMismatch` for anything else.

    A flat list is one row of all columns, or all rows of the only one.
    """
    if (columns := _columns_of(value)) is not None:
        return read_table(
            {str(n): as_json_list(c) for n, c in columns.items()}, names, where, optional
        )
    if hasattr(value, "ndim") and hasattr(value, "dtype"):
        value = _listed(value, len(names), where)
    if not isinstance(value, (list, tuple)):
        raise mismatch(where, "a table", value)
    if (
        value
        and not isinstance(value[0], (Mapping, list, tuple))
        and not hasattr(value[0], "tolist")
    ):
        return _flat(as_json_list(value), names, where)
    return read_table([_row(r) for r in value], names, where, optional)


def _columns_of(value: Any) -> Mapping[Any, Any] | None:
    if isinstance(value, Mapping):
        return value
    if hasattr(value, "iloc") and hasattr(value, "columns"):  # pandas
        return {name: value.iloc[:, i] for i, name in enumerate(value.columns)}
    if hasattr(value, "to_pydict"):  # Arrow
        return value.to_pydict()
    if hasattr(value, "get_columns"):  # polars
        return {column.name: column for column in value.get_columns()}
    return None


def _listed(array: Any, width: int, where: str) -> list[Any]:
    if array.ndim == 2 and array.shape[1] != width:
        raise refusal(where, f"{width} columns", f"an array of shape {tuple(array.shape)}")
    if array.ndim not in (1, 2):
        raise refusal(where, "a table", f"an array of {array.ndim} dimensions")
    return array.toarray().tolist() if hasattr(array, "toarray") else array.tolist()


def _flat(values: list[Any], names: Sequence[str], where: str) -> RawTable:
    if len(names) == 1:
        return RawTable(names, len(values), by_column=[values])
    if len(values) != len(names):
        raise refusal(where, f"{len(names)} columns", f"a flat list of {len(values)}")
    return RawTable(names, 1, rows=[values])


def _row(row: Any) -> Any:
    if isinstance(row, Mapping):
        return {str(k): as_json(v) for k, v in row.items()}
    return as_json_list(row) if isinstance(row, (list, tuple)) or hasattr(row, "tolist") else row


def as_json_list(values: Any) -> Any:
    """A list, tuple, array or series as a list of JSON values; anything else as it is, to be refused."""
    if hasattr(values, "tolist") and not hasattr(values, "iloc"):
        kind = getattr(getattr(values, "dtype", None), "kind", "")
        # A numpy array of moments makes integers of nanoseconds.
        values = list(values) if kind in ("m", "M") else values.tolist()
    elif hasattr(values, "iloc") or hasattr(values, "to_list"):
        values = list(values)
    return [as_json(v) for v in values] if isinstance(values, (list, tuple)) else values


def as_json(value: Any) -> Any:
    """One cell as JSON would say it; what no JSON says stays, to be refused."""
    if type(value).__module__ == "numpy" and getattr(getattr(value, "dtype", None), "kind", "") in (
        "m",
        "M",
    ):
        return _numpy_time(value)
    value = object_cell(value)
    if isinstance(value, (dt.date, dt.datetime)) or (
        isinstance(value, dt.timedelta) and hasattr(value, "isoformat")
    ):
        return value.isoformat()  # type: ignore[union-attr]  # pandas' Timedelta has it
    if isinstance(value, dt.timedelta):
        return write_duration(timedelta_to_ns(value))
    return str(value) if hasattr(value, "freqstr") else value


def object_cell(value: Any) -> Any:
    """The cell of an object column: numpy's scalars unboxed, every spelling of a missing value None."""
    if type(value) in (str, bool, int):
        return value
    value = unboxed(value)
    if isinstance(value, float):
        return None if value != value else value
    # pandas' NA and NaT, without importing pandas for them.
    return None if type(value).__name__ in ("NAType", "NaTType") else value


def _numpy_time(value: Any) -> str | None:
    import numpy as np

    if np.isnat(value):
        return None
    if value.dtype.kind == "M":
        return str(value)
    return write_duration(int(value.astype("timedelta64[ns]").astype(np.int64)))
