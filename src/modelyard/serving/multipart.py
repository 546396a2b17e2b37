"""``multipart/form-data`` (RFC 7578) read from a body that is already here, within limits. Pure.

One pass that only looks ahead: the cost is that of the body's length, whatever the boundary and the headers say. What browsers,
curl and HTTP libraries send is taken; nothing is repaired, and no file is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from modelyard.base.errors import InvalidInput, TooLarge, UnsupportedFormat

FORM = b"multipart/form-data"
MAX_PARTS = 1000
MAX_HEADERS = 8 << 10
"""Bytes of the headers of one part."""

_BOUNDARY = re.compile(rb'(?:^|;)\s*boundary=(?:"([^"]*)"|([^\s;"]*))', re.IGNORECASE)
_ALLOWED = re.compile(rb"[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]")
_PARAMETER = re.compile(rb';[ \t]*([A-Za-z*]+)=(?:"((?:[^"\\\r\n]|\\.)*)"|([^\s;"]*))[ \t]*')


@dataclass(frozen=True, slots=True)
class Part:
    """One field of a form. ``filename`` is None for a plain value, and "" where no file was chosen."""

    name: str
    content: bytes
    filename: str | None = None
    content_type: str = ""


def boundary_of(content_type: bytes) -> bytes:
    """The boundary that a Content-Type names, or `InvalidInput`."""
    found = _BOUNDARY.search(content_type)
    boundary = (found[1] if found[1] is not None else found[2]) if found else b""
    if not _ALLOWED.fullmatch(boundary):
        raise InvalidInput(
            "the content type names no boundary of 1 to 70 characters",
            hint="let your HTTP library set the Content-Type of a form",
        )
    return boundary


def read_form(body: bytes, boundary: bytes) -> list[Part]:
    """The parts in order. `InvalidInput` for what is no form, `TooLarge` for too many or too large parts' headers."""
    return list(_parts(body, b"--" + boundary))


def _parts(body: bytes, delimiter: bytes) -> Iterator[Part]:
    if body.startswith(b"\r\n"):
        body = body[2:]
    if not body.startswith(delimiter):
        raise InvalidInput("the form does not begin with its boundary")
    at, count = len(delimiter), 0
    while True:
        if body.startswith(b"--", at):
            if body[at + 2 : at + 5] not in (b"", b"\r\n"):
                raise InvalidInput("something follows the end of the form")
            return
        if not body.startswith(b"\r\n", at):
            raise InvalidInput("a boundary of the form is not on a line of its own")
        count += 1
        if count > MAX_PARTS:
            raise TooLarge(f"the form has more than {MAX_PARTS} parts", limit=MAX_PARTS)
        at += 2
        headers_end = body.find(b"\r\n\r\n", at, at + MAX_HEADERS)
        if headers_end < 0:
            if len(body) - at > MAX_HEADERS:
                raise TooLarge(f"a part's headers are longer than {MAX_HEADERS} bytes")
            raise InvalidInput("the form is cut short in the headers of a part")
        start = headers_end + 4
        # Content may be empty: then its boundary follows the blank line at once.
        end = body.find(b"\r\n" + delimiter, start - 2)
        if end < 0:
            raise InvalidInput("the form is cut short: its last boundary is missing")
        yield _part(body[at:headers_end], body[start:end] if end >= start else b"")
        at = end + 2 + len(delimiter)


def _part(head: bytes, content: bytes) -> Part:
    headers = _headers(head)
    encoding = headers.get(b"content-transfer-encoding", b"binary").lower()
    if encoding not in (b"binary", b"8bit", b"7bit"):
        raise UnsupportedFormat(f"a part in {encoding.decode('latin-1')!r} encoding is not read")
    kind, parameters = _parameters(headers.get(b"content-disposition", b""))
    if kind != b"form-data" or b"name" not in parameters:
        raise InvalidInput("a part of the form says no name in its Content-Disposition")
    filename = parameters.get(b"filename")
    return Part(
        name=_text(parameters[b"name"]),
        content=content,
        filename=None if filename is None else _text(filename),
        content_type=headers.get(b"content-type", b"").decode("latin-1"),
    )


def _headers(head: bytes) -> Mapping[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for line in head.split(b"\r\n"):
        name, colon, value = line.partition(b":")
        if not colon or name.strip().lower() in found:
            raise InvalidInput("a part of the form has a header that is none, or one twice")
        found[name.strip().lower()] = value.strip()
    return found


def _parameters(value: bytes) -> tuple[bytes, Mapping[bytes, bytes]]:
    """``form-data; name="x"; filename="y"``."""
    kind, _, _ = value.partition(b";")
    found: dict[bytes, bytes] = {}
    at = len(kind)
    while match := _PARAMETER.match(value, at):
        name = match[1].lower()
        if name in found:
            raise InvalidInput("a part of the form has a name twice")
        found[name] = match[3] if match[2] is None else re.sub(rb"\\(.)", rb"\1", match[2])
        at = match.end()
    if at != len(value):
        raise InvalidInput("a part of the form has a Content-Disposition that cannot be read")
    return kind.strip().lower(), found


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise InvalidInput("a name in the form is not UTF-8") from None
