"""Arrays and scalars of numpy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from modelyard.testing.types import Refused, TypeCase


def equal(a: Any, b: Any) -> bool:
    """Of one class, shape and dtype, and equal to the sign of zero; text may be of any width."""
    if type(a) is not type(b) or np.shape(a) != np.shape(b):
        return False
    if a.dtype != b.dtype and not a.dtype.kind == b.dtype.kind in "US":
        return False
    if a.dtype.kind == "O":
        return list(map(repr, a.ravel().tolist())) == list(map(repr, b.ravel().tolist()))
    if a.dtype.kind == "f":
        return np.array_equal(np.signbit(a), np.signbit(b)) and np.array_equal(a, b, equal_nan=True)
    return np.array_equal(a, b, equal_nan=a.dtype.kind in "mMc")


def objects(*values: Any) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


POINTS = np.dtype([("id", "i4"), ("name", "U5"), ("at", "M8[D]")])

CASES = [
    TypeCase(
        "matrix",
        lambda: np.array([[1.5, 2.0], [-0.0, 4.0], [5e-324, 1e308]]),
        {"type": "array", "dtype": "float64", "shape": [None, 2]},
        [[1.5, 2.0], [-0.0, 4.0], [5e-324, 1e308]],
        rows=3,
        also=([[1.5, 2], [-0.0, 4], [5e-324, 1e308]],),
        native=(lambda: [[1.5, 2], [-0.0, 4.0], (5e-324, 1e308)],),
        refused=(
            Refused([], "X: expected at least one element, got an empty list", by_schema=False),
            Refused([[1.0]], "X[0]: expected a list of 2, got one of 1", "X[0]"),
            Refused([[1.0, 2.0], [1.0]], "X[1]: expected a list of 2, got one of 1", "X[1]"),
            Refused([1.0, 2.0], "X[0]: expected a list (shape (2)), got the number 1.0", "X[0]"),
            Refused([[1.0, "2"]], "X[0][1]: expected a number, got the string '2'", "X[0][1]"),
            Refused([[1.0, 2.0], [True, 1.0]], "X[1][0]: expected a number, got true", "X[1][0]"),
            Refused([[[1.0], 2.0]], "X[0][0]: expected a number, got a list of 1", "X[0][0]"),
            Refused("ab", "X: expected a list (shape (any, 2)), got the string 'ab'"),
            Refused(
                [[2**53 + 1, 0.0]],
                "X[0][0]: expected a number that float64 can hold, got the number 9007199254740993",
                "X[0][0]",
                by_schema=False,
            ),
        ),
        not_native=(
            Refused(lambda: np.zeros((2, 3)), "X: expected an array of shape (any, 2), got (2, 3)"),
            Refused(
                lambda: np.array([["a", "b"]]), "X: expected an array of float64, got one of <U1"
            ),
            Refused(
                lambda: np.array([[True, False]]),
                "X: expected an array of float64, got one of bool",
            ),
            Refused([["1", "2"]], "X: expected an array of float64, got one of arbitrary objects"),
            Refused(
                [[1.0], [1.0, 2.0]], "X: expected an array, got nested lists of different lengths"
            ),
            Refused(
                lambda: np.ma.zeros((1, 2)), "X: expected an array, got a numpy.ma.MaskedArray"
            ),
        ),
        equal=equal,
    ),
    TypeCase(
        "missing and infinite",
        lambda: np.array([1.0, math.nan, math.inf, -math.inf]),
        {"type": "array", "dtype": "float64", "shape": [None]},
        [1.0, None, "Infinity", "-Infinity"],
        rows=4,
        also=([1.0, "NaN", "Infinity", "-Infinity"],),
        refused=(Refused(["inf"], "X[0]: expected a number, got the string 'inf'", "X[0]"),),
        equal=equal,
    ),
    TypeCase(
        "float32",
        lambda: np.array([0.1, 3.4028235e38], dtype=np.float32),
        {"type": "array", "dtype": "float32", "shape": [None]},
        [0.10000000149011612, 3.4028234663852886e38],
        rows=2,
        also=([0.1, 3.4028235e38],),
        native=(lambda: np.array([0.1, 3.4028235e38], dtype=np.float32).astype(np.float64),),
        refused=(
            Refused(
                [1e39],
                "X[0]: expected a number that float32 can hold, got the number 1e+39",
                "X[0]",
                by_schema=False,
            ),
        ),
        not_native=(
            Refused(
                lambda: np.array([0.1]),
                "X[0]: expected a value that float32 holds exactly, got 0.1 in an array of float64",
                "X[0]",
            ),
        ),
        equal=equal,
    ),
    TypeCase(
        "int64",
        lambda: np.array([-(2**63), 0, 2**63 - 1]),
        {"type": "array", "dtype": "int64", "shape": [None]},
        [-(2**63), 0, 2**63 - 1],
        rows=3,
        refused=(
            Refused([1.5], "X[0]: expected an integer, got the number 1.5", "X[0]"),
            Refused([None], "X[0]: expected an integer, got null", "X[0]"),
            Refused(
                [0, 2**63],
                f"X[1]: expected an integer from {-(2**63)} to {2**63 - 1}, got the number 9223372036854775808",
                "X[1]",
            ),
        ),
        not_native=(
            Refused(
                lambda: np.array([1.5]),
                "X[0]: expected a value that int64 holds exactly, got 1.5 in an array of float64",
                "X[0]",
            ),
            Refused(
                lambda: np.array([1, 2**63], dtype=np.uint64),
                "X[1]: expected a value that int64 holds exactly, got 9223372036854775808 in an array of uint64",
                "X[1]",
            ),
            Refused(
                lambda: np.array([math.nan]),
                "X[0]: expected a value that int64 holds exactly, got nan in an array of float64",
                "X[0]",
            ),
            Refused(
                lambda: np.array([2.0**63]),
                "X[0]: expected a value that int64 holds exactly, got 9.223372036854776e+18 in an array of float64",
                "X[0]",
            ),
        ),
        equal=equal,
    ),
    TypeCase(
        "int8",
        lambda: np.array([[-128, 127]], dtype=np.int8),
        {"type": "array", "dtype": "int8", "shape": [None, 2]},
        [[-128, 127]],
        rows=1,
        also=([[-128.0, 127]],),
        native=(lambda: np.array([[-128, 127]]), lambda: np.array([[-128.0, 127.0]])),
        refused=(
            Refused(
                [[0, 128]],
                "X[0][1]: expected an integer from -128 to 127, got the number 128",
                "X[0][1]",
            ),
        ),
        not_native=(
            Refused(
                lambda: np.array([[0, 300]]),
                "X[0][1]: expected a value that int8 holds exactly, got 300 in an array of int64",
                "X[0][1]",
            ),
        ),
        equal=equal,
    ),
    TypeCase(
        "uint64",
        lambda: np.array([2**64 - 1], dtype=np.uint64),
        {"type": "array", "dtype": "uint64", "shape": [None]},
        [2**64 - 1],
        rows=1,
        refused=(
            Refused(
                [-1], f"X[0]: expected an integer from 0 to {2**64 - 1}, got the number -1", "X[0]"
            ),
        ),
        not_native=(
            Refused(
                lambda: np.array([-1]),
                "X[0]: expected a value that uint64 holds exactly, got -1 in an array of int64",
                "X[0]",
            ),
        ),
        equal=equal,
    ),
    TypeCase(
        "booleans",
        lambda: np.array([True, False]),
        {"type": "array", "dtype": "bool", "shape": [None]},
        [True, False],
        rows=2,
        refused=(
            Refused([1, 0], "X[0]: expected true or false, got the number 1", "X[0]"),
            Refused([None], "X[0]: expected true or false, got null", "X[0]"),
        ),
        not_native=(
            Refused(lambda: np.array([1]), "X: expected an array of bool, got one of int64"),
        ),
        equal=equal,
    ),
    TypeCase(
        "texts",
        lambda: np.array(["None", "é🙂", ""]),
        {"type": "array", "dtype": "str", "shape": [None]},
        ["None", "é🙂", ""],
        rows=3,
        native=(lambda: ["None", "é🙂", ""], lambda: objects("None", "é🙂", "")),
        refused=(
            Refused([1], "X[0]: expected a text, got the number 1", "X[0]"),
            Refused([None], "X[0]: expected a text, got null", "X[0]"),
            Refused(
                ["a\x00"],
                "X[0]: expected a text that does not end in NUL, got the string 'a\\x00'",
                "X[0]",
                by_schema=False,
            ),
        ),
        not_native=(
            Refused(lambda: np.array([1]), "X: expected an array of str, got one of int64"),
            Refused(["a", 1], "X[1]: expected a text, got the number 1", "X[1]"),
        ),
        equal=equal,
    ),
    TypeCase(
        "bytes",
        lambda: np.array([b"ab", b"\xff"]),
        {"type": "array", "dtype": "bytes", "shape": [None]},
        ["YWI=", "/w=="],
        rows=2,
        refused=(
            Refused(
                ["YQA="],
                "X[0]: expected base64 text that does not end in NUL, got the string 'YQA='",
                "X[0]",
                by_schema=False,
            ),
        ),
        equal=equal,
    ),
    TypeCase(
        "objects of text",
        lambda: objects("a", None, "None"),
        {"type": "array", "dtype": "object", "shape": [None], "items": "string"},
        ["a", None, "None"],
        rows=3,
        native=(lambda: ["a", None, "None"],),
        refused=(Refused(["a", 1], "X[1]: expected a text, got the number 1", "X[1]"),),
        not_native=(
            Refused(lambda: objects("a", 1), "X[1]: expected a text, got the number 1", "X[1]"),
        ),
        equal=equal,
    ),
    TypeCase(
        "objects with NaN",
        lambda: objects("a", math.nan),
        {"type": "array", "dtype": "object", "shape": [None], "items": "string", "missing": "nan"},
        ["a", None],
        rows=2,
        equal=equal,
    ),
    TypeCase(
        "mixed objects",
        lambda: objects(1, "1", True, None, 1.5),
        {"type": "array", "dtype": "object", "shape": [None], "items": "mixed"},
        [1, "1", True, None, 1.5],
        rows=5,
        refused=(
            Refused(
                [[1]], "X[0]: expected a text, number, boolean or null, got a list of 1", "X[0]"
            ),
        ),
        equal=equal,
    ),
    TypeCase(
        "moments",
        lambda: np.array(
            ["2026-01-01T00:00:00.000000001", "NaT", "1677-09-21T00:12:43.145224193"],
            dtype="M8[ns]",
        ),
        {"type": "array", "dtype": "datetime64[ns]", "shape": [None]},
        ["2026-01-01T00:00:00.000000001", None, "1677-09-21T00:12:43.145224193"],
        rows=3,
        refused=(
            Refused(
                ["2026-01-01T00:00:00Z"],
                "X[0]: expected an ISO 8601 date and time without an offset, in whole units of ns, "
                "got the string '2026-01-01T00:00:00Z'",
                "X[0]",
                by_schema=False,
            ),
            Refused(
                ["1500-01-01T00:00:00"],
                "X[0]: expected an ISO 8601 date and time without an offset, in whole units of ns, "
                "got the string '1500-01-01T00:00:00'",
                "X[0]",
                by_schema=False,
            ),
            Refused([0], "X[0]: expected an ISO 8601 date and time, got the number 0", "X[0]"),
        ),
        not_native=(
            Refused(
                lambda: np.array([0]), "X: expected an array of datetime64[ns], got one of int64"
            ),
        ),
        equal=equal,
    ),
    TypeCase(
        "days",
        lambda: np.array(["2026-02-28", "0001-01-01", "9999-12-31"], dtype="M8[D]"),
        {"type": "array", "dtype": "datetime64[D]", "shape": [None]},
        ["2026-02-28", "0001-01-01", "9999-12-31"],
        rows=3,
        native=(lambda: np.array(["2026-02-28", "0001-01-01", "9999-12-31"], dtype="M8[s]"),),
        not_native=(
            Refused(
                lambda: np.array(["2026-02-28T12"], dtype="M8[h]"),
                "X[0]: expected a value that datetime64[D] holds exactly, got 2026-02-28T12 in an array of datetime64[h]",
                "X[0]",
            ),
        ),
        equal=equal,
    ),
    TypeCase(
        "durations",
        lambda: np.array([1, -1, "NaT"], dtype="m8[ms]"),
        {"type": "array", "dtype": "timedelta64[ms]", "shape": [None]},
        ["PT0.001S", "-PT0.001S", None],
        rows=3,
        equal=equal,
    ),
    TypeCase(
        "complex",
        lambda: np.array([1 + 2j, complex(math.inf, 0)]),
        {"type": "array", "dtype": "complex128", "shape": [None]},
        [{"real": 1.0, "imag": 2.0}, {"real": "Infinity", "imag": 0.0}],
        rows=2,
        equal=equal,
    ),
    TypeCase(
        "structured",
        lambda: np.array([(1, "a", "2026-01-01"), (2, "b", "NaT")], dtype=POINTS),
        {
            "type": "array",
            "dtype": {"id": "int32", "name": "str", "at": "datetime64[D]"},
            "shape": [None],
        },
        [{"id": 1, "name": "a", "at": "2026-01-01"}, {"id": 2, "name": "b", "at": None}],
        rows=2,
        refused=(
            Refused(
                [{"id": 1}],
                "X[0]: expected an object with exactly id, name, at, got an object with 'id'",
                "X[0]",
            ),
            Refused(
                [{"id": "1", "name": "a", "at": None}],
                "X[0].id: expected an integer, got the string '1'",
                "X[0].id",
            ),
        ),
        equal=lambda a, b: (
            a.dtype.names == b.dtype.names and all(equal(a[n], b[n]) for n in a.dtype.names)
        ),
    ),
    TypeCase(
        "images",
        lambda: np.arange(12, dtype=np.uint8).reshape(1, 2, 2, 3),
        {"type": "array", "dtype": "uint8", "shape": [None, 2, 2, 3]},
        [[[[0, 1, 2], [3, 4, 5]], [[6, 7, 8], [9, 10, 11]]]],
        rows=1,
        refused=(
            Refused(
                [[[[0, 1, 2], [3, 4]], []]],
                "X[0][1]: expected a list of 2, got one of 0",
                "X[0][1]",
            ),
        ),
        equal=equal,
    ),
    TypeCase(
        "other byte order",
        lambda: np.array([1.5], dtype=">f8"),
        {"type": "array", "dtype": "float64", "shape": [None]},
        [1.5],
        rows=1,
        equal=lambda a, b: np.array_equal(a, b),
    ),
    TypeCase(
        "no dimension",
        lambda: np.array(1.5),
        {"type": "array", "dtype": "float64", "shape": []},
        1.5,
        native=(lambda: 1.5,),
        refused=(Refused([1.5], "X: expected a number, got a list of 1"),),
        equal=equal,
    ),
    TypeCase(
        "scalar",
        lambda: np.float32(0.5),
        {"type": "scalar", "dtype": "float32"},
        0.5,
        native=(lambda: 0.5, lambda: np.float64(0.5)),
        refused=(Refused("0.5", "X: expected a number, got the string '0.5'"),),
        not_native=(
            Refused("0.5", "X: expected an array of float32, got one of <U3"),
            Refused([0.5], "X: expected a number, got a list of 1"),
        ),
        equal=equal,
    ),
    TypeCase(
        "text scalar", lambda: np.str_("a"), {"type": "scalar", "dtype": "str"}, "a", equal=equal
    ),
    TypeCase(
        "integer scalar", lambda: np.int64(3), {"type": "scalar", "dtype": "int64"}, 3, equal=equal
    ),
    TypeCase(
        "moment scalar",
        lambda: np.datetime64("2026-01-01", "s"),
        {"type": "scalar", "dtype": "datetime64[s]"},
        "2026-01-01T00:00:00",
        equal=equal,
    ),
]
