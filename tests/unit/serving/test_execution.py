from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from modelyard import types
from modelyard.base.errors import InvalidInput, ModelFailed, ModelyardError, SchemaMismatch
from modelyard.base.notes import collected
from modelyard.objects.card import FormatInfo
from modelyard.serving.execution import Method, answer
from modelyard.serving.interface import Json, Request
from modelyard.types.schema import Argument, Signature
from serving_cases.models import classifier, frame, function_model, iris, records, table_model


def ask(value: Any, *, native: bool = False, **others: Any) -> Request:
    arguments = {"X": value, **others}
    return Request("m", "predict", arguments, request_id="r1", native=native)


def record(length: float, width: float = 1.0) -> dict[str, float]:
    return {"length": length, "width": width}


def counting(function: Any) -> tuple[Any, list[int]]:
    """The function, and the rows of each of its calls."""
    calls: list[int] = []

    def counted(X: pd.DataFrame) -> Any:
        calls.append(len(X))
        return function(X)

    return counted, calls


def lengths(X: pd.DataFrame) -> np.ndarray:
    return X["length"].to_numpy()


def test_joined_requests_get_the_answers_they_would_get_alone() -> None:
    method = Method(iris(), "predict_proba")
    requests = [ask(Json(records(n))) for n in (1, 3, 2)]
    alone = [answer(method, [request])[0] for request in requests]
    for joined, single, rows in zip(answer(method, requests), alone, (1, 3, 2), strict=True):
        assert np.array(joined) == pytest.approx(np.array(single), abs=1e-15)
        assert np.array(joined) == pytest.approx(classifier().predict_proba(frame().head(rows)))


def test_joined_native_tables_get_native_pieces() -> None:
    method = Method(iris(), "predict")
    requests = [ask(frame().iloc[:2], native=True), ask(frame().iloc[5:6], native=True)]
    first, second = answer(method, requests)
    np.testing.assert_array_equal(first, classifier().predict(frame().iloc[:2]))
    np.testing.assert_array_equal(second, classifier().predict(frame().iloc[5:6]))


def test_forms_that_cannot_stand_in_one_list_are_joined_as_tables() -> None:
    function, calls = counting(lengths)
    method = Method(table_model(function), "predict")
    calls.clear()
    requests = [
        ask(Json({"length": [1.0, 2.0], "width": [0.0, 0.0]})),
        ask(Json({"columns": ["width", "length"], "data": [[0.0, 3.0]]})),
    ]
    assert answer(method, requests) == [[1.0, 2.0], [3.0]]
    assert calls == [3]


def test_a_request_that_does_not_fit_harms_no_other_and_costs_no_call() -> None:
    function, calls = counting(lengths)
    method = Method(table_model(function), "predict")
    calls.clear()
    requests = [
        ask(Json([record(1.0)])),
        ask(Json([record(2.0), {"length": "two", "width": 1.0}])),
        ask(Json([record(3.0)])),
        ask(Json([])),
    ]
    one, wrong, three, empty = answer(method, requests)
    assert [one, three] == [[1.0], [3.0]]
    assert isinstance(wrong, SchemaMismatch)
    assert wrong.details["field"] == "X[1].length"
    assert isinstance(empty, SchemaMismatch)
    assert calls == [2]


def picky(X: pd.DataFrame) -> np.ndarray:
    if (X["length"] == 13.0).any():
        raise RuntimeError("thirteen")
    return X["length"].to_numpy()


def test_a_request_that_the_model_fails_on_harms_no_other() -> None:
    function, calls = counting(picky)
    method = Method(table_model(function), "predict")
    calls.clear()
    outcomes = answer(method, [ask(Json([record(float(n))])) for n in range(16)])
    assert isinstance(outcomes.pop(13), ModelFailed)
    assert outcomes == [[float(n)] for n in range(16) if n != 13]
    assert len(calls) <= 9  # halving, not one by one


def test_an_answer_of_another_length_turns_joining_off_for_good() -> None:
    function, calls = counting(lambda X: np.array([len(X)], dtype=np.int64))
    method = Method(table_model(function), "predict")
    calls.clear()
    with collected() as said:
        first = answer(method, [ask(Json(records(2))), ask(Json(records(3)))])
        second = answer(method, [ask(Json(records(4))), ask(Json(records(1)))])
    assert (first, second) == ([[2], [3]], [[4], [1]])
    assert calls == [5, 2, 3, 4, 1]
    assert len(said) == 1
    assert "is not one row a record" in said[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"format": FormatInfo("cloudpickle", 2)},
        {"format": None},
        {"flavor": "callable"},
        {"steps": {"preprocess": {}}},
    ],
    ids=str,
)
def test_code_of_somebodys_own_is_never_joined(changes: dict[str, Any]) -> None:
    """A step that centres on the mean of its batch would mix people's answers."""
    model = iris()
    model.card = model.card.but(**changes)
    assert Method(model, "predict").joins is False
    assert Method(iris(), "predict").joins is True


