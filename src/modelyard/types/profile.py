"""What is in a table, column by column: the figures of `info()`, of data cards, and the baseline of drift.

Each column is one JSON-able mapping. First, in this order: ``column_name, original_dtype, converted_dtype, null_count,
unique_count, min_value_num, max_value_num``. Then what its kind allows: ``mean, std, quantiles`` of numbers (over the finite
ones; ``infinite_count`` says how many are not), ``min, max`` of moments and durations as ISO 8601 text, ``top`` (up to ten
values with counts) of texts, categories and booleans.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from modelyard.base.errors import MissingExtra, UnsupportedType
from modelyard.types.cells import spell_float

if TYPE_CHECKING:
    import pandas as pd

TOP = 10
"""Most frequent values kept."""
_LONGEST = 120
"""Characters of a text kept in ``top``."""
QUANTILES: Mapping[str, float] = {"p05": 0.05, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95}


def profile(table: Any) -> list[dict[str, Any]]:
    """The profile of a DataFrame, a series, an array, or a frame of another library; one mapping a column.

    Null are None, NaN and NaT. Unique values are counted without them; in a column of mixed objects 1, 1.0 and True
    are three values.
    """
    frame = _as_frame(table)
    return [_column(str(name), frame.iloc[:, i]) for i, name in enumerate(frame.columns)]


def _as_frame(table: Any) -> pd.DataFrame:
    try:
        import pandas as pd
    except ModuleNotFoundError as error:
        raise MissingExtra("the profile of a table", "pandas", missing=error.name) from error

    if hasattr(table, "toarray"):
        table = table.toarray()
    elif hasattr(table, "to_pandas"):
        table = table.to_pandas()
    if isinstance(table, pd.Series):
        return table.to_frame("value" if table.name is None else table.name)
    if isinstance(table, pd.DataFrame):
        return table
    if getattr(table, "ndim", 0) in (1, 2):
        return pd.DataFrame(table)
    raise UnsupportedType(f"a {type(table).__qualname__} is no table that can be profiled")


def _column(name: str, series: pd.Series) -> dict[str, Any]:
    import pandas as pd

    original = str(series.dtype)
    if isinstance(series.dtype, pd.SparseDtype):
        series = pd.Series(series.to_numpy())
    present = series.dropna()
    kind = _kind(series)
    facts: dict[str, Any] = {
        "column_name": name,
        "original_dtype": original,
        "converted_dtype": kind,
        "null_count": len(series) - len(present),
        "unique_count": 0,
        "min_value_num": None,
        "max_value_num": None,
    }
    if kind in ("int", "float") and not isinstance(series.dtype, pd.CategoricalDtype):
        return facts | _numbers(present, kind)
    if kind in ("datetime", "timedelta"):
        return facts | _moments(present)
    return facts | _values(present)


def _kind(series: pd.Series) -> str:
    """The plain word for a dtype; mixed objects and everything unheard of are texts."""
    import pandas as pd

    dtype: Any = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        dtype = dtype.categories.dtype
    tests = (
        ("bool", pd.api.types.is_bool_dtype),
        ("int", pd.api.types.is_integer_dtype),
        ("float", pd.api.types.is_float_dtype),
        ("datetime", pd.api.types.is_datetime64_any_dtype),
        ("timedelta", pd.api.types.is_timedelta64_dtype),
        ("complex", pd.api.types.is_complex_dtype),
    )
    return next((word for word, test in tests if test(dtype)), "str")


def _numbers(present: pd.Series, kind: str) -> dict[str, Any]:
    import numpy as np

    if present.empty:
        return {"mean": None, "std": None, "quantiles": dict.fromkeys(QUANTILES)}
    values = present.to_numpy(dtype=None if present.dtype.kind in "iuf" else float)
    plain = int if kind == "int" else float
    finite = values[np.isfinite(values)].astype(np.float64)
    facts = {
        "unique_count": int(present.nunique()),
        "min_value_num": _number(plain(present.min())),
        "max_value_num": _number(plain(present.max())),
        "mean": _number(finite.mean()) if finite.size else None,
        "std": _number(finite.std(ddof=1)) if finite.size > 1 else None,
        "quantiles": _quantiles(finite),
    }
    infinite = len(values) - len(finite)
    return facts | ({"infinite_count": infinite} if infinite else {})


def _quantiles(finite: Any) -> dict[str, Any]:
    import numpy as np

    if not finite.size:
        return dict.fromkeys(QUANTILES)
    found = np.quantile(finite, list(QUANTILES.values()))
    return {name: _number(q) for name, q in zip(QUANTILES, found, strict=True)}


def _number(value: Any) -> Any:
    """A JSON number, or the text of an infinity."""
    if isinstance(value, int):
        return value
    value = float(value)
    return value if math.isfinite(value) else spell_float(value, nan=None)


def _moments(present: pd.Series) -> dict[str, Any]:
    if present.empty:
        return {"min": None, "max": None}
    return {
        "unique_count": int(present.nunique()),
        "min": present.min().isoformat(),
        "max": present.max().isoformat(),
    }


def _values(present: pd.Series) -> dict[str, Any]:
    """Texts, booleans, categories, and objects of any kind, told apart by their type as well."""
    shown = {}
    counts: dict[Any, int] = {}
    if present.dtype == object:
        for value in present:
            key = (type(value).__name__, value if isinstance(value, str) else repr(value))
            counts[key] = counts.get(key, 0) + 1
            shown.setdefault(key, value)
    else:
        counted = present.value_counts()
        counts = {key: int(n) for key, n in counted.items() if n}
        shown = {key: key for key in counts}
    # By count, then by text: the same data gives the same profile.
    order = sorted(counts, key=lambda k: (-counts[k], str(k)))[:TOP]
    top = [{"value": _shown(shown[key]), "count": counts[key]} for key in order]
    return {"unique_count": len(counts), "top": top}


def _shown(value: Any) -> Any:
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return _number(value)
    text = value if isinstance(value, str) else str(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
