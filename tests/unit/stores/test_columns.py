"""Values come back exactly, or are refused, on every database (P14)."""

from __future__ import annotations

import itertools
import math
import struct
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Index, Integer, MetaData, Table, delete, insert, select
from sqlalchemy.exc import IntegrityError

from modelyard.base.errors import InvalidInput, TooLarge
from modelyard.stores.rows import Database
from modelyard.stores.rows.columns import (
    Blob,
    Digest,
    Id32,
    Int64,
    Json,
    Name,
    Text,
    TimeMs,
    equals_long,
    float_columns,
    float_values,
    from_sortable_bits,
    prefix,
    prefix_column,
    sortable_bits,
)

values = Table(
    "my_test_values",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("name", Name(), unique=True),
    Column("text", Text()),
    Column("json", Json()),
    Column("number", Int64()),
    Column("at_ms", TimeMs()),
    Column("digest", Digest()),
    Column("run", Id32()),
    Column("data", Blob()),
    *float_columns("score", nullable=True),
    prefix_column("text", nullable=True),
    Index("ix_my_test_values_text_prefix", "text_prefix"),
    Index("ix_my_test_values_score_bits", "score_bits"),
)

on_every_database = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
floats = st.integers(0, 2**64 - 1).map(
    lambda bits: struct.unpack("<d", bits.to_bytes(8, "little"))[0]
)
some_floats = st.one_of(st.floats(), floats)
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
names = texts.filter(lambda text: len(text.encode()) <= 512)
int64s = st.integers(-(2**63), 2**63 - 1) | st.sampled_from([-(2**63), 2**63 - 1, 2**53 + 1])
jsons = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@pytest.fixture
def table(database: Database) -> Database:
    with database.write() as connection:
        values.create(connection)
    return database


def bits(value: float) -> bytes:
    return struct.pack("<d", value)


def store(database: Database, rows: list[dict[str, Any]]) -> None:
    with database.write() as connection:
        connection.execute(delete(values))
        connection.execute(insert(values), [{"id": n, **row} for n, row in enumerate(rows)])


def back(database: Database, column: str, order: str = "id") -> list[Any]:
    with database.read() as connection:
        return list(
            connection.execute(select(values.c[column]).order_by(values.c[order])).scalars()
        )


@given(some_floats)
def test_a_float_is_its_bits(value: float) -> None:
    number = sortable_bits(value)
    assert -(2**63) <= number < 2**63
    assert bits(from_sortable_bits(number)) == bits(value)


@given(
    some_floats.filter(lambda v: not math.isnan(v)), some_floats.filter(lambda v: not math.isnan(v))
)
def test_bits_sort_as_floats_do(one: float, other: float) -> None:
    if one < other:
        assert sortable_bits(one) < sortable_bits(other)
    elif one == other and bits(one) == bits(other):
        assert sortable_bits(one) == sortable_bits(other)


def test_where_the_strange_ones_sort() -> None:
    row = [
        -math.nan,
        -math.inf,
        -1e308,
        -5e-324,
        -0.0,
        0.0,
        5e-324,
        2.2e-308,
        1.0,
        math.inf,
        math.nan,
    ]
    assert sorted(map(sortable_bits, row)) == [sortable_bits(value) for value in row]


@on_every_database
@given(st.lists(some_floats, min_size=1, max_size=20))
def test_floats(table: Database, row: list[float]) -> None:
    store(table, [float_values("score", value) for value in row])
    assert [bits(from_sortable_bits(b)) for b in back(table, "score_bits")] == [
        bits(v) for v in row
    ]
    for shown, value in zip(back(table, "score"), row, strict=True):
        assert shown == value if math.isfinite(value) else shown is None
    assert back(table, "score_bits", order="score_bits") == sorted(map(sortable_bits, row))


@on_every_database
@given(st.lists(names, unique=True, min_size=1, max_size=20))
def test_names(table: Database, row: list[str]) -> None:
    store(table, [{"name": name} for name in row])
    assert back(table, "name") == row
    assert back(table, "name", order="name") == sorted(row, key=str.encode)
    with table.read() as connection:
        for name in row:
            found = connection.execute(select(values.c.id).where(values.c.name == name)).scalars()
            assert list(found) == [row.index(name)]


@on_every_database
@given(st.lists(texts, min_size=1, max_size=10))
def test_texts(table: Database, row: list[str]) -> None:
    store(table, [{"text": text} for text in row])
    assert back(table, "text") == row


