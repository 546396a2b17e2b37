"""The contract of a data type, as tests: what `modelyard.types.interface` promises, over cases that are data alone.

A test module parametrises `TypeContract` with `TypeCase`s: ``@pytest.mark.parametrize("case", cases)``. Each case is a value, how a
card spells its type and how JSON says it, plus other forms that mean the same and those that are refused, with the
exact words of the refusal.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator

from modelyard import types
from modelyard.base.errors import InvalidInput, SchemaMismatch
from modelyard.types.arrow import from_arrow, to_arrow


@dataclass(frozen=True)
class Refused:
    """A form that is not taken: the message, its hint, and the place named in ``details['field']``.

    ``by_schema`` says whether the JSON Schema alone refuses it too, as a client that validates before it sends would.
    """

    data: Any
    message: str
    field: str = "X"
    hint: str | None = None
    by_schema: bool = True


def same(a: Any, b: Any) -> bool:
    """Equal, and of one class, down to the items: 1, 1.0 and True differ, NaN is itself, 0.0 is not -0.0."""
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return a.hex() == b.hex()
    if isinstance(a, complex):
        return same(a.real, b.real) and same(a.imag, b.imag)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    return a == b


@dataclass(frozen=True)
class TypeCase:
    """A value and everything that is said about it. ``value`` and native forms are made anew for each test."""

    name: str
    value: Callable[[], Any]
    spelled: dict[str, Any]
    encoded: Any
    rows: int | None = None
    also: tuple[Any, ...] = ()
    """Other JSON forms of the same value."""
    native: tuple[Callable[[], Any], ...] = ()
    """Other native values that `check` makes the same of."""
    refused: tuple[Refused, ...] = ()
    """JSON that `decode` refuses, called X."""
    not_native: tuple[Refused, ...] = ()
    """What `check` refuses; ``data`` may be a callable that makes it."""
    equal: Callable[[Any, Any], bool] = same


class TypeContract:
    """Every type passes these."""

    def test_the_value_names_its_type(self, case: TypeCase) -> None:
        assert types.infer(case.value()).to_dict() == case.spelled

    def test_the_card_gives_the_type_back(self, case: TypeCase) -> None:
        spelled = json.loads(json.dumps(case.spelled, allow_nan=False))
        parsed = types.parse(spelled)
        assert parsed == types.infer(case.value())
        assert parsed.to_dict() == case.spelled
        assert next(iter(parsed.to_dict())) == "type"

    def test_its_kind_is_in_the_table(self, case: TypeCase) -> None:
        assert case.spelled["type"] in types.KIND_FILES

    def test_a_card_may_say_nothing_else(self, case: TypeCase) -> None:
        with pytest.raises(InvalidInput):
            types.parse({**case.spelled, "colour": "red"})

    def test_json_says_it_exactly(self, case: TypeCase) -> None:
        encoded = types.parse(case.spelled).encode(case.value())
        assert same(encoded, case.encoded), encoded
        assert same(orjson.loads(orjson.dumps(encoded)), case.encoded)
        json.dumps(encoded, allow_nan=False)

    def test_json_gives_the_value_back(self, case: TypeCase) -> None:
        decoded = types.parse(case.spelled).decode(copy.deepcopy(case.encoded))
        assert case.equal(decoded, case.value()), decoded

    def test_the_value_fits_its_own_type(self, case: TypeCase) -> None:
        checked = types.parse(case.spelled).check(case.value())
        assert case.equal(checked, case.value()), checked

    def test_nothing_that_was_given_is_changed(self, case: TypeCase) -> None:
        kind, value, data = types.parse(case.spelled), case.value(), copy.deepcopy(case.encoded)
        kind.check(value)
        kind.encode(value)
        kind.decode(data)
        assert case.equal(value, case.value())
        assert same(data, case.encoded)

    def test_other_forms_mean_the_same(self, case: TypeCase) -> None:
        for form in case.also:
            decoded = types.parse(case.spelled).decode(copy.deepcopy(form), "X")
            assert case.equal(decoded, case.value()), form

    def test_other_native_values_are_repaired(self, case: TypeCase) -> None:
        for make in case.native:
            checked = types.parse(case.spelled).check(make(), "X")
            assert case.equal(checked, case.value()), make()

    def test_the_json_schema_describes_it(self, case: TypeCase) -> None:
        schema = types.parse(case.spelled).json_schema()
        json.dumps(schema, allow_nan=False)
        Draft202012Validator.check_schema(schema)
        Draft202012Validator(schema).validate(case.encoded)

    def test_what_does_not_fit_is_refused_with_its_place(self, case: TypeCase) -> None:
        kind = types.parse(case.spelled)
        for refused in case.refused:
            with pytest.raises(SchemaMismatch) as caught:
                kind.decode(copy.deepcopy(refused.data), "X")
            assert_told(caught.value, refused)
            if refused.by_schema:
                assert not Draft202012Validator(kind.json_schema()).is_valid(refused.data), (
                    refused.data
                )

    def test_what_natively_does_not_fit_is_refused_with_its_place(self, case: TypeCase) -> None:
        for refused in case.not_native:
            value = refused.data() if callable(refused.data) else refused.data
            with pytest.raises(SchemaMismatch) as caught:
                types.parse(case.spelled).check(value, "X")
            assert_told(caught.value, refused)

    def test_arrow_gives_the_value_back(self, case: TypeCase) -> None:
        kind = types.parse(case.spelled)
        back = from_arrow(through_a_stream(to_arrow(case.value(), kind)), kind, "X")
        assert case.equal(back, case.value()), back

    def test_records_are_counted(self, case: TypeCase) -> None:
        assert types.parse(case.spelled).rows(case.value()) == case.rows


def through_a_stream(table: Any) -> Any:
    """A table as it is at the other end of a wire."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    with pa.ipc.open_stream(sink.getvalue()) as reader:
        return reader.read_all()


def assert_told(error: SchemaMismatch, refused: Refused) -> None:
    """The exact words, and the facts for machines beside them."""
    assert error.message == refused.message
    assert error.details["field"] == refused.field
    assert error.details["expected"]
    if refused.hint is not None:
        assert error.hint == refused.hint
