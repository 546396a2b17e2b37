"""From plain data to a card: every field checked, every refusal with file, line and field."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any, get_args

from modelyard.base.digests import FileEntry
from modelyard.base.errors import (
    InvalidCard,
    InvalidInput,
    ModelyardError,
    NewerSchema,
    did_you_mean,
)
from modelyard.base.paths import safe_segments
from modelyard.objects.card import (
    FORMAT_NUMBER,
    Card,
    Created,
    FormatInfo,
    ObjectKind,
    Requirements,
)
from modelyard.types import parse
from modelyard.types.spelling import signature_from_dict

CARD_FIELDS = tuple(f.name for f in fields(Card) if f.name not in ("yard", "path"))
"""Keys of a card after ``yard``, in their order."""


_SPELLED = ("NaN", "Infinity", "-Infinity")
"""Numbers as JSON has to spell them."""


class Located:
    """The plain values of a document, and on which line each stands (nothing known: no lines in errors)."""

    def __init__(self, value: Any, lines: Mapping[tuple[Any, ...], int]) -> None:
        self.value = value
        self.lines = lines

    def line(self, path: Sequence[Any]) -> int | None:
        """The line (from 1) of a field, or of the nearest field around it."""
        for end in range(len(path), -1, -1):
            if (found := self.lines.get(tuple(path[:end]))) is not None:
                return found
        return None


def card_from_plain(value: Any, name: str = "card") -> Card:
    """A card from plain data such as parsed JSON."""
    return read_located(Located(value, {}), name)


def read_located(document: Located, name: str) -> Card:
    """A card from a located document. Wrong content is `InvalidCard` naming file, line and field."""
    return _Reader(document, name).card()


class _Reader:
    """Turns the values of a document into a card, and knows where each came from."""

    def __init__(self, document: Located, name: str) -> None:
        self.document, self.name = document, name

    def refuse(self, path: Sequence[Any], problem: str, hint: str | None = None) -> InvalidCard:
        line = self.document.line(path)
        where = f"{self.name}, line {line}" if line else self.name
        field = ".".join(str(p) for p in path)
        return InvalidCard(
            f"{where}: {field + ': ' if field else ''}{problem}", hint=hint, line=line, field=field
        )

    def card(self) -> Card:
        top = self.document.value
        if not isinstance(top, dict):
            raise self.refuse((), "a card is a mapping that starts with 'yard: 1'")
        number = top.get("yard")
        if not isinstance(number, int) or isinstance(number, bool) or number < 1:
            raise self.refuse(("yard",), "the number of the format is missing; it is 'yard: 1'")
        if number > FORMAT_NUMBER:
            raise NewerSchema(
                f"{self.name}: written in card format {number}; this modelyard reads up to {FORMAT_NUMBER}",
                hint="pip install --upgrade modelyard",
            )
        self.known_keys(top, ("yard", *CARD_FIELDS), ())
        values = {key: self.field(key, top[key]) for key in CARD_FIELDS if top.get(key) is not None}
        return Card(yard=number, **values)

    def known_keys(
        self, value: Mapping[Any, Any], known: Sequence[str], at: tuple[Any, ...]
    ) -> None:
        for key in value:
            if key not in known:
                hint = did_you_mean(str(key), known) or f"known: {', '.join(known)}"
                raise self.refuse((*at, key), "unknown key", hint)

    def field(self, key: str, value: Any) -> Any:
        readers: Mapping[str, Callable[[Any], Any]] = {
            "kind": self.kind,
            "format": self.format,
            "labels": lambda v: self.texts(v, ("labels",)),
            "artifact": self.artifact,
            "methods": self.methods,
            "schema": lambda v: self.typed(
                lambda: parse(self.mapping(v, ("schema",))), ("schema",)
            ),
            "metrics": self.metrics,
            "requirements": self.requirements,
            "created": self.created,
            "sample": lambda v: v,
            "profile": self.profile,
            "shape": self.shape,
        }
        if key in readers:
            return readers[key](value)
        return (
            self.text(value, (key,))
            if key in ("flavor", "description")
            else self.mapping(value, (key,))
        )

    def text(self, value: Any, at: tuple[Any, ...]) -> str:
        if not isinstance(value, str):
            raise self.refuse(at, f"must be text, not {value!r}", "put it in quotes")
        return value

    def texts(self, value: Any, at: tuple[Any, ...]) -> tuple[str, ...]:
        return tuple(self.text(v, (*at, i)) for i, v in enumerate(self.sequence(value, at)))

    def mapping(self, value: Any, at: tuple[Any, ...]) -> dict[Any, Any]:
        if not isinstance(value, dict):
            raise self.refuse(at, f"must be a mapping, not {type(value).__name__}")
        return value

    def sequence(self, value: Any, at: tuple[Any, ...]) -> list[Any]:
        if not isinstance(value, list):
            raise self.refuse(at, f"must be a list, not {type(value).__name__}")
        return value

    def kind(self, value: Any) -> str:
        kinds = get_args(ObjectKind)
        if value not in kinds:
            raise self.refuse(("kind",), f"{value!r} is none of {', '.join(kinds)}")
        return value

    def format(self, value: Any) -> FormatInfo:
        given = self.mapping(value, ("format",))
        self.known_keys(given, ("name", "tier", "reasons"), ("format",))
        if given.get("tier") not in (0, 1, 2) or isinstance(given.get("tier"), bool):
            raise self.refuse(("format", "tier"), "must be 0, 1 or 2")
        return FormatInfo(
            self.text(given.get("name"), ("format", "name")),
            given["tier"],
            self.texts(given.get("reasons", []), ("format", "reasons")),
        )

    def artifact(self, value: Any) -> tuple[FileEntry, ...]:
        files = self.sequence(value, ("artifact",))
        entries = tuple(self.file(f, ("artifact", i)) for i, f in enumerate(files))
        if len({e.path for e in entries}) != len(entries):
            raise self.refuse(("artifact",), "names a file twice")
        return entries

    def file(self, value: Any, at: tuple[Any, ...]) -> FileEntry:
        given = self.mapping(value, at)
        self.known_keys(given, ("path", "size", "sha256"), at)
        path = self.text(given.get("path"), (*at, "path"))
        self.typed(lambda: safe_segments(path), (*at, "path"))
        size, sha256 = given.get("size"), given.get("sha256")
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            raise self.refuse((*at, "size"), "must be the number of bytes")
        if (
            not isinstance(sha256, str)
            or len(sha256) != 64
            or set(sha256) - set("0123456789abcdef")
        ):
            raise self.refuse((*at, "sha256"), "must be 64 hex digits", "put them in quotes")
        return FileEntry(path, size, sha256)

    def methods(self, value: Any) -> dict[str, Any]:
        given = self.mapping(value, ("methods",))
        return {
            self.text(name, ("methods", name)): self.typed(
                lambda s=spelled, n=name: signature_from_dict(self.mapping(s, ("methods", n))),
                ("methods", name),
            )
            for name, spelled in given.items()
        }

    def typed(self, read: Callable[[], Any], at: tuple[Any, ...]) -> Any:
        """What another layer reads; its refusal gets the place in this file."""
        try:
            return read()
        except InvalidCard:
            raise
        except (InvalidInput, ModelyardError) as error:
            raise self.refuse(at, error.message, error.hint) from None

    def metrics(self, value: Any) -> dict[str, float]:
        given = self.mapping(value, ("metrics",))
        for name, number in given.items():
            if number in _SPELLED:
                continue
            if not isinstance(number, int | float) or isinstance(number, bool):
                raise self.refuse(("metrics", name), f"must be a number, not {number!r}")
        return {str(n): float(v) if v in _SPELLED else v for n, v in given.items()}

    def requirements(self, value: Any) -> Requirements:
        given = self.mapping(value, ("requirements",))
        self.known_keys(given, ("python", "packages", "system", "modules"), ("requirements",))
        lists = {
            k: self.texts(given.get(k, []), ("requirements", k))
            for k in ("packages", "system", "modules")
        }
        for i, module in enumerate(lists["modules"]):
            self.typed(lambda m=module: safe_segments(m), ("requirements", "modules", i))
        return Requirements(self.text(given.get("python", ""), ("requirements", "python")), **lists)

    def created(self, value: Any) -> Created:
        given = self.mapping(value, ("created",))
        self.known_keys(given, tuple(f.name for f in fields(Created)), ("created",))
        dirty = given.get("dirty")
        if dirty is not None and not isinstance(dirty, bool):
            raise self.refuse(("created", "dirty"), "must be true or false")
        texts = {k: str(v) for k, v in given.items() if k != "dirty" and v is not None}
        return Created(dirty=dirty, **texts)

    def shape(self, value: Any) -> tuple[int, ...]:
        given = self.sequence(value, ("shape",))
        for i, size in enumerate(given):
            if not isinstance(size, int) or isinstance(size, bool) or size < 0:
                raise self.refuse(("shape", i), "must be a number of rows or columns")
        return tuple(given)

    def profile(self, value: Any) -> list[dict[str, Any]]:
        given = self.sequence(value, ("profile",))
        return [self.mapping(column, ("profile", i)) for i, column in enumerate(given)]
