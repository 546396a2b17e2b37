"""Frames and series of pandas."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from modelyard.testing.types import Refused, TypeCase


def equal(a: Any, b: Any) -> bool:
    """The same columns, dtypes, values and named index; an index without a name is no data."""
    if type(a) is not type(b):
        return False
    if isinstance(a, pd.Series):
        pd.testing.assert_series_equal(a, b, check_exact=True, check_index=False)
    else:
        if b.index.names == [None]:
            b = b.reset_index(drop=True)
        pd.testing.assert_frame_equal(
            a.reset_index(drop=True) if a.index.names == [None] else a, b, check_exact=True
        )
    return True


def people() -> pd.DataFrame:
    return pd.DataFrame({"age": [30, 41], "income": [1.5, math.nan], "city": ["Rome", "None"]})


def every_dtype() -> pd.DataFrame:
    moments = pd.to_datetime(["2026-03-29T01:30:00", None]).as_unit("us")
    return pd.DataFrame(
        {
            "f4": np.array([0.5, 1.5], dtype=np.float32),
            "i1": np.array([1, -1], dtype=np.int8),
            "u8": np.array([0, 2**64 - 1], dtype=np.uint64),
            "flag": [True, False],
            "maybe": pd.array([1, None], dtype="Int64"),
            "maybe_flag": pd.array([True, None], dtype="boolean"),
            "maybe_float": pd.array([0.5, None], dtype="Float64"),
            "text": pd.Series(["a", None], dtype="str"),
            "words": pd.array(["a", None], dtype="string"),
            "objects": pd.Series(["a", None], dtype=object),
            "mixed": pd.Series([1, "1"], dtype=object),
            "at": moments,
            "there": moments.tz_localize("UTC").tz_convert("Europe/Berlin"),
            "took": pd.to_timedelta(["1s", None]).as_unit("ms"),
            "month": pd.PeriodIndex(["2026-01", "NaT"], freq="M"),
            "kind": pd.Categorical(["b", None], categories=["a", "b"], ordered=True),
            "level": pd.Categorical([1, 2]),
            "arrow_int": pd.array([1, None], dtype="int64[pyarrow]"),
            "arrow_float": pd.array([0.5, None], dtype="double[pyarrow]"),
            "arrow_bool": pd.array([True, None], dtype="bool[pyarrow]"),
            "arrow_at": pd.array(
                moments.tz_localize("UTC"), dtype="timestamp[us, tz=UTC][pyarrow]"
            ),
        }
    )


EVERY_DTYPE = {
    "f4": "float32",
    "i1": "int8",
    "u8": "uint64",
    "flag": "bool",
    "maybe": "Int64",
    "maybe_flag": "boolean",
    "maybe_float": "Float64",
    "text": {"dtype": "str", "nullable": True},
    "words": "string",
    "objects": {"dtype": "object", "items": "string"},
    "mixed": {"dtype": "object", "items": "mixed"},
    "at": "datetime64[us]",
    "there": "datetime64[us, Europe/Berlin]",
    "took": "timedelta64[ms]",
    "month": "period[M]",
    "kind": {"dtype": "category", "nullable": True, "categories": ["a", "b"], "ordered": True},
    "level": {"dtype": "category", "categories": [1, 2]},
    "arrow_int": "int64[pyarrow]",
    "arrow_float": "double[pyarrow]",
    "arrow_bool": "bool[pyarrow]",
    "arrow_at": "timestamp[us, tz=UTC][pyarrow]",
}

FULL = {
    "f4": 0.5, "i1": 1, "u8": 0, "flag": True, "maybe": 1, "maybe_flag": True, "maybe_float": 0.5, "text": "a",
    "words": "a", "objects": "a", "mixed": 1, "at": "2026-03-29T01:30:00", "there": "2026-03-29T01:30:00Z",
    "took": "PT1S", "month": "2026-01", "kind": "b", "level": 1, "arrow_int": 1, "arrow_float": 0.5,
    "arrow_bool": True, "arrow_at": "2026-03-29T01:30:00Z",
}  # fmt: skip
GAPS = dict.fromkeys(FULL) | {
    "f4": 1.5,
    "i1": -1,
    "u8": 2**64 - 1,
    "flag": False,
    "mixed": "1",
    "level": 2,
}

PEOPLE = {"type": "dataframe", "columns": {"age": "int64", "income": "float64", "city": "str"}}
KNOWN = "the schema has 'age', 'income', 'city'"
ANA = {"age": 30, "income": 1.5, "city": "Rome"}
BOB = {"age": 41, "income": None, "city": "None"}

CASES = [
    *(
        TypeCase(
            f"categories {values}",
            lambda values=values: pd.DataFrame({"x": pd.Categorical(values)}),
            {
                "type": "dataframe",
                "columns": {"x": {"dtype": "category", "categories": sorted(values)}},
            },
            [{"x": v} for v in values],
            rows=2,
            equal=equal,
        )
        for values in ([True, False], [1, 0], [1.0, 0.0], ["1", "0"])
    ),
    TypeCase(
        "frame",
        people,
        PEOPLE,
        [ANA, BOB],
        rows=2,
        also=(
            [{"city": "Rome", "income": 1.5, "age": 30.0}, BOB],
            {"values": [ANA, BOB]},
            {"city": ["Rome", "None"], "age": [30, 41], "income": [1.5, None]},
            {"columns": ["city", "age", "income"], "data": [["Rome", 30, 1.5], ["None", 41, None]]},
            {
                "columns": ["age", "income", "city"],
                "index": [7, 8],
                "data": [[30, 1.5, "Rome"], [41, "NaN", "None"]],
            },
            [[30, 1.5, "Rome"], [41, None, "None"]],
        ),
        native=(
            lambda: people()[["city", "income", "age"]],
            lambda: people().set_index(pd.Index([9, 3])),
            lambda: people().astype({"age": "int32", "city": object}),
            lambda: people().astype({"age": "float64"}),
            lambda: people().astype({"city": "category"}),
            lambda: people().astype({"age": "Int64", "city": "string"}),
            lambda: {"city": ("Rome", "None"), "age": np.array([30, 41]), "income": [1.5, None]},
            lambda: [{"city": "Rome", "income": np.float32(1.5), "age": np.int8(30)}, BOB],
            lambda: [[30, 1.5, "Rome"], (41, math.nan, "None")],
            lambda: people().to_numpy(),
            lambda: people().set_index("city"),
        ),
        refused=(
            Refused([], "X: expected at least one record, got an empty list", by_schema=False),
            Refused(
                {}, "X: the columns differ: missing 'age', 'income', 'city'", "X.age", hint=KNOWN
            ),
            Refused(
                {"age": [], "income": [], "city": []},
                "X: expected at least one row, got empty columns",
            ),
            Refused(
                [{"age": 30, "city": "Rome"}],
                "X[0]: the columns differ: missing 'income'",
                "X[0].income",
                hint=KNOWN,
            ),
            Refused(
                [ANA, {"age": 30, "incone": 1.0, "city": "Rome"}],
                "X[1]: the columns differ: missing 'income'; unknown 'incone'",
                "X[1].income",
                hint="did you mean 'income'?",
            ),
            Refused(
                [ANA | {"id": 7}], "X[0]: the columns differ: unknown 'id'", "X[0].id", hint=KNOWN
            ),
            Refused([ANA, ANA | {"id": 7}], "X[1]: the columns differ: unknown 'id'", "X[1].id"),
            Refused([ANA, [30, 1.5, "Rome"]], "X[1]: expected an object, got a list of 3", "X[1]"),
            Refused(
                [ANA | {"age": "30"}],
                "X[0].age: expected an integer, got the string '30'",
                "X[0].age",
            ),
            Refused(
                [ANA, ANA | {"age": 30.5}],
                "X[1].age: expected an integer, got the number 30.5",
                "X[1].age",
            ),
            Refused([ANA | {"age": None}], "X[0].age: expected an integer, got null", "X[0].age"),
            Refused([ANA | {"age": True}], "X[0].age: expected an integer, got true", "X[0].age"),
            Refused(
                [ANA | {"age": 2**63}],
                f"X[0].age: expected an integer from {-(2**63)} to {2**63 - 1}, got the number 9223372036854775808",
                "X[0].age",
            ),
            Refused(
                [ANA | {"income": "1.5"}],
                "X[0].income: expected a number, got the string '1.5'",
                "X[0].income",
            ),
            Refused(
                [ANA | {"income": False}],
                "X[0].income: expected a number, got false",
                "X[0].income",
            ),
            Refused(
                [ANA | {"city": None}],
                "X[0].city: expected a text, got null",
                "X[0].city",
                hint="missing values were not in the sample this was saved with",
            ),
            Refused(
                [ANA | {"city": 7}], "X[0].city: expected a text, got the number 7", "X[0].city"
            ),
            Refused(
                [ANA | {"city": ["Rome"]}],
                "X[0].city: expected a text, got a list of 1",
                "X[0].city",
            ),
            Refused(
                ANA,
                "X.age: expected a list of values, got the number 30",
                "X.age",
                hint="a single record goes into a list: [{…}]",
            ),
            Refused(
                {"age": [1, 2], "income": [1.0], "city": ["a", "b"]},
                "X.income: expected 2 values, as in 'age', got 1",
                "X.income",
            ),
            Refused([[30, 1.5]], "X[0]: expected 3 values, one a column, got 2", "X[0]"),
            Refused(
                {"columns": ["age", "age", "city"], "data": [[1, 2, 3]]},
                "X.columns: expected different names, got one twice",
                "X.columns",
            ),
            Refused(
                {"columns": ["age", "income", "city"], "data": []},
                "X.data: expected at least one row, got an empty list",
                "X.data",
            ),
            Refused(
                {"columns": ["age", "income", "city"], "data": [[1]]},
                "X.data[0]: expected 3 values, one a column, got 1",
                "X.data[0]",
            ),
            Refused(
                {"columns": ["age", "city"], "data": [[1, "a"]]},
                "X: the columns differ: missing 'income'",
                "X.income",
            ),
            Refused(
                "age", "X: expected a table (records, columns, split or rows), got the string 'age'"
            ),
            Refused(None, "X: expected a table (records, columns, split or rows), got null"),
            Refused([1, 2, 3], "X[0]: expected an object, got the number 1", "X[0]"),
        ),
        not_native=(
            Refused(
                lambda: people().drop(columns="age"),
                "X: the columns differ: missing 'age'",
                "X.age",
            ),
            Refused(
                lambda: people().rename(columns={"age": "agee"}),
                "X: the columns differ: missing 'age'; unknown 'agee'",
                "X.age",
                hint="did you mean 'age'?",
            ),
            Refused(lambda: people().assign(id=1), "X: the columns differ: unknown 'id'", "X.id"),
            Refused(
                lambda: people().assign(age=[1.5, 2.0]),
                "X.age[0]: expected a value that int64 holds exactly, got 1.5 in an array of float64",
                "X.age[0]",
            ),
            Refused(
                lambda: people().assign(age=["30", "41"]),
                "X.age: expected a column of int64, got one of str",
                "X.age",
                hint="texts are not read as numbers; convert the column first",
            ),
            Refused(
                lambda: people().assign(age=pd.Series(["30", "41"], dtype=object)),
                "X[0].age: expected an integer, got the string '30'",
                "X[0].age",
            ),
            Refused(
                lambda: people().assign(age=[True, False]),
                "X.age: expected a column of int64, got one of bool",
                "X.age",
            ),
            Refused(
                lambda: people().assign(age=pd.array([1, None], dtype="Int64")),
                "X[1].age: expected an integer, got a missing value",
                "X[1].age",
            ),
            Refused(
                lambda: people().assign(city=["Rome", None]),
                "X[1].city: expected a text, got a missing value",
                "X[1].city",
            ),
            Refused(
                lambda: people().assign(city=[1, 2]),
                "X.city: expected a column of str, got one of int64",
                "X.city",
            ),
            Refused(
                lambda: people().assign(income=pd.to_datetime(["2026-01-01", "2026-01-02"])),
                "X.income: expected a column of float64, got one of datetime64[us]",
                "X.income",
            ),
            Refused(
                lambda: pd.concat([people(), people()], axis=1),
                "X: expected different column names, got one twice",
            ),
            Refused(
                lambda: np.zeros((2, 2)), "X: expected 3 columns, got an array of shape (2, 2)"
            ),
            Refused([1, 2], "X: expected 3 columns, got a flat list of 2"),
            Refused("people.csv", "X: expected a table, got the string 'people.csv'"),
            Refused(
                lambda: pd.Series([1, 2], name="age"),
                "X: the columns differ: missing 'income', 'city'",
                "X.income",
            ),
        ),
        equal=equal,
    ),
    TypeCase(
        "one row of numbers",
        lambda: pd.DataFrame({"a": [1.0], "b": [2.0]}),
        {"type": "dataframe", "columns": {"a": "float64", "b": "float64"}},
        [{"a": 1.0, "b": 2.0}],
        rows=1,
        also=([[1.0, 2.0]], [[1, 2]], [{"b": 2, "a": 1}]),
        native=(
            lambda: np.array([[1, 2]]),
            lambda: np.array([1.0, 2.0]),
            lambda: [1.0, 2.0],
            lambda: pd.Series({"b": 2.0, "a": 1.0}),
        ),
        equal=equal,
    ),
    TypeCase(
        "one column",
        lambda: pd.DataFrame({"a": [1.0, 2.0]}),
        {"type": "dataframe", "columns": {"a": "float64"}},
        [{"a": 1.0}, {"a": 2.0}],
        rows=2,
        native=(
            lambda: np.array([1.0, 2.0]),
            lambda: [1.0, 2.0],
            lambda: pd.Series([1.0, 2.0]),
            lambda: pd.Series([1.0, 2.0], name="a"),
        ),
        equal=equal,
    ),
    TypeCase(
        "special floats",
        lambda: pd.DataFrame({"x": [math.inf, -math.inf, math.nan, -0.0, 5e-324]}),
        {"type": "dataframe", "columns": {"x": "float64"}},
        [{"x": "Infinity"}, {"x": "-Infinity"}, {"x": None}, {"x": -0.0}, {"x": 5e-324}],
        rows=5,
        equal=equal,
    ),
    TypeCase(
        "every dtype",
        every_dtype,
        {"type": "dataframe", "columns": EVERY_DTYPE},
        [FULL, GAPS],
        rows=2,
        refused=(
            Refused(
                [FULL | {"kind": "c"}],
                "X[0].kind: expected one of the known categories, got the string 'c'",
                "X[0].kind",
                hint="known: 'a', 'b'",
            ),
            Refused(
                [FULL | {"level": True}],
                "X[0].level: expected one of the known categories, got true",
                "X[0].level",
            ),
            Refused(
                [FULL | {"level": None}],
                "X[0].level: expected one of the known categories, got null",
                "X[0].level",
            ),
            Refused(
                [FULL | {"i1": 128}],
                "X[0].i1: expected an integer from -128 to 127, got the number 128",
                "X[0].i1",
            ),
            Refused(
                [FULL | {"maybe": 1.5}],
                "X[0].maybe: expected an integer, got the number 1.5",
                "X[0].maybe",
            ),
            Refused(
                [FULL | {"maybe_flag": 1}],
                "X[0].maybe_flag: expected true or false, got the number 1",
                "X[0].maybe_flag",
            ),
            Refused(
                [FULL | {"there": "2026-03-29T01:30:00"}],
                "X[0].there: expected an ISO 8601 date and time with an offset, in whole units of us, "
                "got the string '2026-03-29T01:30:00'",
                "X[0].there",
                by_schema=False,
            ),
            Refused(
                [FULL | {"took": 1}],
                "X[0].took: expected an ISO 8601 duration, got the number 1",
                "X[0].took",
            ),
            Refused(
                [FULL | {"objects": 1}],
                "X[0].objects: expected a text, got the number 1",
                "X[0].objects",
            ),
            Refused(
                [FULL | {"mixed": []}],
                "X[0].mixed: expected a text, number, boolean or null, got a list of 0",
                "X[0].mixed",
            ),
        ),
        not_native=(
            Refused(
                lambda: every_dtype().assign(kind=pd.Categorical(["c", "a"])),
                "X[0].kind: expected one of the known categories, got the string 'c'",
                "X[0].kind",
            ),
            Refused(
                lambda: every_dtype().assign(there=pd.to_datetime(["2026-01-01", "2026-01-02"])),
                "X.there: expected a column of datetime64[us, Europe/Berlin], got one of datetime64[us]",
                "X.there",
                hint=".dt.tz_localize(zone) makes naive times aware, .dt.tz_localize(None) the other way",
            ),
            Refused(
                lambda: every_dtype().assign(took=pd.to_timedelta([1, 2], unit="us")),
                "X[0].took: expected whole units of ms in its range, got PT0.000001S",
                "X[0].took",
            ),
        ),
        native=(
            lambda: every_dtype().assign(kind=pd.Categorical(["b", None], categories=["z", "b"])),
            lambda: every_dtype().assign(at=["2026-03-29T01:30:00", None]),
            lambda: every_dtype().assign(
                there=every_dtype()["there"].dt.tz_convert("UTC").dt.as_unit("ns")
            ),
        ),
        equal=equal,
    ),
    TypeCase(
        "integer names",
        lambda: pd.DataFrame(np.array([[1.0, 2.0]])),
        {"type": "dataframe", "columns": {"0": "float64", "1": "float64"}, "names": "integer"},
        [{"0": 1.0, "1": 2.0}],
        rows=1,
        also=([[1.0, 2.0]], {"columns": [1, 0], "data": [[2.0, 1.0]]}),
        native=(
            lambda: pd.DataFrame({"1": [2.0], "0": [1.0]}),
            lambda: pd.DataFrame({1: [2.0], 0: [1.0]}),
        ),
        equal=equal,
    ),
    TypeCase(
        "named index",
        lambda: pd.DataFrame({"x": [1.0]}, index=pd.Index([7], name="id")),
        {"type": "dataframe", "columns": {"x": "float64"}, "index": {"id": "int64"}},
        [{"id": 7, "x": 1.0}],
        rows=1,
        also=({"id": [7], "x": [1.0]}, {"columns": ["x", "id"], "data": [[1.0, 7]]}),
        native=(lambda: pd.DataFrame({"x": [1.0], "id": [7]}),),
        refused=(
            Refused(
                [{"id": "7", "x": 1.0}],
                "X[0].id: expected an integer, got the string '7'",
                "X[0].id",
            ),
        ),
        equal=equal,
    ),
    TypeCase(
        "two named levels",
        lambda: pd.DataFrame(
            {"x": [1.0, 2.0]},
            index=pd.MultiIndex.from_arrays([["a", "b"], [1, 2]], names=["k", "n"]),
        ),
        {"type": "dataframe", "columns": {"x": "float64"}, "index": {"k": "str", "n": "int64"}},
        [{"k": "a", "n": 1, "x": 1.0}, {"k": "b", "n": 2, "x": 2.0}],
        rows=2,
        equal=equal,
    ),
    TypeCase(
        "shuffled index",
        lambda: pd.DataFrame({"x": [1.0, 2.0]}, index=[5, 2]),
        {"type": "dataframe", "columns": {"x": "float64"}},
        [{"x": 1.0}, {"x": 2.0}],
        rows=2,
        equal=equal,
    ),
    TypeCase(
        "columns called like a form",
        lambda: pd.DataFrame({"columns": [1], "data": [2], "values": [3]}),
        {"type": "dataframe", "columns": {"columns": "int64", "data": "int64", "values": "int64"}},
        [{"columns": 1, "data": 2, "values": 3}],
        rows=1,
        also=(
            {"columns": [1], "data": [2], "values": [3]},
            {"values": [{"columns": 1, "data": 2, "values": 3}]},
        ),
        equal=equal,
    ),
    TypeCase(
        "series",
        lambda: pd.Series([1, 0], name="target"),
        {"type": "series", "name": "target", "dtype": "int64"},
        [1, 0],
        rows=2,
        also=([1.0, 0],),
        native=(
            lambda: [1, 0],
            lambda: np.array([1, 0]),
            lambda: pd.Series([1.0, 0.0]),
            lambda: pd.DataFrame({"target": [1, 0]}),
        ),
        refused=(
            Refused([], "X: expected at least one value, got an empty list", by_schema=False),
            Refused([1, "0"], "X[1]: expected an integer, got the string '0'", "X[1]"),
            Refused({"0": 1}, "X: expected a list, got an object with '0'"),
        ),
        not_native=(
            Refused(lambda: pd.Series(["1"]), "X: expected a column of int64, got one of str"),
            Refused("10", "X: expected a series, got the string '10'"),
            Refused(lambda: np.zeros((2, 2)), "X: expected a series, got a numpy.ndarray"),
        ),
        equal=equal,
    ),
    TypeCase(
        "series of categories",
        lambda: pd.Series(pd.Categorical(["a", None])),
        {"type": "series", "dtype": "category", "nullable": True, "categories": ["a"]},
        ["a", None],
        rows=2,
        equal=equal,
    ),
]
