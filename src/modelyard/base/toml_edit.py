"""Change one value of a TOML file and nothing else: no comment, order or blank line is lost.

The standard library reads TOML and does not write it. So an edit is proposed line by line, and taken only when the
result, read again, is the old content with just that one change. A file that no proposal fits is left alone.
"""

from __future__ import annotations

import copy
import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

from modelyard.base.errors import InvalidSetting

_HEADER = re.compile(r"\s*\[([^\[\]]+)\]\s*(?:#.*)?$")
_ASSIGNMENT = re.compile(r"(\s*)([^=#\[\]]+?)(\s*=\s*)")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_MAX_VALUE_LINES = 200

Place = tuple[str, ...]


def assign(text: str, place: Place, value: Any, file: Path) -> str:
    """The text with ``value`` at ``place`` (``("serve", "port")``), or `InvalidSetting` when no edit is certain."""
    before = tomllib.loads(text)
    spell(value)  # refuses what TOML has no word for
    if _at(before, place) == value and type(_at(before, place)) is type(value):
        return text
    after = _with(before, place, value)
    lines = text.splitlines(keepends=True)
    newline = "\r\n" if "\r\n" in text else "\n"
    for proposal in (
        *_replacements(lines, place, value),
        *_insertions(lines, place, value, newline),
    ):
        if _reads_as(proposal, after):
            return proposal
    raise InvalidSetting(
        f"{file}: {'.'.join(place)} cannot be set without rewriting the file",
        hint=f"set it by hand: {dotted(place)} = {spell(value)}",
    )


def rename(text: str, old: Place, new: Place, file: Path) -> str:
    """The text with a key spelled another way, at the same line."""
    before = tomllib.loads(text)
    value = _at(before, old)
    after = _with(_with(before, old, {}), new, value)
    lines = text.splitlines(keepends=True)
    for number, line in _candidates(lines, old):
        match = cast("re.Match[str]", _ASSIGNMENT.match(line))
        key = match[2] + "." + dotted(new[len(old) :])
        proposal = "".join(
            [
                *lines[:number],
                f"{match[1]}{key}{match[3]}{line[match.end() :]}",
                *lines[number + 1 :],
            ]
        )
        if _reads_as(proposal, after):
            return proposal
    raise InvalidSetting(
        f"{file}: {dotted(old)} cannot be renamed without rewriting the file",
        hint=f"write {dotted(new)} = {spell(value)} in its place",
    )


def dotted(place: Sequence[str]) -> str:
    """A key as TOML writes it: ``targets."my.host"``."""
    return ".".join(k if _BARE.fullmatch(k) else spell(k) for k in place)


def spell(value: Any) -> str:
    """A value on one line of TOML, or `InvalidSetting` for what TOML has no word for."""
    match value:
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case float():
            return repr(value)
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case dict():
            pairs = cast("dict[str, Any]", value).items()
            return "{" + ", ".join(f"{dotted([k])} = {spell(v)}" for k, v in pairs) + "}"
        case list():
            return "[" + ", ".join(spell(v) for v in cast("Sequence[Any]", value)) + "]"
        case _:
            raise InvalidSetting(
                f"a setting cannot be {value!r}", hint="text, number, list or table"
            )


def _at(data: Mapping[str, Any], place: Place) -> Any:
    value: Any = data
    for key in place:
        if not isinstance(value, dict) or key not in value:
            return None
        value = cast("dict[str, Any]", value)[key]
    return value


def _with(data: Mapping[str, Any], place: Place, value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(dict(data))
    table = changed
    for key in place[:-1]:
        inner = table.get(key)
        table[key] = inner if isinstance(inner, dict) else {}
        table = table[key]
    table[place[-1]] = value
    return changed


def _reads_as(text: str, expected: Mapping[str, Any]) -> bool:
    try:
        return tomllib.loads(text) == expected
    except tomllib.TOMLDecodeError:
        return False


def _candidates(lines: list[str], place: Place) -> Iterator[tuple[int, str]]:
    """Lines that may assign that key: those whose key ends in its last word."""
    for number, line in enumerate(lines):
        match = _ASSIGNMENT.match(line)
        if match and match[2].strip("\"' ").endswith(place[-1]):
            yield number, line


def _replacements(lines: list[str], place: Place, value: Any) -> Iterator[str]:
    for number, line in _candidates(lines, place):
        match = cast("re.Match[str]", _ASSIGNMENT.match(line))
        ending = "\r\n" if line.endswith("\r\n") else "\n"
        new = f"{match[0]}{spell(value)}{_comment(line)}{ending}"
        for last in range(number + 1, min(number + _MAX_VALUE_LINES, len(lines)) + 1):
            yield "".join([*lines[:number], new, *lines[last:]])


def _comment(line: str) -> str:
    """The comment behind a value that ends on its line, with the blanks before it."""
    line = line.strip()
    for mark in re.finditer(r"\s*#", line):
        try:
            tomllib.loads(line[: mark.start()])
        except tomllib.TOMLDecodeError:
            continue  # that '#' is inside a string
        return line[mark.start() :]
    return ""


def _insertions(lines: list[str], place: Place, value: Any, newline: str) -> Iterator[str]:
    """At the end of the nearest table above, else as a new table at the end of the file."""
    if lines and not lines[-1].endswith("\n"):
        lines = [*lines[:-1], lines[-1] + newline]
    for depth in range(len(place) - 1, -1, -1):
        new = f"{dotted(place[depth:])} = {spell(value)}{newline}"
        for end in _table_ends(lines, place[:depth]):
            yield "".join([*lines[:end], new, *lines[end:]])
    table = place[:-1]
    new = f"[{dotted(table)}]{newline}{dotted(place[-1:])} = {spell(value)}{newline}"
    yield "".join([*lines, newline if lines else "", new])


def _table_ends(lines: list[str], table: Place) -> Iterator[int]:
    """The line after the last one with content of each table of that name; of the nameless one at the top."""
    headers = [(n, m[1].strip()) for n, line in enumerate(lines) if (m := _HEADER.match(line))]
    marks = [(-1, ""), *headers, (len(lines), "")]
    for (start, name), (stop, _) in pairwise(marks):
        if name.replace(" ", "") == dotted(table) and start < len(lines):
            end = stop
            while end > start + 1 and not lines[end - 1].strip():
                end -= 1
            yield end
