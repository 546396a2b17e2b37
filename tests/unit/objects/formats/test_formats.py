"""Finding a format, and reading and writing files by their suffix."""

from __future__ import annotations

import io
import json
import sys
import warnings
import zipfile

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import feather

from modelyard import types
from modelyard.base.errors import (
    FileMissing,
    InvalidInput,
    MissingExtra,
    TooLarge,
    UnsupportedFormat,
    UnsupportedType,
)
from modelyard.objects import formats
from modelyard.objects.interface import BatchReader, BatchWriter

NAMES = [
    "csv",
    "tsv",
    "json",
    "jsonl",
    "parquet",
    "npz",
    "npy",
    "pickle",
    "joblib",
    "arrow",
    "feather",
    "excel",
    "safetensors",
]

KNOWN = (
    ".csv, .tsv, .json, .jsonl, .ndjson, .parquet, .pq, .npz, .npy, .safetensors, .pkl, .pickle, .joblib, .arrow, .ipc, "
    ".arrows, .feather, .fea, .xlsx"
)


def test_the_table_of_suffixes_is_what_the_formats_say():
    said = {suffix: name for name in NAMES for suffix in formats.named(name).SUFFIXES}
    assert dict(formats._BY_SUFFIX) == said


def test_which_read_and_write_in_batches():
    found = {n: formats.named(n) for n in NAMES}
    readers = {n for n, f in found.items() if isinstance(f, BatchReader)}
    writers = {n for n, f in found.items() if isinstance(f, BatchWriter)}
    assert readers == {"csv", "tsv", "jsonl", "parquet", "npy", "arrow", "feather", "excel"}
    assert writers == {"csv", "tsv", "json", "jsonl", "parquet", "arrow", "feather", "excel"}


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (
            "data.docx",
            f"no data format has the suffix '.docx': 'data.docx'\nHint: known: {KNOWN}",
        ),
        (
            "data",
            f"no data format has the suffix '': 'data'\nHint: known: {KNOWN}",
        ),
        (
            "data.parqet",
            "no data format has the suffix '.parqet': 'data.parqet'\nHint: did you mean '.parquet' or '.pq'?",
        ),
    ],
)
def test_an_unknown_suffix_lists_the_known_ones(path, message):
    with pytest.raises(UnsupportedFormat) as raised:
        formats.data_format(path)
    assert str(raised.value) == message


def test_an_unknown_name_is_an_error():
    with pytest.raises(UnsupportedFormat) as raised:
        formats.named("parqet")
    assert str(raised.value) == (
        "'parqet' is not a format that holds data\nHint: did you mean 'parquet'?"
    )


def test_a_model_format_holds_no_data():
    with pytest.raises(UnsupportedFormat, match="'skops' is not a format that holds data"):
        formats.named("skops")


def test_an_outsiders_format_is_found_by_its_suffix(tmp_path, monkeypatch):
    (tmp_path / "strange_format.py").write_text(
        "NAME = 'strange'\nSUFFIXES = ('.strange',)\ndef can_hold(type): return True\n"
    )
    info = tmp_path / "strange_format-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: strange-format\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[modelyard.formats]\nstrange = strange_format\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    formats.plugins.find.cache_clear()
    formats.plugins._entry_points.cache_clear()
    try:
        assert formats.known_suffix("x.strange")
        assert formats.data_format("x.strange").NAME == "strange"
    finally:
        formats.plugins.find.cache_clear()
        formats.plugins._entry_points.cache_clear()
        sys.modules.pop("strange_format", None)


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (pd.DataFrame({"a": [1]}), "parquet"),
        (pd.Series([1]), "parquet"),
        (np.eye(2), "npy"),
        ({"X": np.eye(2)}, "npz"),
        (pd.DataFrame({"a": np.array([1, "x"], dtype=object)}), "json"),
        (np.array(["x", None], dtype=object), "json"),
        ([1, 2], "json"),
        ("text", "json"),
    ],
    ids=repr,
)
def test_the_best_format_for_a_value(value, name):
    assert name == formats.best_for(types.infer(value)).NAME


def test_without_pyarrow_tables_are_csv(monkeypatch):
    monkeypatch.setattr(formats, "_installed", lambda library: library != "pyarrow")
    assert formats.best_for(types.infer(pd.DataFrame({"a": [1]}))).NAME == "csv"


