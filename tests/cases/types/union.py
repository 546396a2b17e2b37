"""Types that leave a choice, as they stand inside others."""

from __future__ import annotations

from modelyard.testing.types import Refused, TypeCase

CASES = [
    TypeCase(
        "union of lists",
        lambda: [[1], "a", {"k": 1.5}],
        {
            "type": "list",
            "items": {
                "type": "union",
                "of": [
                    {"type": "list", "items": "integer"},
                    "string",
                    {"type": "dict", "keys": "string", "values": "number"},
                ],
            },
        },
        [[1], "a", {"k": 1.5}],
        rows=3,
        refused=(
            Refused([[1.5]], "X[0]: expected list or string or dict, got a list of 1", "X[0]"),
            Refused([None], "X[0]: expected list or string or dict, got null", "X[0]"),
        ),
    ),
    TypeCase(
        "optional dict",
        lambda: [None, {"a": 1, "b": "x"}],
        {
            "type": "list",
            "items": {
                "type": "optional",
                "of": {"type": "dict", "fields": {"a": "integer", "b": "string"}},
            },
        },
        [None, {"a": 1, "b": "x"}],
        rows=2,
    ),
]
