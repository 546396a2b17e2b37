"""Values through JSON and back, found by hypothesis: exact, or refused, and never anything else."""

from __future__ import annotations

import datetime as dt
import json
import math
from decimal import Decimal
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import orjson
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelyard import types
from modelyard.base.errors import SchemaMismatch
from modelyard.testing.types import same, through_a_stream
from modelyard.types.arrow import from_arrow, to_arrow

QUIET = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60)
"""Machines differ: how long an example takes says nothing."""

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
INTEGERS = st.one_of(
    st.integers(-(2**63), 2**64 - 1),
    st.sampled_from([-(2**63), 2**63 - 1, 2**63, 2**64 - 1, 2**53 + 1]),
)
FLOATS = st.one_of(
    st.floats(),
    st.sampled_from([math.nan, math.inf, -math.inf, -0.0, 5e-324, 1.7976931348623157e308]),
)
ZONES = st.integers(-1439, 1439).map(lambda m: dt.timezone(dt.timedelta(minutes=m)))
SCALARS = st.one_of(
    st.none(), st.booleans(), INTEGERS, FLOATS, TEXT, st.binary(max_size=8), st.complex_numbers(),
    st.datetimes(), st.datetimes(timezones=ZONES), st.dates(), st.times(), st.timedeltas(),
    st.decimals(allow_nan=False), st.uuids(),
)  # fmt: skip


def through_json(value: Any) -> Any:
    """What comes out at the other end: type by card, value by wire."""
    kind = types.parse(json.loads(json.dumps(types.infer(value).to_dict(), allow_nan=False)))
    return kind.decode(orjson.loads(orjson.dumps(kind.encode(value))))


def through_arrow(value: Any) -> Any:
    """The same with Arrow as the wire."""
    kind = types.parse(json.loads(json.dumps(types.infer(value).to_dict(), allow_nan=False)))
    return from_arrow(through_a_stream(to_arrow(value, kind)), kind)


THROUGH = pytest.mark.parametrize("through", [through_json, through_arrow])


@THROUGH
@QUIET
@given(value=SCALARS)
def test_single_values_come_back_exactly(value: Any, through: Any) -> None:
    assert same(through(value), value)


HOMOGENEOUS = st.one_of(
    st.lists(st.integers(-(2**53), 2**53)), st.lists(FLOATS), st.lists(TEXT), st.lists(st.binary(max_size=4)),
    st.lists(st.one_of(st.none(), st.booleans())), st.lists(st.lists(FLOATS, min_size=1)),
    st.dictionaries(TEXT, FLOATS), st.dictionaries(INTEGERS.filter(lambda n: n < 2**63), TEXT),
    st.dictionaries(st.tuples(st.integers(0, 9), TEXT), st.booleans()), st.sets(TEXT),
    st.tuples(TEXT, FLOATS, st.lists(st.booleans())),
    st.lists(st.fixed_dictionaries({"id": st.integers(0, 9), "name": TEXT, "at": st.datetimes()})),
)  # fmt: skip


@THROUGH
@QUIET
@given(value=HOMOGENEOUS)
def test_containers_come_back_exactly(value: Any, through: Any) -> None:
    assert same(through(value), value)


NESTED = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(TEXT, inner, max_size=4),
        st.dictionaries(st.one_of(TEXT, st.integers(0, 3)), inner, max_size=4),
        st.tuples(inner, inner),
    ),
    max_leaves=8,
)


def holds(type_: types.DataType, kind: str) -> bool:
    return f'"{kind}"' in json.dumps(type_.to_dict())


@THROUGH
@QUIET
@given(value=NESTED)
def test_anything_nested_comes_back_or_is_refused(value: Any, through: Any) -> None:
    kind = types.infer(value)
    try:
        decoded = through(value)
    except SchemaMismatch:
        return  # an integer among floats that no double holds, a text among dates: no JSON tells them apart
    if not holds(kind, "any"):  # of which nothing was known, and nothing is promised
        # 1 beside 2.5 is a number like it; everything else is itself.
        assert same(kind.check(decoded), kind.check(value))


