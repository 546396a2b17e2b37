"""Tables as Excel workbooks (.xlsx): the first sheet, a header in its first row. Reading needs the extra ``excel``.

Excel knows numbers of 15 digits, texts, booleans, and moments of milliseconds without a zone; what does not fit into that is
refused, never rounded. Empty cells are missing values, and empty texts in a column that has no missing ones.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import math
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from modelyard.base.errors import (
    InvalidInput,
    MissingExtra,
    SchemaMismatch,
    TooLarge,
    UnsupportedType,
)
from modelyard.base.notes import note
from modelyard.objects.formats._frames import (
    at_line,
    columns_of,
    empty,
    load_pandas,
    named_columns,
    to_frame,
)
from modelyard.objects.formats._xlsx import (
    FIRST_DAY,
    MAX_COLUMNS,
    MAX_ROWS,
    MAX_TEXT,
    TABLE,
    Sheet,
    unspelled,
)
from modelyard.types.columns import Column
from modelyard.types.interface import DataType
from modelyard.types.tables import wrong_columns

NAME = "excel"
TIER = 0
SUFFIXES = (".xlsx",)
LIBRARIES = ("openpyxl",)

UNPACKED = 2 << 30
"""A workbook whose parts are larger than that is refused: a small file can unpack to anything."""
_EXACT = 1 << 53
_FAMILIES = ("float", "integer", "boolean", "string", "category", "object")


def can_hold(type: DataType) -> bool:
    columns = columns_of(type)
    return columns is not None and len(columns) <= MAX_COLUMNS and all(map(_can_spell, columns))


def _can_spell(column: Column) -> bool:
    naive = column.parsed.family == "datetime" and not column.parsed.zone
    return column.parsed.family in _FAMILIES or naive


# -- write


def write(value: Any, path: Path, type: DataType) -> None:
    frame = to_frame(value, type)
    names = [str(n) for n in frame.columns]
    frame.columns = names
    with open_writer(path) as out:
        out.add(names, [_cells(frame[n], c) for n, c in named_columns(type, names).items()])


class TableWriter:
    """Writes frames of the same columns below each other."""

    def __init__(self, path: Path) -> None:
        self._sheet = Sheet(path)
        self._names: list[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._sheet.__exit__(kind, error, trace)

    def write(self, value: Any) -> None:
        """Append the rows of a frame; other columns than before are `SchemaMismatch`."""
        from modelyard.types import infer

        kind: Any = infer(value.reset_index(drop=True))
        if not can_hold(kind):
            raise UnsupportedType("Excel cannot hold a table with such columns", hint="parquet can")
        columns = [_cells(value.iloc[:, i], c) for i, c in enumerate(kind.columns.values())]
        self.add([str(n) for n in value.columns], columns)

    def add(self, names: list[str], columns: Sequence[Sequence[Any]]) -> None:
        """Append rows given by their columns."""
        if self._names is None:
            self._names = names
            self._sheet.append(_texts(names), bold=True)
        if names != self._names:
            raise wrong_columns(names, self._names, "the next rows")
        for row in zip(*columns, strict=True):
            if self._sheet.rows >= MAX_ROWS:
                raise UnsupportedType(f"a sheet has at most {MAX_ROWS:,} rows", hint="use parquet")
            self._sheet.append(row)


def open_writer(path: Path) -> TableWriter:
    return TableWriter(path)


def _cells(series: Any, column: Column) -> list[Any]:
    """The cells of a column as a sheet holds them; `UnsupportedType` for a value that it would change."""
    from modelyard.types.natives import object_cell
    from modelyard.types.pandas_columns import cells_of

    name = str(series.name)
    if series.dtype == object:  # of other libraries' tables, in their JSON form
        cells = [object_cell(c) for c in series.tolist()]
    else:
        cells = cells_of(series, column)
    if column.parsed.family == "datetime":
        return [None if c is None else _moment(c, column, name) for c in cells]
    return [_checked(c, name) for c in cells]


def _checked(cell: Any, name: str) -> Any:
    if isinstance(cell, float) and not math.isfinite(cell):
        raise _lost(name, f"the number {cell}")
    if isinstance(cell, int) and not -_EXACT <= cell <= _EXACT:
        raise _lost(name, f"the integer {cell}, which has too many digits")
    return _texts([cell], name)[0] if isinstance(cell, str) else cell


def _texts(texts: list[str], name: str = "names") -> list[str]:
    for text in texts:
        if len(text) > MAX_TEXT:
            raise _lost(name, f"a text of {len(text):,} characters")
        try:
            text.encode()
        except UnicodeEncodeError:
            raise _lost(name, "a text with a broken surrogate") from None
    return texts


def _moment(cell: Any, column: Column, name: str) -> dt.date:
    from modelyard.types.instants import NANOSECONDS

    if isinstance(cell, str):
        whole = dt.datetime.fromisoformat(cell)
    else:
        nanoseconds = cell * NANOSECONDS[column.parsed.unit]
        if nanoseconds % 1_000_000:
            raise _lost(name, "a moment with more than milliseconds")
        try:
            whole = dt.datetime(1970, 1, 1) + dt.timedelta(milliseconds=nanoseconds // 1_000_000)
        except OverflowError:
            raise _lost(name, "a moment after the year 9999") from None
    if whole < FIRST_DAY:
        raise _lost(name, f"{whole}, a moment before March 1900")
    if whole.microsecond % 1000:
        raise _lost(name, "a moment with more than milliseconds")
    return whole.date() if column.parsed.unit == "D" else whole


def _lost(name: str, what: str) -> UnsupportedType:
    return UnsupportedType(
        f"column {name!r} holds {what}: Excel would not keep it", hint="save it as parquet or csv"
    )


# -- read


def read(stream: IO[bytes], type: DataType | None) -> Any:
    return next(read_batches(stream, type, MAX_ROWS))


def read_batches(stream: IO[bytes], type: DataType | None, rows: int) -> Iterator[Any]:
    """Pieces of at most so many rows, read as the sheet is unpacked."""
    names, records = _records(stream)
    done = 0
    while batch := list(islice(records, rows)):
        yield _value(names, batch, type, done)
        done += len(batch)
    if not done:
        yield _value(names, [], type, 0)


def _records(stream: IO[bytes]) -> tuple[list[str], Iterator[list[Any]]]:
    """The header, and the rows below it, those without any cell left out at the end."""
    last, cells = _rows_of_sheet(stream)
    header = list(_trimmed(next(cells, [])))
    names = [str(n) if n is not None else "" for n in header]
    if not names or "" in names or len(set(names)) < len(names):
        raise InvalidInput(
            "the first row of the sheet has to name the columns, each differently",
            hint=f"it has: {', '.join(map(repr, header)) or 'nothing'}",
        )
    return names, _filled(cells, len(names), last)


def _filled(cells: Iterator[list[Any]], width: int, last: int) -> Iterator[list[Any]]:
    """Rows of equal width, up to the last that has something in it, and at least to the row ``last``."""
    waiting = 0
    for number, row in enumerate(cells, 2):
        row = _trimmed(row)
        if not row and number > last:
            waiting += 1  # sheets are often formatted far below their last row
            continue
        if len(row) > width:
            raise InvalidInput(f"row {number} has {len(row)} cells, the header has {width}")
        for _ in range(waiting):
            yield [None] * width
        waiting = 0
        yield [*row, *[None] * (width - len(row))]


def _trimmed(row: Sequence[Any]) -> Sequence[Any]:
    last = len(row)
    while last and row[last - 1] is None:
        last -= 1
    return row[:last]


def _rows_of_sheet(stream: IO[bytes]) -> tuple[int, Iterator[list[Any]]]:
    """The last row that the workbook says is data (0 when it does not), and all rows of its first sheet."""
    openpyxl = _openpyxl()
    stream = stream if stream.seekable() else io.BytesIO(stream.read())
    _check_archive(stream)
    with _as_input():
        book = openpyxl.load_workbook(stream, read_only=True, data_only=True)
        sheets = book.worksheets
        if not sheets:
            raise InvalidInput("the workbook has no sheet with cells")
        if len(sheets) > 1:
            others = ", ".join(repr(s.title) for s in sheets[1:])
            note(
                f"the workbook has {len(sheets)} sheets: {sheets[0].title!r} is read, not {others}"
            )
        name = book.defined_names.get(TABLE)
        last = name.attr_text.rpartition("$")[2] if name is not None else ""
        sheets[0].reset_dimensions()
        return int(last) if last.isdecimal() else 0, _rows(sheets[0])


def _rows(sheet: Any) -> Iterator[list[Any]]:
    cells = sheet.iter_rows(values_only=True)
    while True:
        with _as_input():
            rows = list(islice(cells, 1000))
        if not rows:
            return
        for row in rows:
            yield [unspelled(c) if isinstance(c, str) else c for c in row]


@contextlib.contextmanager
def _as_input() -> Iterator[None]:
    """Whatever its readers raise over a broken file is told as such."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about charts and the like, which are no data
        try:
            yield
        except InvalidInput:
            raise
        except Exception as error:  # noqa: BLE001
            raise _none(error) from None


