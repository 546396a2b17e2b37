"""Frames and series of polars, where a missing value and NaN are two things."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from modelyard.testing.types import Refused, TypeCase


def equal(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, pl.Series):
        return a.equals(b, check_dtypes=True, check_names=True, null_equal=True)
    return a.schema == b.schema and a.equals(b, null_equal=True)


def every_dtype() -> pl.DataFrame:
    moments = [dt.datetime(2026, 3, 29, 1, 30), None]
    return pl.DataFrame(
        [
            pl.Series("i", [1, None], dtype=pl.Int32),
            pl.Series("u", [2**64 - 1, 0], dtype=pl.UInt64),
            pl.Series("f", [math.nan, None], dtype=pl.Float64),
            pl.Series("g", [0.5, math.inf], dtype=pl.Float32),
            pl.Series("b", [True, None], dtype=pl.Boolean),
            pl.Series("s", ["é", None], dtype=pl.String),
            pl.Series("y", [b"\x00", None], dtype=pl.Binary),
            pl.Series("d", [dt.date(2026, 1, 1), None], dtype=pl.Date),
            pl.Series("t", moments, dtype=pl.Datetime("ms")),
            pl.Series("z", moments, dtype=pl.Datetime("us")).dt.replace_time_zone(
                "Europe/Berlin", non_existent="raise"
            ),
            pl.Series("w", [dt.timedelta(microseconds=1), None], dtype=pl.Duration("us")),
            pl.Series("e", ["b", None], dtype=pl.Enum(["a", "b"])),
            pl.Series("c", ["b", None], dtype=pl.Categorical()),
        ]
    )


NULLABLE = {"nullable": True}
EVERY_DTYPE = {
    "i": {"dtype": "int32", **NULLABLE},
    "u": "uint64",
    "f": "float64",
    "g": "float32",
    "b": {"dtype": "bool", **NULLABLE},
    "s": {"dtype": "str", **NULLABLE},
    "y": {"dtype": "bytes", **NULLABLE},
    "d": "date",
    "t": "datetime64[ms]",
    "z": "datetime64[us, Europe/Berlin]",
    "w": "timedelta64[us]",
    "e": {"dtype": "category", **NULLABLE, "categories": ["a", "b"], "ordered": True},
    "c": {"dtype": "category", **NULLABLE, "categories": ["b"]},
}

CASES = [
    TypeCase(
        "frame",
        lambda: pl.DataFrame({"a": [1, 2], "s": ["x", "y"]}),
        {"type": "polars_dataframe", "columns": {"a": "int64", "s": "str"}},
        [{"a": 1, "s": "x"}, {"a": 2, "s": "y"}],
        rows=2,
        also=(
            {"s": ["x", "y"], "a": [1.0, 2]},
            {"columns": ["s", "a"], "data": [["x", 1], ["y", 2]]},
            [[1, "x"], [2, "y"]],
        ),
        native=(
            lambda: pl.DataFrame({"s": ["x", "y"], "a": [1, 2]}),
            lambda: pl.DataFrame({"a": [1.0, 2.0], "s": ["x", "y"]}),
            lambda: pl.DataFrame(
                {"a": [1, 2], "s": ["x", "y"]},
                schema_overrides={"a": pl.Int8, "s": pl.Categorical()},
            ),
            lambda: pd.DataFrame({"a": [1, 2], "s": ["x", "y"]}),
            lambda: [{"a": 1, "s": "x"}, {"a": np.int8(2), "s": "y"}],
            lambda: {"a": np.array([1, 2]), "s": ["x", "y"]},
        ),
        refused=(
            Refused([], "X: expected at least one record, got an empty list", by_schema=False),
            Refused([{"a": None, "s": "x"}], "X[0].a: expected an integer, got null", "X[0].a"),
            Refused([{"a": 1}], "X[0]: the columns differ: missing 's'", "X[0].s"),
        ),
        not_native=(
            Refused(lambda: pl.DataFrame({"a": [1]}), "X: the columns differ: missing 's'", "X.s"),
            Refused(
                lambda: pl.DataFrame({"a": ["1"], "s": ["x"]}),
                "X.a: expected a column of int64, got one of str",
                "X.a",
            ),
            Refused(
                lambda: pl.DataFrame({"a": [1.5], "s": ["x"]}),
                "X[0].a: expected an integer, got the number 1.5",
                "X[0].a",
            ),
            Refused(
                lambda: pl.DataFrame({"a": [None, 1], "s": ["x", "y"]}),
                "X[0].a: expected an integer, got a missing value",
                "X[0].a",
            ),
        ),
        equal=equal,
    ),
    TypeCase(
        "every dtype",
        every_dtype,
        {"type": "polars_dataframe", "columns": EVERY_DTYPE},
        [
            {
                "i": 1,
                "u": 2**64 - 1,
                "f": "NaN",
                "g": 0.5,
                "b": True,
                "s": "é",
                "y": "AA==",
                "d": "2026-01-01",
                "t": "2026-03-29T01:30:00",
                "z": "2026-03-29T00:30:00Z",
                "w": "PT0.000001S",
                "e": "b",
                "c": "b",
            },
            dict.fromkeys("iufgbsydtzwec") | {"u": 0, "g": "Infinity"},
        ],
        rows=2,
        equal=equal,
    ),
    TypeCase(
        "series",
        lambda: pl.Series("y", [1, None]),
        {"type": "polars_series", "name": "y", "dtype": "int64", "nullable": True},
        [1, None],
        rows=2,
        native=(
            lambda: [1, None],
            lambda: pl.Series([1.0, None]),
            lambda: pd.Series([1, None], dtype="Int64"),
        ),
        refused=(
            Refused(["1"], "X[0]: expected an integer, got the string '1'", "X[0]"),
            Refused([], "X: expected at least one value, got an empty list", by_schema=False),
        ),
        not_native=(Refused("1", "X: expected a series, got the string '1'"),),
        equal=equal,
    ),
]
