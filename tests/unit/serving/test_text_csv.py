from __future__ import annotations

import csv
import io
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.base.errors import InvalidInput, SchemaMismatch, UnsupportedFormat
from modelyard.serving.execution import Method
from modelyard.serving.text_csv import read_csv, write_csv
from serving_cases.models import frame, function_model, iris, table_model


def test_a_table_is_read_in_the_methods_own_types() -> None:
    value, rows, ids = read_csv(frame().to_csv(index=False).encode(), Method(iris(), "predict"))
    pd.testing.assert_frame_equal(value, frame())
    assert (rows, ids) == (40, [])


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_ids_are_taken_out_wherever_their_column_stands(end: str, mark: bytes) -> None:
    text = end.join(["width,reference_id,length", '1.5,"a ""b"", c",2.5', "3.5,17,4.5", ""])
    value, rows, ids = read_csv(mark + text.encode(), Method(iris(), "predict"))
    assert value.to_dict("list") == {"length": [2.5, 4.5], "width": [1.5, 3.5]}
    assert (rows, ids) == (2, ['a "b", c', "17"])


def test_a_table_with_a_column_reference_id_keeps_it() -> None:
    sample = pd.DataFrame({"reference_id": ["x", "y"], "a": [1.0, 2.0]})
    model = table_model(lambda X: X["a"].to_numpy(), sample=sample)
    value, _, ids = read_csv(sample.to_csv(index=False).encode(), Method(model, "predict"))
    pd.testing.assert_frame_equal(value, sample)
    assert ids == []


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"\xff\xfe", InvalidInput),
        (b"", InvalidInput),
        (b"length,width\n", SchemaMismatch),
        (b"length,width,reference_id\n1,2\n", InvalidInput),
        (b"length,width\n1,two\n", SchemaMismatch),
        (b"length,height\n1,2\n", SchemaMismatch),
        (b"length,width\n1,2,3\n", InvalidInput),
        (b'length,width\n"1,2\n', InvalidInput),
    ],
)
def test_what_is_no_table_of_the_method_is_refused(body: bytes, error: type[InvalidInput]) -> None:
    method = Method(iris(), "predict")

    def read_and_check() -> None:
        method.signature.args["X"].type.check(read_csv(body, method)[0], "X")

    with pytest.raises(error):
        read_and_check()


def test_methods_without_tables_take_no_csv() -> None:
    with pytest.raises(UnsupportedFormat, match="predict takes no table"):
        read_csv(b"x\n1\n", Method(function_model("f", 1.0, predict=lambda x: x), "predict"))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([0, 1], "p\n0\n1\n"),
        ([[0.5, 0.5]], "p_0,p_1\n0.5,0.5\n"),
        ([{"a": 1, "b": None}, {"a": 2, "b": "x,y"}], 'a,b\n1,\n2,"x,y"\n'),
        ([{"a": 1}, {"b": 2}], "a,b\n1,\n,2\n"),
        (7, "p\n7\n"),
        ({"a": [1, 2], "ok": True}, 'a,ok\n"[1,2]",true\n'),
    ],
)
def test_answers_as_rows(value: Any, text: str) -> None:
    assert write_csv(value, "p").decode() == text


@given(
    st.lists(
        st.floats(allow_nan=False, allow_infinity=False) | st.text("a,\"'\n\r;", min_size=1),
        min_size=1,
    )
)
def test_every_answer_reads_back(values: list[Any]) -> None:
    rows = list(csv.reader(io.StringIO(write_csv(values, "p").decode(), newline="")))
    assert [row[0] for row in rows] == ["p", *map(str, values)]
