"""Delimited text: records, types, lines of errors, and memory."""

from __future__ import annotations

import csv as python_csv
import io
import subprocess
import sys
import textwrap

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelyard import types
from modelyard.base.errors import InvalidInput, SchemaMismatch, UnsupportedType
from modelyard.objects.formats import _records, csv
from modelyard.objects.formats._records import RecordReader


def read(text, like=None):
    data = text if isinstance(text, bytes) else text.encode()
    return csv.read(io.BytesIO(data), None if like is None else types.infer(like))


# -- records

cells = st.text(
    st.sampled_from('ab ,;"\n\r\t') | st.characters(codec="utf-8", exclude_characters="\0"),
    max_size=4,
)


@st.composite
def tables(draw):
    width = draw(st.integers(2, 4))
    row = st.lists(cells, min_size=width, max_size=width)
    return draw(st.lists(row, max_size=8))


@settings(deadline=None)
@given(tables(), st.sampled_from(["\n", "\r\n"]), st.booleans(), st.integers(1, 5))
def test_records_are_those_of_the_csv_module(rows, line_end, quote_all, size):
    width = len(rows[0]) if rows else 2
    text = io.StringIO(newline="")
    quoting = python_csv.QUOTE_ALL if quote_all or any("\r" in c for r in rows for c in r) else 0
    writer = python_csv.writer(text, lineterminator=line_end, quoting=quoting)
    writer.writerows([[f"c{i}" for i in range(width)], *rows])
    reader = RecordReader(io.BytesIO(text.getvalue().encode()), "csv", ",")
    found, at_least = [], 1
    for batch in reader.batches(size):
        assert batch.count <= size
        assert batch.line > at_least
        part = list(python_csv.reader(io.StringIO(batch.data.decode(), newline="")))
        assert len([r for r in part if r]) == batch.count
        found += [r for r in part if r]
        lines = text.getvalue().split("\n")
        for row in range(batch.count):
            start = "\n".join(lines[reader.line_of(batch, row) - 1 :])
            first = next(python_csv.reader(io.StringIO(start, newline="")))
            assert first == part[row]
        at_least = batch.line
    assert found == rows


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 64])
def test_pieces_of_any_size_give_the_same_records(monkeypatch, piece):
    monkeypatch.setattr(_records, "PIECE", piece)
    text = 'a,b\r\n\r\n1,"x\n""y"""\n\n"é",\n3,z'
    reader = RecordReader(io.BytesIO(b"\xef\xbb\xbf" + text.encode()), "csv", ",")
    batches = list(reader.batches(2))
    assert reader.names == ["a", "b"]
    assert [b.count for b in batches] == [2, 1]
    assert [b.line for b in batches] == [2, 7]
    assert [reader.line_of(batches[0], i) for i in (0, 1)] == [3, 6]
    whole = b"".join(b.data for b in batches).decode()
    rows = [r for r in python_csv.reader(io.StringIO(whole, newline="")) if r]
    assert rows == [["1", 'x\n"y"'], ["é", ""], ["3", "z"]]


