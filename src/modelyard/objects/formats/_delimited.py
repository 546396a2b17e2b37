"""Tables as delimited text: csv and its relatives, which differ by their separator alone."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Self

from modelyard.base.errors import InvalidInput, SchemaMismatch, UnsupportedType
from modelyard.objects.formats import _texts
from modelyard.objects.formats._frames import (
    at_line,
    columns_of,
    from_frame,
    load_pandas,
    named_columns,
    to_frame,
)
from modelyard.objects.formats._records import RecordReader, Records
from modelyard.types import infer
from modelyard.types.columns import Column
from modelyard.types.interface import DataType
from modelyard.types.tables import wrong_columns

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Delimited:
    """A data format of text with one separator, as `DataFormat`, `BatchReader` and `BatchWriter` ask for."""

    name: str
    separator: str

    def can_hold(self, type: DataType) -> bool:
        columns = columns_of(type)
        return columns is not None and all(map(_texts.can_spell, columns))

    def read(self, stream: IO[bytes], type: DataType | None) -> Any:
        return next(self._read(stream, type, None))

    def read_batches(self, stream: IO[bytes], type: DataType | None, rows: int) -> Iterator[Any]:
        return self._read(stream, type, rows)

    def write(self, value: Any, path: Path, type: DataType) -> None:
        frame = to_frame(value, type)
        frame.columns = frame.columns.map(str)
        frame = _texts.spelled(frame, named_columns(type, list(frame.columns)))
        with path.open("w", encoding="utf-8", newline="") as out:
            write_frame(frame, out, self.separator, header=True)

    def open_writer(self, path: Path) -> DelimitedWriter:
        return DelimitedWriter(path, self.separator)

    def _read(self, stream: IO[bytes], type: DataType | None, rows: int | None) -> Iterator[Any]:
        load_pandas(f"reading {self.name}")
        reader = RecordReader(stream, self.name, self.separator)
        columns = named_columns(type, reader.names)
        batches = reader.batches(rows)
        first = next(batches, Records(b"", 1, 0))
        for batch in chain([first], batches):
            try:
                value = from_frame(self._parsed(batch, reader.names, columns, type), type)
            except SchemaMismatch as error:
                raise at_line(error, partial(reader.line_of, batch), reader.names) from None
            yield value

    def _parsed(
        self, batch: Records, names: list[str], columns: dict[str, Column], type: DataType | None
    ) -> pd.DataFrame:
        try:
            dtypes = _texts.parser_dtypes(columns, names)
            frame = self._by_pandas(batch, names, dtypes, _texts.parser_missing(columns))
        except (ValueError, TypeError, OverflowError) as error:
            texts = self._by_pandas(batch, names, dict.fromkeys(names, "str"), {})
            wrong = _texts.first_wrong(texts, columns)
            raise (wrong or InvalidInput(f"the {self.name} cannot be read: {error}")) from error
        for name in names:
            if name in columns:
                frame[name] = _texts.typed(frame[name], columns[name], name)
            elif type is None:
                frame[name] = _texts.inferred(frame[name])
        return frame

    def _by_pandas(
        self, batch: Records, names: list[str], dtypes: dict[str, Any], missing: dict[str, Any]
    ) -> Any:
        import numpy as np

        pandas = load_pandas(f"reading {self.name}")
        with np.errstate(invalid="ignore"):  # 1e99 for an integer: refused right after
            frame = pandas.read_csv(
                io.BytesIO(batch.data),
                sep=self.separator,
                header=None,
                names=names,
                index_col=False,
                dtype=dtypes,
                keep_default_na=False,
                na_values=missing,
                engine="c",
                **_exact_floats(pandas.__version__),
            )
        if (
            len(frame) != batch.count
        ):  # never a silent shift, should pandas see a line end that we do not
            raise InvalidInput(
                f"the {self.name} has {batch.count} records, pandas finds {len(frame)}"
            )
        return frame


def _exact_floats(version: str) -> dict[str, Any]:
    """Since 3.1 pandas reads floats exactly and has no option for it."""
    new = tuple(int(n) for n in version.split(".")[:2]) >= (3, 1)
    return {} if new else {"float_precision": "round_trip"}


def write_frame(frame: pd.DataFrame, out: IO[str], separator: str, *, header: bool) -> None:
    """Rows as text that `Delimited` reads back."""
    quoting = csv.QUOTE_NONNUMERIC if _texts.needs_quotes(frame) else csv.QUOTE_MINIMAL
    try:
        frame.to_csv(
            out, sep=separator, index=False, header=header, quoting=quoting, lineterminator="\n"
        )
    except UnicodeEncodeError as error:
        raise UnsupportedType(f"a text holds half of a surrogate pair: {error}") from None


class DelimitedWriter:
    """Writes frames of the same columns one after the other."""

    def __init__(self, path: Path, separator: str) -> None:
        self._out = path.open("w", encoding="utf-8", newline="")
        self._separator = separator
        self._names: list[Any] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._out.close()

    def write(self, value: pd.DataFrame) -> None:
        """Append the rows of a frame; other columns than before are `SchemaMismatch`."""
        names = value.columns.tolist()
        if self._names is not None and names != self._names:
            raise wrong_columns(names, self._names, "the next rows")
        frame = _texts.spelled(value, _moments(value))
        write_frame(frame, self._out, self._separator, header=self._names is None)
        self._names = names


def _moments(frame: pd.DataFrame) -> dict[Any, Column]:
    """The columns that pandas would write in its own words, which are no ISO 8601."""
    names = [n for n, dtype in frame.dtypes.items() if dtype.kind in ("m", "M")]
    return infer(frame[names]).columns if names else {}  # type: ignore[attr-defined]  # of a frame
