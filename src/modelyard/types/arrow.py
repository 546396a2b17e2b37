"""Values as Arrow tables and back, exactly: what Arrow streams, Parquet bodies and files are made of.

======================================== ==============================================================
value                                    table
======================================== ==============================================================
a table, a structured array              its own columns; named levels of an index follow
a list of dicts with fields, of records  a column for each field
a matrix                                 columns ``0``, ``1`` …; a list column ``value`` is taken as well
a sparse matrix                          ``indices`` and ``data``, lists with the cells of each row
a series, a list, any other array        one column ``value`` (a series: its name), one row an item
a dict with fields, a record             one row with a column for each field
anything else                            one row in a column ``value``
======================================== ==============================================================

How nested values are written is told in `arrow_values`. `from_arrow` also takes tables that others made: columns in any order, of
other types where no value changes by it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from modelyard.base.errors import MissingExtra
from modelyard.types import pandas_columns
from modelyard.types.arrow_columns import array_of, numbers_of, read_cells
from modelyard.types.arrow_pandas import whole_array
from modelyard.types.arrow_values import nested_type, read_value, write_value
from modelyard.types.cells import Place
from modelyard.types.columns import Column
from modelyard.types.interface import DataType
from modelyard.types.mismatch import inside, refusal
from modelyard.types.numpy_cells import array_of as numpy_of
from modelyard.types.numpy_cells import cells_of as numpy_cells
from modelyard.types.pandas_frame import frame_of_blocks
from modelyard.types.tables import wrong_columns

if TYPE_CHECKING:
    import pyarrow as pa

VALUE = "value"


def to_arrow(value: Any, kind: DataType) -> pa.Table:
    """A native value of that type as a table; `SchemaMismatch` for one that does not fit, or that Arrow cannot hold."""
    pyarrow()
    if kind.table is not kind:
        return to_arrow(kind.unwrap(kind.check(value)), kind.table)  # type: ignore[attr-defined]  # what has a table has it
    write = _WRITE.get(kind.kind)
    if write is not None and (table := write(value, cast(Any, kind))) is not None:
        return table
    return _write_rows([kind.check(value)], kind)


def from_arrow(table: pa.Table, kind: DataType, where: str = "") -> Any:
    """The native value that a table stands for, checked; `SchemaMismatch` says what does not fit, and where."""
    pyarrow()
    if kind.table is not kind:
        return kind.check(from_arrow(table, kind.table, where), where)
    if len(set(table.column_names)) < table.num_columns:
        raise refusal(where, "different column names", "one twice")
    read = _READ.get(kind.kind)
    if read is not None:
        return read(table, cast(Any, kind), where)
    rows = _read_rows(table, kind, where)
    if len(rows) != 1:
        raise refusal(where, "a table of one row", f"one of {len(rows)}")
    return rows[0]


def pyarrow() -> Any:
    """pyarrow, or the extra that brings it."""
    try:
        import pyarrow as pa
    except ModuleNotFoundError as error:
        raise MissingExtra("Arrow data", "arrow", missing=error.name) from error
    return pa


# -- tables


def _write_arrow(value: Any, kind: Any) -> pa.Table:
    return kind.check(value)


def _write_polars(value: Any, kind: Any) -> pa.Table:
    return kind.check(value).to_arrow()


def _write_frame(value: Any, kind: Any) -> pa.Table:
    frame = kind.check(value)
    columns = {
        name: _of_series(frame.iloc[:, i], kind.columns[own], name)
        for i, (name, own) in enumerate(kind.names.items())
    }
    for name, column in kind.index.items():
        if name in frame.index.names:
            level = frame.index.get_level_values(name).to_series()
            columns[name] = _of_series(level, column, name)
    return _table(columns, len(frame))


def _write_series(value: Any, kind: Any) -> pa.Table:
    name = VALUE if kind.name is None else str(kind.name)
    return _table({name: _of_series(kind.check(value), kind.column, name)}, len(value))


def _of_series(series: Any, column: Column, name: str) -> Any:
    pa = pyarrow()
    plain = not column.parsed.extension and column.parsed.family in ("float", "integer", "boolean")
    if plain:  # a missing number is null to Arrow, as it is in JSON
        return pa.array(series.to_numpy(), from_pandas=True)
    return array_of(column, pandas_columns.cells_of(series, column), name)


def _table(columns: Mapping[str, Any], rows: int) -> pa.Table:
    pa = pyarrow()
    if not columns:  # Arrow counts rows by its columns
        raise refusal("", "a table with columns", f"{rows} rows without any")
    return pa.table(dict(columns))


def _read_frame(table: pa.Table, kind: Any, where: str) -> Any:
    import numpy as np
    import pandas as pd

    levels = [n for n in kind.index if n in table.column_names]
    _check_names(table, [*kind.names, *levels], where)

    def column(name: str, wanted: Column) -> Any:
        return _for_pandas(table.column(name), wanted, inside(where, name), _in(where, name))

    blocks: list[tuple[Any, Any]] = []
    for i, (name, own) in enumerate(kind.names.items()):
        array = column(name, kind.columns[own])
        block = array.reshape(1, -1) if isinstance(array, np.ndarray) else array
        blocks.append((block, np.array([i])))
    index: Any = pd.RangeIndex(table.num_rows)
    if len(levels) == 1:
        index = pd.Index(column(levels[0], kind.index[levels[0]]), name=levels[0])
    elif levels:
        arrays = [column(n, kind.index[n]) for n in levels]
        index = pd.MultiIndex.from_arrays(arrays, names=levels)
    return frame_of_blocks(blocks, index, pd.Index(list(kind.columns)))


def _for_pandas(values: Any, column: Column, where: str, place: Place) -> Any:
    whole = whole_array(values, column)
    if whole is not None:
        return whole
    return pandas_columns.array_of(column, read_cells(values, column, where, place))


def _read_series(table: pa.Table, kind: Any, where: str) -> Any:
    import pandas as pd

    array = _for_pandas(_only(table, where), kind.column, where, _at(where))
    return pd.Series(array, name=kind.name)


def _read_arrow(table: pa.Table, kind: Any, where: str) -> Any:
    return kind.check(table.replace_schema_metadata(None), where)


def _read_polars(table: pa.Table, kind: Any, where: str) -> Any:
    cells = {}
    _check_names(table, list(kind.columns), where)
    for name, column in kind.columns.items():
        place = _in(where, name)
        cells[name] = read_cells(table.column(name), column, inside(where, name), place)
    return kind.make(cells)


def _write_polars_series(value: Any, kind: Any) -> pa.Table:
    return kind.check(value).to_frame(kind.name or VALUE).to_arrow()


def _read_polars_series(table: pa.Table, kind: Any, where: str) -> Any:
    from modelyard.types.polars import series_of

    cells = read_cells(_only(table, where), kind.column, where, _at(where))
    return series_of(kind.name, kind.column, cells)


# -- arrays


def _write_array(value: Any, kind: Any) -> pa.Table | None:
    array = kind.check(value)
    if not kind.shape:
        return None
    if kind.column is None:
        if len(kind.shape) != 1:
            return _write_rows(list(array), kind.item)
        return _table({n: _of_array(array[n], c, n) for n, c in kind.fields}, len(array))
    if len(kind.shape) == 1:
        return _table({VALUE: _of_array(array, kind.column, VALUE)}, len(array))
    if len(kind.shape) == 2 and array.shape[1]:
        columns = {
            str(i): _of_array(array[:, i], kind.column, str(i)) for i in range(array.shape[1])
        }
        return _table(columns, len(array))
    return _write_rows(list(array), kind.item)


def _of_array(array: Any, column: Column, name: str) -> Any:
    if array.dtype.kind in "iufb":
        return pyarrow().array(array, from_pandas=True)
    return array_of(column, numpy_cells(array, column), name)


def _read_array(table: pa.Table, kind: Any, where: str) -> Any:
    import numpy as np

    if not kind.shape:
        [row] = _read_rows(table, kind, where) if table.num_rows == 1 else [None]
        return kind.check(row, where)
    if kind.column is None and len(kind.shape) == 1:
        _check_names(table, [n for n, _ in kind.fields], where)
        columns = {n: _numbers(table.column(n), c, inside(where, n)) for n, c in kind.fields}
        return kind.of_fields(columns, (table.num_rows,))
    if len(kind.shape) == 1:
        return kind.check(_numbers(_only(table, where), kind.column, where), where)
    if len(kind.shape) == 2 and (table.num_columns > 1 or not _is_nested(table)):
        names = [str(i) for i in range(table.num_columns)]
        names = names if set(names) == set(table.column_names) else table.column_names
        columns = [_numbers(table.column(n), kind.column, inside(where, n)) for n in names]
        return kind.check(np.column_stack(columns) if columns else np.empty((0, 0)), where)
    rows = _read_rows(table, kind.item, where)
    return kind.stacked(rows, where)


def _numbers(values: Any, column: Any, where: str) -> Any:
    numbers = numbers_of(values, column)
    if numbers is not None:
        return numbers
    return numpy_of(column, read_cells(values, column, where, _at(where)))


def _is_nested(table: pa.Table) -> bool:
    return table.num_columns == 1 and "list" in str(table.schema.types[0])


def _write_sparse(value: Any, kind: Any) -> pa.Table:
    pa = pyarrow()
    rows = kind.check(value).tocsr()
    lists = {"indices": rows.indices.astype("int32"), "data": rows.data}
    return _table(
        {
            n: pa.LargeListArray.from_arrays(pa.array(rows.indptr, pa.int64()), pa.array(part))
            for n, part in lists.items()
        },
        rows.shape[0],
    )


def _read_sparse(table: pa.Table, kind: Any, where: str) -> Any:
    _check_names(table, ["indices", "data"], where)
    indices, data = (table.column(n).to_pylist() for n in ("indices", "data"))
    pointers = [0]
    for i, (row, cells) in enumerate(zip(indices, data, strict=True)):
        if type(row) is not list or type(cells) is not list or len(row) != len(cells):
            raise refusal(f"{where}[{i}]", "as many indices as data", "another number")
        pointers.append(pointers[-1] + len(row))
    parts = {
        "shape": [len(indices), kind.width],
        "data": [c for row in data for c in row],
        "indices": [c for row in indices for c in row],
        "indptr": pointers,
    }
    return kind.decode(parts, where)


# -- lists and single values


def _write_list(value: Any, kind: Any) -> pa.Table:
    return _write_rows(kind.check(value), kind.items)


def _read_list(table: pa.Table, kind: Any, where: str) -> Any:
    return _read_rows(table, kind.items, where)


def _write_rows(rows: Sequence[Any], kind: Any) -> pa.Table:
    """One row an item: a column for each field, or one for the whole."""
    fields = getattr(kind, "fields", None)
    if not isinstance(fields, Mapping) or not fields:
        return _table({VALUE: _column(rows, kind, VALUE)}, len(rows))
    cells = [write_value(kind, row) for row in rows]
    return _table(
        {n: _array([c[n] for c in cells], nested_type(t), n) for n, t in fields.items()}, len(rows)
    )


def _column(rows: Sequence[Any], kind: DataType, name: str) -> Any:
    return _array([write_value(kind, row) for row in rows], nested_type(kind), name)


def _array(cells: Sequence[Any], kind: Any, where: str) -> Any:
    pa = pyarrow()
    try:
        return pa.array(cells, kind)
    except OverflowError:
        if kind == pa.int64():  # JSON has the unsigned ones too
            return _array(cells, pa.uint64(), where)
        raise refusal(where, f"integers that Arrow's {kind} holds", "a larger one") from None
    except (pa.ArrowException, UnicodeEncodeError) as error:
        raise refusal(where, f"values that Arrow's {kind} holds", str(error)) from None


def _read_rows(table: pa.Table, kind: Any, where: str) -> list[Any]:
    fields = getattr(kind, "fields", None)
    if isinstance(fields, Mapping) and fields:
        _check_names(table, list(fields), where)
        cells = table.to_pylist()
    else:
        cells = _only(table, where).to_pylist()
    return [read_value(kind, cell, f"{where}[{i}]") for i, cell in enumerate(cells)]


def _check_names(table: pa.Table, names: Sequence[str], where: str) -> None:
    if set(table.column_names) != set(names):
        raise wrong_columns(table.column_names, names, where)


def _only(table: pa.Table, where: str) -> Any:
    if table.num_columns != 1:
        raise refusal(where, "one column", str(table.num_columns))
    return table.column(0)


def _in(where: str, name: str) -> Place:
    return lambda i: f"{where}[{i}].{name}"


def _at(where: str) -> Place:
    return lambda i: f"{where}[{i}]"


_WRITE: Mapping[str, Callable[[Any, Any], Any]] = {
    "arrow_table": _write_arrow,
    "polars_dataframe": _write_polars,
    "polars_series": _write_polars_series,
    "dataframe": _write_frame,
    "series": _write_series,
    "array": _write_array,
    "sparse": _write_sparse,
    "list": _write_list,
}
_READ: Mapping[str, Callable[[Any, Any, str], Any]] = {
    "arrow_table": _read_arrow,
    "polars_dataframe": _read_polars,
    "polars_series": _read_polars_series,
    "dataframe": _read_frame,
    "series": _read_series,
    "array": _read_array,
    "sparse": _read_sparse,
    "list": _read_list,
}
