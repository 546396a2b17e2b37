"""Single values of Python's own."""

from __future__ import annotations

import math
from decimal import Decimal
from uuid import UUID

from modelyard.testing.types import Refused, TypeCase

CASES = [
    TypeCase(
        "null",
        lambda: None,
        {"type": "null"},
        None,
        refused=(Refused(0, "X: expected null, got the number 0"),),
    ),
    TypeCase(
        "boolean",
        lambda: True,
        {"type": "boolean"},
        True,
        refused=(
            Refused(1, "X: expected true or false, got the number 1"),
            Refused("true", "X: expected true or false, got the string 'true'"),
            Refused(None, "X: expected true or false, got null"),
        ),
    ),
    TypeCase(
        "integer",
        lambda: 9_007_199_254_740_993,
        {"type": "integer"},
        9_007_199_254_740_993,
        refused=(
            Refused(True, "X: expected an integer, got true"),
            Refused(1.5, "X: expected an integer, got the number 1.5"),
            Refused("12", "X: expected an integer, got the string '12'"),
            Refused(1e300, "X: expected an integer, got the number 1e+300"),
        ),
        not_native=(Refused(2.5, "X: expected an integer, got the number 2.5"),),
    ),
    TypeCase(
        "integral float", lambda: 3, {"type": "integer"}, 3, also=(3.0,), native=(lambda: 3.0,)
    ),
    TypeCase("lowest integer", lambda: -(2**63), {"type": "integer"}, -(2**63)),
    TypeCase("highest integer", lambda: 2**64 - 1, {"type": "integer"}, 2**64 - 1),
    TypeCase(
        "number",
        lambda: 2.0,
        {"type": "number"},
        2.0,
        also=(2,),
        native=(lambda: 2,),
        refused=(
            Refused(True, "X: expected a number, got true"),
            Refused("2.0", "X: expected a number, got the string '2.0'"),
            Refused(None, "X: expected a number, got null"),
            Refused(
                2**53 + 1,
                "X: expected a number that a double holds exactly, got the number 9007199254740993",
                by_schema=False,
            ),
        ),
    ),
    TypeCase("not a number", lambda: math.nan, {"type": "number"}, "NaN"),
    TypeCase("infinity", lambda: -math.inf, {"type": "number"}, "-Infinity"),
    TypeCase("negative zero", lambda: -0.0, {"type": "number"}, -0.0),
    TypeCase("least float", lambda: 5e-324, {"type": "number"}, 5e-324),
    TypeCase(
        "text",
        lambda: "None é 🙂 \x00",
        {"type": "string"},
        "None é 🙂 \x00",
        refused=(
            Refused(1, "X: expected a text, got the number 1"),
            Refused(["a"], "X: expected a text, got a list of 1"),
            Refused("\ud800", "X: expected a text, got the string '\\ud800'", by_schema=False),
        ),
    ),
    TypeCase(
        "bytes",
        lambda: b"\x00\xffa",
        {"type": "bytes"},
        "AP9h",
        native=(lambda: bytearray(b"\x00\xffa"),),
        refused=(
            Refused("AP9", "X: expected base64 text, got the string 'AP9'", by_schema=False),
            Refused("AP9h\n", "X: expected base64 text, got the string 'AP9h\\n'", by_schema=False),
        ),
        not_native=(Refused("AP9h", "X: expected bytes, got the string 'AP9h'"),),
    ),
    TypeCase(
        "complex",
        lambda: complex(1.5, -math.inf),
        {"type": "complex"},
        {"real": 1.5, "imag": "-Infinity"},
        refused=(
            Refused(
                {"real": 1}, "X: expected an object with real and imag, got an object with 'real'"
            ),
            Refused("1+2j", "X: expected an object with real and imag, got the string '1+2j'"),
        ),
    ),
    TypeCase(
        "decimal",
        lambda: Decimal("1.10"),
        {"type": "decimal"},
        "1.10",
        refused=(
            Refused(1.1, "X: expected a decimal number as text, got the number 1.1"),
            Refused(
                "1,1", "X: expected a decimal number as text, got the string '1,1'", by_schema=False
            ),
        ),
    ),
    TypeCase(
        "uuid",
        lambda: UUID("12345678-1234-5678-1234-567812345678"),
        {"type": "uuid"},
        "12345678-1234-5678-1234-567812345678",
        refused=(Refused("1234", "X: expected a UUID, got the string '1234'", by_schema=False),),
    ),
]
