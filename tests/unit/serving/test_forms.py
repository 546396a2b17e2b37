from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard import types
from modelyard.base.errors import SchemaMismatch
from modelyard.serving.forms import Forms, as_records, count_rows
from modelyard.types.arguments import decode_arguments
from modelyard.types.schema import Argument, Signature
from modelyard.types.signatures import infer_signature

TABLE = types.infer(pd.DataFrame({"a": [1.5, 2.0], "b": ["x", "y"]}))
ON_TABLE = Signature({"X": Argument(TABLE)})


def signature_of(function: Any) -> Signature:
    return infer_signature(function, run=False)[0]


cells = st.fixed_dictionaries(
    {"a": st.floats(allow_nan=False, allow_infinity=False), "b": st.text("abc \u00e9", max_size=3)}
)
tables = st.lists(cells, min_size=1, max_size=5)


def all_forms(records: list[dict[str, Any]]) -> list[Any]:
    """Every way to say the same table."""
    columns = {name: [r[name] for r in records] for name in ("a", "b")}
    backwards = [dict(reversed(r.items())) for r in records]
    rows = [[r["b"], r["a"]] for r in records]
    value = [
        records,
        backwards,
        columns,
        {"columns": ["b", "a"], "data": rows},
        {"columns": ["b", "a"], "index": list(range(len(rows))), "data": rows},
        {"values": records},
    ]
    return [*value, *({"X": v} for v in value), {"data": {"values": records}}, {"data": records}]


@given(tables)
def test_all_forms_of_a_table_mean_the_same(records: list[dict[str, Any]]) -> None:
    expected = TABLE.decode(records)
    for body in all_forms(records):
        read = Forms(ON_TABLE).read(body)
        assert list(read) == ["X"]
        pd.testing.assert_frame_equal(decode_arguments(ON_TABLE, read)["X"], expected)


@given(tables)
def test_rows_are_counted_and_records_listed_alike_in_every_form(
    records: list[dict[str, Any]],
) -> None:
    for body in all_forms(records):
        value = Forms(ON_TABLE).read(body)["X"]
        assert count_rows(value) == len(records)
        assert as_records(value, ["a", "b"]) == records


@given(
    tables, st.lists(st.one_of(st.integers(), st.text("abc", max_size=5)), min_size=5, max_size=5)
)
def test_reference_ids_are_taken_out_of_every_form(
    records: list[dict[str, Any]], ids: list[Any]
) -> None:
    marked = [{**r, "reference_id": i} for r, i in zip(records, ids, strict=False)]
    columns = {name: [r[name] for r in marked] for name in ("a", "b", "reference_id")}
    split = {"columns": list(columns), "data": [[r[c] for c in columns] for r in marked]}
    for body in (marked, columns, split, {"X": marked}, {"data": {"values": marked}}):
        body, forms = copy.deepcopy(body), Forms(ON_TABLE)
        read = forms.read(body)
        assert forms.take_reference_ids(body, read) == [str(i) for i in ids[: len(marked)]]
        pd.testing.assert_frame_equal(decode_arguments(ON_TABLE, read)["X"], TABLE.decode(records))


def test_a_column_called_reference_id_is_a_column() -> None:
    table = types.infer(pd.DataFrame({"reference_id": ["x"]}))
    body = [{"reference_id": "x"}]
    forms = Forms(Signature({"X": Argument(table)}))
    assert forms.take_reference_ids(body, forms.read(body)) == []
    assert body == [{"reference_id": "x"}]


@pytest.mark.parametrize("bad", [1.5, True, [1], {"a": 1}, "x" * 257, "line\nbreak"])
def test_a_reference_id_is_a_short_text_or_whole_number(bad: Any) -> None:
    body = [{"a": 1.0, "b": "x", "reference_id": bad}]
    with pytest.raises(
        SchemaMismatch, match=r"X\[0\]\.reference_id: expected a text or whole number"
    ):
        Forms(ON_TABLE).take_reference_ids(body, {"X": body})


def test_one_id_for_a_call_of_plain_arguments() -> None:
    forms = Forms(signature_of(lambda x, y=1: None))
    body = {"x": 3, "reference_id": 17}
    assert forms.read(body) == {"x": 3}
    assert forms.take_reference_ids(body, {"x": 3}) == ["17"]


def test_optional_arguments_stay_out_when_not_sent() -> None:
    def score(X: list[float], scale: float = 1.0) -> float: ...

    forms = Forms(signature_of(score))
    assert forms.read([1.0]) == {"X": [1.0]}
    assert forms.read({"X": [1.0], "scale": 2.0}) == {"X": [1.0], "scale": 2.0}


def test_further_keywords_are_taken_where_the_method_takes_them() -> None:
    def score(X: list[float], **more: float) -> float: ...

    forms = Forms(signature_of(score))
    assert forms.read({"X": [1.0], "by": 2.0}) == {"X": [1.0], "by": 2.0}


def test_a_method_without_arguments_takes_an_empty_object() -> None:
    forms = Forms(Signature({}))
    assert forms.read({}) == {}
    with pytest.raises(SchemaMismatch, match="expected an empty object, got a bare value"):
        forms.read([1])


def test_a_table_with_a_column_named_like_its_argument() -> None:
    table = types.infer(pd.DataFrame({"X": [1.0]}))
    forms = Forms(Signature({"X": Argument(table)}))
    assert forms.read({"X": [{"X": 1.0}]}) == {"X": [{"X": 1.0}]}
    assert forms.read({"X": [1.0, 2.0]}) == {"X": {"X": [1.0, 2.0]}}


def test_a_method_of_one_object_takes_it_bare_even_when_a_key_is_the_arguments_name() -> None:
    def score(person: dict[str, int]) -> int: ...

    forms = Forms(signature_of(score))
    assert forms.read({"age": 3}) == {"person": {"age": 3}}
    assert forms.read({"person": {"age": 3}}) == {"person": {"age": 3}}
    assert forms.read({"person": 3}) == {"person": {"person": 3}}


def test_what_is_missing_or_unknown_is_named() -> None:
    def score(left: float, right: float, scale: float = 1.0) -> float: ...

    forms = Forms(signature_of(score))
    with pytest.raises(SchemaMismatch) as missing:
        forms.read({"left": 1.0, "rihgt": 2.0})
    assert missing.value.details["field"] == "right"
    assert missing.value.hint == "did you mean 'rihgt'?"
    with pytest.raises(SchemaMismatch) as unknown:
        forms.read({"left": 1.0, "right": 2.0, "scael": 3.0})
    assert unknown.value.details["field"] == "scael"
    assert unknown.value.hint == "did you mean 'scale'?"
    with pytest.raises(
        SchemaMismatch, match="expected an object with left, right, scale, got a bare value"
    ):
        forms.read([1.0, 2.0])


@pytest.mark.parametrize("body", [[], {"X": []}, {"data": []}, {"data": {"values": []}}])
def test_an_empty_list_is_refused(body: Any) -> None:
    with pytest.raises(SchemaMismatch, match="X: expected at least one record, got an empty list"):
        Forms(ON_TABLE).read(body)


def test_a_nested_list_is_the_bare_value_of_an_array() -> None:
    array = types.infer(np.zeros((2, 2)))
    assert Forms(Signature({"X": Argument(array)})).read([[1.0, 2.0]]) == {"X": [[1.0, 2.0]]}
