"""Which file describes a value, what is refused, and what all that costs at start-up."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
from sklearn.datasets import load_iris

from cases.types import (
    container,
    moment,
    numpy,
    pandas,
    polars,
    pyarrow,
    record,
    scalar,
    scipy,
    union,
)
from modelyard import types
from modelyard.base.errors import SchemaMismatch, UnsupportedType
from modelyard.types.union import UnionType

FILES = (scalar, moment, container, record, union, numpy, pandas, polars, pyarrow, scipy)


def test_a_subclass_is_described_by_its_library() -> None:
    class Frame(pd.DataFrame):
        pass

    class Words(list[str]):
        pass

    assert types.infer(Frame({"a": [1]})).kind == "dataframe"
    assert types.infer(Words(["a"])).to_dict() == {"type": "list", "items": "string"}


def test_the_library_of_a_value_is_not_its_role() -> None:
    """A Bunch of scikit-learn is a dict; a ufunc is numpy's and no data at all."""
    assert types.infer(load_iris()["target_names"]).kind == "array"
    assert types.infer(type(load_iris())(a=1)).to_dict() == {
        "type": "dict",
        "keys": "string",
        "values": "integer",
    }
    with pytest.raises(UnsupportedType, match=r"no data type describes a numpy\.ufunc"):
        types.infer(np.exp)


def objects(*values: Any) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (lambda: object(), "no data type describes a builtins.object"),
        (lambda: [object()], "no data type describes a builtins.object"),
        (lambda: pd.DataFrame([[1, 2]], columns=["a", "a"]), "column names must be different, and 'a' come twice"),
        (lambda: pd.DataFrame([[1, 2]], columns=["a", 1]), "column names must all be texts or all integers, got 'a', 1"),
        (lambda: pd.DataFrame([[1]], columns=[1.5]), "column names must all be texts or all integers, got 1.5"),
        (lambda: pd.DataFrame({("a", "b"): [1]}), "column names must all be texts or all integers, got ('a', 'b')"),
        (lambda: pd.DataFrame({"a": [[1]]}), "column 'a': an object array that holds a list has no data type"),
        (lambda: pd.DataFrame({"a": pd.interval_range(0, 2)}), "column 'a': dtype interval[int64, right] has no data type"),
        (lambda: pd.DataFrame({"a": pd.cut([1, 2], 2)}), "column 'a': categories of type Interval have no data type"),
        (lambda: pd.DataFrame({"a": pd.arrays.SparseArray([0, 1])}), "column 'a': dtype Sparse[int64, 0] has no data type"),
        (lambda: objects({}), "an object array that holds a dict has no data type"),
        (lambda: np.zeros(2, dtype=np.longdouble), "arrays of float128 have no data type"),
        (lambda: np.array([1], dtype="M8[10s]"), "arrays of datetime64[10s] have no exact JSON form"),
        (lambda: np.array([1], dtype="M8[Y]"), "arrays of datetime64[Y] have no exact JSON form"),
        (lambda: np.ma.zeros(2), "a masked array has no data type"),
        (lambda: pl.DataFrame({"a": [[1]]}), "column 'a': polars' List(Int64) has no data type"),
        (lambda: pl.LazyFrame({"a": [1]}), "a LazyFrame has no values yet"),
        (lambda: pa.table([pa.array([1]), pa.array([2])], names=["a", "a"]), "column names must be different, and 'a' come twice"),
        (lambda: pa.table({"a": [[1]]}), "column 'a': Arrow's list<item: int64> has no data type"),
        (lambda: sp.csr_matrix([[1j]]), "a sparse matrix of complex128 has no data type"),
    ],
)  # fmt: skip
def test_what_a_description_would_lie_about_is_refused(value: Any, message: str) -> None:
    with pytest.raises(UnsupportedType) as caught:
        types.infer(value())
    assert caught.value.message == message


def test_objects_of_numpy_scalars_are_what_they_stand_for() -> None:
    kind = types.infer(objects(np.int64(1), "a", np.float32(0.5), np.bool_(True)))
    assert kind.to_dict()["items"] == "mixed"
    assert kind.encode(objects(np.int64(1), "a", np.float32(0.5), None)) == [1, "a", 0.5, None]
    with pytest.raises(
        SchemaMismatch,
        match=r"X\[0\]: expected a text, number, boolean or null, got a datetime.date",
    ):
        kind.check(objects(dt.date(2026, 1, 1)), "X")
    frame = pd.DataFrame({"a": objects(np.int64(1), "a")})
    assert types.infer(frame).encode(frame) == [{"a": 1}, {"a": "a"}]


def test_items_of_many_kinds_are_anything() -> None:
    assert types.infer([1, "a", True, [1], {}]).to_dict() == {"type": "list", "items": "any"}
    assert types.infer([1, None, 2]).to_dict()["items"] == {"type": "optional", "of": "integer"}
    assert types.infer([[], [1]]).to_dict()["items"] == {"type": "list", "items": "integer"}


def test_many_homogeneous_items_are_one_type() -> None:
    rows = [{"a": i, "b": None if i % 2 else 0.5} for i in range(100)]
    assert types.infer(rows).to_dict()["items"] == {
        "type": "dict",
        "fields": {"a": "integer", "b": {"type": "optional", "of": "number"}},
    }


def test_records_with_different_fields_are_a_mapping() -> None:
    assert types.infer([{"a": 1}, {"b": 2}]).to_dict()["items"] == {
        "type": "dict",
        "keys": "string",
        "values": "integer",
    }


def test_any_gives_json_as_it_is_and_writes_what_it_knows() -> None:
    kind = types.parse("any")
    assert kind.decode({"a": [1, None]}) == {"a": [1, None]}
    assert kind.encode(np.array([1.5])) == [1.5]
    with pytest.raises(UnsupportedType):
        kind.encode(object())


def test_a_union_that_json_cannot_tell_apart_is_refused_when_written() -> None:
    kind = types.parse({"type": "union", "of": ["number", "string"]})
    assert isinstance(kind, UnionType)
    assert kind.decode("NaN") == "NaN"
    assert kind.encode(1.5) == 1.5
    with pytest.raises(Exception, match="expected number or string, told apart in JSON, got nan"):
        kind.encode(float("nan"))


def test_reading_cards_imports_no_library() -> None:
    """`show` of a card with every kind of type costs no import of pandas."""
    spelled = [case.spelled for file in FILES for case in file.CASES]
    code = """
import json, sys
from modelyard import types
for spelled in json.load(sys.stdin):
    kind = types.parse(spelled)
    kind.to_dict(), kind.json_schema()
roots = {name.partition(".")[0] for name in sys.modules}
print(sorted(roots - set(sys.stdlib_module_names) - {"modelyard"}))
"""
    done = subprocess.run([sys.executable, "-S", "-c", code], input=json.dumps(spelled), capture_output=True, text=True, check=False, env={"PYTHONPATH": _source()})  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.replace("'", '"')) == ["__main__"] or done.stdout.strip() == "[]"


def _source() -> str:
    from pathlib import Path

    return str(Path(types.__file__).parents[2])
