"""Listings and searches as pandas DataFrames, or as plain records where pandas is not installed or not wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modelyard.base.errors import MissingExtra


def listing(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, records: bool) -> Any:
    """A DataFrame with these columns first (also when there are no rows), or a list of dicts."""
    if records:
        return [dict(row) for row in rows]
    try:
        import pandas
    except ModuleNotFoundError as error:
        raise MissingExtra("a listing as DataFrame (records=True needs none)", "pandas") from error
    names = list(dict.fromkeys([*columns, *(key for row in rows for key in row)]))
    return pandas.DataFrame(list(rows), columns=names)
