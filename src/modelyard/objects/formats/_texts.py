"""Columns of text as columns of their types, and back: what csv needs because it has no types of its own.

With a type nothing is guessed: ``007`` and ``None`` stay texts where the type says text, an integer that does not fit
is refused. An empty field is a missing value where the type takes one. Without a type, a column is numbers when all
of it is, with no leading zeros; everything else stays text.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from modelyard.base.errors import SchemaMismatch, UnsupportedType
from modelyard.objects.formats._frames import load_pandas
from modelyard.types.cells import decode_cells
from modelyard.types.columns import Column
from modelyard.types.mismatch import mismatch, refusal

if TYPE_CHECKING:
    import pandas as pd

MISSING_NUMBERS = (
    "", "NA", "N/A", "#N/A", "<NA>", "NaN", "nan", "NULL", "null", "None",
)  # fmt: skip
"""Words for a missing number. In a column of texts only the empty field is one."""

_TRUTHS = {"true": True, "false": False, "1": True, "0": False}
_EXACT = 1 << 53
"""Up to here a column of integers with missing values can be floats, as pandas has it."""

_TEXTS = ("string", "category", "object")
_FAMILIES = ("float", "integer", "boolean", "datetime", "duration", "period", *_TEXTS)


def can_spell(column: Column) -> bool:
    """Whether fields of text can hold every value of a column so that it can be read back."""
    if column.parsed.family == "category":
        words = [_spelled(c) for c in column.categories]
        return len(set(words)) == len(words) and not (column.takes_missing and "" in words)
    return column.parsed.family in _FAMILIES and column.items != "mixed"


def _spelled(category: Any) -> str:
    return category if isinstance(category, str) else repr(category)


# -- from text


def parser_dtypes(columns: Mapping[str, Column], names: list[str]) -> dict[str, Any]:
    """The dtype that pandas' own parser reads a column as, fast and exactly; text for what we convert."""
    return {n: _parser_dtype(columns[n]) if n in columns else "str" for n in names}


def _parser_dtype(column: Column) -> str:
    parsed = column.parsed
    if parsed.family == "float":
        return "Float64" if parsed.extension else "float64"
    if parsed.family == "integer":
        word = "UInt64" if parsed.unsigned else "Int64"
        return word if column.takes_missing else word.lower()
    return "str"


def parser_missing(columns: Mapping[str, Column]) -> dict[str, list[str]]:
    """Which words are missing values, for the columns that pandas' parser reads as numbers."""
    numbers = [n for n, c in columns.items() if _parser_dtype(c) != "str" and c.takes_missing]
    return {n: list(MISSING_NUMBERS) for n in numbers}


def typed(texts: pd.Series, column: Column, name: str) -> Any:
    """A column as the parser read it, ready for the type's own check."""
    import numpy as np

    parsed = column.parsed
    if parsed.family == "float" and parsed.bits < 64 and not parsed.extension:
        with np.errstate(over="ignore"):
            narrow = texts.astype(parsed.name)
        grown = np.isinf(narrow.to_numpy()) & ~np.isinf(texts.to_numpy())
        if grown.any():
            row = int(grown.argmax())
            raise refusal(
                f"[{row}].{name}", column.expected, f"{texts.iloc[row]}, too large for it"
            )
        return narrow
    if parsed.family == "boolean":
        return _truths(texts, column, name)
    if parsed.family in ("float", "integer"):
        return texts
    if parsed.family == "category":
        return _categories(texts, column)
    return _without_empty(texts) if column.takes_missing else texts


def _truths(texts: pd.Series, column: Column, name: str) -> Any:
    words = texts.str.lower()
    known = words.isin([*_TRUTHS, *([""] if column.takes_missing else [])])
    if not known.all():
        row = int((~known).to_numpy().argmax())
        raise mismatch(f"[{row}].{name}", column.expected, texts.iloc[row])
    return words.map(_TRUTHS).astype("boolean" if column.takes_missing else bool)


def _categories(texts: pd.Series, column: Column) -> Any:
    """Texts as the categories they spell; unknown ones stay as they are, for the check to name."""
    words = {_spelled(c): c for c in column.categories if not isinstance(c, str)}
    if column.takes_missing:
        texts = _without_empty(texts)
    if not words:
        return texts
    return texts.astype(object).map(lambda t: words.get(t, t), na_action="ignore")


