"""What changed between two versions of a model, and whether callers would notice."""

from __future__ import annotations

from typing import Any

import pytest

from modelyard import types
from modelyard.types.compare import compare
from modelyard.types.schema import Argument, Signature

FRAME = {
    "type": "dataframe",
    "columns": {
        "age": "int32",
        "city": {"dtype": "category", "categories": ["a", "b"]},
        "pay": "float32",
    },
}


def frame(**columns: Any) -> dict[str, Any]:
    return {"type": "dataframe", "columns": {**FRAME["columns"], **columns}}


def changes(old: Any, new: Any, *, answer: bool = False) -> list[tuple[str, str, bool]]:
    """Differences between two types as the argument X, or as the answer."""
    a, b = types.parse(old), types.parse(new)
    if answer:
        before, after = Signature({}, a), Signature({}, b)
    else:
        before, after = Signature({"X": Argument(a)}), Signature({"X": Argument(b)})
    found = compare({"predict": before}, {"predict": after})
    assert all(d.reason for d in found)
    return [(d.where, d.change, d.breaking) for d in found]


@pytest.mark.parametrize("answer", [False, True])
def test_the_same_is_no_change(answer: bool) -> None:
    assert changes(FRAME, FRAME, answer=answer) == []


X, R = "predict.X", "predict.returns"


@pytest.mark.parametrize(
    ("old", "new", "as_input", "as_answer"),
    [
        ("integer", "number", ("widened", False), ("widened", True)),
        ("number", "integer", ("narrowed", True), ("narrowed", False)),
        ("integer", "string", ("changed", True), ("changed", True)),
        ("integer", "any", ("widened", False), ("widened", True)),
        ("string", {"type": "optional", "of": "string"}, ("widened", False), ("widened", True)),
        ({"type": "optional", "of": "string"}, "string", ("narrowed", True), ("narrowed", False)),
        ("string", {"type": "union", "of": ["string", "integer"]}, ("widened", False), ("widened", True)),
        ({"type": "choice", "of": ["a"]}, {"type": "choice", "of": ["a", "b"]}, ("widened", False), ("widened", True)),
        ({"type": "choice", "of": ["a"]}, "string", ("widened", False), ("widened", True)),
        (
            {"type": "array", "dtype": "int32", "shape": [None]},
            {"type": "array", "dtype": "int64", "shape": [None]},
            ("widened", False),
            ("changed", True),
        ),
        (
            {"type": "array", "dtype": "float64", "shape": [None]},
            {"type": "array", "dtype": "int64", "shape": [None]},
            ("narrowed", True),
            ("changed", True),
        ),
        (
            {"type": "array", "dtype": "float64", "shape": [None, 3]},
            {"type": "array", "dtype": "float64", "shape": [None, 4]},
            ("changed", True),
            ("changed", True),
        ),
        (FRAME, {"type": "array", "dtype": "float64", "shape": [None, 3]}, ("changed", True), ("changed", True)),
        ({"type": "image", "mode": "RGB"}, "image", ("widened", False), ("widened", True)),
        ({"type": "image", "mode": "L"}, {"type": "image", "mode": "RGB"}, ("widened", False), ("widened", True)),
        ({"type": "image", "mode": "RGB"}, {"type": "image", "mode": "CMYK"}, ("changed", True), ("changed", True)),
        ("bytes", "file", ("widened", False), ("changed", True)),
        ("file", "bytes", ("changed", True), ("changed", True)),
        ({"type": "datetime", "aware": True}, "datetime", ("widened", False), ("widened", True)),
    ],
)  # fmt: skip
def test_inputs_may_widen_and_answers_may_narrow(
    old: Any, new: Any, as_input: tuple[str, bool], as_answer: tuple[str, bool]
) -> None:
    assert changes(old, new) == [(X, *as_input)]
    assert changes(old, new, answer=True) == [(R, *as_answer)]


@pytest.mark.parametrize(
    ("new", "as_input", "as_answer"),
    [
        (frame(id="int64"), (".id", "added", True), (".id", "added", False)),
        (
            {
                "type": "dataframe",
                "columns": {k: v for k, v in FRAME["columns"].items() if k != "pay"},
            },
            (".pay", "removed", True),
            (".pay", "removed", True),
        ),
        (frame(age="int64"), (".age", "widened", False), (".age", "changed", True)),
        (frame(age="float64"), (".age", "widened", False), (".age", "changed", True)),
        (frame(age="int8"), (".age", "narrowed", True), (".age", "changed", True)),
        (frame(age="uint32"), (".age", "changed", True), (".age", "changed", True)),
        (frame(age="str"), (".age", "changed", True), (".age", "changed", True)),
        (frame(pay="float64"), (".pay", "widened", False), (".pay", "changed", True)),
        (
            frame(city={"dtype": "category", "categories": ["a", "b", "c"]}),
            (".city", "widened", False),
            (".city", "widened", True),
        ),
        (
            frame(city={"dtype": "category", "categories": ["a"]}),
            (".city", "narrowed", True),
            (".city", "narrowed", False),
        ),
        (
            frame(city={"dtype": "category", "categories": ["a", "b"], "nullable": True}),
            (".city", "widened", False),
            (".city", "widened", True),
        ),
    ],
)
def test_columns(
    new: Any, as_input: tuple[str, str, bool], as_answer: tuple[str, str, bool]
) -> None:
    where, *rest = as_input
    assert changes(FRAME, new) == [(X + where, *rest)]
    where, *rest = as_answer
    assert changes(FRAME, new, answer=True) == [(R + where, *rest)]


