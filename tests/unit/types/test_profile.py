"""Profiles of tables: every kind of column, and the empty ones."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from modelyard.base.errors import UnsupportedType
from modelyard.types.profile import profile

FIRST = [
    "column_name",
    "original_dtype",
    "converted_dtype",
    "null_count",
    "unique_count",
    "min_value_num",
    "max_value_num",
]


def of(values: Any, dtype: Any = None) -> dict[str, Any]:
    """The profile of one column, which must be JSON and begin as all do."""
    [row] = profile(pd.DataFrame({"x": pd.Series(values, dtype=dtype)}))
    assert list(row)[:7] == FIRST
    json.dumps(row, allow_nan=False)
    return row


def test_integers() -> None:
    assert of([3, 1, 2, 2]) == {
        "column_name": "x",
        "original_dtype": "int64",
        "converted_dtype": "int",
        "null_count": 0,
        "unique_count": 3,
        "min_value_num": 1,
        "max_value_num": 3,
        "mean": 2.0,
        "std": pytest.approx(0.816496580927726),
        "quantiles": {
            "p05": pytest.approx(1.15),
            "p25": 1.75,
            "p50": 2.0,
            "p75": 2.25,
            "p95": pytest.approx(2.85),
        },
    }


def test_integers_are_never_rounded() -> None:
    row = of([2**63 - 1, 2**63 - 2])
    assert (row["min_value_num"], row["max_value_num"]) == (2**63 - 2, 2**63 - 1)
    assert of([2**64 - 1], "uint64")["max_value_num"] == 2**64 - 1
    assert of([1, None, 2**60 + 1], "Int64")["max_value_num"] == 2**60 + 1


def test_missing_values_are_counted_and_left_out() -> None:
    row = of([1.0, math.nan, 3.0])
    assert (row["null_count"], row["unique_count"], row["mean"]) == (1, 2, 2.0)


def test_infinities_are_told_and_do_not_spoil_the_rest() -> None:
    row = of([1.0, 3.0, math.inf, -math.inf])
    assert (row["min_value_num"], row["max_value_num"]) == ("-Infinity", "Infinity")
    assert (row["mean"], row["infinite_count"]) == (2.0, 2)
    assert of([math.inf])["mean"] is None


def test_one_value_has_no_spread() -> None:
    assert of([1.0])["std"] is None


@pytest.mark.parametrize(
    ("values", "dtype", "kind"),
    [
        ([math.nan, math.nan], "float64", "float"),
        ([None, None], "Int64", "int"),
        ([None, None], "object", "str"),
        ([None, None], "str", "str"),
        ([None, None], "datetime64[ns]", "datetime"),
        ([None, None], "timedelta64[ns]", "timedelta"),
        ([None, None], "category", "float"),
        ([None, None], "boolean", "bool"),
        ([], "int64", "int"),
        ([], "float64", "float"),
        ([], "bool", "bool"),
        ([], "object", "str"),
        ([], "str", "str"),
        ([], "datetime64[us, UTC]", "datetime"),
        ([], "category", "str"),
    ],
)
def test_all_null_and_empty_columns(values: list[Any], dtype: str, kind: str) -> None:
    row = of(values, dtype)
    assert row["null_count"] == len(values)
    assert row["unique_count"] == 0
    assert row["min_value_num"] is row["max_value_num"] is None
    if dtype != "category":
        assert row["converted_dtype"] == kind


def test_booleans() -> None:
    row = of([True, False, True])
    assert (row["converted_dtype"], row["min_value_num"], row["unique_count"]) == ("bool", None, 2)
    assert row["top"] == [{"value": True, "count": 2}, {"value": False, "count": 1}]
    assert of([True, None], "boolean")["null_count"] == 1


def test_moments() -> None:
    row = of(
        pd.to_datetime(["2026-03-29T01:30", None, "2025-01-01T00:00"])
        .tz_localize("UTC")
        .tz_convert("Europe/Berlin")
    )
    assert row["converted_dtype"] == "datetime"
    assert row["original_dtype"].startswith("datetime64[")
    assert (row["min"], row["max"]) == ("2025-01-01T01:00:00+01:00", "2026-03-29T03:30:00+02:00")
    assert (row["null_count"], row["unique_count"]) == (1, 2)
    assert of(pd.to_timedelta(["1h"]))["converted_dtype"] == "timedelta"


def test_texts_and_categories() -> None:
    row = of(["b", "a", "b", None])
    assert row["top"] == [{"value": "b", "count": 2}, {"value": "a", "count": 1}]
    assert (row["converted_dtype"], row["null_count"], row["unique_count"]) == ("str", 1, 2)
    row = of(pd.Categorical(["u", "u", None], categories=["u", "never seen"]))
    assert (row["unique_count"], row["top"]) == (1, [{"value": "u", "count": 2}])
    assert of(pd.Categorical([1, 2]))["converted_dtype"] == "int"


def test_top_is_ten_values_in_a_stable_order() -> None:
    row = of([str(n) for n in range(20)])
    assert row["unique_count"] == 20
    assert [t["value"] for t in row["top"]] == sorted(str(n) for n in range(20))[:10]


def test_a_long_text_is_cut() -> None:
    assert len(of(["x" * 1000])["top"][0]["value"]) == 120


def test_objects_of_all_sorts() -> None:
    row = of([1, "1", True, 1.0, [1], [1], {"a": 2}, None], object)
    assert (row["null_count"], row["unique_count"]) == (1, 6)
    assert row["top"][0] == {"value": "[1]", "count": 2}


def test_arrow_and_sparse_columns() -> None:
    assert of(pd.array([1, None], dtype="int64[pyarrow]"))["max_value_num"] == 1
    assert of(pd.arrays.SparseArray([0, 0, 2]))["max_value_num"] == 2


@pytest.mark.parametrize(
    "table",
    [
        np.array([[1.5, 2.0]]),
        np.array([(1.5, 2.0)], dtype=[("0", "f8"), ("1", "f8")]),
        sp.csr_matrix([[1.5, 2.0]]),
        pl.DataFrame({"0": [1.5], "1": [2.0]}),
        pa.table({"0": [1.5], "1": [2.0]}),
        pd.DataFrame({0: [1.5], 1: [2.0]}),
    ],
    ids=["array", "structured", "sparse", "polars", "arrow", "pandas"],
)
def test_tables_of_all_libraries(table: Any) -> None:
    assert [(r["column_name"], r["max_value_num"]) for r in profile(table)] == [
        ("0", 1.5),
        ("1", 2.0),
    ]


def test_columns_and_series() -> None:
    assert profile(pd.Series([1], name="y"))[0]["column_name"] == "y"
    assert profile(pd.Series([1]))[0]["column_name"] == "value"
    assert profile(np.array([1, 2]))[0]["max_value_num"] == 2
    assert profile(pd.DataFrame()) == []


def test_columns_of_one_name() -> None:
    rows = profile(pd.DataFrame([[1, "a"]], columns=["x", "x"]))
    assert [r["converted_dtype"] for r in rows] == ["int", "str"]


def test_what_is_no_table() -> None:
    with pytest.raises(UnsupportedType, match="a dict is no table that can be profiled"):
        profile({"a": 1})


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.one_of(
            st.none(),
            st.floats(),
            st.integers(),
            st.text(max_size=3),
            st.booleans(),
            st.binary(max_size=2),
        ),
        max_size=8,
    )
)
def test_any_column_has_a_profile(values: list[Any]) -> None:
    row = of(values, object)
    assert row["null_count"] == sum(v is None or v != v for v in values)
