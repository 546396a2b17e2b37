"""Environment markers of PEP 508: the condition after ``;`` in a requirement line.

>>> canonical("python_version>='3.8' and os_name == 'posix'")
'python_version >= "3.8" and os_name == "posix"'
"""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from modelyard.base.errors import InvalidInput
from modelyard.environments.versions import check_specifier, satisfies

VARIABLES = frozenset(
    ["python_version", "python_full_version", "os_name", "sys_platform", "extra"]
    + [f"platform_{name}" for name in ("release", "system", "version", "machine")]
    + ["platform_python_implementation", "implementation_name", "implementation_version"]
)
_VERSIONS = frozenset(["python_version", "python_full_version", "implementation_version"])
_TOKEN = re.compile(
    r"""\s*(?:(?P<string>'[^'"\\]*'|"[^'"\\]*")|(?P<op>===|~=|==|!=|<=|>=|<|>|not\s+in\b|in\b)"""
    r"""|(?P<join>and\b|or\b)|(?P<paren>[()])|(?P<name>[a-z_]+))"""
)
_MAX_DEPTH = 20


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison; a side is the name of a variable, or a string in double quotes."""

    left: str
    operator: str
    right: str

    def __str__(self) -> str:
        return f"{self.left} {self.operator} {self.right}"


@dataclass(frozen=True, slots=True)
class Joined:
    """Conditions joined by ``and`` or ``or``."""

    word: str
    parts: tuple[Comparison | Joined, ...]

    def __str__(self) -> str:
        return f" {self.word} ".join(_bracketed(part, self.word) for part in self.parts)


Marker = Comparison | Joined


def _bracketed(part: Marker, outer: str) -> str:
    return f"({part})" if isinstance(part, Joined) and outer == "and" else str(part)


def canonical(text: str) -> str:
    """The one spelling of a marker; `InvalidInput` when it is none."""
    return str(parse_marker(text))


@lru_cache(maxsize=256)
def parse_marker(text: str) -> Marker:
    """Read a marker; `InvalidInput` says at which place it goes wrong."""
    reader = _Reader(text)
    marker = reader.any_of(0)
    reader.expect_end()
    return marker


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = _tokens(text)
        self.at = 0

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")

    def take(self, kind: str) -> str:
        found, value = self.peek()
        if found != kind:
            raise _wrong(self.text, value or "the end")
        self.at += 1
        return value

    def any_of(self, depth: int) -> Marker:
        return self.joined("or", lambda: self.all_of(depth))

    def all_of(self, depth: int) -> Marker:
        return self.joined("and", lambda: self.condition(depth))

    def joined(self, word: str, part: Callable[[], Marker]) -> Marker:
        parts = [part()]
        while self.peek() == ("join", word):
            self.at += 1
            parts.append(part())
        flat = [p for x in parts for p in _same(x, word)]
        return flat[0] if len(flat) == 1 else Joined(word, tuple(flat))

    def condition(self, depth: int) -> Marker:
        if self.peek() == ("paren", "(") and depth < _MAX_DEPTH:
            self.at += 1
            inner = self.any_of(depth + 1)
            if self.take("paren") != ")":
                raise _wrong(self.text, "(")
            return inner
        return self.comparison()

    def comparison(self) -> Comparison:
        left = self.side()
        operator = " ".join(self.take("op").split())
        made = Comparison(left, operator, self.side())
        if left.startswith('"') and made.right.startswith('"'):
            raise _wrong(self.text, left)
        return made

    def side(self) -> str:
        kind, value = self.peek()
        if kind == "string":
            self.at += 1
            return f'"{value[1:-1]}"'
        if value not in VARIABLES:
            raise _wrong(self.text, value or "the end")
        return self.take("name")

    def expect_end(self) -> None:
        if self.at < len(self.tokens):
            raise _wrong(self.text, self.peek()[1])


def _same(marker: Marker, word: str) -> tuple[Marker, ...]:
    return marker.parts if isinstance(marker, Joined) and marker.word == word else (marker,)


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at, end = [], 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            raise _wrong(text, text[at:].strip()[:20])
        kind = match.lastgroup or ""
        found.append((kind, match[kind]))
        at = match.end()
    return found


def _wrong(text: str, near: str) -> InvalidInput:
    return InvalidInput(
        f"marker {text.strip()[:80]!r} is not understood near {near!r}",
        hint="""like python_version >= "3.11" and sys_platform != "win32\"""",
    )


def applies(text: str, environment: Mapping[str, str] | None = None) -> bool:
    """Whether a marker holds here, or in the environment given. An empty one always does."""
    if not text:
        return True
    return _holds(parse_marker(text), here() if environment is None else environment)


def _holds(marker: Marker, environment: Mapping[str, str]) -> bool:
    if isinstance(marker, Joined):
        results = (_holds(part, environment) for part in marker.parts)
        return all(results) if marker.word == "and" else any(results)
    left, right = (_value(side, environment) for side in (marker.left, marker.right))
    if marker.operator in ("in", "not in"):
        return (left in right) is (marker.operator == "in")
    if {marker.left, marker.right} & _VERSIONS and _is_specifier(marker.operator, right):
        return satisfies(left, marker.operator, right)
    return _compare_text(left, marker.operator, right)


def _value(side: str, environment: Mapping[str, str]) -> str:
    return side[1:-1] if side.startswith('"') else environment[side]


def _is_specifier(operator: str, version: str) -> bool:
    try:
        check_specifier(operator, version)
    except InvalidInput:
        return False
    return True


def _compare_text(left: str, operator: str, right: str) -> bool:
    if operator in ("==", "==="):
        return left == right
    if operator == "!=":
        return left != right
    raise InvalidInput(
        f"marker compares {left!r} {operator} {right!r}, which are not versions",
        hint="use == or != for words",
    )


@lru_cache(maxsize=1)
def here() -> Mapping[str, str]:
    """The values of all variables in this interpreter."""
    implementation = sys.implementation
    version = implementation.version
    return {
        "python_version": ".".join(platform.python_version_tuple()[:2]),
        "python_full_version": platform.python_version().rstrip("+"),  # a build of a branch has one
        "os_name": os.name,
        "sys_platform": sys.platform,
        "platform_release": platform.release(),
        "platform_system": platform.system(),
        "platform_version": platform.version(),
        "platform_machine": platform.machine(),
        "platform_python_implementation": platform.python_implementation(),
        "implementation_name": implementation.name,
        "implementation_version": f"{version.major}.{version.minor}.{version.micro}",
        "extra": "",
    }
