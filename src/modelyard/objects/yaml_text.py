"""YAML as cards use it: plain data only, read strictly with line numbers, written stably with hand-made comments kept.

Reading takes the YAML 1.2 core types and nothing else: no tags, anchors, aliases or duplicate keys, so that a file
cannot name a Python object or unfold into a bomb, and ``on: yes`` stays two words. Times stay text.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from modelyard.base.errors import InvalidCard
from modelyard.objects.card_reader import Located

MAX_BYTES = 8 << 20
MAX_DEPTH = 100
LINE = 100
"""What fits in one line of this width is written as one,"""
FLOW_DEPTH = 2
"""unless it is nested deeper than this."""

_WORD = r"[^\W\d][\w ()./+=<>@-]*"
_VERSION = r"\d+\.\d+\.\d+[\w.+-]*"
_HEX = r"(?!0[xob])\d[0-9a-f]*[abcdf][0-9a-f]*"
_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z"
_PLAIN = re.compile(f"{_WORD}|{_VERSION}|{_HEX}|{_TIME}")
_RESERVED = frozenset(["true", "false", "null", "yes", "no", "on", "off", "y", "n"])
_QUOTED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}
_NEWER = re.compile(r"[-+]?\d+[eE][-+]?\d+|0o[0-7]+")
"""Numbers to YAML 1.2 alone."""
_COMMENT = re.compile(r"(^|\s)#", re.MULTILINE)


def read_yaml(text: str, name: str, *, older: bool = False) -> Located:
    """Parse a document; ``name`` stands in errors, which are `InvalidCard` with the line. ``older`` is for files written
    by the rules of YAML 1.1, to which ``12e5`` and ``0o7`` are words and need no quotes."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    if len(text) > MAX_BYTES:
        raise InvalidCard(f"{name} is larger than {MAX_BYTES >> 20} MB: not a card")
    yaml = YAML(typ="safe", pure=True)
    try:
        root = yaml.compose(io.StringIO(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}, line {mark.line + 1}" if mark else name
        problem = str(error.problem or error.context or "not YAML").strip()
        raise InvalidCard(f"{where}: {problem}") from None
    except YAMLError as error:
        raise InvalidCard(f"{name}: {str(error).splitlines()[0]}") from None
    except RecursionError:
        raise InvalidCard(f"{name} is nested deeper than {MAX_DEPTH} levels") from None
    lines: dict[tuple[Any, ...], int] = {}
    if root is None:
        return Located(None, lines)
    return Located(_Builder(name, yaml, lines, older).build(root, ()), lines)


class _Builder:
    def __init__(
        self, name: str, yaml: Any, lines: dict[tuple[Any, ...], int], older: bool
    ) -> None:
        self.name, self.lines, self.older = name, lines, older
        self.scalars = yaml.constructor
        self.seen: set[int] = set()

    def refuse(self, node: Any, problem: str) -> InvalidCard:
        return InvalidCard(f"{self.name}, line {node.start_mark.line + 1}: {problem}")

    def build(self, node: Any, path: tuple[Any, ...]) -> Any:
        from ruamel.yaml.nodes import MappingNode, ScalarNode

        self.lines.setdefault(path, node.start_mark.line + 1)
        if len(path) > MAX_DEPTH:
            raise self.refuse(node, f"nested deeper than {MAX_DEPTH} levels")
        if node.anchor is not None or id(node) in self.seen:
            raise self.refuse(node, "anchors and aliases (& and *) are not allowed here")
        self.seen.add(id(node))
        if isinstance(node, ScalarNode):
            return self.scalar(node)
        if isinstance(node, MappingNode):
            return self.mapping(node, path)
        self.plain(node, "seq")
        return [self.build(item, (*path, i)) for i, item in enumerate(node.value)]

    def plain(self, node: Any, *kinds: str) -> str:
        tag = str(node.tag)
        short = tag.removeprefix("tag:yaml.org,2002:")
        if short not in kinds:
            raise self.refuse(node, f"the tag {tag!r} is not allowed; cards hold plain data only")
        return short

    def scalar(self, node: Any) -> Any:
        kind = self.plain(node, "str", "int", "float", "bool", "null", "timestamp")
        if kind in ("str", "timestamp") or (self.older and _NEWER.fullmatch(node.value)):
            return node.value
        try:
            return self.scalars.construct_object(node)
        except ValueError:
            raise self.refuse(node, f"{node.value[:40]!r} is not a number") from None

    def mapping(self, node: Any, path: tuple[Any, ...]) -> dict[Any, Any]:
        self.plain(node, "map")
        result: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = self.build(key_node, (*path, "?"))
            self.lines.pop((*path, "?"), None)
            if not isinstance(key, str | int | float | bool):
                raise self.refuse(key_node, "a key must be a word or a number")
            if key in result:
                raise self.refuse(key_node, f"the key {key!r} stands here twice")
            self.lines[(*path, key)] = key_node.start_mark.line + 1
            result[key] = self.build(value_node, (*path, key))
        return result


def write_yaml(value: Mapping[str, Any], earlier: str | None = None) -> str:
    """The document's text. The comments of the ``earlier`` text are kept, and the look of what did not change.

    >>> print(write_yaml({"yard": 1, "labels": ["on", "forest"]}), end="")
    yard: 1
    labels: ["on", forest]
    """
    text = "\n".join(_mapping_lines(value, "")) + "\n"
    return _with_comments(text, earlier) if earlier and _COMMENT.search(earlier) else text


def _with_comments(text: str, earlier: str) -> str:
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap

    yaml = YAML(typ="rt", pure=True)
    yaml.width = 1 << 20  # long descriptions stay on one line: folding would make noisy diffs
    yaml.allow_unicode = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    document: Any = yaml.load(earlier)
    if not isinstance(document, CommentedMap):
        return text
    _merge(document, yaml.load(text))
    out = io.StringIO()
    yaml.dump(document, out)
    return out.getvalue()


def _mapping_lines(value: Mapping[str, Any], indent: str) -> list[str]:
    lines: list[str] = []
    for key, inner in value.items():
        head = f"{indent}{_scalar(key)}:"
        flow = _flow(inner)
        if not _is_container(inner) or (
            len(head) + len(flow) < LINE and _depth(inner) <= FLOW_DEPTH
        ):
            lines.append(f"{head} {flow}")
        elif isinstance(inner, Mapping):
            lines += [head, *_mapping_lines(inner, indent + "  ")]
        else:
            lines += [head, *_sequence_lines(inner, indent + "  ")]
    return lines


def _sequence_lines(value: Sequence[Any], indent: str) -> list[str]:
    lines: list[str] = []
    for inner in value:
        flow = _flow(inner)
        if not _is_container(inner) or (
            len(indent) + len(flow) + 2 < LINE and _depth(inner) <= FLOW_DEPTH
        ):
            lines.append(f"{indent}- {flow}")
            continue
        if isinstance(inner, Mapping):
            first, *rest = _mapping_lines(inner, indent + "  ")
        else:
            first, *rest = _sequence_lines(inner, indent + "  ")
        lines += [f"{indent}- {first.lstrip()}", *rest]
    return lines


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_scalar(k)}: {_flow(v)}" for k, v in value.items()) + "}"
    if _is_container(value):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return value if _reads_as_text(value) else _quoted(value)
    if isinstance(value, float):
        return (
            repr(value)
            if math.isfinite(value)
            else {math.inf: ".inf", -math.inf: "-.inf"}.get(value, ".nan")
        )
    return (
        {None: "null", True: "true", False: "false"}[value]
        if value is None or value is True or value is False
        else str(value)
    )


