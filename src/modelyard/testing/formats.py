"""The contract of a data format, as tests: what it writes comes back exactly, and nothing foreign comes back as good.

A test module subclasses `FormatContract` and gives the fixture ``case``: a `Case`, the format and values for it. What
is written is described by the value's own data type, spelled and parsed as a card would have it.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pytest

from modelyard import types
from modelyard.base.errors import ModelyardError
from modelyard.objects import formats
from modelyard.objects.interface import BatchReader, BatchWriter, DataFormat
from modelyard.types.interface import DataType


@dataclass(frozen=True)
class Case:
    """A data format, and what only its author knows about it."""

    format: DataFormat
    holds: Mapping[str, Any] = field(repr=False)
    """Values that it holds exactly, by a word for each."""
    refuses: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Values that it cannot hold, and says so before anything is written."""
    broken: Mapping[str, tuple[bytes, str]] = field(default_factory=dict[str, tuple[bytes, str]])
    """Bytes that are none of its own, and a part of the error's text."""
    misfits: Mapping[str, tuple[bytes, Any, str]] = field(
        default_factory=dict[str, tuple[bytes, Any, str]]
    )
    """Good bytes that do not fit the type of a value, and a part of the error's text."""
    seekable: bool = False
    """Whether it can only be read from a stream that seeks."""
    ends: bool = False
    """Whether a file that ends early can be told from a shorter one."""


def card_type(value: Any) -> DataType:
    """The type of a value as it comes back from a card."""
    return types.parse(types.infer(value).to_dict())


def same(one: Any, other: Any) -> bool:
    """Equal to the last bit: classes, dtypes, names, missing values, the sign of zero."""
    if type(one) is not type(other):
        return False
    match type(one).__module__.partition(".")[0], one:
        case "pandas", _:
            return _same_pandas(one, other)
        case "polars" | "pyarrow", _:
            return bool(one.equals(other)) and one.schema == other.schema
        case "numpy", _:
            return one.dtype == other.dtype and one.shape == other.shape and _same_array(one, other)
        case _, dict():
            return list(one) == list(other) and all(same(v, other[k]) for k, v in one.items())
        case _, list() | tuple():
            return len(one) == len(other) and all(map(same, one, other))
        case _, float():
            return (one == other and math.copysign(1, one) == math.copysign(1, other)) or one != one
        case _:
            return bool(one == other)


def _same_pandas(one: Any, other: Any) -> bool:
    import pandas

    if isinstance(one, pandas.Series):
        one, other = one.to_frame(), other.to_frame()
    try:
        pandas.testing.assert_frame_equal(one, other, check_exact=True, check_freq=False)
    except AssertionError:
        return False
    floats = one.select_dtypes("float").columns
    return all(_same_array(one[c].to_numpy(), other[c].to_numpy()) for c in floats)


def _same_array(one: Any, other: Any) -> bool:
    import numpy

    if one.dtype.kind != "f":
        return one.tobytes() == other.tobytes()
    equal = (one == other) & (numpy.signbit(one) == numpy.signbit(other))
    return bool((equal | (numpy.isnan(one) & numpy.isnan(other))).all())


def joined(pieces: list[Any]) -> Any:
    """Consecutive pieces of one value as the whole."""
    match type(pieces[0]).__module__.partition(".")[0]:
        case "pandas":
            import pandas

            numbered = all(isinstance(p.index, pandas.RangeIndex) for p in pieces)
            return pandas.concat(pieces, ignore_index=numbered)
        case "numpy":
            import numpy

            return numpy.concatenate(pieces)
        case "polars":
            import polars

            return polars.concat(pieces)
        case "pyarrow":
            import pyarrow

            return pyarrow.concat_tables(pieces).unify_dictionaries().combine_chunks()
        case _:
            return [item for piece in pieces for item in piece]


def rows_of(value: Any) -> int | None:
    """How many rows a value can be cut into; None when it cannot be cut."""
    if isinstance(value, list) or (hasattr(value, "shape") and value.shape):
        return len(value)
    return None


