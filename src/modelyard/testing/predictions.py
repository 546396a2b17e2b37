"""The contract of a prediction log, as tests: what `modelyard.predictions.interface` promises, over any implementation.

A test module subclasses `PredictionLogContract` and gives the fixture ``bench``: a `Bench` around an empty log. What
was written is read through a second handle.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from modelyard.base.errors import InvalidInput, NotFound, UnsupportedFormat
from modelyard.predictions import export
from modelyard.predictions.interface import Prediction, PredictionLog, PredictionQuery

ALL = PredictionQuery(limit=None)


@dataclass(frozen=True)
class Bench:
    """An empty log and another handle to the same."""

    log: PredictionLog
    again: Callable[[], PredictionLog]

    def rows(self, query: PredictionQuery = ALL) -> list[int]:
        """The ``row`` of each prediction that is found, by which tests tell them apart."""
        return [prediction.row for prediction in self.again().list(query)]


def prediction(row: int, **changes: Any) -> Prediction:
    """A prediction with something in every field, at a time of its own."""
    return replace(
        Prediction(
            at_ms=1_000_000 + row,
            model="churn@3",
            method="predict_proba",
            request_id=f"request-{row // 10}",
            row=row,
            reference_id=f"customer-{row}",
            inputs={"name": "Zoë", "age": 41 + row, "score": 0.1 + 0.2, "none": None},
            outputs={"stay": 0.25, "leave": 0.75},
            model_version_id=7,
            dataset_id=2,
            arm="a",
            latency_ms=1.5,
            caller="ana",
            error="",
            digest="5" * 64,
        ),
        **changes,
    )


def predictions(rows: Iterable[int], **changes: Any) -> list[Prediction]:
    """Several of them."""
    return [prediction(row, **changes) for row in rows]


JSON_VALUES: list[Any] = [
    None,
    True,
    0,
    -0.0,
    5e-324,
    1.7976931348623157e308,
    2**63 - 1,
    -(2**63),
    2**200,
    1e16,
    "",
    "null",
    "\0\ud800 é 😀",
    [],
    {},
    [None, [1, {"a": [0.1]}]],
    {"": {"null": None}, "é": [True]},
]


class PredictionLogContract:
    """Every log passes these."""

    @pytest.fixture
    def bench(self) -> Bench:
        """Around an empty log; a subclass gives it."""
        raise NotImplementedError

    def test_what_is_recorded_comes_back(self, bench: Bench) -> None:
        one = prediction(1)
        bench.log.record([one])
        (found,) = bench.again().list(ALL)
        assert found.id is not None
        assert replace(found, id=None) == one
        assert list(found.inputs) == list(one.inputs)  # the order of the features

    def test_what_is_left_out_comes_back_so(self, bench: Bench) -> None:
        bare = Prediction(5, "churn", "predict", "", 0, "", {})
        bench.log.record([])
        bench.log.record([bare])
        (found,) = bench.again().list(ALL)
        assert replace(found, id=None) == bare

    def test_every_json_value_comes_back(self, bench: Bench) -> None:
        bench.log.record(
            [prediction(n, inputs={"x": v}, outputs=v) for n, v in enumerate(JSON_VALUES)]
        )
        found = {p.row: p for p in bench.again().list(ALL)}
        for number, value in enumerate(JSON_VALUES):
            for back in (found[number].inputs["x"], found[number].outputs):
                assert back == value
                assert repr(back) == repr(value)

    def test_numbers_up_to_64_bits(self, bench: Bench) -> None:
        edges = {"at_ms": 2**63 - 1, "model_version_id": 2**63 - 1, "latency_ms": 1e300}
        bench.log.record([prediction(1, **edges)])
        assert next(bench.again().list(ALL)).at_ms == 2**63 - 1

    def test_one_that_is_refused_keeps_out_the_others(self, bench: Bench) -> None:
        bad: list[dict[str, Any]] = [
            {"inputs": {"x": math.nan}},
            {"outputs": [math.inf, None]},
            {"inputs": {"x": object()}},
            {"outputs": b"bytes"},
            {"reference_id": "x" * 2049},
            {"reference_id": "a\0b"},
            {"caller": "\ud800"},
            {"at_ms": 2**63},
            {"latency_ms": math.nan},
        ]
        for changes in bad:
            with pytest.raises(InvalidInput):
                bench.log.record([prediction(1), prediction(2, **changes), prediction(3)])
        assert bench.again().count(ALL) == 0
        bench.log.record([prediction(1, reference_id="x" * 2048)])
        assert bench.rows() == [1]

    def test_the_newest_comes_first(self, bench: Bench) -> None:
        bench.log.record(predictions([3, 1]))
        bench.log.record([prediction(2), prediction(4, at_ms=1_000_002), prediction(5, at_ms=0)])
        assert bench.rows() == [3, 4, 2, 1, 5]
        assert bench.rows(PredictionQuery(limit=2)) == [3, 4]
        assert bench.rows(PredictionQuery(limit=0)) == []

    def test_each_condition_and_all_together(self, bench: Bench) -> None:
        bench.log.record(predictions(range(20)))
        bench.log.record(predictions([20, 21], model="churn@4"))
        bench.log.record(predictions([22], model="churn@v1.2.0-rc.1"))
        bench.log.record(predictions([23], model="churn2@3", reference_id="customer-5"))
        bench.log.record(predictions([24], model="Churn@3"))
        bench.log.record(predictions([25], model="forest@sha256:" + "a" * 64))
        bench.log.record(predictions([26], model="team@home@3"))
        bench.log.record(predictions([27], model="team@home"))
        asked: list[tuple[dict[str, Any], list[int]]] = [
            ({"model": "churn"}, [22, 21, 20, *range(19, -1, -1)]),
            ({"model": "churn@4"}, [21, 20]),
            ({"model": "churn@v1.2.0-rc.1"}, [22]),
            ({"model": "churn@33"}, []),
            ({"model": "chur"}, []),
            ({"model": "forest"}, [25]),
            ({"model": "forest@sha256:" + "a" * 64}, [25]),
            ({"model": "team@home"}, [27, 26]),
            ({"model": "team@home@3"}, [26]),
            ({"model": "team"}, []),
            ({"since_ms": 1_000_025}, [27, 26, 25]),
            ({"until_ms": 1_000_002}, [1, 0]),
            ({"since_ms": 1_000_003, "until_ms": 1_000_005}, [4, 3]),
            ({"reference_id": "customer-5"}, [23, 5]),
            ({"reference_id": "CUSTOMER-5"}, []),
            ({"reference_id": "customer-5 "}, []),
            ({"request_id": "request-0"}, [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]),
            ({"request_id": "request-0", "since_ms": 1_000_008, "model": "churn@3"}, [9, 8]),
        ]
        for conditions, rows in asked:
            query = PredictionQuery(**conditions, limit=None)
            assert bench.rows(query) == rows, conditions
            assert bench.again().count(query) == len(rows)

    def test_pages_follow_one_another(self, bench: Bench) -> None:
        bench.log.record([prediction(row, at_ms=row // 4) for row in range(30)])
        everything = bench.rows()
        seen: list[int] = []
        last: int | None = None
        while page := list(bench.again().list(PredictionQuery(limit=7, before_id=last))):
            seen += [p.row for p in page]
            last = page[-1].id
        assert seen == everything
        assert bench.again().count(PredictionQuery(limit=7, before_id=last)) == 30
        bench.log.erase(PredictionQuery(request_id="request-0"))
        with pytest.raises(NotFound, match=f"no prediction {last} to go on from"):
            list(bench.again().list(PredictionQuery(before_id=last)))

    def test_many_are_read_a_few_at_a_time(self, bench: Bench) -> None:
        bench.log.record(predictions(range(2500)))
        stream = bench.log.list(ALL)
        assert next(stream).row == 2499
        bench.log.record([prediction(9999)])
        bench.log.erase(PredictionQuery(until_ms=1_000_010))
        rest = [p.row for p in stream]
        assert rest[:2489] == list(range(2498, 9, -1))  # what was erased may show up or not
        assert set(rest[2489:]) <= set(range(10))
        assert len(list(bench.again().list(PredictionQuery(limit=1500)))) == 1500

    def test_feedback_reaches_every_prediction_of_its_reference(self, bench: Bench) -> None:
        bench.log.record([prediction(1, reference_id="r"), prediction(2, reference_id="r")])
        bench.log.record([prediction(3, reference_id="R"), prediction(4, reference_id="")])
        for actual in ({"left": True}, "yes", "yes"):
            assert bench.log.feedback("r", actual) == 2
        told = {p.row: p.actual for p in bench.again().list(ALL)}
        assert told == {1: "yes", 2: "yes", 3: None, 4: None}
        assert bench.log.feedback("nobody", 1) == 0
        with pytest.raises(InvalidInput):
            bench.log.feedback("", 1)
        with pytest.raises(InvalidInput):
            bench.log.feedback("r", math.nan)

    def test_erasing_takes_all_that_is_meant_and_no_more(self, bench: Bench) -> None:
        bench.log.record(predictions(range(1200), reference_id="anna"))
        bench.log.record(predictions([5000, 5001], reference_id="ben"))
        assert bench.log.erase(PredictionQuery(reference_id="anna", limit=10, before_id=3)) == 1200
        assert bench.rows() == [5001, 5000]
        assert bench.log.erase(PredictionQuery(reference_id="anna")) == 0
        with pytest.raises(InvalidInput, match="erasing needs a condition"):
            bench.log.erase(ALL)
        assert bench.log.erase(PredictionQuery(since_ms=0)) == 2
        assert bench.rows() == []

    def test_an_erased_id_is_not_given_again(self, bench: Bench) -> None:
        bench.log.record([prediction(1)])
        (old,) = bench.log.list(ALL)
        bench.log.erase(PredictionQuery(since_ms=0))
        bench.log.record([prediction(2)])
        (new,) = bench.log.list(ALL)
        assert (old.id or 0) < (new.id or 0)

    def test_exported_rows_read_back(self, bench: Bench, tmp_path: Path) -> None:
        bench.log.record(predictions(range(1005)))
        bench.log.record(
            [prediction(2000, inputs={"text": 'a,"b"\nc', "odd": "\ud800"}, outputs=None)]
        )
        bench.log.feedback("customer-7", [1])
        lines, table = tmp_path / "log.jsonl", tmp_path / "log.csv"
        assert export(bench.again(), ALL, lines) == export(bench.again(), ALL, table) == 1006
        found = [json.loads(line) for line in lines.read_text().splitlines()]
        assert [row["row"] for row in found] == bench.rows()
        assert found[0]["inputs"] == {"text": 'a,"b"\nc', "odd": "\ud800"}
        assert found[1]["at"] == "1970-01-01T00:16:41.004Z"
        with table.open(newline="") as stream:
            cells = list(csv.DictReader(stream))
        for row, cell in zip(found, cells, strict=True):
            assert list(row) == list(cell)
            for column in ("inputs", "outputs", "actual"):
                assert (json.loads(cell[column]) if cell[column] else None) == row[column]
            assert (cell["model"], cell["row"]) == (row["model"], str(row["row"]))

    def test_a_failed_export_leaves_the_file_as_it_was(self, bench: Bench, tmp_path: Path) -> None:
        bench.log.record([prediction(1)])
        target = tmp_path / "log.jsonl"
        target.write_text("before")
        with pytest.raises(NotFound):
            export(bench.again(), PredictionQuery(before_id=99), target)
        with pytest.raises(UnsupportedFormat, match="jsonl, csv"):
            export(bench.again(), ALL, tmp_path / "log.xlsx")
        assert target.read_text() == "before"
        assert [path.name for path in tmp_path.iterdir()] == ["log.jsonl"]
