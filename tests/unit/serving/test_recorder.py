from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pandas as pd
import pytest

from modelyard.serving.execution import Method
from modelyard.serving.interface import Json, Request
from modelyard.serving.recorder import BATCH_ROWS, Recorder
from serving_cases.logs import FaultyLog
from serving_cases.models import frame, function_model, iris, records, table_model


def request(value: Any, *, rows: int = 1, ids: tuple[str, ...] = (), **others: Any) -> Request:
    arguments = {"X": value, **others}
    return Request(
        "iris", "predict", arguments, "r1", rows=rows, reference_ids=ids, caller="127.0.0.1"
    )


def logged(method: Method, asked: Request, value: Any, **more: Any) -> list[Any]:
    log = FaultyLog()
    recorder = Recorder(log)
    recorder.put(method, asked, value, 1.5, **more)
    recorder.close()
    return log.kept


def test_a_row_a_record_with_its_columns_and_its_own_id() -> None:
    model = iris()
    model.version = "3"
    model.provenance = {"model_version_id": 7, "dataset_id": 5}
    kept = logged(
        Method(model, "predict"), request(Json(records(2)), rows=2, ids=("a", "b")), [0, 1]
    )
    assert [p.inputs for p in kept] == records(2)
    assert [p.outputs for p in kept] == [0, 1]
    assert [p.reference_id for p in kept] == ["a", "b"]
    assert [p.row for p in kept] == [0, 1]
    assert {p.model for p in kept} == {"iris@3"}
    assert {(p.model_version_id, p.dataset_id) for p in kept} == {(7, 5)}
    assert {(p.method, p.request_id, p.caller, p.latency_ms) for p in kept} == {
        ("predict", "r1", "127.0.0.1", 1.5)
    }
    assert {f"sha256:{p.digest}" for p in kept} == {model.card.digest}


@pytest.mark.parametrize(
    "form",
    [
        Json({n: [r[n] for r in records(2)] for n in ("length", "width")}),
        Json({"columns": ["length", "width"], "data": [list(r.values()) for r in records(2)]}),
        Json([list(r.values()) for r in records(2)]),
        frame().head(2),
    ],
    ids=["columns", "split", "rows", "native"],
)
def test_every_form_is_logged_as_records(form: Any) -> None:
    kept = logged(Method(iris(), "predict"), request(form, rows=2), [0, 1])
    assert [p.inputs for p in kept] == records(2)


def test_one_id_for_the_request_is_on_all_its_rows() -> None:
    kept = logged(
        Method(iris(), "predict"), request(Json(records(2)), rows=2, ids=("only",)), [0, 1]
    )
    assert [p.reference_id for p in kept] == ["only", "only"]


def test_without_an_id_the_requests_own_is_kept() -> None:
    kept = logged(
        Method(iris(), "predict"), request(Json(records(2)), rows=2, ids=("a", "")), [0, 1]
    )
    assert [p.reference_id for p in kept] == ["a", "r1"]


def test_a_native_answer_is_logged_in_its_json_form() -> None:
    asked = Request("iris", "predict", {"X": frame().head(2)}, "r1", rows=2, native=True)
    kept = logged(Method(iris(), "predict"), asked, np.array([0, 1]))
    assert [p.outputs for p in kept] == [0, 1]


def test_arguments_beside_the_table_are_logged_under_their_names() -> None:
    kept = logged(Method(iris(), "predict"), request(Json(records(1)), scale=Json(2)), [0])
    assert [p.inputs for p in kept] == [{"X": records(1)[0], "scale": 2}]


def test_an_answer_that_is_not_one_a_record_is_one_row() -> None:
    kept = logged(Method(iris(), "predict"), request(Json(records(3)), rows=3), {"clusters": 2})
    assert [(p.inputs, p.outputs) for p in kept] == [({"X": records(3)}, {"clusters": 2})]


def test_a_plain_function_is_one_row() -> None:
    model = function_model("grow", 1.0, predict=lambda x: [x, x])
    asked = Request("grow", "predict", {"x": Json(2.0)}, "r1")
    kept = logged(Method(model, "predict"), asked, [2.0, 2.0])
    assert [(p.inputs, p.outputs) for p in kept] == [({"x": 2.0}, [2.0, 2.0])]


def test_a_failure_of_the_model_is_logged_as_one() -> None:
    kept = logged(
        Method(iris(), "predict"), request(Json(records(2)), rows=2), None, error="it raised"
    )
    assert [(p.inputs, p.outputs, p.error) for p in kept] == [
        (r, None, "it raised") for r in records(2)
    ]


def test_rows_are_written_many_at_a_time() -> None:
    log = FaultyLog(hangs=True)
    recorder = Recorder(log)
    method, asked = Method(iris(), "predict"), request(Json(records(1)))
    for _ in range(BATCH_ROWS + 50):
        recorder.put(method, asked, [0], 1.0)
    log.open.set()
    recorder.close()
    assert sum(log.batches) == BATCH_ROWS + 50
    assert len(log.batches) <= 3


def test_a_log_that_hangs_costs_rows_and_nothing_else() -> None:
    log = FaultyLog(hangs=True)
    told = {"logged": 0, "dropped": 0}

    def tell(word: str) -> Any:
        return lambda rows: told.update({word: told[word] + rows})

    recorder = Recorder(log, queue_rows=10, on_logged=tell("logged"), on_dropped=tell("dropped"))
    method = Method(iris(), "predict")
    for _ in range(100):
        recorder.put(method, request(Json(records(2)), rows=2), [0, 1], 1.0)
    assert (recorder.pending, recorder.dropped) == (10, 190)
    log.open.set()
    recorder.close()
    assert (recorder.logged, recorder.dropped) == (10, 190)
    assert len(log.kept) == 10
    assert told == {"logged": 10, "dropped": 190}


def test_closing_waits_only_so_long_and_counts_what_is_lost() -> None:
    log = FaultyLog(hangs=True)
    recorder = Recorder(log)
    method = Method(iris(), "predict")
    for _ in range(5):
        recorder.put(method, request(Json(records(1))), [0], 1.0)
    assert log.entered.wait(60)
    recorder.close(timeout=0.05)
    recorder.put(method, request(Json(records(1))), [0], 1.0)
    assert (recorder.logged, recorder.dropped, recorder.pending) == (0, 6, 0)
    log.open.set()


def test_a_write_that_fails_is_tried_again() -> None:
    log, done = FaultyLog(fails=2), threading.Event()
    recorder = Recorder(log, on_logged=lambda rows: done.set())
    recorder.put(Method(iris(), "predict"), request(Json(records(1))), [0], 1.0)
    assert done.wait(60)
    assert (recorder.logged, recorder.dropped) == (1, 0)
    recorder.close()


def test_a_log_that_keeps_failing_loses_that_batch_and_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log, lost = FaultyLog(fails=3), threading.Event()
    recorder = Recorder(log, on_dropped=lambda rows: lost.set())
    method = Method(iris(), "predict")
    recorder.put(method, request(Json(records(2)), rows=2), [0, 1], 1.0)
    assert lost.wait(60)
    recorder.put(method, request(Json(records(1))), [0], 1.0)
    recorder.close()
    assert (recorder.logged, recorder.dropped) == (1, 2)
    assert "the disk is on fire" in caplog.text


def test_the_columns_of_a_series_answer_do_not_matter() -> None:
    model = table_model(lambda X: pd.Series(X["length"].to_numpy(), name="size"))
    kept = logged(Method(model, "predict"), request(Json(records(2)), rows=2), [1.0, 2.0])
    assert [p.outputs for p in kept] == [1.0, 2.0]