@pytest.mark.parametrize(
    ("name", "library", "message"),
    [
        (
            "parquet",
            "pyarrow",
            "reading parquet comes with the extra 'arrow' (pyarrow is not installed)\n"
            "Hint: pip install 'modelyard[arrow]'",
        ),
        (
            "csv",
            "pandas",
            "reading csv as a table comes with the extra 'pandas' (pandas is not installed)\n"
            "Hint: pip install 'modelyard[pandas]'",
        ),
    ],
)
def test_a_library_that_is_absent_is_named_with_its_extra(monkeypatch, name, library, message):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingExtra) as raised:
        formats.named(name).read(io.BytesIO(b"a\n1\n"), None)
    assert str(raised.value) == message


def test_files_are_written_and_read_by_their_suffix(tmp_path):
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "007"]})
    for suffix in (".csv", ".tsv", ".json", ".jsonl", ".parquet"):
        path = formats.write_path(frame, tmp_path / f"data{suffix}")
        pd.testing.assert_frame_equal(formats.read_path(path), frame)
        pd.testing.assert_frame_equal(formats.read_path(str(path), types.infer(frame)), frame)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileMissing, match=r"no data file at .*none\.csv"):
        formats.read_path(tmp_path / "none.csv")


def test_what_a_format_cannot_hold_leaves_the_old_file(tmp_path):
    path = tmp_path / "data.npy"
    path.write_bytes(b"old")
    with pytest.raises(UnsupportedFormat) as raised:
        formats.write_path({"a": [1, 2]}, path)
    assert str(raised.value) == "npy cannot hold a dict like this one\nHint: json can"
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["data.npy"]


@pytest.mark.parametrize(
    "text",
    ['[{"a": 1}, {"b": 2}]', '[{"a": [1]}]', "[1, 2]", "[]", '{"a": [1]}', '[{"a": 1}, 2]'],
)
def test_json_that_is_no_table_stays_what_it_is(tmp_path, text):
    (tmp_path / "data.json").write_text(text)
    assert formats.read_path(tmp_path / "data.json") == json.loads(text)


def test_integers_of_any_size_survive_json_without_a_type(tmp_path):
    (tmp_path / "data.json").write_text("[123456789012345678901234567890]")
    assert formats.read_path(tmp_path / "data.json") == [123456789012345678901234567890]


def test_a_type_is_used_only_where_the_format_can_hold_it():
    array, text = types.infer(np.eye(2)), types.infer("x")
    assert formats.readable_type(formats.named("csv"), array) is array
    assert formats.readable_type(formats.named("csv"), text) is None


STREAMS = {
    "csv": b"a,b\n1,x\n2,y\n",
    "tsv": b"a\tb\n1\tx\n2\ty\n",
    "json": b'[{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]',
    "jsonl": b'{"a": 1, "b": "x"}\n{"a": 2, "b": "y"}\n',
}


class Pipe(io.RawIOBase):
    """Standard input that comes from another program."""

    def __init__(self, data):
        self.data = io.BytesIO(data)

    def readable(self):
        return True

    def readinto(self, buffer):
        part = self.data.read(min(len(buffer), 1000))
        buffer[: len(part)] = part
        return len(part)


def piped(data):
    return io.BufferedReader(Pipe(data))


@pytest.mark.parametrize("name", STREAMS)
def test_the_format_of_a_stream_is_told_by_its_first_bytes(name):
    stream, found = formats.sniffed(piped(STREAMS[name]))
    assert found == name
    assert stream.read() == STREAMS[name]


@pytest.mark.parametrize("name", ["parquet", "npz", "npy", "arrow", "excel", "safetensors"])
def test_binary_streams_are_recognised_whole(tmp_path, name):
    value = np.arange(3_000.0 if name == "excel" else 300_000.0)
    if name in ("parquet", "arrow", "excel"):
        value = pd.DataFrame({"a": value})
    path = formats.write_path(value, tmp_path / f"x.{name.replace('excel', 'xlsx')}")
    stream, found = formats.sniffed(piped(path.read_bytes()))
    assert found == name
    back = formats.named(name).read(stream, types.infer(value))
    assert np.array_equal(np.ravel(back), np.ravel(value))
    stream.close()


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"", "csv"),
        (b"\xef\xbb\xbf[1]", "json"),
        (b'\n {"a": 1}', "json"),
        (b'{"a":\n 1}', "json"),
        (b"[1, 2]\n[3, 4]\n", "jsonl"),
    ],
)
def test_streams_at_the_edge(data, name):
    assert formats.sniffed(piped(data))[1] == name


