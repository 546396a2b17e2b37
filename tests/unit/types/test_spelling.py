"""How signatures and schemas stand in a card."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator

from modelyard import types
from modelyard.base.errors import InvalidInput, SchemaMismatch
from modelyard.types.schema import Argument, Schema, Signature
from modelyard.types.spelling import (
    schema_from_dict,
    schema_to_dict,
    signature_from_dict,
    signature_to_dict,
)

PREDICT: dict[str, Any] = {
    "args": {
        "X": {
            "type": "dataframe",
            "columns": {"a": "float64", "b": {"dtype": "category", "categories": ["u"]}},
        },
        "threshold": {"type": "number", "default": 0.5},
        "note": {"type": "optional", "of": "string", "default": None},
    },
    "extra": {"type": "any"},
    "returns": {"type": "array", "dtype": "int64", "shape": [None]},
}


def test_a_signature_comes_back() -> None:
    signature = signature_from_dict(PREDICT)
    assert signature_to_dict(signature) == PREDICT
    assert signature_from_dict(json.loads(json.dumps(PREDICT))) == signature
    assert signature.args["X"].required
    assert not signature.args["note"].required
    assert signature.args["note"].default is None


def test_what_is_not_known_is_left_out() -> None:
    assert signature_to_dict(Signature({})) == {"args": {}}
    assert signature_from_dict({}) == Signature({})


def test_a_bare_kind_is_enough() -> None:
    assert signature_from_dict({"args": {"x": "integer"}}) == Signature(
        {"x": Argument(types.parse("integer"))}
    )


@pytest.mark.parametrize(
    ("spelled", "message"),
    [
        ({"args": ["x"]}, "a method needs a mapping of arguments under 'args'"),
        ({"arguments": {}}, "a method has no field 'arguments'"),
        ({"args": {"x": 1}}, "argument 'x': expected a type, got 1"),
        ({"args": {"x": {"type": "intege"}}}, "unknown type 'intege'"),
        ({"args": {"x": {"type": "integer", "size": 3}}}, "type 'integer' has no field 'size'"),
        ({"args": {"x": {"columns": {}}}}, "expected a type such as 'integer' or a mapping with 'type:', got {'columns': {}}"),
        ({"args": {"x": {"type": "dataframe"}}}, "type 'dataframe' needs a mapping of names to dtypes under 'columns'"),
        ({"args": {"x": {"type": "dataframe", "columns": {"a": "flaot64"}}}}, "unknown dtype 'flaot64'"),
        ({"args": {"x": {"type": "dataframe", "columns": {"a": "category"}}}}, "column 'a': 'categories' and dtype 'category' belong together"),
        ({"args": {"x": {"type": "dataframe", "columns": {"a": {"dtype": "int64", "nulls": 1}}}}}, "column 'a': unknown field 'nulls'"),
        ({"args": {"x": {"type": "array", "dtype": "float64"}}}, "type 'array' needs 'shape': a list of sizes, null where any will do"),
        ({"args": {"x": {"type": "choice", "of": []}}}, "type 'choice' needs a list of values under 'of'"),
        (7, "a method needs a mapping of arguments under 'args'"),
    ],
)  # fmt: skip
def test_a_wrong_card_is_told(spelled: Any, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        signature_from_dict(spelled)
    assert caught.value.message == message


def test_unknown_types_come_with_the_choices() -> None:
    with pytest.raises(InvalidInput) as caught:
        types.parse("intger")
    assert caught.value.hint == "did you mean 'integer'?"
    with pytest.raises(InvalidInput) as caught:
        types.parse("xyz")
    assert caught.value.hint is not None
    assert "array, arrow_table, boolean" in caught.value.hint


def test_schemas_come_back() -> None:
    of_model = Schema(methods={"predict": signature_from_dict(PREDICT)})
    of_data = Schema(value=types.parse({"type": "list", "items": "integer"}))
    assert schema_from_dict(schema_to_dict(of_model)) == of_model
    assert schema_from_dict(schema_to_dict(of_data)) == of_data
    assert schema_to_dict(of_data) == {"schema": {"type": "list", "items": "integer"}}


def test_json_schema_of_a_model() -> None:
    schema = Schema(methods={"predict": signature_from_dict(PREDICT)}).json_schema()
    args = schema["methods"]["predict"]["args"]
    Draft202012Validator.check_schema(args)
    assert args["required"] == ["X"]
    assert args["properties"]["threshold"]["default"] == 0.5
    assert args["properties"]["X"]["title"] == "X"
    validator = Draft202012Validator(args)
    validator.validate({"X": [{"a": 1.5, "b": "u"}], "anything": "else"})
    for bad in (
        {},
        {"X": [{"a": 1.5}]},
        {"X": [{"a": 1.5, "b": "v"}]},
        {"X": [{"a": "1", "b": "u"}]},
    ):
        assert not validator.is_valid(bad), bad
    assert schema["methods"]["predict"]["returns"]["type"] == "array"


def test_arguments_are_closed_unless_the_method_takes_more() -> None:
    assert Signature({}).json_schema()["args"]["additionalProperties"] is False


def test_json_schema_of_data() -> None:
    assert Schema(value=types.parse("string")).json_schema() == {"type": "string"}


@pytest.mark.parametrize(
    ("dtype", "format"),
    [("datetime64[us]", "date-time-local"), ("datetime64[us, UTC]", "date-time")],
)
def test_moments_without_an_offset_are_not_said_to_have_one(dtype: str, format: str) -> None:
    kind = types.parse({"type": "series", "dtype": dtype})
    assert kind.json_schema()["items"]["format"] == format


def test_a_whole_number_below_all_is_not_taken_for_the_lowest() -> None:
    kind, lowest = types.parse("integer"), -(2**63)
    assert kind.decode(orjson.loads(str(lowest))) == lowest
    with pytest.raises(SchemaMismatch):
        kind.decode(orjson.loads(str(lowest - 1)))
    assert kind.decode(4.0) == 4


def test_a_schema_shows_itself_in_notebooks_and_runs_nothing() -> None:
    schema = Schema(
        methods={
            "predict": Signature(
                {"<b>": Argument(types.parse("integer"), 3)}, types.parse("string")
            )
        }
    )
    html = schema._repr_html_()
    assert "&lt;b&gt;" in html
    assert "<b>" not in html
    assert "= 3" in html
