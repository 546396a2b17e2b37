"""Data: its file in one of our formats where that reads the very same, else in the format ``mlem_data``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.compat._mlem.files import present
from modelyard.compat._mlem.kinds import data_type
from modelyard.compat._mlem.layout import Meta
from modelyard.compat._mlem.models import with_words
from modelyard.compat._mlem.needs import requirements_of
from modelyard.objects import formats
from modelyard.objects.assembled import ALONE, Piece, Pieces, assemble
from modelyard.objects.card import Card, FormatInfo
from modelyard.objects.formats._mlem.values import DATA, READER
from modelyard.objects.source import Source
from modelyard.types.interface import DataType


def data_source(meta: Meta) -> Source:
    """The data that a file describes."""
    reader = meta.mapping("reader", meta.fields.get("reader"))
    if not reader:
        raise meta.refuse("reader", "how the data is read is missing")
    found = present(meta)
    kind = data_type(reader.get("data_type"))
    if own := _own_format(reader, kind, found):
        info, pieces = FormatInfo(own, 0), {ALONE: found[DATA]}
    else:
        info, pieces = _format(reader), _described(reader, found)
    card = Card(kind="data", format=info, schema=kind, requirements=requirements_of(meta))
    return assemble(with_words(card, meta), pieces, meta.name, meta.label)


def _own_format(
    reader: Mapping[str, Any], kind: DataType, found: Mapping[str, Piece]
) -> str | None:
    """csv and Parquet of a table without an index are read by our own formats, in pieces too."""
    if reader.get("type") != "pandas" or list(found) != [DATA] or kind.kind != "dataframe":
        return None
    spelled = reader.get("data_type")
    if not isinstance(spelled, dict) or spelled.get("index_cols"):
        return None
    name = {"csv": "csv", "parquet": "parquet"}.get(str(reader.get("format")))
    return name if name is not None and formats.named(name).can_hold(kind) else None


def _format(reader: Mapping[str, Any]) -> FormatInfo:
    if any(r.get("format") == "pickle" for r in _all_readers(reader)):
        return FormatInfo("mlem_pickled", 2, ("pandas pickle",))
    return FormatInfo("mlem_data", 0)


def _all_readers(reader: Any) -> Iterator[Mapping[str, Any]]:
    if not isinstance(reader, dict):
        return
    yield reader
    inner = reader.get("item_readers")
    for other in [
        *(reader.get("readers") or []),
        *(inner.values() if isinstance(inner, dict) else ()),
        reader.get("inner"),
        reader.get("labels"),
    ]:
        yield from _all_readers(other)


def _described(reader: Mapping[str, Any], found: Mapping[str, Piece]) -> Pieces:
    text = json.dumps(_listed(reader), sort_keys=True).encode()
    return {READER: text, **found}


def _listed(value: Any) -> Any:
    """A mapping as pairs, so that the keys 1 and "1" stay apart in JSON."""
    if isinstance(value, dict):
        return {"pairs": [[k, _listed(v)] for k, v in value.items()]}
    return [_listed(v) for v in value] if isinstance(value, list) else value
