"""Whatever JSON or card arrives: a value, or a refusal that says where. No other error, and nothing slow."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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
from modelyard.base.errors import InvalidInput, SchemaMismatch, UnsupportedType

FILES = (scalar, moment, container, record, union, numpy, pandas, polars, pyarrow, scipy)
CASES = [case for file in FILES for case in file.CASES]
KINDS = {case.name: types.parse(case.spelled) for case in CASES}

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=6),
    st.sampled_from(
        ["NaN", "Infinity", "2026-01-01", "2026-01-01T00:00:00Z", "PT1S", "2026-01", "a", "\ud800"]
    ),
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


def outcome(call: Callable[[], Any]) -> tuple[Any, InvalidInput | None]:
    """What a call gave, or how it refused; any other error passes through."""
    try:
        return call(), None
    except InvalidInput as error:
        return None, error


@st.composite
def damaged(draw: st.DrawFn, value: Any) -> Any:
    """A valid document with one place changed, dropped or doubled."""
    value = copy.deepcopy(value)
    holder: Any = [value]
    key: Any = 0
    while isinstance(holder[key], (list, dict)) and holder[key] and draw(st.booleans()):
        holder = holder[key]
        key = draw(
            st.sampled_from(range(len(holder)) if isinstance(holder, list) else sorted(holder))
        )
    top = (
        holder
        if key == 0 and isinstance(holder, list) and len(holder) == 1 and holder[0] is value
        else None
    )
    replacement = draw(
        st.one_of(JSON, st.just([holder[key], holder[key]]), st.just({"values": holder[key]}))
    )
    if top is not None:
        return replacement
    holder[key] = replacement
    return value


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.spelled['type']}-{c.name}")
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_decode_gives_a_value_or_a_refusal(case: Any, data: st.DataObject) -> None:
    kind = types.parse(case.spelled)
    sent = data.draw(st.one_of(JSON, damaged(case.encoded)))
    value, refused = outcome(lambda: kind.decode(sent, "X"))
    if refused is None:
        _, refused = outcome(lambda: kind.encode(value))
        # What was taken can be given back, unless nothing was known of it.
        assert refused is None or '"any"' in json.dumps(case.spelled)
    else:
        assert refused.details["field"].startswith("X")
        assert refused.details["expected"]
        assert len(refused.message) < 2000


SPELLED = [case.spelled for case in CASES]


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_card_gives_a_type_or_a_refusal(data: st.DataObject) -> None:
    spelled = data.draw(st.sampled_from(SPELLED).flatmap(damaged))
    kind, refused = outcome(lambda: types.parse(spelled))
    if refused is None:
        assert types.parse(json.loads(json.dumps(kind.to_dict()))) == kind
        json.dumps(kind.json_schema())


@pytest.mark.parametrize("depth", [1_000, 100_000])
def test_a_deep_list_is_no_end_of_the_process(depth: int) -> None:
    deep: list[Any] = []
    for _ in range(depth):
        deep = [deep]
    with pytest.raises(UnsupportedType, match="nested too deeply"):
        types.infer(deep)
    with pytest.raises(SchemaMismatch):
        types.parse({"type": "array", "dtype": "float64", "shape": [None, 2]}).decode(deep, "X")


def test_a_list_inside_itself_is_refused() -> None:
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(UnsupportedType, match="inside itself"):
        types.infer(circle)


def test_a_long_text_is_not_repeated_in_the_error() -> None:
    with pytest.raises(SchemaMismatch) as caught:
        types.parse("integer").decode("9" * 10_000, "X")
    assert len(caught.value.message) < 200


def test_a_thousand_wrong_columns_are_not_all_listed() -> None:
    kind = types.parse({"type": "dataframe", "columns": {f"c{i}": "float64" for i in range(1000)}})
    with pytest.raises(SchemaMismatch) as caught:
        kind.decode([{f"d{i}": 1.0 for i in range(1000)}], "X")
    assert len(str(caught.value)) < 1000
