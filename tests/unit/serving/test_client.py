from __future__ import annotations

import inspect
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx2
import numpy as np
import pandas as pd
import pytest

from modelyard import types
from modelyard.base.errors import (
    InvalidInput,
    ModelFailed,
    ModelyardError,
    NotFound,
    Overloaded,
    SchemaMismatch,
    UnknownMethod,
    Unreachable,
)
from modelyard.serving.client import Client
from serving_cases.logs import FaultyLog
from serving_cases.models import classifier, frame, function_model, iris, table_model
from serving_cases.server import serving


@dataclass
class Person:
    name: str
    age: int


def scale(x: float, by: float = 2.0, *, shift: float = 0.0) -> float:
    return x * by + shift


def older(person: Person, years: int = 1) -> Person:
    return Person(person.name, person.age + years)


def fails(x: float) -> float:
    raise OSError("no")


@pytest.fixture(scope="module")
def log() -> FaultyLog:
    return FaultyLog()


@pytest.fixture(scope="module")
def client(log: FaultyLog) -> Iterator[Client]:
    with serving(iris(), log=log) as http, Client(str(http.base_url)) as client:
        yield client


@pytest.fixture(scope="module")
def many() -> Iterator[Client]:
    models = [
        function_model("numbers", 1.0, scale=scale, fails=fails),
        function_model("people", Person("Ana", 30), predict=older),
        function_model("odd name/{x}", 1.0, predict=scale),
        table_model(lambda X: X.assign(size=X["length"] * X["width"])),
    ]
    with serving(models) as http, Client(str(http.base_url)) as client:
        yield client


def test_its_methods_answer_as_the_models_own(client: Client) -> None:
    X = frame().iloc[3:9]
    labels = client.predict(X)
    np.testing.assert_array_equal(labels, classifier().predict(X))
    assert labels.dtype == classifier().predict(X).dtype
    np.testing.assert_array_equal(client.predict_proba(X), classifier().predict_proba(X))
    np.testing.assert_array_equal(client.predict(X=X), labels)


def test_columns_in_another_order_are_put_right_as_the_model_would_want(client: Client) -> None:
    X = frame().head(5)
    np.testing.assert_array_equal(client.predict(X[["width", "length"]]), classifier().predict(X))
    np.testing.assert_array_equal(client.predict(X.to_dict("records")), classifier().predict(X))


def test_what_does_not_fit_is_refused_before_it_is_sent(client: Client) -> None:
    with pytest.raises(SchemaMismatch, match="missing 'width'"):
        client.predict(frame()[["length"]])
    with pytest.raises(SchemaMismatch):
        client.predict()
    with pytest.raises(SchemaMismatch):
        client.predict(frame(), 3)


def test_what_the_server_refuses_is_the_error_it_would_be_here(many: Client) -> None:
    with pytest.raises(ModelFailed, match="raised OSError in fails") as failed:
        many.model("numbers").fails(1.0)
    assert failed.value.details["status"] == 500
    assert failed.value.details["request_id"]
    assert failed.value.hint


def test_arguments_are_bound_as_python_does(many: Client) -> None:
    numbers = many.model("numbers")
    assert numbers.scale(3.0) == 6.0
    assert numbers.scale(3.0, 5.0, shift=1.0) == 16.0
    assert numbers.scale(by=5.0, x=1.0) == 5.0
    assert (
        str(inspect.signature(numbers.scale))
        == "(x: float, by: float = 2.0, shift: float = 0.0) -> float"
    )
    with pytest.raises(SchemaMismatch, match="given twice"):
        numbers.scale(3.0, x=3.0)


def test_tables_and_objects_come_back_as_such(many: Client) -> None:
    X = frame().head(3)
    pd.testing.assert_frame_equal(
        many.model("tables").predict(X), X.assign(size=X["length"] * X["width"])
    )
    person = many.model("people").predict(Person("Ana", 30), years=2)
    assert (person.name, person.age) == ("Ana", 32)


def test_names_that_mean_something_in_urls_are_reached(many: Client) -> None:
    assert many.model("odd name/{x}").predict(2.0) == 4.0


def test_models_and_methods_are_listed_and_near_ones_named(many: Client, client: Client) -> None:
    assert many.models == ["numbers", "people", "odd name/{x}", "tables"]
    assert client.model().methods == ["predict", "predict_proba"]
    assert {"predict", "predict_proba", "model"} <= set(dir(client))
    assert client.model().identity.startswith("iris@sha256:")
    with pytest.raises(NotFound, match="which model") as which:
        many.model()
    assert which.value.hint == "served: numbers, people, odd name/{x}, tables"
    with pytest.raises(NotFound) as near:
        many.model("poeple")
    assert near.value.hint == "did you mean 'people'?"
    with pytest.raises(AttributeError, match="did you mean 'predict'"):
        _ = client.predcit
    with pytest.raises(UnknownMethod):
        client.model().call("predcit", [frame()])


def test_a_method_may_be_called_by_name_with_a_reference(client: Client, log: FaultyLog) -> None:
    client.model().call("predict", [frame().head(1)], reference_id="order-9")
    while not any(p.reference_id == "order-9" for p in log.kept):
        assert httpx2.get(f"{client.url}/healthz").is_success


def test_too_much_is_told_as_such() -> None:
    with (
        serving(iris(), limits={"requests": 0}) as http,
        Client(str(http.base_url), retries=0) as client,
    ):
        with pytest.raises(Overloaded) as refused:
            client.predict(frame())
        assert refused.value.details["status"] == 429


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(Unreachable, match=f"no answer from http://127.0.0.1:{port}") as refused:
        Client(f"http://127.0.0.1:{port}/")
    assert refused.value.hint


@pytest.mark.parametrize("url", ["ftp://x", "127.0.0.1:8080", "http://x:port", ""])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput):
        Client(url)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, b"<html>", InvalidInput),
        (200, b"{}", InvalidInput),
        (200, b"[]", InvalidInput),
        (404, b"not here", ModelyardError),
        (502, b"bad gateway", Unreachable),
        (503, b'{"error": "odd"}', Unreachable),
        (500, b'{"error": {"code": "new_one", "message": "m"}}', ModelyardError),
    ],
)
def test_strangers_at_the_url_are_told_from_servers(status: int, body: bytes, error: Any) -> None:
    class Stranger(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Stranger) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        with pytest.raises(error):
            Client(f"http://127.0.0.1:{server.server_port}", retries=0)
        thread.join(60)


def test_the_description_keeps_the_shape_older_clients_read(client: Client) -> None:
    described = httpx2.get(f"{client.url}/interface.json").json()
    [argument] = described["methods"]["predict"]["args"]
    assert argument == {
        "name": "X",
        "data_type": {
            "type": "dataframe",
            "columns": ["length", "width"],
            "dtypes": ["float64", "float64"],
            "index_cols": [],
        },
        "serializer": {"type": "dataframe"},
        "required": True,
        "default": None,
    }
    returns = described["methods"]["predict"]["returns"]
    assert returns["data_type"] == {"type": "ndarray", "dtype": "int64", "shape": [None]}
    assert {"version", "meta", "modelyard"} <= set(described)


def test_plain_kinds_in_that_shape(many: Client) -> None:
    described = httpx2.get(f"{many.url}/interface.json").json()["methods"]
    by = described["numbers/scale"]["args"][1]
    assert by["data_type"] == {"type": "primitive", "ptype": "float"}
    assert (by["required"], by["default"]) == (False, 2.0)
    assert types.infer(1.0).kind == "number"
