"""Tables and arrays that are hard to write down."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

LIMITS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]

PLAIN = pd.DataFrame(
    {
        "sepal length (cm)": [0.1, np.nan, -0.0],
        "count": [1, -2, 2**62],
        "large": [np.inf, -np.inf, 5e-324],
        "yes": [True, False, True],
        "zip": ["007", "None", "NA"],
        "text": ['a,"b"\nc', " x\t", "é冠\u2028"],
        "x;y": ["", "1", "true"],
    }
)

NUMBERS = pd.DataFrame(
    {name: np.array([np.iinfo(name).min, np.iinfo(name).max, 1], name) for name in LIMITS}
    | {
        "float32": np.array([0.1, 3e38, np.nan], "float32"),
        "float16": np.array([0.1, 65504, -0.0], "float16"),
    }
)

NULLABLE = pd.DataFrame(
    {
        "Int64": pd.array([2**63 - 1, None, -1], "Int64"),
        "UInt8": pd.array([1, None, 255], "UInt8"),
        "Float64": pd.array([0.1, None, 2], "Float64"),
        "Float32": pd.array([0.1, None, 2], "Float32"),
        "boolean": pd.array([True, None, False], "boolean"),
        "string": pd.array(["x", None, "NA"], "string"),
        "str": pd.Series(["x", None, "None"], dtype="str"),
        "object": np.array(["x", None, "y"], dtype=object),
        "nan": np.array(["x", np.nan, "y"], dtype=object),
    }
)

TIMES = pd.DataFrame(
    {
        "ns": pd.Series(["2020-01-01T00:00:00.123456789", None, "1900-01-01"]).astype("M8[ns]"),
        "s": pd.Series(["0001-01-01", "9999-12-31", None]).astype("M8[s]"),
        "zone": pd.Series(["2020-03-29T00:59:59", "2020-06-01", None])
        .astype("M8[us]")
        .dt.tz_localize("UTC")
        .dt.tz_convert("Europe/Berlin"),
        "duration": pd.to_timedelta(["1 days", "-1us", None]),
        "period": pd.PeriodIndex(["2020-01", "2020-02", "NaT"], freq="M"),
    }
)

CATEGORIES = pd.DataFrame(
    {
        "ordered": pd.Categorical(["x", None, "y"], ["y", "x", "unused"], ordered=True),
        "numbers": pd.Categorical([1, 2, 1], [2, 1, 3]),
        "floats": pd.Categorical([0.5, None, 1.5]),
        "truths": pd.Categorical([True, False, True]),
    }
)

ARROW = pd.DataFrame(
    {
        "int": pd.array([1, None, 3], "int64[pyarrow]"),
        "text": pd.array(["x", None, "z"], "string[pyarrow]"),
    }
)

INDEXED = pd.DataFrame({"a": [1, 2, 3]}, index=pd.Index(["x", "y", "z"], name="key"))
NUMBERED = pd.DataFrame(np.arange(6.0).reshape(3, 2))
ONE_TEXT = pd.DataFrame({"a": ["", " ", "x"]})
ONE_FLOAT = pd.DataFrame({"a": [np.nan, 1, np.nan]})
RETURNS = pd.DataFrame({"a": ["a\rb", "\r\n", "c"], "b": [1.5, 2, 3]})
MIXED = pd.DataFrame({"a": np.array(["x", 1, None], dtype=object)})
EMPTY = pd.DataFrame({"a": pd.Series([], dtype="int64"), "b": pd.Series([], dtype="str")})

FRAMES = {
    "plain": PLAIN,
    "numbers": NUMBERS,
    "nullable": NULLABLE,
    "times": TIMES,
    "categories": CATEGORIES,
    "arrow": ARROW,
    "indexed": INDEXED,
    "numbered": NUMBERED,
    "one text": ONE_TEXT,
    "one float": ONE_FLOAT,
    "returns": RETURNS,
    "empty": EMPTY,
}

FOREIGN = {
    "polars": pl.DataFrame(
        {
            "int": [2**63 - 1, None, -1],
            "float": [0.1, None, -0.0],
            "text": ["007", None, "NA"],
            "day": [date(2020, 1, 1), None, date(1900, 1, 1)],
            "at": [datetime(2020, 1, 1, microsecond=1), None, datetime(1900, 1, 1)],
            "long": [timedelta(days=1), None, timedelta(microseconds=-1)],
            "yes": [True, None, False],
        }
    ),
    "arrow table": pa.table(
        {
            "int": pa.array([2**63 - 1, None, -1]),
            "small": pa.array([1, 2, 255], pa.uint8()),
            "float": pa.array([0.1, None, -0.0]),
            "text": ["007", None, "NA"],
            "kind": pa.array(["x", None, "y"]).dictionary_encode(),
        }
    ),
}

NANS = pl.DataFrame({"float": [0.1, None, float("nan")]})

SERIES = {
    "series": pd.Series([1, 2, 3], name="y"),
    "nameless": pd.Series(["a", "b", "c"]),
}

ARRAYS = {
    "matrix": np.array([[0.1, np.nan], [-0.0, np.inf], [1, 2]]),
    "float32": np.array([[0.1, 2], [3, 4]], "float32"),
    "integers": np.array([[2**63 - 1], [-(2**63)]]),
    "truths": np.array([True, False]),
    "texts": np.array(["a", "007", "é"]),
}

OTHER_ARRAYS = {
    "cube": np.zeros((2, 3, 4)),
    "none": np.array(3.5),
    "days": np.array(["2020-01-01", "NaT"], "M8[D]"),
    "complex": np.array([1 + 2j]),
    "bytes": np.array([b"a", b"bc"]),
    "records": np.array([(1, 2.5)], dtype=[("a", "i4"), ("b", "f8")]),
}

VALUES = {
    "text": "é",
    "number": 1.5,
    "nothing": None,
    "list": [1, 2, 3],
    "nested": {"a": [1.5, {"b": None}], "c": "d"},
    "pair": (1, "a"),
}
