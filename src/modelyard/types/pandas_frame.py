"""pandas frames as a data type.

``{type: dataframe, columns: {age: int64, city: {dtype: category, categories: [a, b]}}}``. The index is data only when it
has a name: a shuffled index, as train_test_split leaves it, means nothing to a model; named levels stand under ``index`` and
may be sent or left out. ``names: integer`` marks a frame whose columns are numbers.

`check` also takes what stands for a frame: a dict of columns, a list of records, an array or lists of the right width
(columns by position), a series that is one row or one column, frames of polars and Arrow.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from modelyard.base.errors import InvalidInput
from modelyard.types import pandas_columns
from modelyard.types.cells import Place, decode_cells, encode_cells
from modelyard.types.columns import Column
from modelyard.types.interface import DataType
from modelyard.types.mismatch import inside, refusal
from modelyard.types.natives import native_table
from modelyard.types.numpy_cells import is_floats, is_plain, plain_block
from modelyard.types.scalar import only_fields
from modelyard.types.tables import RawTable, read_table, table_schema, wrong_columns

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class DataFrameType(DataType):
    """A frame: its columns in order, by name (a text, or an integer in all of them)."""

    kind = "dataframe"
    columns: Mapping[Any, Column]
    index: Mapping[str, Column] = field(default_factory=dict)

    @cached_property
    def names(self) -> Mapping[str, Any]:
        """JSON name -> the frame's own name, in order."""
        return {str(name): name for name in self.columns}

    def to_dict(self) -> dict[str, Any]:
        spelled: dict[str, Any] = {
            "type": self.kind,
            "columns": {n: self.columns[c].to_spelled() for n, c in self.names.items()},
        }
        if any(isinstance(c, int) for c in self.columns):
            spelled["names"] = "integer"
        if self.index:
            spelled["index"] = {n: c.to_spelled() for n, c in self.index.items()}
        return spelled

    @classmethod
    def from_dict(cls, spelled: Mapping[str, Any]) -> Self:
        only_fields(spelled, "columns", "names", "index")
        columns, index = spelled.get("columns"), spelled.get("index", {})
        if not isinstance(columns, Mapping) or not isinstance(index, Mapping):
            raise InvalidInput(
                "type 'dataframe' needs a mapping of names to dtypes under 'columns'"
            )
        read = int if spelled.get("names") == "integer" else str
        try:
            named = {read(n): Column.from_spelled(c, f"column {n!r}") for n, c in columns.items()}
        except ValueError as error:
            raise (
                error
                if isinstance(error, InvalidInput)
                else InvalidInput(
                    "type 'dataframe': with 'names: integer' every column is a number"
                )
            ) from None
        levels = {str(n): Column.from_spelled(c, f"index {n!r}") for n, c in index.items()}
        return cls(named, levels)

    def json_schema(self) -> dict[str, Any]:
        return table_schema({n: self.columns[c] for n, c in self.names.items()}, self.index)

    def rows(self, value: Any) -> int | None:
        return len(value)

    # -- native values

    def check(self, value: Any, where: str = "") -> pd.DataFrame:
        import pandas as pd

        if not isinstance(value, pd.DataFrame):
            value = self._as_frame(value)
        if not isinstance(value, pd.DataFrame):
            return self._build(native_table(value, self._json_names, where, self._levels), where)
        frame = self._in_order(value, where)
        changed: dict[Any, Any] = {}
        for i, dtype in enumerate(frame.dtypes.tolist()):
            name, column = self._items[i]
            if self._is_settled[i] and dtype == self._dtypes[i]:
                continue
            place = self._place(where, str(name))
            fitted = pandas_columns.fit(frame.iloc[:, i], column, inside(where, name), place)
            if fitted is not None:
                changed[name] = fitted
        if changed:
            frame = frame.copy(deep=False)
            for name, array in changed.items():
                frame[name] = array
        return frame

    @cached_property
    def _items(self) -> list[tuple[Any, Column]]:
        return list(self.columns.items())

    @cached_property
    def _dtypes(self) -> list[Any]:
        return [pandas_columns.pandas_dtype(c) for c in self.columns.values()]

    @cached_property
    def _is_settled(self) -> list[bool]:
        """Whether a column of the right dtype needs no look at its cells."""
        return [c.parsed.family in pandas_columns.CANNOT_MISS for c in self.columns.values()]

    def _in_order(self, frame: pd.DataFrame, where: str) -> pd.DataFrame:
        """The columns of the schema in its order, whatever else is right about them."""
        if frame.columns.equals(self._labels):
            return frame
        if len(set(frame.columns)) != len(frame.columns):
            raise refusal(where, "different column names", "one twice")
        have = {str(c): c for c in frame.columns}
        if frame.index.names != [None] and set(frame.index.names) & set(self.names):
            frame = frame.reset_index()
            have = {str(c): c for c in frame.columns}
        if self.index and set(self.index) <= set(have):
            frame = frame.set_index([have.pop(n) for n in self.index])
        if have.keys() != self.names.keys():
            raise wrong_columns(list(have), list(self.names), where)
        ordered = frame.loc[:, [have[n] for n in self.names]]
        return (
            ordered
            if ordered.columns.equals(self._labels)
            else ordered.set_axis(self._labels, axis=1)
        )

    def _as_frame(self, value: Any) -> Any:
        """What is a frame in another coat; everything else as it is."""
        import pandas as pd

        if isinstance(value, pd.Series):
            return self._series_as_frame(value)
        if hasattr(value, "to_pandas") and importlib.util.find_spec("pyarrow"):
            return value.to_pandas()
        wide = getattr(value, "ndim", 0) == 2 and value.shape[1] == len(self.columns)
        if wide and hasattr(value, "dtype") and value.dtype.names is None:
            return pd.DataFrame(
                value.toarray() if hasattr(value, "toarray") else value, columns=self._labels
            )
        return value

    def _series_as_frame(self, series: pd.Series) -> Any:
        """A series labelled by the columns is one row; any other is a column."""
        labels = {str(n): v for n, v in series.items()}
        if labels.keys() == self.names.keys():
            return [labels]
        frame = series.to_frame()
        alone = len(self.columns) == 1 and series.name is None
        return frame.set_axis(self._labels, axis=1) if alone else frame

    # -- JSON

    def decode(self, data: Any, where: str = "") -> pd.DataFrame:
        return self._build(read_table(data, self._json_names, where, self._levels), where)

    @cached_property
    def _json_names(self) -> list[str]:
        return list(self.names)

    @cached_property
    def _levels(self) -> list[str]:
        return list(self.index)

    @cached_property
    def _labels(self) -> pd.Index:
        import pandas as pd

        return pd.Index(list(self.columns))

    @cached_property
    def _all_floats(self) -> bool:
        return all(c.dtype == "float64" for c in self.columns.values())

    def _place(self, where: str, name: str) -> Place:
        return lambda i: f"{where}[{i}].{name}"

    def _build(self, table: RawTable, where: str) -> pd.DataFrame:
        import numpy as np
        import pandas as pd

        if self._is_floats(table):
            block = np.array(table.rows, dtype=np.float64)
            return pd.DataFrame(block, columns=self._labels, copy=False)
        raw = table.columns()
        blocks = [block for group in self._plan for block in self._blocks(*group, raw, where)]
        index = self._index(table, raw, where)
        return frame_of_blocks(blocks, index, self._labels)

    def _is_floats(self, table: RawTable) -> bool:
        """Whether the table is one block of plain floats, as most requests are."""
        if not self._all_floats or table.rows is None or len(table.names) != len(self.columns):
            return False
        return all(map(is_floats, table.rows))

    def _blocks(
        self, dtype: str | None, places: list[int], raw: Sequence[Sequence[Any]], where: str
    ) -> Iterator[tuple[Any, Any]]:
        """One block for the columns of a numpy dtype, or one for each: pandas' own way to make a frame of 30
        columns takes a millisecond."""
        import numpy as np

        if dtype is not None:
            values = [raw[i] for i in places]
            block = plain_block(dtype, values)
            if block is None:
                cells = [
                    self._cells(i, column, where) for i, column in zip(places, values, strict=True)
                ]
                block = np.array(cells, dtype=dtype)
            yield block, np.array(places)
            return
        for i in places:
            array = pandas_columns.array_of(self._items[i][1], self._cells(i, raw[i], where))
            yield array.reshape(1, -1) if isinstance(array, np.ndarray) else array, np.array([i])

    def _cells(self, i: int, values: Sequence[Any], where: str) -> Sequence[Any]:
        name, column = self._items[i]
        return decode_cells(column, values, self._place(where, str(name)))

    def _index(self, table: RawTable, raw: Sequence[Sequence[Any]], where: str) -> pd.Index:
        """The named levels that were sent, else a count."""
        import pandas as pd

        width = len(self.columns)
        names = table.names[width:]
        if not names:
            return pd.RangeIndex(table.length)
        levels = []
        for name, values in zip(names, raw[width:], strict=True):
            cells = decode_cells(self.index[name], values, self._place(where, name))
            levels.append(pandas_columns.array_of(self.index[name], cells))
        if len(levels) == 1:
            return pd.Index(levels[0], name=names[0])
        return pd.MultiIndex.from_arrays(levels, names=names)

    @cached_property
    def _plan(self) -> list[tuple[str | None, list[int]]]:
        """Positions of the columns that share a plain numpy dtype, and under None those made one by one."""
        groups: dict[str | None, list[int]] = {}
        for i, column in enumerate(self.columns.values()):
            plain = (
                column.parsed.family in ("float", "integer", "boolean")
                and not column.parsed.extension
            )
            groups.setdefault(column.dtype if plain else None, []).append(i)
        return list(groups.items())

    def encode(self, value: Any) -> list[dict[str, Any]]:
        frame = self.check(value)
        columns: dict[str, Any] = {n: None for n in self.index if n in frame.index.names}
        for name in columns:
            level = frame.index.get_level_values(name).to_series()
            cells = pandas_columns.cells_of(level, self.index[name])
            columns[name] = encode_cells(self.index[name], cells, name)
        columns |= dict.fromkeys(self.names)
        for dtype, places in self._plan:
            names = [str(self._items[i][0]) for i in places]
            columns |= zip(names, self._encode_group(frame, dtype, places), strict=True)
        names = list(columns)
        return [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def _encode_group(
        self, frame: pd.DataFrame, dtype: str | None, places: list[int]
    ) -> list[list[Any]]:
        """The columns at some places as JSON; those of one plain dtype at once, where numpy's own lists are JSON."""
        if dtype is not None:
            whole = len(places) == len(self.columns)
            block = (frame if whole else frame.iloc[:, places]).to_numpy()
            if is_plain(block):
                return block.T.tolist()
        encoded: list[list[Any]] = []
        for i in places:
            name, column = self._items[i]
            cells = pandas_columns.cells_of(frame.iloc[:, i], column)
            encoded.append(encode_cells(column, cells, str(name)))
        return encoded


def frame_of_blocks(blocks: list[tuple[Any, Any]], index: Any, labels: Any) -> pd.DataFrame:
    """A frame of blocks (arrays of a column a row, or one extension array) and the positions of their columns."""
    import pandas as pd

    try:
        from pandas.api.internals import create_dataframe_from_blocks
    except ImportError:  # before pandas 3
        arrays = {}
        for block, places in blocks:
            rows = block if getattr(block, "ndim", 1) == 2 else [block]
            arrays |= dict(zip(places.tolist(), rows, strict=True))
        frame = pd.DataFrame({i: arrays[i] for i in range(len(labels))}, index=index)
        return frame.set_axis(labels, axis=1)
    return create_dataframe_from_blocks(blocks, index=index, columns=labels)
