"""Excel workbooks, read by openpyxl; the foreign ones are written by it."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import polars as pl

from cases.formats.tables import FRAMES, MIXED, OTHER_ARRAYS, SERIES, TIMES, VALUES
from modelyard.objects.formats import excel
from modelyard.testing.formats import Case

PLAIN = FRAMES["plain"].drop(columns="large").assign(count=[1, -2, 2**53])
NUMBERS = FRAMES["numbers"].drop(columns=["int64", "uint64", "float32"])
NULLABLE = FRAMES["nullable"].drop(columns="Int64")
MOMENTS = pd.DataFrame(
    {
        "ms": pd.Series(["1900-03-01T00:00:00.001", None, "9999-12-31T23:59:59.999"]).astype(
            "M8[ms]"
        ),
        "s": pd.Series(["2024-02-29T12:34:56", "1999-12-31", None]).astype("M8[s]"),
    }
)
TEXTS = pd.DataFrame({"a": ["=1+1", "\x00\x1f\r\n\t", "_x0041_", " ", "<&>", "'5", "2024-01-01"]})
POLARS = FRAMES["plain"][["zip", "yes"]]


def book(*rows: Any, more: tuple[str, ...] = ()) -> bytes:
    made = openpyxl.Workbook()
    for row in rows:
        made.active.append(row)  # type: ignore[union-attr]  # a new workbook has a sheet
    for title in more:
        made.create_sheet(title)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def case() -> Case:
    return Case(
        format=excel,
        holds={
            "plain": PLAIN,
            "numbers": NUMBERS,
            "nullable": NULLABLE,
            "moments": MOMENTS,
            "texts": TEXTS,
            "mixed": MIXED,
            **{n: FRAMES[n] for n in ("categories", "arrow", "indexed", "numbered", "one text")},
            **{n: FRAMES[n] for n in ("one float", "returns", "empty")},
            **SERIES,
            "matrix": np.array([[0.1, np.nan], [-0.0, 1 / 3], [1, 2]]),
            "polars": pl.DataFrame(
                {"i": [2**53, None], "t": ["007", None], "f": [0.1 + 0.2, None], "b": [True, None]}
            ),
        },
        refuses={
            **OTHER_ARRAYS,
            **VALUES,
            "zones": TIMES[["zone"]],
            "durations": TIMES[["duration"]],
        },
        broken={
            "nothing": (b"", "this is no Excel workbook"),
            "text": (b"a,b\n1,2\n", "this is no Excel workbook"),
            "no header": (book(), "has to name the columns"),
            "a column twice": (book(["a", "a"]), "has to name the columns"),
            "more cells than names": (book(["a"], [1, 2]), "row 2 has 2 cells"),
        },
        misfits={
            "other columns": (book(["b"], [1.0]), FRAMES["one float"], "missing 'a'; unknown 'b'"),
            "other types": (
                book(["a"], [1], ["x"]),
                FRAMES["one float"],
                "line 3, column 'a': expected a number, got the string 'x'",
            ),
            "numbers for texts": (
                book(["a"], [7]),
                FRAMES["one text"],
                "line 2, column 'a': expected a text, got the number 7",
            ),
        },
    )
