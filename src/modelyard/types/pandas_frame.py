"""pandas frames as a data type.

``{type: dataframe, columns: {age: int64, city: {dtype: category, categories: [a, b]}}}``. The index is data only when it
has a name: a shuffled index, as train_test_split leaves it, means nothing to a model; named levels stand under ``index`` and
may be sent or left out. ``names: integer`` marks a frame whose columns are numbers.

`check` also takes what stands for a frame: a dict of columns, a list of records, an array or lists of the right width
(columns by position), a series that is one row or one column, frames of polars and Arrow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from modelyard.base.errors import InvalidInput
from modelyard.types import pandas_columns
from modelyard.types.cells import Place, decode_cells, encode_cells
from modelyard.types.columns import Column
from modelyard.types.interface import DataType
from modelyard.types.mismatch import inside, mismatch, refusal
from modelyard.types.numpy_cells import is_plain, plain_block
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
            value = self._frame_of(value, where)
            if isinstance(value, RawTable):
                return self._build(value, where, native=True)
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
        ordered = frame[[have[n] for n in self.names]]
        return (
            ordered
            if ordered.columns.equals(self._labels)
            else ordered.set_axis(self._labels, axis=1)
        )

    def _frame_of(self, value: Any, where: str) -> pd.DataFrame | RawTable:
        """What stands for a frame, as one, or as values still to be judged."""
        import pandas as pd

        if isinstance(value, pd.Series):
            return self._from_series(value, where)
        if isinstance(value, Mapping):
            columns = {str(n): _as_list(v) for n, v in value.items()}
            return read_table(columns, list(self.names), where, list(self.index))
        if isinstance(value, (list, tuple)):
            rows = [_plain_row(r) for r in value]
            if rows and not isinstance(rows[0], (dict, list)):
                return self._from_vector(rows, where)
            return read_table(rows, list(self.names), where, list(self.index))
        if hasattr(value, "to_pandas"):
            return value.to_pandas()
        if hasattr(value, "ndim") and hasattr(value, "dtype"):
            return self._from_array(value, where)
        raise mismatch(where, "a table", value)

    def _from_series(self, series: pd.Series[Any], where: str) -> pd.DataFrame | RawTable:
        if [str(n) for n in series.index] == list(self.names):
            return self._from_vector(series.tolist(), where)
        if set(map(str, series.index)) == set(self.names):
            named = {str(n): v for n, v in series.items()}
            return self._from_vector([named[n] for n in self.names], where)
        frame = series.to_frame()
        return (
            frame.set_axis(self._labels, axis=1)
            if len(self.columns) == 1 and series.name is None
            else frame
        )

    def _from_array(self, array: Any, where: str) -> pd.DataFrame | RawTable:
        import pandas as pd

        if array.ndim == 1 and array.dtype.names is None:
            return self._from_vector(array.tolist(), where)
        if array.ndim != 2 or array.shape[1] != len(self.columns):
            shape = f"an array of shape {tuple(array.shape)}"
            raise refusal(where, f"{len(self.columns)} columns", shape)
        if hasattr(array, "toarray"):  # scipy's sparse matrices
            array = array.toarray()
        return pd.DataFrame(array, columns=self._labels)

    def _from_vector(self, values: Sequence[Any], where: str) -> RawTable:
        """A flat list: one row of all columns, or all rows of the only one."""
        width = len(self.columns)
        if width == 1:
            return RawTable(list(self.names), len(values), by_column=[list(values)])
        if len(values) != width:
            raise refusal(where, f"{width} columns", f"a flat list of {len(values)}")
        return RawTable(list(self.names), 1, rows=[list(values)])

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
    def _labels(self) -> pd.Index[Any]:
        import pandas as pd

        return pd.Index(list(self.columns))

    @cached_property
    def _all_floats(self) -> bool:
        return all(c.dtype == "float64" for c in self.columns.values())

    def _place(self, where: str, name: str) -> Place:
        return lambda i: f"{where}[{i}].{name}"

    def _build(self, table: RawTable, where: str, *, native: bool = False) -> pd.DataFrame:
        import numpy as np
        import pandas as pd

        if self._is_floats(table):
            block = np.array(table.rows, dtype=np.float64)
            return pd.DataFrame(block, columns=self._labels, copy=False)
        raw = table.columns()
        if native:
            raw = [pandas_columns.cells_of_natives(values) for values in raw]
        blocks = [block for group in self._plan for block in self._blocks(*group, raw, where)]
        index = self._index(table, raw, where)
        return _frame_of_blocks(blocks, index, self._labels)

    def _is_floats(self, table: RawTable) -> bool:
        """Whether the table is one block of plain floats, as most requests are."""
        if not self._all_floats or table.rows is None or len(table.names) != len(self.columns):
            return False
        return all(set(map(type, row)) == {float} for row in table.rows)

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

    def _index(self, table: RawTable, raw: Sequence[Sequence[Any]], where: str) -> pd.Index[Any]:
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


def _frame_of_blocks(blocks: list[tuple[Any, Any]], index: Any, labels: Any) -> pd.DataFrame:
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


def _as_list(values: Any) -> Any:
    return (
        values.tolist()
        if hasattr(values, "tolist")
        else list(values)
        if isinstance(values, tuple)
        else values
    )


def _plain_row(row: Any) -> Any:
    if isinstance(row, Mapping):
        return {str(k): v for k, v in row.items()}
    if isinstance(row, tuple) or (hasattr(row, "tolist") and getattr(row, "ndim", 0) == 1):
        return list(row)
    return row
