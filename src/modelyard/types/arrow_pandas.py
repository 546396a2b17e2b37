"""Arrow columns as pandas arrays at once, without a look at each cell: where the type is the wanted one, which it mostly is."""

from __future__ import annotations

from typing import Any

from modelyard.types.arrow_columns import arrow_type, numbers_of
from modelyard.types.columns import Column
from modelyard.types.pandas_columns import pandas_dtype


def whole_array(values: Any, column: Column) -> Any:
    """The column as pandas holds it, or None where its cells have to be looked at: another type, a value missing where
    none may be."""
    if values.null_count and not column.takes_missing:
        return None
    family = column.parsed.family
    if family == "category":
        return _categories(values, column)
    if not _is_of(values.type, column):
        return None
    if family in ("datetime", "duration"):
        return _times(values, column)
    if family in ("float", "integer", "boolean") and not column.parsed.extension:
        return numbers_of(values, column)
    dtype = pandas_dtype(column)
    known = family in ("float", "integer", "boolean", "string")
    return dtype.__from_arrow__(values) if known and hasattr(dtype, "__from_arrow__") else None


def _is_of(kind: Any, column: Column) -> bool:
    wanted = arrow_type(column)
    return kind == wanted or (str(wanted), str(kind)) == ("string", "large_string")


def _times(values: Any, column: Column) -> Any:
    import pandas as pd

    parsed = column.parsed
    if parsed.extension or parsed.unit not in ("s", "ms", "us", "ns"):
        return None
    array = values.to_numpy()
    if not parsed.zone:
        return array
    return pd.Series(array).dt.tz_localize("UTC").dt.tz_convert(parsed.zone).array


def _categories(values: Any, column: Column) -> Any:
    import pandas as pd
    import pyarrow as pa

    if not pa.types.is_dictionary(values.type) or not values.num_chunks:
        return None
    one = values.unify_dictionaries().combine_chunks()
    one = one.chunk(0) if isinstance(one, pa.ChunkedArray) else one
    known = one.dictionary.to_pylist()
    alike = known == list(column.categories) and list(map(type, known)) == list(
        map(type, column.categories)
    )
    if not alike:
        return None
    codes = one.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return pd.Categorical.from_codes(codes, dtype=pandas_dtype(column))
