"""JSON: any value."""

from __future__ import annotations

from cases.formats.tables import ARRAYS, FOREIGN, FRAMES, MIXED, NANS, OTHER_ARRAYS, SERIES, VALUES
from modelyard.objects.formats import json
from modelyard.testing.formats import Case


def case() -> Case:
    return Case(
        format=json,
        holds={
            **FRAMES,
            **FOREIGN,
            "nans": NANS,
            **SERIES,
            **ARRAYS,
            **OTHER_ARRAYS,
            **VALUES,
            "mixed": MIXED,
        },
        broken={
            "nothing": (b"", "the json cannot be read"),
            "half": (b'{"a": [1, 2', "line 1, column 12"),
            "twice": (b'{"a": 1, "a": 2}', "the key 'a' stands twice"),
            "nan": (b"[1, NaN]", "NaN is no JSON"),
            "infinity": (b"[-Infinity]", "-Infinity is no JSON"),
            "deep": (b"[" * 100_000, "nested too deeply"),
            "cp1252": (b'["caf\xe9"]', "byte 5"),
        },
        misfits={
            "nan": (b"[1, NaN]", [1.5], "line 1, column 5"),
            "text for number": (b'[1, "x"]', [1.5], "[1]: expected a number"),
            "large": (b"[1e400]", [1.5], "cannot be read"),
        },
        ends=True,
    )