class Dripping(io.RawIOBase):
    """A stream like a pipe's: a few bytes at a time, and no way back."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        part = self._data.read(min(len(buffer), 7))
        buffer[: len(part)] = part
        return len(part)


class FormatContract:
    """Every data format passes these."""

    @pytest.fixture
    def case(self) -> Case:
        """A format and values for it; a subclass gives it."""
        raise NotImplementedError

    def written(self, case: Case, value: Any, path: Path) -> bytes:
        """What the format writes for a value."""
        case.format.write(value, path, card_type(value))
        return path.read_bytes()

    def test_it_is_found_by_name_and_by_each_of_its_suffixes(self, case: Case) -> None:
        assert formats.named(case.format.NAME) is case.format
        assert case.format.TIER in (0, 1, 2)
        for suffix in case.format.SUFFIXES:
            assert formats.data_format(f"some/data{suffix}") is case.format
            assert formats.data_format(f"DATA{suffix.upper()}") is case.format

    def test_what_is_written_comes_back_exactly(self, case: Case, tmp_path: Path) -> None:
        for word, value in case.holds.items():
            assert case.format.can_hold(card_type(value)), word
            data = self.written(case, value, tmp_path / "data")
            assert same(case.format.read(io.BytesIO(data), card_type(value)), value), word

    def test_the_same_value_gives_the_same_bytes(self, case: Case, tmp_path: Path) -> None:
        for word, value in case.holds.items():
            first = self.written(case, value, tmp_path / "one")
            assert self.written(case, value, tmp_path / "two") == first, word

    def test_writing_changes_neither_the_value_nor_the_folder(
        self, case: Case, tmp_path: Path
    ) -> None:
        for word, value in case.holds.items():
            before = value.copy() if hasattr(value, "copy") else value
            self.written(case, value, tmp_path / "data")
            assert same(value, before), word
            assert [p.name for p in tmp_path.iterdir()] == ["data"], word

    def test_a_value_without_rows_comes_back_with_its_types(
        self, case: Case, tmp_path: Path
    ) -> None:
        for word, value in case.holds.items():
            if rows_of(value) is None:
                continue
            data = self.written(case, value[:0], tmp_path / "data")
            back = case.format.read(io.BytesIO(data), card_type(value))
            assert len(back) == 0, word
            assert str(getattr(back, "dtypes", "")) == str(getattr(value, "dtypes", "")), word

    def test_what_it_cannot_hold_is_known_beforehand(self, case: Case) -> None:
        for word, value in case.refuses.items():
            assert not case.format.can_hold(card_type(value)), word

    def test_bytes_of_something_else_are_refused(self, case: Case) -> None:
        for word, (data, text) in case.broken.items():
            with pytest.raises(ModelyardError) as raised:
                case.format.read(io.BytesIO(data), None)
            assert text in str(raised.value), word

    def test_bytes_that_do_not_fit_the_type_are_refused(self, case: Case) -> None:
        for word, (data, value, text) in case.misfits.items():
            with pytest.raises(ModelyardError) as raised:
                case.format.read(io.BytesIO(data), card_type(value))
            assert text in str(raised.value), word

    def test_a_file_that_ends_early_is_no_shorter_value(self, case: Case, tmp_path: Path) -> None:
        for word, value in case.holds.items() if case.ends else ():
            if rows_of(value) is None:  # half a number is a number
                continue
            data = self.written(case, value, tmp_path / "data").rstrip(b"\n")
            for size in sorted({1, len(data) // 2, len(data) - 1}):
                stream = io.BytesIO(data[:size])
                with pytest.raises(ModelyardError):
                    pytest.fail(f"{word}: {case.format.read(stream, card_type(value))!r}")

    def test_batches_are_the_whole(self, case: Case, tmp_path: Path) -> None:
        for word, value, batches in self._cut(case, tmp_path, (1, 2, 1000)):
            assert same(joined(batches), value), word

    def test_no_batch_is_larger_than_asked(self, case: Case, tmp_path: Path) -> None:
        for word, _, batches in self._cut(case, tmp_path, (2,)):
            assert max(map(len, batches)) <= 2, word

    def _cut(
        self, case: Case, tmp_path: Path, sizes: tuple[int, ...]
    ) -> Iterator[tuple[str, Any, list[Any]]]:
        if not isinstance(case.format, BatchReader):
            return
        for word, value in case.holds.items():
            if not rows_of(value):
                continue
            data = self.written(case, value, tmp_path / "data")
            for rows in sizes:
                stream = self._stream(case, data)
                yield word, value, list(case.format.read_batches(stream, card_type(value), rows))

    def _stream(self, case: Case, data: bytes) -> IO[bytes]:
        return io.BytesIO(data) if case.seekable else io.BufferedReader(Dripping(data), 16)

    def test_pieces_written_one_by_one_are_the_whole(self, case: Case, tmp_path: Path) -> None:
        if not isinstance(case.format, BatchWriter):
            return
        for word, value in case.holds.items():
            size = rows_of(value)
            if not size or not hasattr(value, "columns") or not hasattr(value, "iloc"):
                continue
            if value.index.names != [None]:
                continue
            with case.format.open_writer(tmp_path / "data") as out:
                for start in range(0, size, 2):
                    out.write(value.iloc[start : start + 2])
            with (tmp_path / "data").open("rb") as stream:
                back = case.format.read(stream, card_type(value))
            assert same(back, value), word
