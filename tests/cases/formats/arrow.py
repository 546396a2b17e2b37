"""Arrow IPC, through pyarrow."""

from __future__ import annotations

import io
from typing import Any

import pandas as pd
import pyarrow as pa

from cases.formats.tables import ARRAYS, FOREIGN, FRAMES, MIXED, NANS, OTHER_ARRAYS, SERIES, VALUES
from modelyard.objects.formats import arrow
from modelyard.testing.formats import Case


def file_of(frame: pd.DataFrame, *, stream: bool = False) -> bytes:
    table, out = pa.Table.from_pandas(frame), io.BytesIO()
    with (pa.ipc.new_stream if stream else pa.ipc.new_file)(out, table.schema) as writer:
        writer.write_table(table)
    return out.getvalue()


def case(format: Any = arrow) -> Case:
    name = format.NAME
    return Case(
        format=format,
        holds={**FRAMES, **FOREIGN, "nans": NANS, **SERIES, **ARRAYS},
        refuses={**OTHER_ARRAYS, **VALUES, "mixed": MIXED},
        broken={
            "nothing": (b"", f"this is no {name} file"),
            "text": (b"a,b\n1,2\n", f"this is no {name} file"),
        },
        misfits={
            "other columns": (
                file_of(pd.DataFrame({"b": [1.0]})),
                FRAMES["one float"],
                "missing 'a'; unknown 'b'",
            ),
            "other types, in a stream": (
                file_of(pd.DataFrame({"a": ["x"]}), stream=True),
                FRAMES["one float"],
                "expected a column of float64",
            ),
        },
        ends=True,
    )
