"""The YAML of pointers and lock files: mappings, lists and texts, read strictly.

Every scalar is the text that stands there, whatever YAML makes of it: an md5 of digits alone stays one. No tags,
anchors (but in what people write themselves, and then counted), aliases or duplicate keys. What DVC writes is plain enough for
a reader of a few lines, which is a hundred times as fast as the whole of YAML; all else goes to that.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import Any

from modelyard.base.errors import InvalidInput

MAX_BYTES = 32 << 20
MAX_DEPTH = 50
MAX_NODES = 2_000_000
_ALIASED_NODES = 100_000
_MAX_WHOLE, _MAX_BRACKETS = 8 << 20, 200
"""What the whole reader takes in a bearable time."""

_LINE = re.compile(r"( *)(- )?(?:([A-Za-z0-9_][\w.@/+-]*):(?: +(.+))?|(\S.*))")
_TEXT = re.compile(r"(?![-?:!&*|>%@`'\"#\[{\]},])(?!.*(?:: | #|:$))[^\x00-\x1f\x7f]+")
_SINGLE = re.compile(r"'((?:[^'\x00-\x1f\x7f]|'')*)'")
_ABSENT = frozenset(["", "null", "~", "Null", "NULL"])


def read_yaml(data: bytes, where: str, *, aliases: bool = False) -> Any:
    """Dicts, lists, texts and None. `InvalidInput` says what is wrong, and in which line of ``where``."""
    if len(data) > MAX_BYTES:
        raise InvalidInput(f"{where} is larger than {MAX_BYTES >> 20} MB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{where}: not UTF-8 text (byte {error.start})") from None
    try:
        return _Block(text).read()
    except _Unusual:
        return _whole_yaml(text, where, aliases)


class _Unusual(Exception):
    """Not for the short reader."""


@dataclass(slots=True)
class _Line:
    indent: int
    dash: bool
    key: str | None
    value: str | None


class _Block:
    """Block mappings and lists of scalars in one line each, as DVC writes them."""

    def __init__(self, text: str) -> None:
        self.lines = [_line(line) for line in text.splitlines() if line.strip()]
        self.at = 0

    def read(self) -> Any:
        if not self.lines:
            raise _Unusual
        found = self.block(0, 0)
        if self.at != len(self.lines):
            raise _Unusual
        return found

    def block(self, indent: int, depth: int) -> Any:
        line = self.lines[self.at]
        if line.indent != indent or depth > MAX_DEPTH:
            raise _Unusual
        return self.sequence(indent, depth) if line.dash else self.mapping(indent, depth)

    def mapping(self, indent: int, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if line.indent < indent or (line.dash and line.indent == indent):
                break
            if line.indent != indent or line.key is None or line.key in found:
                raise _Unusual
            self.at += 1
            found[line.key] = self.value(line, indent, depth)
        return found

    def value(self, line: _Line, indent: int, depth: int) -> Any:
        if line.value is not None:
            return _scalar(line.value)
        after = self.lines[self.at] if self.at < len(self.lines) else None
        if after is None or after.indent < indent or (after.indent == indent and not after.dash):
            return None
        return self.block(after.indent, depth + 1)

    def sequence(self, indent: int, depth: int) -> list[Any]:
        found: list[Any] = []
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if line.indent < indent or (line.indent == indent and not line.dash):
                break
            if line.indent != indent:
                raise _Unusual
            if line.key is None:
                self.at += 1
                found.append(_scalar(line.value or ""))
            else:  # the mapping that begins behind the dash
                self.lines[self.at] = _Line(indent + 2, False, line.key, line.value)
                found.append(self.mapping(indent + 2, depth + 1))
        return found


def _line(text: str) -> _Line:
    match = _LINE.fullmatch(text.rstrip(" "))
    if match is None:
        raise _Unusual
    spaces, dash, key, value, alone = match.groups()
    if alone is not None and not dash:
        raise _Unusual
    return _Line(len(spaces), bool(dash), key, value if key is not None else alone)


def _scalar(text: str) -> str | None:
    if match := _SINGLE.fullmatch(text):
        return match[1].replace("''", "'")
    if _TEXT.fullmatch(text) is None:
        raise _Unusual
    return None if text in _ABSENT else text


def _whole_yaml(text: str, where: str, aliases: bool) -> Any:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    if len(text) > _MAX_WHOLE or _depth_of_brackets(text) > _MAX_BRACKETS:
        raise InvalidInput(f"{where} is nested deeper than {MAX_DEPTH} levels, or too large")
    try:
        root = YAML(typ="safe", pure=True).compose(io.StringIO(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{where}, line {mark.line + 1}" if mark else where
        problem = str(error.problem or error.context or "not YAML").strip()
        raise InvalidInput(f"{place}: {problem}") from None
    except (YAMLError, ValueError) as error:
        raise InvalidInput(f"{where}: {str(error).splitlines()[0]}") from None
    except RecursionError:
        raise InvalidInput(f"{where} is nested deeper than {MAX_DEPTH} levels") from None
    return None if root is None else _Nodes(where, aliases).plain(root, 0)


def _depth_of_brackets(text: str) -> int:
    """How many stand open at a time: the library takes the square of it in time."""
    depth = deepest = 0
    for bracket in re.findall(r"[\[\]{}]", text):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


class _Nodes:
    """Nodes of the whole reader as plain data."""

    def __init__(self, where: str, aliases: bool) -> None:
        self.where, self.aliases = where, aliases
        self.left = _ALIASED_NODES if aliases else MAX_NODES

    def refuse(self, node: Any, problem: str) -> InvalidInput:
        return InvalidInput(f"{self.where}, line {node.start_mark.line + 1}: {problem}")

    def plain(self, node: Any, depth: int) -> Any:
        from ruamel.yaml.nodes import MappingNode, ScalarNode

        self.left -= 1
        if depth > MAX_DEPTH:
            raise self.refuse(node, f"nested deeper than {MAX_DEPTH} levels")
        if node.anchor is not None and not self.aliases:
            raise self.refuse(node, "anchors and aliases (& and *) are not allowed here")
        if self.left < 0:
            raise self.refuse(node, "it unfolds into too much")
        tag = str(node.tag)
        if not tag.startswith("tag:yaml.org,2002:") or "python" in tag:
            raise self.refuse(node, f"the tag {tag!r} is not allowed here")
        if isinstance(node, ScalarNode):
            return None if node.style is None and node.value in _ABSENT else node.value
        if isinstance(node, MappingNode):
            return self.mapping(node, depth)
        return [self.plain(item, depth + 1) for item in node.value]

    def mapping(self, node: Any, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self.plain(key_node, depth + 1)
            if not isinstance(key, str):
                raise self.refuse(key_node, "a key that is no word")
            if key in found:
                raise self.refuse(key_node, f"the key {key!r} stands there twice")
            found[key] = self.plain(value_node, depth + 1)
        return found
