"""JSON lines: rows and items."""

from __future__ import annotations

from cases.formats.tables import ARRAYS, FOREIGN, FRAMES, MIXED, NANS, OTHER_ARRAYS, SERIES, VALUES
from modelyard.objects.formats import jsonl
from modelyard.testing.formats import Case

ROWS = {k: v for k, v in OTHER_ARRAYS.items() if k != "none"}


def case() -> Case:
    return Case(
        format=jsonl,
        holds={
            **FRAMES,
            **FOREIGN,
            "nans": NANS,
            **SERIES,
            **ARRAYS,
            **ROWS,
            "list": [1, 2, 3],
            "mixed": MIXED,
        },
        refuses={k: VALUES[k] for k in ("text", "number", "nothing", "nested", "pair")},
        broken={
            "half": (b'{"a": 1}\n\n{"a": \n', "line 3 of the jsonl cannot be read"),
            "twice": (b'{"a": 1, "a": 2}\n', "the key 'a' stands twice"),
        },
        misfits={
            "half": (b'{"a": 1.5}\n\n{"a": \n', FRAMES["one float"], "line 3 of the jsonl"),
            "text": (
                b'\n{"a": 1.5}\n{"a": "x"}\n',
                FRAMES["one float"],
                "line 3, column 'a': expected",
            ),
            "column": (
                b'{"a": 1.5}\n{"b": 2}\n',
                FRAMES["one float"],
                "line 2: the columns differ",
            ),
        },
    )