ARRAYS = hnp.arrays(
    dtype=st.one_of(
        hnp.boolean_dtypes(), hnp.integer_dtypes(), hnp.unsigned_integer_dtypes(), hnp.floating_dtypes(sizes=(16, 32, 64)),
        hnp.complex_number_dtypes(sizes=(64, 128)), hnp.datetime64_dtypes(min_period="ns", max_period="D"),
        hnp.timedelta64_dtypes(min_period="ns", max_period="D"),
    ),
    shape=hnp.array_shapes(min_dims=0, max_dims=3, min_side=1, max_side=3),
)  # fmt: skip


@THROUGH
@QUIET
@given(array=ARRAYS)
def test_arrays_come_back_exactly(array: np.ndarray, through: Any) -> None:
    try:
        back = through(array)
    except SchemaMismatch:
        assert (
            array.dtype.kind in "mM"
        )  # a year that ISO 8601 has no four digits for, days that Arrow cannot count
        return
    assert back.dtype == array.dtype.newbyteorder("=")
    assert back.shape == array.shape
    assert np.array_equal(back, array, equal_nan=array.dtype.kind in "fcmM")
    if array.dtype.kind == "f":
        assert np.array_equal(
            np.signbit(back)[~np.isnan(array)], np.signbit(array)[~np.isnan(array)]
        )


def column(values: st.SearchStrategy[Any], dtype: str) -> st.SearchStrategy[pd.Series]:
    return st.lists(values, min_size=3, max_size=3).map(lambda v: pd.Series(v, dtype=dtype))


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), values)


MOMENTS = st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1))
COLUMNS = st.one_of(
    column(FLOATS, "float64"), column(st.floats(width=32), "float32"), column(st.integers(-(2**63), 2**63 - 1), "int64"),
    column(st.integers(0, 2**64 - 1), "uint64"), column(st.integers(-128, 127), "int8"), column(st.booleans(), "bool"),
    column(TEXT, "str"), column(maybe(TEXT), "str"), column(maybe(TEXT), "string"),
    column(maybe(st.integers(-(2**63), 2**63 - 1)), "Int64"), column(maybe(st.booleans()), "boolean"),
    column(maybe(MOMENTS), "datetime64[ns]"), column(maybe(MOMENTS.map(lambda t: t.replace(tzinfo=dt.UTC))), "datetime64[us, Asia/Kathmandu]"),
    column(maybe(st.timedeltas(dt.timedelta(-9999), dt.timedelta(9999))), "timedelta64[us]"),
    column(maybe(st.sampled_from(["a", "b", "é"])), "category").filter(lambda s: s.notna().any()), column(st.one_of(st.none(), TEXT), "object"),
    column(st.one_of(st.none(), TEXT, st.booleans(), st.integers(0, 9)), "object"),
)  # fmt: skip


@THROUGH
@QUIET
@given(columns=st.dictionaries(TEXT, COLUMNS, min_size=1, max_size=4))
def test_frames_come_back_exactly(columns: dict[str, pd.Series], through: Any) -> None:
    frame = pd.DataFrame(columns)
    pd.testing.assert_frame_equal(through(frame), frame, check_exact=True)


@QUIET
@given(st.dictionaries(TEXT, COLUMNS, min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_every_form_of_a_table_means_the_same(columns: dict[str, pd.Series], random: Any) -> None:
    frame = pd.DataFrame(columns)
    kind = types.infer(frame)
    records = kind.encode(frame)
    names = list(frame.columns)
    mixed = random.sample(names, len(names))
    forms = [
        [{n: r[n] for n in mixed} for r in records],
        {"columns": mixed, "data": [[r[n] for n in mixed] for r in records]},
        [[r[n] for n in names] for r in records],
        {n: [r[n] for r in records] for n in mixed},
    ]
    for form in forms:
        pd.testing.assert_frame_equal(kind.decode(form), frame, check_exact=True)


@QUIET
@given(st.decimals())
def test_decimals_that_are_no_numbers_come_back_too(value: Decimal) -> None:
    back = through_json(value)
    assert str(back) == str(value)
