"""Parquet, through pyarrow."""

from __future__ import annotations

import io

import pandas as pd

from cases.formats.tables import ARRAYS, FOREIGN, FRAMES, MIXED, NANS, OTHER_ARRAYS, SERIES, VALUES
from modelyard.objects.formats import parquet
from modelyard.testing.formats import Case


def file_of(frame: pd.DataFrame) -> bytes:
    out = io.BytesIO()
    frame.to_parquet(out)
    return out.getvalue()


def case() -> Case:
    return Case(
        format=parquet,
        holds={**FRAMES, **FOREIGN, "nans": NANS, **SERIES, **ARRAYS},
        refuses={**OTHER_ARRAYS, **VALUES, "mixed": MIXED},
        broken={
            "nothing": (b"", "this is no parquet file"),
            "text": (b"a,b\n1,2\n", "this is no parquet file"),
        },
        misfits={
            "other columns": (
                file_of(pd.DataFrame({"b": [1.0]})),
                FRAMES["one float"],
                "missing 'a'; unknown 'b'",
            ),
            "other types": (
                file_of(pd.DataFrame({"a": ["x"]})),
                FRAMES["one float"],
                "expected a column of float64",
            ),
        },
        seekable=True,
        ends=True,
    )
