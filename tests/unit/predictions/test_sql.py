"""The log on a disk that is full, what erasing leaves behind, and that the quick way in is exact."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite

from modelyard.base.errors import InvalidInput, StorageFull
from modelyard.predictions.inserting import json_text
from modelyard.predictions.interface import PredictionQuery
from modelyard.predictions.sql import SqlPredictionLog, newest_first, older
from modelyard.stores.rows import connect
from modelyard.stores.rows.columns import Json
from modelyard.testing.predictions import ALL, prediction, predictions


def test_a_full_disk_is_named_and_the_log_goes_on(small_disk: Path, filler) -> None:
    with connect(small_disk / "yard.db") as database:
        log = SqlPredictionLog(database)
        log.record(predictions(range(100)))
        filled = filler()
        with pytest.raises(StorageFull, match=str(small_disk)):
            record_without_end(log)
        kept = log.count(ALL)
        assert kept % 1000 == 100  # every batch is there as a whole, or not at all
        assert len(list(log.list(ALL))) == kept
        filled.unlink()
        log.record(predictions(range(1000)))
        assert log.count(ALL) == kept + 1000
        assert database.integrity() == []


def record_without_end(log: SqlPredictionLog) -> None:
    while True:
        log.record(predictions(range(1000)))


def test_nothing_of_what_was_erased_stays_in_the_file(tmp_path: Path) -> None:
    secret = "Marie Skłodowska".encode().hex()
    with connect(tmp_path / "yard.db") as database:
        log = SqlPredictionLog(database)
        log.record(predictions(range(300)))
        log.record([prediction(n, reference_id=secret, inputs={"name": secret}) for n in range(5)])
        log.record(predictions(range(300)))
        database.checkpoint()
        assert secret in bytes_below(tmp_path)
        assert log.erase(PredictionQuery(reference_id=secret)) == 5
        assert secret not in bytes_below(tmp_path)
        assert log.count(ALL) == 600


@pytest.mark.parametrize(
    "query",
    [
        PredictionQuery(),
        PredictionQuery(model="churn"),
        PredictionQuery(model="churn", since_ms=5, until_ms=9),
        PredictionQuery(since_ms=5),
        PredictionQuery(reference_id="r"),
        PredictionQuery(request_id="r", model="churn@3"),
    ],
)
def test_a_listing_reads_no_more_than_its_answer(tmp_path: Path, query: PredictionQuery) -> None:
    with connect(tmp_path / "yard.db") as database:
        page = newest_first(query).where(older(7, 7)).limit(10)
        words = {"compile_kwargs": {"literal_binds": True}}
        explained = f"EXPLAIN QUERY PLAN {page.compile(database.engine, **words)}"
        with database.read() as connection:
            plan = " ".join(row[3] for row in connection.exec_driver_sql(explained))
    assert "USING INDEX" in plan
    few = query.reference_id is not None or query.request_id is not None
    assert few or "TEMP B-TREE" not in plan


def bytes_below(folder: Path) -> str:
    return "".join(path.read_bytes().decode("latin-1") for path in folder.iterdir())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("\ud800"),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner),
)


@given(JSON)
def test_json_is_what_the_column_type_gives_back(value: Any) -> None:
    column, dialect = Json(), sqlite.dialect()
    try:
        strict = column.process_bind_param(value, dialect)
    except InvalidInput:
        with pytest.raises(InvalidInput):
            json_text(value)
        return
    quick = json_text(value)
    assert quick is None or quick.isascii()
    back, expected = (column.process_result_value(text, dialect) for text in (quick, strict))
    assert repr(sorted_deeply(back)) == repr(expected)


def sorted_deeply(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: sorted_deeply(value[key]) for key in sorted(value)}
    return [sorted_deeply(item) for item in value] if isinstance(value, list) else value


def test_what_json_cannot_say_is_refused() -> None:
    for value in (math.nan, [math.inf], {1, 2}, object(), b"x", {(1, 2): 3}, 1j):
        with pytest.raises(InvalidInput, match="not JSON"):
            json_text(value)