def test_a_long_stream_passes_through_whole():
    data = b"a\n" + b"1\n" * 500_000
    batches = list(formats.read_batches(piped(data), rows=200_000))
    assert [len(b) for b in batches] == [200_000, 200_000, 100_000]


def test_batches_of_a_file(tmp_path):
    path = formats.write_path(pd.DataFrame({"a": range(25)}), tmp_path / "x.csv")
    assert [len(b) for b in formats.read_batches(path, rows=10)] == [10, 10, 5]


def test_a_format_without_batches_says_which_have_them(tmp_path):
    path = formats.write_path([1, 2], tmp_path / "x.json")
    with pytest.raises(UnsupportedFormat) as raised:
        next(formats.read_batches(path))
    assert (
        str(raised.value)
        == "json cannot be read in batches\nHint: use csv, jsonl, parquet or arrow"
    )


def test_only_some_columns_of_a_parquet_file(tmp_path):
    path = formats.write_path(pd.DataFrame({"a": [1], "b": [2], "c": [3]}), tmp_path / "x.parquet")
    parquet = formats.named("parquet")
    with path.open("rb") as stream:
        assert list(parquet.read(stream, None, columns=["c", "a"]).columns) == ["c", "a"]
    with path.open("rb") as stream:
        [batch] = parquet.read_batches(stream, None, 10, columns=["b"])
    assert batch["b"].tolist() == [2]
    with path.open("rb") as stream, pytest.raises(InvalidInput, match="missing 'd'"):
        parquet.read(stream, None, columns=["a", "d"])


def test_parquet_pieces_whose_first_is_all_missing(tmp_path):
    parquet = formats.named("parquet")
    with parquet.open_writer(tmp_path / "x") as out:
        out.write(pd.DataFrame({"a": np.array([None, None], dtype=object)}))
        out.write(pd.DataFrame({"a": ["x", None]}))
    with (tmp_path / "x").open("rb") as stream:
        assert parquet.read(stream, None)["a"].fillna("-").tolist() == ["-", "-", "x", "-"]


@pytest.mark.parametrize("name", ["csv", "parquet", "arrow", "excel"])
def test_pieces_with_other_columns_are_refused(tmp_path, name):
    with formats.named(name).open_writer(tmp_path / "x") as out:
        out.write(pd.DataFrame({"a": [1], "b": [2]}))
        with pytest.raises(InvalidInput, match="the next rows: the columns differ: missing 'b'"):
            out.write(pd.DataFrame({"a": [1]}))


@pytest.mark.parametrize("name", ["parquet", "feather"])
def test_pieces_of_another_type_are_refused(tmp_path, name):
    with formats.named(name).open_writer(tmp_path / "x") as out:
        out.write(pd.DataFrame({"a": [1]}))
        with pytest.raises(InvalidInput, match="the next rows have other types"):
            out.write(pd.DataFrame({"a": ["x"]}))


def test_json_pieces_become_one_array(tmp_path):
    writer = formats.named("json")
    with writer.open_writer(tmp_path / "x") as out:
        out.write(np.array([1, 2]))
        out.write([3.5])
        out.write("alone")
        out.write(pd.DataFrame({"a": [np.nan]}))
    assert json.loads((tmp_path / "x").read_bytes()) == [1, 2, 3.5, "alone", {"a": None}]
    with writer.open_writer(tmp_path / "none"):
        pass
    assert json.loads((tmp_path / "none").read_bytes()) == []


def test_a_failed_json_writer_leaves_no_valid_json(tmp_path):
    def interrupted():
        with formats.named("json").open_writer(tmp_path / "x") as out:
            out.write([1])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        interrupted()
    with pytest.raises(InvalidInput):
        formats.named("json").read(io.BytesIO((tmp_path / "x").read_bytes()), None)


