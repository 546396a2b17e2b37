"""YAML that readers of version 1.1, such as MLflow's, and of 1.2 take alike: every text that could be read as something
else stands in quotes, and every number is one to both."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_./=-]*")
_NOT_TEXT = frozenset(["true", "false", "null", "yes", "no", "on", "off", "y", "n"])
_ESCAPED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}


def yaml_text(value: Mapping[str, Any]) -> str:
    """A document: a mapping of plain values.

    >>> print(yaml_text({"a": "on", "b": [{"c": 1e-5}], "d": None}), end="")
    a: "on"
    b:
    - c: 1.0e-05
    d: null
    """
    return "".join(f"{line}\n" for line in _lines(value))


def _lines(value: Any) -> list[str]:
    if isinstance(value, Mapping) and value:
        return [line for key, inner in value.items() for line in _entry(key, inner)]
    if _is_list(value) and value:
        return [line for inner in value for line in _item(inner)]
    return [_scalar(value)]


def _entry(key: Any, value: Any) -> list[str]:
    head = f"{_scalar(key)}:"
    lines = _lines(value)
    if not value or not (isinstance(value, Mapping) or _is_list(value)):
        return [f"{head} {lines[0]}"]
    return [head, *([f"  {line}" for line in lines] if isinstance(value, Mapping) else lines)]


def _item(value: Any) -> list[str]:
    first, *rest = _lines(value)
    return [f"- {first}", *(f"  {line}" for line in rest)]


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        plain = _WORD.fullmatch(value) and value.lower() not in _NOT_TEXT
        return value if plain else quoted(value)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, Mapping):
        return "{}"
    return "[]" if _is_list(value) else str(value)


def _number(value: float) -> str:
    if not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    digits, mark, exponent = repr(value).partition("e")
    return f"{digits if '.' in digits else f'{digits}.0'}{mark}{exponent}"


def quoted(text: str) -> str:
    """In double quotes, with whatever cannot be seen escaped."""
    return '"' + "".join(_ESCAPED.get(c) or (c if c.isprintable() else _escape(c)) for c in text) + '"'  # fmt: skip


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 1 << 16 else f"\\U{code:08x}"  # fmt: skip


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)