def test_only_methods_that_answer_record_by_record_are_joined() -> None:
    model = table_model(lengths)
    model.card = model.card.but(methods={"fit_predict": model.card.methods["predict"]})
    model.functions = {"fit_predict": lengths}
    assert Method(model, "fit_predict").joins is False


def test_requests_with_other_arguments_are_not_joined() -> None:
    method = Method(iris(), "predict")
    assert method.group(ask(Json(records()))) == method.group(ask(Json(records(1))))
    assert method.group(ask(Json(records()), other=1)) is None


def test_lists_of_texts_are_joined_too() -> None:
    calls: list[list[str]] = []

    def sizes(X: list[str]) -> np.ndarray:
        calls.append(X)
        return np.array([len(text) for text in X])

    model = function_model("texts", ["a"], predict=sizes)
    signature = Signature(model.card.methods["predict"].args, types.infer(np.array([1])))
    model.card = model.card.but(
        flavor="sklearn", format=FormatInfo("skops", 1), methods={"predict": signature}
    )
    requests = [ask(Json(["a", "bb"])), ask(Json(["ccc"])), ask(Json([4]))]
    one, two, wrong = answer(Method(model, "predict"), requests)
    assert (one, two) == ([1, 2], [3])
    assert isinstance(wrong, SchemaMismatch)
    assert calls == [["a", "bb", "ccc"]]


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_tables_of_other_libraries_hold_records_and_are_not_joined(library: str) -> None:
    if library == "polars":
        import polars

        sample: Any = polars.DataFrame({"a": [1.5, 2.5]})
    else:
        import pyarrow

        sample = pyarrow.table({"a": [1.5, 2.5]})

    def predict(X: Any) -> np.ndarray:
        return np.array(X["a"].to_numpy())

    model = table_model(predict, sample=pd.DataFrame({"a": [1.5]}))
    table = types.infer(sample)
    model.card = model.card.but(
        methods={"predict": Signature({"X": Argument(table)}, types.infer(np.zeros(2)))}
    )
    method = Method(model, "predict")
    assert (method.records, method.columns, method.joins) == ("X", ["a"], False)
    assert answer(method, [ask(Json([{"a": 1.0}])), ask(Json({"a": [2.0]}))]) == [[1.0], [2.0]]


def test_a_model_that_raises_is_told_without_its_words(caplog: pytest.LogCaptureFixture) -> None:
    def fails(x: float) -> float:
        raise OSError("/etc/secret is not readable")

    method = Method(function_model("fails", 1.0, predict=fails), "predict")
    [error] = answer(method, [Request("fails", "predict", {"x": Json(1.0)}, "r77")])
    assert isinstance(error, ModelFailed)
    assert error.message == "model 'fails' raised OSError in predict"
    assert "r77" in caplog.text
    assert "/etc/secret is not readable" in caplog.text


@pytest.mark.parametrize(
    "error", [SystemExit(3), KeyboardInterrupt(), RecursionError(), MemoryError()]
)
def test_whatever_a_model_raises_the_worker_goes_on(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(x: float) -> float:
        raise error

    method = Method(function_model("fails", 1.0, predict=fails), "predict")
    [outcome] = answer(method, [Request("fails", "predict", {"x": Json(1.0)}, "r1")])
    assert isinstance(outcome, ModelFailed)


def test_a_model_may_refuse_its_input_on_purpose() -> None:
    def fails(x: float) -> float:
        raise InvalidInput("x must be positive", field="x")

    method = Method(function_model("fails", 1.0, predict=fails), "predict")
    [outcome] = answer(method, [Request("fails", "predict", {"x": Json(1.0)}, "r1")])
    assert isinstance(outcome, InvalidInput)
    assert outcome.message == "x must be positive"


@pytest.mark.parametrize("value", [None, "NaN", "Infinity"])
def test_a_missing_value_that_the_model_does_not_take_is_the_callers_mistake(value: Any) -> None:
    method = Method(iris(), "predict")
    [outcome] = answer(method, [ask(Json([record(1.0), {"length": 1.0, "width": value}]))])
    assert isinstance(outcome, SchemaMismatch)
    assert outcome.details["field"] == "X[1].width"


def test_an_answer_that_its_schema_refuses_is_the_models_mistake() -> None:
    def predict(x: float) -> int:
        return "seven"  # type: ignore[return-value]  # the mistake

    method = Method(function_model("m", 1.0, predict=predict), "predict")
    [outcome] = answer(method, [Request("m", "predict", {"x": Json(1.0)}, "r1")])
    assert isinstance(outcome, ModelFailed)
    assert "does not fit its schema" in outcome.message


def test_plain_functions_get_their_arguments_by_name_and_keep_their_defaults() -> None:
    def grow(x: float, by: int = 2) -> float:
        return x * by

    method = Method(function_model("grow", 1.0, predict=grow), "predict")

    def call(**arguments: Any) -> Any:
        given = {name: Json(value) for name, value in arguments.items()}
        return answer(method, [Request("grow", "predict", given, "r1")])[0]

    assert call(x=2.5) == 5.0
    assert call(x=2.5, by=4) == 10.0
    assert isinstance(call(x="2.5"), ModelyardError)
