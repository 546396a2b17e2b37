"""Lists, tuples, sets and dicts."""

from __future__ import annotations

import math
from collections import OrderedDict

import numpy as np

from modelyard.testing.types import Refused, TypeCase

CASES = [
    TypeCase(
        "list",
        lambda: [1, 2, 3],
        {"type": "list", "items": "integer"},
        [1, 2, 3],
        rows=3,
        also=([1.0, 2, 3.0],),
        native=(lambda: (1, 2, 3), lambda: np.array([1, 2, 3]), lambda: [np.int8(1), 2.0, 3]),
        refused=(
            Refused([1, 2, "3"], "X[2]: expected an integer, got the string '3'", "X[2]"),
            Refused({"0": 1}, "X: expected a list, got an object with '0'"),
            Refused("123", "X: expected a list, got the string '123'"),
        ),
        not_native=(
            Refused(lambda: np.zeros((2, 2)), "X: expected a list, got a numpy.ndarray"),
            Refused({1, 2}, "X: expected a list, got a set"),
        ),
    ),
    TypeCase("empty list", list, {"type": "list", "items": "any"}, [], rows=0),
    TypeCase(
        "numbers",
        lambda: [1.5, math.nan, math.inf, -0.0],
        {"type": "list", "items": "number"},
        [1.5, "NaN", "Infinity", -0.0],
        rows=4,
    ),
    TypeCase(
        "missing values",
        lambda: [None, 1.5],
        {"type": "list", "items": {"type": "optional", "of": "number"}},
        [None, 1.5],
        rows=2,
    ),
    TypeCase(
        "mixed",
        lambda: [1, "1", True, None],
        {
            "type": "list",
            "items": {
                "type": "optional",
                "of": {"type": "union", "of": ["integer", "string", "boolean"]},
            },
        },
        [1, "1", True, None],
        rows=4,
        refused=(
            Refused(
                [{}], "X[0]: expected integer or string or boolean, got an empty object", "X[0]"
            ),
        ),
    ),
    TypeCase(
        "rows",
        lambda: [[1.0], [], [2.5, 3.5]],
        {"type": "list", "items": {"type": "list", "items": "number"}},
        [[1.0], [], [2.5, 3.5]],
        rows=3,
    ),
    TypeCase(
        "records",
        lambda: [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}],
        {"type": "list", "items": {"type": "dict", "fields": {"a": "integer", "b": "string"}}},
        [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}],
        rows=2,
        refused=(
            Refused(
                [{"a": 1}], "X[0].b: expected a value, got nothing: the field is missing", "X[0].b"
            ),
            Refused(
                [{"a": 1, "b": "x", "B": 1}],
                "X[0].B: expected no such field, got one that is unknown",
                "X[0].B",
                hint="known: 'a', 'b'",
            ),
            Refused(
                [{"a": "1", "b": "x"}], "X[0].a: expected an integer, got the string '1'", "X[0].a"
            ),
        ),
    ),
    TypeCase(
        "tuple",
        lambda: (1, "a", [2.5]),
        {"type": "tuple", "items": ["integer", "string", {"type": "list", "items": "number"}]},
        [1, "a", [2.5]],
        native=(lambda: [1, "a", (2.5,)],),
        refused=(
            Refused([1, "a"], "X: expected a list of 3, got a list of 2"),
            Refused([1, 2, []], "X[1]: expected a text, got the number 2", "X[1]"),
        ),
    ),
    TypeCase("empty tuple", tuple, {"type": "tuple", "items": []}, []),
    TypeCase(
        "set",
        lambda: {3, 1, 2},
        {"type": "set", "items": "integer"},
        [1, 2, 3],
        also=([3, 2, 1],),
        native=(lambda: frozenset([1, 2, 3]),),
        refused=(Refused([1, 1], "X: expected different items, got the same one twice"),),
        not_native=(Refused([1, 2], "X: expected a set, got a list of 2"),),
    ),
    TypeCase(
        "fields",
        lambda: {"name": "ana", "age": 30, "boss": None},
        {"type": "dict", "fields": {"name": "string", "age": "integer", "boss": "any"}},
        {"name": "ana", "age": 30, "boss": None},
        native=(lambda: OrderedDict(name="ana", age=30, boss=None),),
    ),
    TypeCase(
        "probabilities",
        lambda: {"setosa": 0.9, "virginica": 0.1},
        {"type": "dict", "keys": "string", "values": "number"},
        {"setosa": 0.9, "virginica": 0.1},
        refused=(Refused({"a": "0.9"}, "X.a: expected a number, got the string '0.9'", "X.a"),),
    ),
    TypeCase(
        "integer keys",
        lambda: {0: 0.9, -1: 0.1},
        {"type": "dict", "keys": "integer", "values": "number"},
        {"0": 0.9, "-1": 0.1},
        native=(lambda: {np.int64(0): np.float64(0.9), np.int64(-1): 0.1},),
        refused=(
            Refused(
                {"01": 0.9},
                "X.01: expected an integer as key, got the string '01'",
                "X.01",
                by_schema=False,
            ),
            Refused({"a": 0.9}, "X.a: expected an integer as key, got the string 'a'", "X.a"),
        ),
    ),
    TypeCase(
        "keys that look alike",
        lambda: {1: "a", "1": "b"},
        {
            "type": "dict",
            "keys": {"type": "union", "of": ["integer", "string"]},
            "values": "string",
        },
        [[1, "a"], ["1", "b"]],
        refused=(
            Refused(
                [[1, "a"], [1, "b"]],
                "X: expected different keys, got the same key twice",
                by_schema=False,
            ),
            Refused({"1": "a"}, "X: expected a list, got an object with '1'"),
        ),
    ),
    TypeCase(
        "tuple keys",
        lambda: {(1, "a"): 1.0},
        {
            "type": "dict",
            "keys": {"type": "tuple", "items": ["integer", "string"]},
            "values": "number",
        },
        [[[1, "a"], 1.0]],
    ),
    TypeCase("empty dict", dict, {"type": "dict", "keys": "string", "values": "any"}, {}),
]
