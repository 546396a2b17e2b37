"""Tab-separated text: as csv, with its own separator."""

from __future__ import annotations

from cases.formats.tables import ARRAYS, FOREIGN, FRAMES, MIXED, SERIES, VALUES
from modelyard.objects.formats import tsv
from modelyard.testing.formats import Case


def case() -> Case:
    return Case(
        format=tsv,
        holds={**FRAMES, **FOREIGN, **SERIES, **ARRAYS},
        refuses={**VALUES, "mixed": MIXED},
        broken={
            "nothing": (b"", "the tsv is empty: it has no header"),
            "short": (b"a\tb\n1\t2\n3,4\n", "line 3 of the tsv: 1 fields, and the header has 2"),
        },
    )
