"""JSON read strictly, by Python's own parser: what a file says that nobody wrote a type for."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, NoReturn

from modelyard.base.errors import InvalidInput


def loads_strictly(data: bytes, what: str) -> Any:
    """JSON without a type to check it against: integers of any size, no key twice, no number that is none."""
    try:
        return json.loads(data, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise not_json(error, what) from None
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{what} is not UTF-8: byte {error.start} is wrong") from None
    except RecursionError:
        raise InvalidInput(f"{what} is nested too deeply") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        [(twice, _)] = Counter(k for k, _ in pairs).most_common(1)
        raise InvalidInput(f"the key {twice!r} stands twice in one object")
    return found


def _refuse_constant(word: str) -> NoReturn:
    raise InvalidInput(f"{word} is no JSON", hint="a missing value is null")


def not_json(error: json.JSONDecodeError, what: str) -> InvalidInput:
    """The parser's complaint with its line and column."""
    hint = None
    if error.doc[error.pos : error.pos + 9].lstrip("-").startswith(("NaN", "Inf")):
        hint = "NaN and Infinity are no JSON; a missing value is null"
    where = f"line {error.lineno}, column {error.colno}"
    return InvalidInput(f"{what} cannot be read: {error.msg} ({where})", hint=hint)