def _without_empty(texts: pd.Series) -> Any:
    empty = texts == ""
    return texts.mask(empty) if empty.any() else texts


def first_wrong(texts: pd.DataFrame, columns: Mapping[str, Column]) -> SchemaMismatch | None:
    """The number that pandas' parser stumbled over: the first field that is none, by column."""
    for name, column in columns.items():
        if _parser_dtype(column) == "str":
            continue
        try:
            values = [_number(t, column) for t in texts[name].tolist()]
            decode_cells(column, values, lambda i, n=name: f"[{i}].{n}")
        except SchemaMismatch as error:
            return error
    return None


def _number(text: str, column: Column) -> Any:
    if text in MISSING_NUMBERS and column.takes_missing:
        return None
    for read in (int, float):
        if "_" not in text:  # Python would read 1_000
            with contextlib.suppress(ValueError):
                return read(text)
    return text


def inferred(texts: pd.Series) -> Any:
    """A column without a type: numbers or truths when all of it is, else text; empty fields are missing."""
    pandas = load_pandas("reading this")
    present: Any = texts[~texts.isin(MISSING_NUMBERS)]
    if not len(present):
        empty = len(texts) and (texts == "").all()
        return texts.mask(texts == "").astype(float) if empty else _without_empty(texts)
    if present.isin(["True", "False", "true", "false", "TRUE", "FALSE"]).all():
        truths = texts.str.lower().map(_TRUTHS)
        return truths.astype(bool if len(present) == len(texts) else "boolean")
    if present.str.match(r"[+-]?0[0-9]").any():
        return _without_empty(texts)
    numbers = pandas.to_numeric(present, errors="coerce")
    whole = present.str.fullmatch(r"[+-]?[0-9]+").all()
    if numbers.isna().any() or (whole and numbers.dtype.kind == "f"):
        return _without_empty(texts)
    if whole and len(present) < len(texts) and max(numbers.max(), -int(numbers.min())) > _EXACT:
        numbers = numbers.astype("UInt64" if numbers.dtype.kind == "u" else "Int64")
    return numbers.reindex(texts.index)


# -- to text


def spelled(frame: pd.DataFrame, columns: Mapping[str, Column]) -> pd.DataFrame:
    """The frame with moments and durations as ISO 8601, and its texts checked."""
    from modelyard.types.cells import encode_cells
    from modelyard.types.pandas_columns import cells_of

    changed = {}
    for name, column in columns.items():
        series: Any = frame[name]
        if series.dtype == object and column.parsed.family not in _TEXTS:
            _check_foreign(series, column, name)
        elif column.parsed.family in ("datetime", "duration", "period"):
            changed[name] = encode_cells(column, cells_of(series, column), name)
        elif column.parsed.family in _TEXTS:
            _check_texts(series, column, name)
    return frame.assign(**changed) if changed else frame


def _check_foreign(series: pd.Series, column: Column, name: str) -> None:
    if column.parsed.family == "float" and (series == "NaN").any():
        raise UnsupportedType(
            f"column {name!r} holds NaN, and may hold missing values: csv reads both alike",
            hint="save it as parquet or json",
        )


def _check_texts(series: pd.Series, column: Column, name: str) -> None:
    texts = column.categories if column.parsed.family == "category" else series.tolist()
    values = [v for v in texts if isinstance(v, str)]
    if any("\0" in v for v in values):
        raise UnsupportedType(f"column {name!r} holds a NUL character, which csv cannot")
    if column.takes_missing and column.parsed.family != "category" and "" in values:
        raise UnsupportedType(
            f"column {name!r} holds empty texts and may hold missing values: csv writes both alike",
            hint="save it as parquet or json",
        )


def needs_quotes(frame: pd.DataFrame) -> bool:
    """Whether all texts must be quoted: a lone carriage return would end a line, a blank one would be none."""
    if frame.shape[1] == 1 or any("\r" in str(n) for n in frame.columns):
        return True
    texts = frame.select_dtypes(exclude=["number", "bool", "datetime", "datetimetz", "timedelta"])
    return any("\r" in v for _, s in texts.items() for v in s.tolist() if isinstance(v, str))