@on_every_database
@given(st.lists(jsons.filter(lambda value: value is not None), min_size=1, max_size=10))
def test_json(table: Database, row: list[Any]) -> None:
    store(table, [{"json": value} for value in row])
    found = back(table, "json")
    assert repr_of_json(found) == repr_of_json(row)


def repr_of_json(value: Any) -> str:
    """1 is not 1.0 and -0.0 is not 0.0 here; the order of keys is nothing."""
    if isinstance(value, dict):
        return repr(sorted((key, repr_of_json(inner)) for key, inner in value.items()))
    if isinstance(value, list):
        return repr([repr_of_json(inner) for inner in value])
    return repr(value)


@on_every_database
@given(st.lists(int64s, min_size=1, max_size=20))
def test_integers(table: Database, row: list[int]) -> None:
    store(table, [{"number": value, "at_ms": value} for value in row])
    assert back(table, "number") == back(table, "at_ms") == row
    assert back(table, "number", order="number") == sorted(row)


@on_every_database
@given(st.lists(st.binary(max_size=300), min_size=1, max_size=5))
def test_bytes(table: Database, row: list[bytes]) -> None:
    store(table, [{"data": value} for value in row])
    assert back(table, "data") == row


def test_large_values(table: Database) -> None:
    data, text = bytes(range(256)) * 8192, "ä€😀" * 200_000
    store(table, [{"data": data, "text": text, "json": [text]}])
    assert back(table, "data") == [data]
    assert back(table, "text") == [text]
    assert back(table, "json") == [[text]]


def test_what_a_server_would_choke_on_is_refused_in_words(table: Database) -> None:
    for column, value in (("data", b"\0" * 8_000_001), ("text", "ä" * 4_000_001)):
        if table.dialect == "mysql":
            with pytest.raises(TooLarge, match="does not fit"):
                store(table, [{column: value}])
        else:
            store(table, [{column: value}])
            assert back(table, column) == [value]


ALIKE = ["a", "A", "á", "a\u0301", "a ", " a", "a\t", "ａ", "ß", "ss", "i", "İ", "ı", "", "a\u200b"]


def test_names_that_look_alike_are_different(table: Database) -> None:
    store(table, [{"name": name} for name in ALIKE])
    assert back(table, "name") == ALIKE
    for name in ALIKE:
        with pytest.raises(IntegrityError), table.write() as connection:
            connection.execute(insert(values).values(id=99, name=name))


def test_patterns_tell_cases_apart(table: Database) -> None:
    store(table, [{"name": name, "text": name} for name in ("churn", "Churn", "chürn")])
    for column, ending in itertools.product((values.c.name, values.c.text), (True, False)):
        condition = column.like("%urn") if ending else column.startswith("C")
        with table.read() as connection:
            found = connection.execute(
                select(values.c.name).where(condition).order_by("id")
            ).scalars()
            assert list(found) == (["churn", "Churn"] if ending else ["Churn"])


def test_long_texts_are_found_by_their_start(table: Database) -> None:
    long = "ü" * 191
    row = [long, long + "1", long + "2", long + " ", long + "2 "]
    store(table, [{"text": text, "text_prefix": prefix(text)} for text in row])
    with table.read() as connection:
        for number, text in enumerate(row):
            condition = equals_long(values.c.text_prefix, values.c.text, text)
            assert connection.execute(select(values.c.id).where(condition)).scalars().all() == [
                number
            ]


def test_digests_and_ids(table: Database) -> None:
    store(table, [{"digest": "0a" * 32, "run": "f0" * 16}])
    assert back(table, "digest") == ["0a" * 32]
    assert back(table, "run") == ["f0" * 16]


REFUSED = [
    ("name", "a\0b", "NUL"),
    ("name", "\ud800", "not valid Unicode"),
    ("name", "ä" * 257, "longer than 512 bytes"),
    ("text", "a\0b", "NUL"),
    ("text", "a\udfff", "not valid Unicode"),
    ("json", math.nan, "not JSON"),
    ("json", {"a": [math.inf]}, "not JSON"),
    ("json", {1, 2}, "not JSON"),
    ("number", 2**63, "does not fit into 64 bits"),
    ("at_ms", -(2**63) - 1, "does not fit into 64 bits"),
    ("digest", "0" * 63, "not a Digest"),
    ("digest", "G" * 64, "not a Digest"),
    ("digest", "A" * 64, "not a Digest"),
    ("run", "0" * 64, "not a Id32"),
]


def test_what_cannot_be_kept_is_refused(table: Database) -> None:
    for column, value, reason in REFUSED:
        with pytest.raises(InvalidInput, match=reason), table.write() as connection:
            connection.execute(insert(values).values({column: value}))
    assert back(table, "id") == []
