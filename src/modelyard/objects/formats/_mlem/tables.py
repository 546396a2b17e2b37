"""Tables as pandas wrote them for MLEM: an index that counts for something stands in the first columns."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any

from modelyard.base.errors import Corrupted
from modelyard.objects.formats._frames import load_pandas


def read_table(reader: Mapping[str, Any], data: bytes) -> Any:
    """A frame with its columns, dtypes and index as the description has them."""
    pandas = load_pandas("reading this table")
    form = str(reader.get("format"))
    if form not in _FORMS:
        raise Corrupted(f"a table in the format {form!r} is none of {', '.join(_FORMS)}")
    try:
        return _aligned(_FORMS[form](pandas, io.BytesIO(data)), reader.get("data_type") or {})
    except ImportError:
        raise
    except Exception as error:  # each library words its own
        raise Corrupted(f"the {form} cannot be read as it is described: {error}") from error


def read_series(reader: Mapping[str, Any], data: bytes) -> Any:
    """One column of a table."""
    return read_table(reader, data).iloc[:, 0]


def _aligned(frame: Any, spelled: Mapping[str, Any]) -> Any:
    """The described columns in order, in their dtypes, and the index set again."""
    columns, dtypes = list(spelled["columns"]), list(spelled["dtypes"])
    whole = {str(c): c for c in columns if isinstance(c, int)}
    frame = frame.rename(columns={c: whole.get(str(c), c) for c in frame.columns})
    frame = frame[columns].copy()
    for name, dtype in zip(columns, dtypes, strict=True):
        if str(frame[name].dtype) != dtype:
            frame[name] = frame[name].astype(dtype)
    levels = list(spelled.get("index_cols") or [])
    if levels:
        frame = frame.set_index(levels)
        frame.index.names = [n if n != "" else None for n in frame.index.names]
    return frame


def _named(frame: Any) -> Any:
    """A column without a name is one that pandas calls ``Unnamed: 0``."""
    return frame.rename(
        columns={c: "" if str(c).startswith("Unnamed: ") else c for c in frame.columns}
    )


def _pickled(pandas: Any, stream: Any) -> Any:
    value = pandas.read_pickle(stream)
    return value.to_frame() if hasattr(value, "to_frame") else value


_FORMS: Mapping[str, Callable[[Any, Any], Any]] = {
    "csv": lambda pandas, stream: _named(pandas.read_csv(stream)),
    "json": lambda pandas, stream: pandas.read_json(stream, date_unit="ns").reset_index(drop=True),
    "html": lambda pandas, stream: _named(pandas.read_html(stream)[0]),
    "excel": lambda pandas, stream: _named(pandas.read_excel(stream)),
    "parquet": lambda pandas, stream: pandas.read_parquet(stream),
    "feather": lambda pandas, stream: pandas.read_feather(stream),
    "stata": lambda pandas, stream: pandas.read_stata(stream),
    "pickle": _pickled,
}
