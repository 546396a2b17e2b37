"""Arrow tables."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import pandas as pd
import pyarrow as pa

from modelyard.testing.types import Refused, TypeCase


def equal(a: Any, b: Any) -> bool:
    return (
        type(a) is type(b) and a.schema == b.schema and repr(a.to_pylist()) == repr(b.to_pylist())
    )


def every_dtype() -> pa.Table:
    moments = [dt.datetime(2026, 3, 29, 1, 30), None]
    return pa.table(
        {
            "i": pa.array([1, None], pa.int16()),
            "u": pa.array([2**64 - 1, 0], pa.uint64()),
            "h": pa.array([0.5, None], pa.float16()),
            "f": pa.array([math.nan, None], pa.float64()),
            "g": pa.array([0.5, math.inf], pa.float32()),
            "b": pa.array([True, None], pa.bool_()),
            "s": pa.array(["é", None], pa.string()),
            "y": pa.array([b"\x00", None], pa.binary()),
            "d": pa.array([dt.date(2026, 1, 1), None], pa.date32()),
            "t": pa.array(moments, pa.timestamp("s")),
            "z": pa.array(moments, pa.timestamp("ns", "UTC")),
            "w": pa.array([dt.timedelta(microseconds=1), None], pa.duration("us")),
            "c": pa.DictionaryArray.from_arrays(
                pa.array([1, None], pa.int32()), pa.array(["a", "b"])
            ),
        }
    )


NULLABLE = {"nullable": True}
EVERY_DTYPE = {
    "i": {"dtype": "int16", **NULLABLE},
    "u": "uint64",
    "h": "float16",
    "f": "float64",
    "g": "float32",
    "b": {"dtype": "bool", **NULLABLE},
    "s": {"dtype": "str", **NULLABLE},
    "y": {"dtype": "bytes", **NULLABLE},
    "d": "date",
    "t": "datetime64[s]",
    "z": "datetime64[ns, UTC]",
    "w": "timedelta64[us]",
    "c": {"dtype": "category", **NULLABLE, "categories": ["a", "b"]},
}

CASES = [
    TypeCase(
        "table",
        lambda: pa.table({"a": [1, 2], "s": ["x", "y"]}),
        {"type": "arrow_table", "columns": {"a": "int64", "s": "str"}},
        [{"a": 1, "s": "x"}, {"a": 2, "s": "y"}],
        rows=2,
        native=(
            lambda: pa.table({"s": ["x", "y"], "a": [1.0, 2.0]}),
            lambda: pa.RecordBatch.from_pylist([{"a": 1, "s": "x"}, {"a": 2, "s": "y"}]),
            lambda: pd.DataFrame({"a": [1, 2], "s": ["x", "y"]}),
        ),
        refused=(
            Refused(
                [{"a": "1", "s": "x"}], "X[0].a: expected an integer, got the string '1'", "X[0].a"
            ),
        ),
        not_native=(
            Refused(lambda: pa.table({"a": [1]}), "X: the columns differ: missing 's'", "X.s"),
            Refused(
                lambda: pa.table({"a": [True], "s": ["x"]}),
                "X.a: expected a column of int64, got one of bool",
                "X.a",
            ),
            Refused(7, "X: expected a table, got the number 7"),
        ),
        equal=equal,
    ),
    TypeCase(
        "every dtype",
        every_dtype,
        {"type": "arrow_table", "columns": EVERY_DTYPE},
        [
            {
                "i": 1,
                "u": 2**64 - 1,
                "h": 0.5,
                "f": "NaN",
                "g": 0.5,
                "b": True,
                "s": "é",
                "y": "AA==",
                "d": "2026-01-01",
                "t": "2026-03-29T01:30:00",
                "z": "2026-03-29T01:30:00Z",
                "w": "PT0.000001S",
                "c": "b",
            },
            dict.fromkeys("iuhfgbsydtzwc") | {"u": 0, "g": "Infinity"},
        ],
        rows=2,
        equal=equal,
    ),
]
