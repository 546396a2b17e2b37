"""Regular expressions of `modelyard.base.patterns` in the words of PostgreSQL and of PCRE, which MariaDB uses.

Every character is spelled by its number, so that nothing of it can mean something to the database.
"""

from __future__ import annotations

from modelyard.base.patterns import ANY, Chars, Edge, Either, Node, Repeat, Sequence


def postgresql(node: Node) -> str:
    """As PostgreSQL's ``~`` reads it."""
    return _Writer(r"\U{:08x}", r"\Z").text(node)


def pcre(node: Node) -> str:
    """As ``REGEXP`` of MariaDB reads it, on text in UTF-8."""
    return "(?s)" + _Writer(r"\x{{{:x}}}", r"\z").text(node)


class _Writer:
    def __init__(self, char: str, end: str) -> None:
        self._char = char
        self._end = end

    def text(self, node: Node) -> str:
        """The expression of a part, closed in itself."""
        if isinstance(node, Chars):
            return "." if node == ANY else self._set(node)
        if isinstance(node, Edge):
            return self._end if node.end else r"\A"
        if isinstance(node, Repeat):
            high = "" if node.high is None else node.high
            return f"(?:{self.text(node.part)}){{{node.low},{high}}}"
        if isinstance(node, Sequence):
            return "".join(map(self.text, node.parts)) or "(?:)"
        assert isinstance(node, Either)
        return f"(?:{'|'.join(map(self.text, node.parts))})"

    def _set(self, node: Chars) -> str:
        """No text holds character 0, and not every database lets it be named."""
        ranges = [(max(low, 1), high) for low, high in node.ranges if high]
        if not ranges:
            return r"(?!\A)\A"
        if len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
            return self._char.format(ranges[0][0])
        inside = "".join(
            f"{self._char.format(low)}-{self._char.format(high)}" for low, high in ranges
        )
        return f"[{inside}]"
