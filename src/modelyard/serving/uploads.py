"""Files that come as they are: the parts of a form, or a raw body, as the arguments of a method.

A part is the argument of its name; where a method takes one file, or one table, ``file`` names it as well. Tables and arrays
may be files too (csv, Parquet, Arrow, ``.npy``). Parts that are no files are texts for arguments that take texts, and JSON for
all others.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from modelyard.base.errors import InvalidInput, SchemaMismatch, UnsupportedFormat
from modelyard.serving.edge import parse_json
from modelyard.serving.execution import Method
from modelyard.serving.forms import REFERENCE_ID, Forms, read_id
from modelyard.serving.interface import Json, Limits
from modelyard.serving.multipart import Part
from modelyard.serving.text_csv import read_csv
from modelyard.serving.typed_bodies import KINDS, SUFFIXES, TypedBodies
from modelyard.types.binary import Binary, binary, binary_items
from modelyard.types.interface import DataType

FILE = "file"
"""What the one file of a method may be called in a form, whatever its argument is called."""

Read = tuple[dict[str, Any], int, list[str]]
"""Arguments by name, how many records they hold, reference ids."""


class Uploads:
    """Reads forms and raw bodies for one method."""

    def __init__(self, method: Method, forms: Forms, limits: Limits) -> None:
        self._method = method
        self._forms = forms
        self._depth = limits.depth
        self._typed = TypedBodies(method, limits)
        self._types = {n: a.type for n, a in method.signature.args.items()}
        self._binary = {n: b for n, t in self._types.items() if (b := binary(t)) is not None}
        self._lists = {n: b for n, t in self._types.items() if (b := binary_items(t)) is not None}
        self.only = self._only_file()
        """The argument that a raw body is for: the one file that must be given."""

    @property
    def takes_files(self) -> bool:
        """Whether any argument takes files."""
        return bool(self._binary or self._lists)

    def _only_file(self) -> str | None:
        required = [n for n, a in self._method.signature.args.items() if a.required]
        files = [*self._binary, *self._lists]
        named = required if required else files[:1]
        return named[0] if len(named) == 1 and named[0] in files else None

    def from_form(self, parts: Sequence[Part]) -> Read:
        """The arguments of a form. Raises `SchemaMismatch` for an unknown, missing or repeated one."""
        found: dict[str, Any] = {}
        ids: list[str] = []
        rows = 1
        for part in parts:
            name = self._argument(part.name)
            if part.name == REFERENCE_ID and REFERENCE_ID not in self._types:
                ids = [read_id(_text(part), REFERENCE_ID)]
            elif name in self._lists:
                value = self._file(self._lists[name], part, f"{name}[{len(found.get(name, ()))}]")
                found.setdefault(name, []).append(value)
            elif name in found:
                raise SchemaMismatch(f"{name}: expected one value, got two", field=name)
            elif name == self._method.records and _is_csv(part):
                found[name], rows, ids = read_csv(part.content, self._method)
            elif name in self._types and (typed := _typed(part)) and name not in self._binary:
                read, count, own = self._typed.read(part.content, typed, name)
                found |= read
                rows, ids = max(rows, count), own or ids
            elif not self._is_left_out(name, part):
                found[name] = self._value(name, part)
        self._forms.check_names(found)
        return found, rows, ids

    def from_raw(self, body: bytes, content_type: str) -> Read:
        """A body that is the file itself."""
        if self.only is None:
            raise UnsupportedFormat(
                f"content-type {content_type!r} is not supported",
                hint="send application/json, text/csv or a form",
            )
        name = FILE + (mimetypes.guess_extension(content_type) or "")
        many = self._lists.get(self.only)
        kind = many or self._binary[self.only]
        value = kind.from_bytes(body, self.only, name=name)
        return {self.only: [value] if many else value}, 1, []

    def _argument(self, name: str) -> str:
        if name == FILE and FILE not in self._types:
            return self.only or self._typed.argument or name
        return name

    def _is_left_out(self, name: str, part: Part) -> bool:
        """Browsers send every field of a form: an empty one is no value where none is needed."""
        if part.content or part.filename:
            return False
        known = self._method.signature.args.get(name)
        takes_empty = part.filename is None and known is not None and known.type.kind == "string"
        return known is not None and not known.required and not takes_empty

    def _value(self, name: str, part: Part) -> Any:
        if name in self._binary:
            return self._file(self._binary[name], part, name)
        text = _text(part)
        if _takes_text(self._method.type_of(name)):
            return Json(text)
        try:
            return Json(parse_json(part.content, self._depth))
        except InvalidInput:
            return Json(text)  # a date or a UUID needs no quotes; the schema judges all else

    def _file(self, kind: Binary, part: Part, where: str) -> Any:
        if part.filename is None and part.content_type == "" and not part.content:
            raise SchemaMismatch(f"{where}: expected a file, got an empty field", field=where)
        return kind.from_bytes(part.content, where, name=part.filename or "")


def _takes_text(declared: DataType | None) -> bool:
    inner = (
        getattr(declared, "of", None) if getattr(declared, "kind", "") == "optional" else declared
    )
    return getattr(inner, "kind", "") == "string"


def _is_csv(part: Part) -> bool:
    return part.content_type.partition(";")[0].strip().lower() == "text/csv" or (
        part.filename or ""
    ).lower().endswith(".csv")


def _typed(part: Part) -> bytes | None:
    """The type of a file that carries types of its own: as it is told, or by the file's name."""
    told = part.content_type.partition(";")[0].strip().lower().encode("latin-1")
    if told in KINDS:
        return told
    return SUFFIXES.get(PurePosixPath((part.filename or "").lower()).suffix)


def _text(part: Part) -> str:
    try:
        return part.content.decode()
    except UnicodeDecodeError as error:
        message = f"{part.name}: expected UTF-8 text, got something else at byte {error.start}"
        raise SchemaMismatch(message, field=part.name, expected="UTF-8 text") from None
