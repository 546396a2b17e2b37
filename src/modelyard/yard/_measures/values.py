"""Numbers and tables in files: JSON, YAML, TOML, CSV, TSV."""

from __future__ import annotations

import csv
import io
import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from modelyard.base.errors import InvalidInput
from modelyard.stores.folders.interface import Folder
from modelyard.yard.annotations import yaml

MOST_BYTES = 16 << 20
MOST_ROWS = 1000
"""Of a plot; of more rows some are left out, evenly, the last one kept."""

STRUCTURED = (".json", ".yaml", ".yml", ".toml")
TABULAR = (".csv", ".tsv")
PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp")

Value = float | int | str | bool | None


def read(folder: Folder, path: str) -> bytes:
    """A file; `InvalidInput` for one too large to be one of these."""
    with folder.open(path) as stream:
        data = stream.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise InvalidInput(f"{path} is larger than {MOST_BYTES >> 20} MB")
    return data


def structure(data: bytes, path: str) -> Any:
    """What a JSON, YAML or TOML file holds. Numbers of YAML come as they stand there."""
    try:
        if path.endswith(".json"):
            return json.loads(data)
        if path.endswith(".toml"):
            return tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{path} cannot be read: {error}") from None
    if path.endswith((".yaml", ".yml")):
        return yaml(data, path)
    raise InvalidInput(f"{path} is no file of metrics: {', '.join(STRUCTURED)}")


def flat(data: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """Leaves by dotted name.

    >>> dict(flat({"train": {"acc": 0.9}, "step": 2}))
    {'train.acc': 0.9, 'step': 2}
    """
    if isinstance(data, Mapping):
        for key, value in cast("Mapping[Any, Any]", data).items():
            yield from flat(value, f"{above}.{key}" if above else str(key))
    elif above:
        yield above, data


def number(value: Any) -> float | None:
    """A value as a number, also one that stands there as text; None for what is none.

    >>> number("1e-3"), number(True), number("high")
    (0.001, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def cell(text: Any) -> Value:
    """A cell of a table: a number where it is one."""
    if not isinstance(text, str):
        return text if isinstance(text, int | float | bool) else None if text is None else str(text)
    found = number(text)
    if found is None:
        return text
    return int(found) if found.is_integer() and text.strip().lstrip("+-").isdigit() else found


def table(data: bytes, path: str) -> list[dict[str, Value]]:
    """The rows of a table: a header and lines, or a list of mappings, also one that is inside a mapping."""
    if path.endswith(TABULAR):
        text = io.StringIO(data.decode("utf-8-sig", errors="replace"), newline="")
        reader = csv.DictReader(text, delimiter="\t" if path.endswith(".tsv") else ",")
        try:
            return [{k: cell(v) for k, v in row.items() if isinstance(k, str)} for row in reader]
        except csv.Error as error:
            raise InvalidInput(f"{path} cannot be read: {error}") from None
    rows = _rows(structure(data, path))
    if rows is None:
        raise InvalidInput(f"{path} holds no table: a list of mappings")
    return [{str(k): cell(v) for k, v in row.items()} for row in rows]


def _rows(data: Any) -> Sequence[Mapping[Any, Any]] | None:
    if isinstance(data, list):
        rows = cast("list[Any]", data)
        return rows if rows and all(isinstance(row, dict) for row in rows) else None
    if isinstance(data, dict):
        found = (_rows(value) for value in cast("dict[Any, Any]", data).values())
        return next((rows for rows in found if rows is not None), None)
    return None


def thinned(rows: Sequence[Any]) -> list[Any]:
    """At most `MOST_ROWS` of them, the first and the last among them."""
    if len(rows) <= MOST_ROWS:
        return list(rows)
    step = (len(rows) - 1) / (MOST_ROWS - 1)
    return [rows[round(place * step)] for place in range(MOST_ROWS)]