def test_an_array_that_lies_by_columns_is_read_in_batches_too():
    data = io.BytesIO()
    np.save(data, np.asfortranarray(np.arange(12).reshape(4, 3)))
    data.seek(0)
    batches = list(formats.named("npy").read_batches(data, None, 3))
    assert [b.tolist() for b in batches] == [[[0, 1, 2], [3, 4, 5], [6, 7, 8]], [[9, 10, 11]]]


def test_arrays_of_objects_are_refused_with_the_way_out():
    from modelyard.base.errors import UnsupportedType
    from modelyard.objects.formats import _arrays

    with pytest.raises(UnsupportedType) as raised:
        _arrays.refuse_objects(np.array([None]), "'X'")
    assert str(raised.value) == (
        "'X' is an array of objects, which numpy can only write as code\n"
        "Hint: give it a dtype, for example X.astype(str), or save it as json"
    )


@pytest.mark.parametrize("name", ["parquet", "arrow", "feather"])
def test_large_integers_beside_missing_ones_stay_exact_in_files_of_others(tmp_path, name):
    table = pa.table({"id": pa.array([2**53 + 1, None, -(2**63)])})
    if name == "parquet":
        pq.write_table(table, tmp_path / "x")
    else:
        feather.write_feather(table, str(tmp_path / "x"), version=2)
    wanted = pd.DataFrame({"id": pd.array([2**53 + 1, None, -(2**63)], "Int64")})
    with (tmp_path / "x").open("rb") as stream:
        back = formats.named(name).read(stream, types.infer(wanted))
    pd.testing.assert_frame_equal(back, wanted)


def test_a_stream_of_arrow_is_read_from_a_pipe_piece_by_piece():
    table, out = pa.table({"a": list(range(25))}), io.BytesIO()
    with pa.ipc.new_stream(out, table.schema) as writer:
        writer.write_table(table, max_chunksize=10)
    stream, name = formats.sniffed(piped(out.getvalue()))
    assert name == "arrow"
    with stream:
        batches = list(formats.named(name).read_batches(stream, None, 8))
    assert [len(b) for b in batches] == [8, 2, 8, 2, 5]


