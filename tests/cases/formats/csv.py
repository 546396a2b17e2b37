"""Comma-separated text."""

from __future__ import annotations

import pandas as pd

from cases.formats.tables import ARRAYS, FOREIGN, FRAMES, MIXED, OTHER_ARRAYS, SERIES, VALUES
from modelyard.objects.formats import csv
from modelyard.testing.formats import Case

AGES = pd.DataFrame({"name": ["a"], "age": [1], "at": pd.Series(["2020-01-01"]).astype("M8[us]")})
GRADES = pd.DataFrame({"grade": pd.Categorical([1, 2]), "x": [1.0, 2.0]})
SMALL = pd.DataFrame({"x": pd.Series([1], dtype="int8"), "y": pd.Series([1], dtype="float32")})


def case() -> Case:
    return Case(
        format=csv,
        holds={**FRAMES, **FOREIGN, **SERIES, **ARRAYS},
        refuses={**OTHER_ARRAYS, **VALUES, "mixed": MIXED},
        broken={
            "nothing": (b"", "the csv is empty: it has no header"),
            "blank": (b"\r\n\n", "the csv is empty: it has no header"),
            "cp1252": (
                b"a,b\n1,2\n3,caf\xe9\n",
                "the csv is not UTF-8: byte 13 in line 3 is 0xe9",
            ),
            "utf-16": ("a,b\n1,2\n".encode("utf-16"), "it is UTF-16"),
            "short": (b"a,b\n1,2\n3\n4,5\n", "line 3 of the csv: 1 fields, and the header has 2"),
            "long": (
                b'a,b\n"1\n",2\n\n3,4,5\n',
                "line 5 of the csv: 3 fields, and the header has 2",
            ),
            "twice": (b"a,b,a\n1,2,3\n", "columns of the same name: 'a'"),
            "nameless": (b",a\n0,1\n", "column 1 of the csv has no name"),
            "unclosed": (b'a,b\n1,2\n"3,4\n', "line 3 of the csv: a quoted field begins"),
            "inside": (b'a,b\n1,5" pipe"\n', "line 2 of the csv: a quote stands inside a field"),
            "behind": (b'a,b\n1,2\n"x"y,3\n', "line 3 of the csv: a quote stands inside a field"),
            "binary": (b"a,b\n1,\x00\n", "line 2 of the csv: there is a NUL"),
            "old line ends": (b"a,b\r1,2\r", "line 1 of the csv: a carriage return"),
        },
        misfits={
            "text for integer": (
                b"name,age,at\nx,1,2020-01-01\ny,abc,2020-01-02\n",
                AGES,
                "line 3, column 'age': expected an integer, got the string 'abc'",
            ),
            "missing integer": (
                b"name,age,at\nx,,2020-01-01\n",
                AGES,
                "line 2, column 'age': expected an integer, got the string ''",
            ),
            "fraction": (
                b"name,age,at\nx,1.5,2020-01-01\n",
                AGES,
                "line 2, column 'age': expected an integer",
            ),
            "other dates": (
                b'name,age,at\n"x\ny",1,2020-01-01\nz,1,01/02/2020\n',
                AGES,
                "line 4, column 'at': expected an ISO 8601 date and time",
            ),
            "missing column": (b"name,at\nx,2020-01-01\n", AGES, "missing 'age'"),
            "more columns": (b"name,age,at,b\nx,1,2020-01-01,2\n", AGES, "unknown 'b'"),
            "category": (b"grade,x\n1,2\n7,2\n", GRADES, "line 3, column 'grade'"),
            "narrow integer": (b"x,y\n1,1\n300,1\n", SMALL, "line 3, column 'x': expected"),
            "narrow float": (b"x,y\n1,1\n\n1,1e39\n", SMALL, "line 4, column 'y': expected"),
            "width": (b"a,b,c\n1,2,3\n", ARRAYS["matrix"], "shape"),
        },
    )