def test_a_new_order_breaks_those_who_send_by_position() -> None:
    turned = {"type": "dataframe", "columns": dict(reversed(FRAME["columns"].items()))}
    assert changes(FRAME, turned) == [(X, "reordered", True)]
    assert changes(FRAME, turned, answer=True) == []


def test_inner_types_are_named_by_their_place() -> None:
    old = {"type": "list", "items": {"type": "dict", "fields": {"a": "integer", "b": "string"}}}
    new = {"type": "list", "items": {"type": "dict", "fields": {"a": "number", "c": "string"}}}
    assert changes(old, new) == [
        ("predict.X[].a", "widened", False),
        ("predict.X[].b", "removed", True),
        ("predict.X[].c", "added", True),
    ]


RECORD = {"type": "record", "name": "Flat", "fields": {"rooms": "integer", "floor": "integer"}}


@pytest.mark.parametrize(
    ("old", "new", "as_input", "as_answer"),
    [
        (RECORD, {**RECORD, "name": "House"}, [], []),
        (RECORD, {"type": "dict", "fields": RECORD["fields"]}, [], []),
        (RECORD, {**RECORD, "defaults": {"floor": 0}}, [(".floor", "widened", False)], []),
        ({**RECORD, "defaults": {"floor": 0}}, RECORD, [(".floor", "narrowed", True)], []),
        (
            {**RECORD, "fields": {"rooms": "integer"}}, {**RECORD, "defaults": {"floor": 0}},
            [(".floor", "added", False)], [(".floor", "added", False)],
        ),
        (RECORD, {**RECORD, "fields": {"rooms": "integer"}}, [(".floor", "removed", True)], [(".floor", "removed", True)]),
        ({"type": "list", "items": RECORD}, {"type": "list", "items": {**RECORD, "fields": {"rooms": "number", "floor": "integer"}}}, [("[].rooms", "widened", False)], [("[].rooms", "widened", True)]),
        (FRAME, {**FRAME, "index": {"id": "str"}}, [(".id", "added", False)], [(".id", "added", False)]),
        ({**FRAME, "index": {"id": "str"}}, FRAME, [(".id", "removed", True)], [(".id", "removed", True)]),
        ({**FRAME, "index": {"id": "str"}}, {**FRAME, "index": {"id": "int64"}}, [(".id", "changed", True)], [(".id", "changed", True)]),
    ],
)  # fmt: skip
def test_records_and_indexes(old: Any, new: Any, as_input: Any, as_answer: Any) -> None:
    assert changes(old, new) == [(X + where, *rest) for where, *rest in as_input]
    assert changes(old, new, answer=True) == [(R + where, *rest) for where, *rest in as_answer]


def signature(extra: str | None = None, /, **arguments: Any) -> Signature:
    return Signature(
        {
            n: a if isinstance(a, Argument) else Argument(types.parse(a))
            for n, a in arguments.items()
        },
        extra=types.parse(extra) if extra else None,
    )


INTEGER = types.parse("integer")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({}, {"predict": signature()}, [("predict", "added", False)]),
        ({"predict": signature()}, {}, [("predict", "removed", True)]),
        (signature(x="integer"), signature(x="integer", y="integer"), [("predict.y", "added", True)]),
        (signature(x="integer"), signature(x="integer", y=Argument(INTEGER, 3)), [("predict.y", "added", False)]),
        (signature(x="integer", y="integer"), signature(x="integer"), [("predict.y", "removed", True)]),
        (signature("any", y="integer"), signature("any"), [("predict.y", "removed", False)]),
        (signature(x=Argument(INTEGER, 3)), signature(x="integer"), [("predict.x", "narrowed", True)]),
        (signature(x="integer"), signature(x=Argument(INTEGER, 3)), [("predict.x", "widened", False)]),
        (signature(x=Argument(INTEGER, 3)), signature(x=Argument(INTEGER, 4)), [("predict.x", "changed", False)]),
        (signature(x="integer", y="integer"), signature(y="integer", x="integer"), [("predict", "reordered", True)]),
        (signature("any"), signature(), [("predict.**", "removed", True)]),
        (signature(), signature("any"), [("predict.**", "added", False)]),
    ],
)  # fmt: skip
def test_methods_and_arguments(old: Any, new: Any, expected: list[tuple[str, str, bool]]) -> None:
    before = old if isinstance(old, dict) else {"predict": old}
    after = new if isinstance(new, dict) else {"predict": new}
    assert [(d.where, d.change, d.breaking) for d in compare(before, after)] == expected


def test_an_answer_unknown_before_disturbs_nobody() -> None:
    found = compare({"predict": Signature({})}, {"predict": Signature({}, INTEGER)})
    assert [(d.where, d.breaking) for d in found] == [("predict.returns", False)]


def test_other_libraries_are_compared_by_their_columns_too() -> None:
    for kind in ("polars_dataframe", "arrow_table"):
        old = {"type": kind, "columns": {"a": "int32"}}
        assert changes(old, {"type": kind, "columns": {"a": "int64"}}) == [
            ("predict.X.a", "widened", False)
        ]