def test_a_field_without_end_does_not_take_the_file_into_memory(monkeypatch):
    monkeypatch.setattr(_records, "MAX_RECORD", 100_000)

    class Endless(io.RawIOBase):
        taken = 0

        def readable(self):
            return True

        def readinto(self, buffer):
            self.taken += len(buffer)
            buffer[:] = b"x\n" * (len(buffer) // 2)
            return len(buffer)

    source = Endless()
    stream = io.BufferedReader(source)
    start = b'a,b\n1,"' + b"y" * (_records.PIECE - 7)
    joined = io.BufferedReader(Chained(start, stream))
    with pytest.raises(InvalidInput, match="line 2 of the csv: a quoted field begins"):
        list(RecordReader(joined, "csv", ",").batches(10))
    assert source.taken < 10 * _records.PIECE


class Chained(io.RawIOBase):
    def __init__(self, head, stream):
        self.head, self.stream = io.BytesIO(head), stream

    def readable(self):
        return True

    def readinto(self, buffer):
        data = self.head.read(len(buffer)) or self.stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def test_the_place_of_a_wrong_byte_counts_the_byte_order_mark():
    with pytest.raises(InvalidInput) as raised:
        read(b"\xef\xbb\xbfa,b\n1,\xff\n")
    assert str(raised.value) == (
        "the csv is not UTF-8: byte 9 in line 2 is 0xff\n"
        "Hint: save it as UTF-8, for example: iconv -f cp1252 -t utf-8 OLD > NEW"
    )


def test_a_wrong_byte_far_in_the_file_is_named_with_its_line():
    data = b"a,b\n" + b"1,2\n" * 600_000 + b"1,\xe9\n"
    with pytest.raises(InvalidInput, match="byte 2400006 in line 600002 is 0xe9"):
        read(data)


def test_a_stray_quote_is_named_where_it_stands_not_where_the_file_ends():
    with pytest.raises(InvalidInput) as raised:
        read('a,b\n1,5" pipe\n2,x\n')
    assert str(raised.value) == (
        "line 2 of the csv: a quote stands inside a field; quote the whole field and double it"
    )


# -- types

LIKE = pd.DataFrame({"zip": ["007"], "n": [1], "x": [0.5], "yes": [True]})


def test_a_type_decides_and_nothing_is_guessed():
    frame = read("zip,n,x,yes\n00123,7,NA,true\nNone,-1, 1e3,0\n", LIKE)
    assert frame["zip"].tolist() == ["00123", "None"]
    assert frame["n"].tolist() == [7, -1]
    assert np.isnan(frame["x"][0])
    assert frame["x"][1] == 1000
    assert frame["yes"].tolist() == [True, False]
    assert list(frame.dtypes) == list(LIKE.dtypes)


def test_columns_may_come_in_any_order():
    frame = read("yes,x,zip,n\nTrue,1,a,2\n", LIKE)
    assert list(frame.columns) == ["zip", "n", "x", "yes"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,1,2,true\nb,1e99,2,true", "line 3, column 'n': expected an integer"),
        ("a,1_000,2,true", "line 2, column 'n': expected an integer, got the string '1_000'"),
        ('"a\nb",1,2,true\nc,1,2;5,true', "line 4, column 'x': expected a number, got the string"),
        ("a,1,2,perhaps", "line 2, column 'yes': expected true or false, got the string 'perhaps'"),
        ("a,1,2,", "line 2, column 'yes': expected true or false, got the string ''"),
    ],
)
def test_a_field_that_does_not_fit_is_named_by_line_and_column(text, message):
    with pytest.raises(SchemaMismatch) as raised:
        read(f"zip,n,x,yes\n{text}\n", LIKE)
    assert message in str(raised.value)


def test_errors_in_later_batches_count_the_lines_of_the_file():
    text = "zip,n,x,yes\n" + "a,1,2,true\n" * 25 + "a,x,2,true\n"
    batches = csv.read_batches(io.BytesIO(text.encode()), types.infer(LIKE), 10)
    next(batches)
    next(batches)
    with pytest.raises(SchemaMismatch, match="line 27, column 'n'") as raised:
        next(batches)
    assert raised.value.details["field"] == "[5].n"


def test_a_missing_text_is_none_only_where_the_type_takes_one():
    assert read("a,b\n,1\n", pd.DataFrame({"a": ["x"], "b": [1]}))["a"].tolist() == [""]
    nullable = pd.DataFrame({"a": ["x", None], "b": [1, 2]})
    assert read("a,b\n,1\n", nullable)["a"].isna().tolist() == [True]


def test_texts_that_would_not_come_back_are_refused_at_save(tmp_path):
    frame = pd.DataFrame({"a": ["", None], "b": [1, 2]})
    with pytest.raises(UnsupportedType) as raised:
        csv.write(frame, tmp_path / "x", types.infer(frame))
    assert str(raised.value) == (
        "column 'a' holds empty texts and may hold missing values: csv writes both alike\n"
        "Hint: save it as parquet or json"
    )
    frame = pd.DataFrame({"a": ["x\0y"], "b": [1]})
    with pytest.raises(UnsupportedType, match="holds a NUL character"):
        csv.write(frame, tmp_path / "x", types.infer(frame))