def test_feather_of_the_first_version_is_refused_with_the_way_out(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        feather.write_feather(pa.table({"a": [1, 2]}), str(tmp_path / "x.feather"), version=1)
    with pytest.raises(InvalidInput, match="feather file of version 1") as raised:
        formats.read_path(tmp_path / "x.feather")
    assert "write it again" in str(raised.value)


def test_an_arrow_file_whose_texts_point_outside_is_refused():
    table, out = pa.table({"a": ["x" * 40] * 4}), io.BytesIO()
    with pa.ipc.new_file(out, table.schema) as writer:
        writer.write_table(table)
    data = out.getvalue()
    offsets = np.array([0, 40, 80, 120, 160], "<i4").tobytes()
    assert offsets in data
    wrong = data.replace(offsets, np.array([0, 40, 80, 120, 2**31 - 1], "<i4").tobytes())
    with pytest.raises(InvalidInput, match="this is no arrow file"):
        formats.named("arrow").read(io.BytesIO(wrong), None)


class TestExcel:
    @pytest.fixture
    def frame(self):
        times = pd.Series(["2024-02-29T12:30:00.250", "1999-12-31"]).astype("M8[ms]")
        return pd.DataFrame(
            {"text": ["=1+1", "007"], "n": [1 / 3, 2.0], "yes": [True, False], "at": times}
        )

    def test_other_readers_see_the_same(self, tmp_path, frame):
        path = formats.write_path(frame, tmp_path / "x.xlsx")
        other = pd.read_excel(path)
        pd.testing.assert_frame_equal(other, frame, check_dtype=False)
        sheet = openpyxl.load_workbook(path).active
        assert (sheet["A2"].data_type, sheet["A2"].value) == ("s", "=1+1")
        assert (sheet["A1"].font.bold, sheet["D2"].number_format) == (
            True, "yyyy\\-mm\\-dd\\ hh:mm:ss.000",
        )  # fmt: skip

    def test_without_a_type_the_cells_tell(self, tmp_path, frame):
        path = formats.write_path(frame, tmp_path / "x.xlsx")
        back = formats.read_path(path)
        pd.testing.assert_frame_equal(back, frame, check_dtype=False)
        assert [d.kind for d in back.dtypes][1:] == ["f", "b", "M"]

    def test_workbooks_of_others_come_in(self, tmp_path, frame):
        frame["text"] = ["1+1", "007"]  # pandas turns =1+1 into a formula
        frame.to_excel(tmp_path / "x.xlsx", index=False)
        back = formats.read_path(tmp_path / "x.xlsx", types.infer(frame))
        pd.testing.assert_frame_equal(back[["text", "yes", "at"]], frame[["text", "yes", "at"]])
        assert back["n"].tolist() == pytest.approx(frame["n"].tolist(), rel=1e-15)

    def test_further_sheets_are_told(self, tmp_path, capsys):
        with pd.ExcelWriter(tmp_path / "x.xlsx") as out:
            for name in ("first", "second", "third"):
                pd.DataFrame({name: [1]}).to_excel(out, sheet_name=name, index=False)
        assert list(formats.read_path(tmp_path / "x.xlsx").columns) == ["first"]
        assert "3 sheets: 'first' is read, not 'second', 'third'" in capsys.readouterr().err

    def test_rows_that_are_only_formatted_are_no_data(self, tmp_path):
        book = openpyxl.Workbook()
        for row in (["a", "b"], [1, None], [None, None], [3, 4]):
            book.active.append(row)
        book.active.cell(500, 7).font = openpyxl.styles.Font(bold=True)
        book.save(tmp_path / "x.xlsx")
        back = formats.read_path(tmp_path / "x.xlsx")
        assert back.fillna(0).to_numpy().tolist() == [[1, 0], [0, 0], [3, 4]]

    @pytest.mark.parametrize(
        ("value", "why"),
        [
            (float("inf"), "the number inf"),
            (2**53 + 1, "too many digits"),
            ("x" * 32_768, "a text of 32,768 characters"),
            (pd.Timestamp("1900-02-28"), "a moment before March 1900"),
            (pd.Timestamp("2024-01-01T00:00:00.000001"), "more than milliseconds"),
        ],
    )
    def test_what_excel_would_change_is_refused(self, tmp_path, value, why):
        with pytest.raises(UnsupportedType, match=why):
            formats.write_path(pd.DataFrame({"a": [value]}), tmp_path / "x.xlsx")
        assert not (tmp_path / "x.xlsx").exists()

    def test_a_workbook_that_unpacks_to_anything_is_refused(self, tmp_path, monkeypatch, frame):
        monkeypatch.setattr(formats.named("excel"), "UNPACKED", 1000)
        path = formats.write_path(frame, tmp_path / "x.xlsx")
        with pytest.raises(TooLarge, match="unpacks to more than"):
            formats.read_path(path)

    def test_entities_that_grow_are_no_cells(self, tmp_path, frame):
        path = formats.write_path(frame, tmp_path / "x.xlsx")
        bomb = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a0 "ha">' + "".join(
            f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 12)
        )
        cells = (
            "]><worksheet><sheetData><row><c t='str'><v>&a11;</v></c></row></sheetData></worksheet>"
        )
        with zipfile.ZipFile(path) as old, zipfile.ZipFile(tmp_path / "bomb.xlsx", "w") as new:
            for name in old.namelist():
                is_sheet = name.endswith("sheet1.xml")
                new.writestr(name, bomb + cells if is_sheet else old.read(name))
        with pytest.raises(InvalidInput, match="no Excel workbook"):
            formats.read_path(tmp_path / "bomb.xlsx")


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
            st.floats(allow_infinity=False),
        ),
        min_size=1,
        max_size=4,
    )
)
@settings(deadline=None, max_examples=60)
def test_any_text_and_number_comes_back_from_excel(tmp_path_factory, rows):
    frame = pd.DataFrame(
        {"t": pd.Series([t for t, _ in rows], dtype="str"), "n": [n for _, n in rows]}
    )
    path = formats.write_path(frame, tmp_path_factory.mktemp("excel") / "x.xlsx")
    back = formats.read_path(path, types.infer(frame))
    pd.testing.assert_frame_equal(back, frame, check_exact=True)