def _check_archive(stream: IO[bytes]) -> None:
    try:
        with zipfile.ZipFile(stream) as archive:
            if sum(member.file_size for member in archive.infolist()) > UNPACKED:
                raise TooLarge(f"the workbook unpacks to more than {UNPACKED >> 30} GB")
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise _none(error) from None
    stream.seek(0)


def _none(error: Exception) -> InvalidInput:
    return InvalidInput(f"this is no Excel workbook (.xlsx): {error or type(error).__name__}")


def _openpyxl() -> Any:
    try:
        import openpyxl
    except ModuleNotFoundError as error:
        raise MissingExtra("reading Excel files", "excel", missing=error.name) from error
    return openpyxl


def _value(names: list[str], rows: list[list[Any]], kind: Any, done: int) -> Any:
    if kind is None:
        return load_pandas("reading Excel files").DataFrame(rows, columns=names)
    columns = named_columns(kind, names)
    if kind.kind in ("dataframe", "polars_dataframe", "arrow_table"):
        wanted = [*getattr(kind, "names", kind.columns), *getattr(kind, "index", ())]
        if set(names) != set(wanted):
            raise wrong_columns(names, wanted, "the sheet")
    elif len(names) != 1 and (kind.kind == "series" or len(kind.shape) == 1):
        raise SchemaMismatch(
            f"expected one column, the sheet has {len(names)}", expected=kind.to_dict(), field=""
        )
    if not rows:
        return empty(kind)
    for i, column in enumerate(columns.values()):
        for row in rows:
            row[i] = _cell(row[i], column)
    try:
        return kind.decode(_form(names, rows, kind))
    except SchemaMismatch as error:
        raise at_line(error, lambda i: i + done + 2, names) from None


def _form(names: list[str], rows: list[list[Any]], kind: Any) -> list[Any]:
    """The rows in a JSON form of their type."""
    if kind.kind == "series" or (kind.kind == "array" and len(kind.shape) == 1):
        return [row[0] for row in rows]
    return rows if kind.kind == "array" else [dict(zip(names, r, strict=True)) for r in rows]


def _cell(cell: Any, column: Column) -> Any:
    """A cell as JSON says it."""
    if isinstance(cell, dt.datetime) and column.dtype == "date" and cell.time() == dt.time():
        return cell.date().isoformat()
    if isinstance(cell, (dt.date, dt.time)):
        return cell.isoformat()
    if cell is None and column.parsed.family in ("string", "object") and not column.takes_missing:
        return ""
    return cell
