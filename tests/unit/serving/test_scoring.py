"""``/invocations`` over a real server: what scoring servers' clients send, and what they count on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelyard.serving.interface import Limits
from modelyard.testing.protocol_models import CUSTOMERS, FLOWERS, NUMBERS, Gate, models
from serving_cases.models import function_model, iris, records
from serving_cases.server import serving

Http = httpx2.Client


def flag(text: str, limit: float, label: str = "over") -> str:
    return label if len(text) > limit else "under"


@pytest.fixture(scope="module")
def http() -> Iterator[Http]:
    served = [*models(Gate()), function_model("flag", "a", predict=flag)]
    with serving(served, limits=Limits(body_bytes=200_000)) as client:
        yield client


def ask(http: Http, model: str, body: Any, kind: str = "application/json", **headers: str) -> httpx2.Response:  # fmt: skip
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    told = {"Content-Type": kind, **headers}
    return http.post("/invocations", params={"model": model}, content=content, headers=told)


COLUMNS = {name: [flower[name] for flower in FLOWERS] for name in ("length", "width")}
ROWS = [[flower["width"], flower["length"]] for flower in FLOWERS]


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": {"columns": ["width", "length"], "data": ROWS}},
        {"dataframe_split": {"columns": ["width", "length"], "data": ROWS, "index": [7, 8]}},
        {"dataframe_split": {"data": [row[::-1] for row in ROWS]}},
        {"dataframe_records": FLOWERS},
        {"instances": FLOWERS},
        {"instances": [row[::-1] for row in ROWS]},
        {"inputs": COLUMNS},
        {"inputs": FLOWERS},
        {"inputs": {"X": FLOWERS}},
        {"inputs": FLOWERS, "params": {}},
        {"inputs": FLOWERS, "params": None},
        {"X": FLOWERS},
        FLOWERS,
        COLUMNS,
    ],
    ids=lambda body: str(body)[:40],
)
def test_every_form_of_a_table_gives_the_same_answer(http: Http, body: Any) -> None:
    wanted = http.post("/flowers/predict", json=FLOWERS).json()
    answer = ask(http, "flowers", body)
    assert (answer.status_code, answer.json()) == (200, {"predictions": wanted})


@pytest.mark.parametrize(
    ("model", "body"),
    [
        ("numbers", {"inputs": NUMBERS}),
        ("numbers", {"instances": NUMBERS}),
        ("numbers", {"dataframe_split": {"columns": ["a", "b", "c"], "data": NUMBERS}}),
        ("numbers", {"dataframe_records": [dict(zip("cab", row, strict=True)) for row in NUMBERS]}),
        ("texts", {"inputs": ["a", "b"]}),
        ("texts", {"dataframe_split": {"columns": ["text"], "data": [["a"], ["b"]]}}),
        ("texts", {"dataframe_records": [{"text": "a"}, {"text": "b"}]}),
    ],
    ids=lambda part: str(part)[:30],
)
def test_tables_are_arrays_and_lists_where_the_model_takes_those(
    http: Http, model: str, body: Any
) -> None:
    native = {"numbers": NUMBERS, "texts": ["a", "b"]}[model]
    wanted = http.post(f"/{model}/predict", json=native).json()
    assert ask(http, model, body).json() == {"predictions": wanted}


def test_params_are_the_other_arguments(http: Http) -> None:
    for body in (
        {"inputs": "abc", "params": {"limit": 2}},
        {"inputs": {"text": "abc"}, "params": {"limit": 2, "label": "over"}},
        {"inputs": {"text": "abc", "limit": 2}},
        {"text": "abc", "limit": 2},
    ):
        assert ask(http, "flag", body).json() == {"predictions": "over"}, body


@pytest.mark.parametrize(
    ("model", "body", "word"),
    [
        ("flag", {"inputs": "abc"}, "limit"),
        ("flag", {"inputs": "abc", "params": {"limit": 2, "lable": "x"}}, "lable"),
        ("flag", {"inputs": {"text": "abc", "limit": 1}, "params": {"limit": 2}}, "params.limit"),
        ("flag", {"inputs": "abc", "params": [2]}, "params"),
        ("flowers", {"inputs": FLOWERS, "instances": FLOWERS}, "instances and inputs"),
        ("flowers", {"inputs": FLOWERS, "parms": {"a": 1}}, "did you mean 'params'"),
        ("flowers", {"dataframe_records": COLUMNS}, "list of records"),
        ("flowers", {"dataframe_split": FLOWERS}, "columns and data"),
        ("flowers", {"dataframe_split": {"columns": ["length"], "data": [[1]], "rows": 1}}, "rows"),
        ("numbers", {"dataframe_records": [{"a": 1}, {"b": 1}]}, "same fields"),
        ("flowers", {"dataframe_split": {"columns": ["length", "width"], "data": []}}, "at least one"),
        ("flowers", {}, "X"),
    ],
    ids=lambda part: str(part)[:40],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(http: Http, model: str, body: Any, word: str) -> None:
    answer = ask(http, model, body)
    assert answer.status_code == 400, answer.text
    error = answer.json()
    assert error["error_code"] == "INVALID_PARAMETER_VALUE"
    assert word in error["message"]
    assert error["request_id"] == answer.headers["x-request-id"]


def test_nan_as_python_writes_it_is_a_missing_value(http: Http) -> None:
    missing = [{"length": float("nan"), "width": 1.0}]
    answer = ask(http, "gaps", {"dataframe_records": missing})
    assert answer.json() == {"predictions": [1]}
    split = {"dataframe_split": {"columns": ["length", "width"], "data": [[float("nan"), 1.0]]}}
    assert ask(http, "gaps", split).json() == {"predictions": [1]}
    infinite = ask(http, "gaps", b'{"inputs": [{"length": Infinity, "width": NaN}]}')
    assert infinite.status_code == 400
    assert "Infinity" in infinite.json()["message"]
    assert ask(http, "gaps", b'{"inputs": "NaN", x}').status_code == 400
    assert ask(http, "gaps", b"[" * 5000 + b"NaN").status_code == 400


CSVS: dict[str, tuple[str, str, str, int]] = {
    "a header": ("flowers", "", "width,length\n0.5,1.25\n2.25,6.5\n", 2),
    "no header": ("flowers", "", "1.25,0.5\n6.5,2.25\n", 2),
    "no end of line": ("flowers", "", "1.25,0.5", 1),
    "a mark and quotes": ("flowers", "", '\ufeff"1.25","0.5"\r\n"6.5","2.25"\r\n', 2),
    "a told header": ("flowers", "; header=present", "length,width\n1.25,0.5\n", 1),
    "told that there is none": ("flowers", "; header=absent", "1.25,0.5\n", 1),
    "numbers": ("numbers", "", "0.5,-1,2\n3,4.25,5.5\n", 2),
    "numbers below names": ("numbers", "", "a,b,c\n0.5,-1,2\n", 1),
    "numbers below numbers": ("numbers", "; charset=utf-8; header=present", "0,1,2\n0.5,-1,2\n", 1),
    "one column": ("counts", "", "1\n2\n3\n", 3),
    "texts": ("texts", "", 'a\n"b,\nc"\n17\n', 3),
}


@pytest.mark.parametrize("name", CSVS)
def test_csv_comes_with_and_without_a_header(http: Http, name: str) -> None:
    model, told, text, rows = CSVS[name]
    answer = ask(http, model, text.encode(), f"text/csv{told}")
    assert answer.status_code == 200, answer.text
    found = answer.json()["predictions"]
    wanted = {
        "flowers": http.post("/flowers/predict", json=FLOWERS[:rows]).json(),
        "numbers": [1.5, 12.75][:rows],
        "counts": [2, 3, 4],
        "texts": ["A!", "B,\nC!", "17!"],
    }[model]
    assert found == wanted


@pytest.mark.parametrize(
    ("model", "text", "word"),
    [
        ("flowers", "1.25\n", "2 columns"),
        ("flowers", "1.25,0.5\n1,2,3\n", ""),
        ("flowers", "length,hue\n1,2\n", "width"),
        ("flowers", "", ""),
        ("numbers", "0,1,2\n3,4,5\n", "header=present"),
        ("numbers", "a,b,c\n", "at least one"),
        ("numbers", "1,2,3\n4,5\n", ""),
        ("texts", "", "at least one"),
        ("numbers", "\n", "at least one"),
        ("counts", "1.5\n", ""),
    ],
)
def test_csv_that_does_not_fit_is_refused(http: Http, model: str, text: str, word: str) -> None:
    answer = ask(http, model, text.encode(), "text/csv")
    assert answer.status_code == 400, answer.text
    assert word in answer.json()["message"]


def test_a_record_a_line(http: Http) -> None:
    lines = b"\n".join(json.dumps(customer).encode() for customer in CUSTOMERS) + b"\n\n"
    wanted = http.post("/customers/predict", json=CUSTOMERS).json()
    answer = ask(http, "customers", lines, "application/jsonlines", Accept="application/jsonlines")
    assert answer.headers["content-type"] == "application/jsonlines"
    assert [json.loads(line) for line in answer.content.splitlines()] == wanted
    assert ask(http, "customers", b"\n", "application/jsonlines").status_code == 400
    assert ask(http, "customers", b"{}\n{", "application/jsonlines").status_code == 400


def test_which_model_and_method_are_asked_must_be_clear(http: Http) -> None:
    answer = http.post("/invocations", json={"inputs": FLOWERS})
    assert answer.status_code == 404
    assert answer.json()["error_code"] == "RESOURCE_DOES_NOT_EXIST"
    assert "flowers" in answer.json()["choices"]
    assert http.get("/invocations").status_code == 405
    wanted = http.post("/flowers/predict_proba", json=FLOWERS).json()
    query = {"model": "flowers", "method": "predict_proba"}
    answer = http.post("/invocations", params=query, json={"inputs": FLOWERS})
    assert answer.json() == {"predictions": wanted}
    body = {"inputs": FLOWERS, "params": {"method": "predict_proba"}}
    assert ask(http, "flowers", body).json() == {"predictions": wanted}
    answer = ask(http, "flowers", {**body, "params": {"method": "predict"}})
    assert answer.json() == {"predictions": http.post("/flowers/predict", json=FLOWERS).json()}
    answer = ask(http, "flowers", {**body, "params": {"method": "predict_prob"}})
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_method")
    assert ask(http, "flowers", {**body, "params": {"method": 7}}).status_code == 400


def test_other_content_types_are_rests_own(http: Http) -> None:
    answer = ask(http, "flowers", b"<a/>", "application/xml")
    assert answer.status_code == 415
    assert answer.json()["error_code"] == "INVALID_PARAMETER_VALUE"
    files = {"X": ("x.csv", b"length,width\n1.25,0.5\n", "text/csv")}
    answer = http.post("/invocations", params={"model": "flowers"}, files=files)
    assert answer.json() == {"predictions": http.post("/flowers/predict", json=FLOWERS[:1]).json()}


def test_pings_and_versions(http: Http) -> None:
    for path in ("/ping", "/health"):
        assert (http.get(path).status_code, http.get(path).text) == (200, "\n")
    assert "modelyard" in http.get("/version").json()


def test_the_document_shows_an_example_that_is_answered() -> None:
    with serving(iris()) as http:
        operation = http.get("/openapi.json").json()["paths"]["/invocations"]["post"]
        content = operation["requestBody"]["content"]
        assert content["application/json"]["example"] == {"dataframe_records": records(2)}
        for kind, shown in content.items():
            body = shown["example"]
            sent = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            answer = http.post("/invocations", content=sent, headers={"Content-Type": kind})
            assert list(answer.json()) == ["predictions"], kind


@pytest.mark.parametrize("model", ["flowers", "numbers", "flag"])
def test_no_json_makes_the_server_fail(http: Http, model: str) -> None:
    words = st.sampled_from([
        "inputs", "instances", "dataframe_split", "dataframe_records", "params", "columns", "data", "index", "X", "length",
        "text", "limit", "reference_id", "values", "a",
    ])  # fmt: skip
    scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | words
    values = st.recursive(
        scalars,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(words | st.text(max_size=2), inner, max_size=3)
        ),
        max_leaves=12,
    )  # fmt: skip

    @settings(max_examples=60)
    @given(st.dictionaries(words, values, max_size=3) | values)
    def fuzz(body: Any) -> None:
        answer = ask(http, model, json.dumps(body).encode())
        assert answer.status_code in (200, 400), (body, answer.text)

    fuzz()


@pytest.mark.parametrize("model", ["flowers", "numbers", "texts"])
def test_no_csv_and_no_lines_make_the_server_fail(http: Http, model: str) -> None:
    text = st.text(st.sampled_from('0123456789.,-"\n\r aenlgthwid;\0é'), max_size=60)

    @settings(max_examples=50)
    @given(text, st.sampled_from(["text/csv", "text/csv; header=absent", "application/jsonlines"]))
    def fuzz(body: str, kind: str) -> None:
        answer = ask(http, model, body.encode(), kind)
        assert answer.status_code in (200, 400), (body, answer.text)

    fuzz()