def _quoted(text: str) -> str:
    """In double quotes, with whatever cannot be seen escaped."""
    return (
        '"' + "".join(_QUOTED.get(c) or (c if c.isprintable() else _escape(c)) for c in text) + '"'
    )


def _escape(character: str) -> str:
    code = ord(character)
    return (
        f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 1 << 16 else f"\\U{code:08x}"
    )


def _reads_as_text(text: str) -> bool:
    """Whether a word without quotes is that word to every reader of YAML, old ones that take ``on`` for true too."""
    return (
        _PLAIN.fullmatch(text) is not None
        and text.lower() not in _RESERVED
        and text == text.strip()
    )


def _is_container(value: Any) -> bool:
    return isinstance(value, Mapping | Sequence) and not isinstance(value, str | bytes)


def _depth(value: Any) -> int:
    if not _is_container(value):
        return 0
    return 1 + max(map(_depth, value.values() if isinstance(value, Mapping) else value), default=0)


def _merge(old: Any, new: Any) -> None:
    """Change a loaded mapping into the new one, leaving alone what is equal already."""
    for key in [k for k in old if k not in new]:
        del old[key]
    for place, key in enumerate(new):
        if key not in old:
            old.insert(place, key, new[key])
        elif not _same(old[key], new[key]):
            if isinstance(old[key], Mapping) and isinstance(new[key], Mapping):
                _merge(old[key], new[key])
            else:
                old[key] = new[key]


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return list(a) == list(b) and all(_same(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(_same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, float) and isinstance(b, float) and math.isnan(a):
        return math.isnan(b)
    return a == b and isinstance(a, bool) == isinstance(b, bool)
