"""Words of the command line as Python values."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from modelyard.base.errors import InvalidInput


def method_options(words: Sequence[str]) -> dict[str, Any]:
    """``name=value`` words as arguments: values are JSON where they can be, else text.

    >>> method_options(["alpha=0.5", "names=[\\"a\\"]", "mode=fast"])
    {'alpha': 0.5, 'names': ['a'], 'mode': 'fast'}
    """
    found: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name.isidentifier():
            raise InvalidInput(f"{word!r} is not NAME=VALUE", hint="as in alpha=0.5")
        found[name] = value_of(value)
    return found


def value_of(text: str) -> Any:
    """JSON where it can be read as JSON, else the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text
