"""Page tokens: where the last page ended, and which question it answered.

A token is base64 of JSON. It holds the values that the last row was ordered by, so that rows that come and go between
two pages make none appear twice or be left out. A token of another question, or one that was changed, is refused.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from modelyard.base.digests import canonical_json, sha256_bytes
from modelyard.base.errors import InvalidInput

LONGEST = 200_000


Position = tuple[Any, ...]
"""A row's place in an order: the values of the order's keys; the last is its id."""


def question(*parts: Any) -> str:
    """A short digest of what is asked."""
    return sha256_bytes(canonical_json(parts))[:16]


def token(asked: str, position: Position) -> str:
    """What asks for the page after a row."""
    data = canonical_json([asked, list(position)])
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def position(asked: str, text: str | None) -> Position | None:
    """Where a token's page begins; None without one. `InvalidInput` for what is none, or is of another question."""
    if not text:
        return None
    if len(text) > LONGEST:
        raise refused("is too long")
    try:
        padded = text + "=" * (-len(text) % 4)
        data = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        raise refused("cannot be read") from None
    match data:
        case [str(of), list(values)] if all(map(_is_value, values)):
            if of != asked:
                raise refused("is of another search")
            return tuple(values)
    raise refused("cannot be read")


def _is_value(value: Any) -> bool:
    if isinstance(value, str):
        return True
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63


def refused(why: str) -> InvalidInput:
    """The error of a token."""
    return InvalidInput(
        f"the page token {why}",
        hint="ask for the first page without one, and then with the token that came with it and the same search",
    )