def test_without_a_type_columns_are_numbers_only_when_all_of_them_is():
    frame = read(
        "i,f,m,z,t,b,e,big,none,neg\n"
        "1,1.5,1,007,x,True,,99999999999999999999,None,-0\n"
        "2,inf,,7,NA,false,,1,None,+5\n"
    )
    assert frame["i"].tolist() == [1, 2]
    assert frame["i"].dtype == "int64"
    assert frame["f"].tolist() == [1.5, np.inf]
    assert frame["m"].dtype == "float64"
    assert np.isnan(frame["m"][1])
    assert frame["z"].tolist() == ["007", "7"]
    assert frame["t"].tolist() == ["x", "NA"]
    assert frame["b"].tolist() == [True, False]
    assert frame["e"].isna().all()
    assert frame["big"].tolist() == ["99999999999999999999", "1"]
    assert frame["none"].tolist() == ["None", "None"]
    assert frame["neg"].tolist() == [0, 5]


def test_large_integers_beside_missing_ones_stay_exact():
    frame = read(f"a,b\n{2**62 + 1},1\n,2\n")
    assert frame["a"].tolist()[0] == 2**62 + 1


def test_a_header_alone_is_a_table_without_rows():
    assert read("a,b\n").shape == (0, 2)
    assert len(read("zip,n,x,yes\r\n", LIKE)) == 0


def test_an_array_goes_by_position():
    array = read("anything,else\n1,2\n3,4\n", np.array([[0.5, 0.5]]))
    assert array.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert read("labels\n007\nx\n", np.array(["a"])).tolist() == ["007", "x"]


frames = st.lists(
    st.tuples(
        st.integers(-(2**63), 2**63 - 1),
        st.floats(),
        st.booleans(),
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6),
    ),
    min_size=1,
    max_size=10,
).map(lambda rows: pd.DataFrame(rows, columns=["i", "f,\n", '"b"', "t"]))


@settings(deadline=None, max_examples=50)
@given(frames, st.integers(1, 4))
def test_any_table_comes_back_exactly(tmp_path_factory, frame, rows):
    kind = types.parse(types.infer(frame).to_dict())
    path = tmp_path_factory.getbasetemp() / "any.csv"
    csv.write(frame, path, kind)
    with path.open("rb") as stream:
        back = pd.concat(list(csv.read_batches(stream, kind, rows)), ignore_index=True)
    pd.testing.assert_frame_equal(back, frame, check_exact=True)
    assert (np.signbit(back["f,\n"]) == np.signbit(frame["f,\n"]))[frame["f,\n"].notna()].all()


STREAMED = """
    import io, resource
    import pandas as pd
    from modelyard import types
    from modelyard.objects.formats import csv

    frame = pd.DataFrame({f"c{i}": [0.123456789, 1.5] * 500 for i in range(10)} | {"t": "x,y"})
    kind = types.infer(frame)
    body = frame.to_csv(index=False, header=False).encode()
    head = ",".join(frame.columns).encode() + b"\\n"
    copies = 100_000_000 // len(body)

    class Long(io.RawIOBase):
        sent, rest = 0, head
        def readable(self):
            return True
        def readinto(self, buffer):
            if not self.rest and self.sent < copies:
                self.sent, self.rest = self.sent + 1, body
            part, self.rest = self.rest[: len(buffer)], self.rest[len(buffer) :]
            buffer[: len(part)] = part
            return len(part)

    list(csv.read_batches(io.BytesIO(head + body), kind, 100))
    with open("/proc/self/statm") as statm:
        now = int(statm.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + 90_000_000,) * 2)
    rows = sum(map(len, csv.read_batches(io.BufferedReader(Long()), kind, 10_000)))
    assert rows == copies * 1000, rows
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_length_of_the_file():
    script = textwrap.dedent(STREAMED)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
