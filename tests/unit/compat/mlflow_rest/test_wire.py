"""Requests as MLflow's clients, old and new, send them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import pytest

from mlflow_server import API, Client
from modelyard.compat.mlflow_rest import writing
from modelyard.compat.mlflow_rest.errors import Refusal
from modelyard.compat.mlflow_rest.wire import Call, body_of, float_of, integer_of, spelled


@pytest.mark.parametrize(
    ("sent", "fields"),
    [
        (b'{"a": 1}', {"a": 1}),
        (b'"{\\"a\\": 1}"', {"a": 1}),
        (b"no json", {}),
        (b"[1]", {}),
        (b"3", {}),
        (b"", {}),
        (b"\xff", {}),
        (b"[" * 100_000, {}),
        (b'{"a": Infinity}', {"a": math.inf}),
    ],
)
def test_a_body_is_an_object_or_counts_as_an_empty_one(sent: bytes, fields: object) -> None:
    assert body_of(sent) == fields


@pytest.mark.parametrize("value", [7, "7", 7.0, "-7", 2**63 - 1, str(-(2**63))])
def test_integers_come_as_numbers_or_texts(value: object) -> None:
    assert integer_of("n", value) == int(str(value).removesuffix(".0"))


@pytest.mark.parametrize("value", [2**63, "9" * 30, 1.5, True, "x", [], 1e300, "1e3"])
def test_what_is_no_integer_of_64_bits_is_refused(value: object) -> None:
    with pytest.raises(Refusal, match="for parameter 'n' supplied"):
        integer_of("n", value)


@pytest.mark.parametrize("value", [0.1, -0.0, math.inf, -math.inf, 5e-324, 1.7976931348623157e308])
def test_doubles_come_back_as_they_were(value: float) -> None:
    text = json.loads(json.dumps(spelled(value)))
    assert repr(float_of("v", text)) == repr(value)
    assert math.isnan(float_of("v", spelled(math.nan)))


@pytest.mark.parametrize("value", [True, "x", [], 10**400])
def test_what_is_no_double_is_refused(value: object) -> None:
    with pytest.raises(Refusal, match="for parameter 'v' supplied"):
        float_of("v", value)


def test_the_old_name_of_a_run_is_taken_too() -> None:
    assert Call({"run_uuid": "a"}).run_id() == "a"
    assert Call({"run_id": "b", "run_uuid": "a"}).run_id() == "b"
    with pytest.raises(Refusal, match="Missing value for required parameter 'run_id'"):
        Call({}).run_id()


def test_enums_come_by_name_or_number() -> None:
    words = ("ACTIVE_ONLY", "DELETED_ONLY", "ALL")
    assert Call({"v": "ALL"}).word("v", words) == Call({"v": 3}).word("v", words) == "ALL"
    for bad in ("all", 0, 4, True, []):
        with pytest.raises(Refusal):
            Call({"v": bad}).word("v", words)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "Missing value for required parameter 'run_id'"),
        ({"run_id": 31}, "Invalid value 31 for parameter 'run_id' supplied:"),
        ({"run_id": "0" * 32}, "Run with id=00000000000000000000000000000000 not found"),
    ],
)
def test_errors_have_the_texts_that_scripts_look_for(
    client: Client, fields: dict[str, object], message: str
) -> None:
    assert client.refused("POST", "runs/delete", **fields)[2].startswith(message)


def test_a_body_says_that_it_is_json(client: Client) -> None:
    url = API + "experiments/create"
    form = client.http.post(url, content=b"name=x", headers={"Content-Type": "application/x-www-form-urlencoded"})  # fmt: skip
    assert form.status_code == 400
    assert "Content-Type must be one of" in form.json()["message"]
    none = client.http.post(url, content=b'{"name": "x"}')
    assert none.json()["message"] == "Bad Request. Content-Type header is missing."
    twice = client.http.post(url, json=json.dumps({"name": "double encoded", "unknown": [1]}))
    assert twice.status_code == 200


def test_every_path_stands_below_both_prefixes(client: Client) -> None:
    for prefix in ("/api", "/ajax-api"):
        answer = client.http.get(f"{prefix}/2.0/mlflow/experiments/get?experiment_id=0")
        assert answer.json()["experiment"]["name"] == "Default"
        found = client.http.get(f"{prefix}/3.0/mlflow/server-info").json()
        assert found["multipart_uploads_enabled"] is False
        for path in ("/2.0mlflow", "/2.0/mlflow"):
            url = f"{prefix}{path}/experiments/search-datasets"
            assert client.http.post(url, json={}).status_code == 400


def test_a_body_without_end_is_not_held(client: Client) -> None:
    body = b'{"name": "' + b"x" * (2 << 20) + b'"}'
    headers = {"Content-Type": "application/json"}
    answer = client.http.post(API + "experiments/create", content=body, headers=headers)
    assert answer.status_code == 413
    chunked = client.http.post(
        API + "experiments/create", content=iter([body[:1000]] * 3000), headers=headers
    )
    assert chunked.status_code == 413


def test_each_route_says_what_one_must_be_allowed(client: Client) -> None:
    from modelyard.compat.mlflow_rest import routes

    found = routes(client.yard)
    words = {getattr(route, "permission", None) for route in found}
    assert words <= {
        "public", "experiment.read", "experiment.write", "experiment.delete", "run.read", "run.write",
        "run.delete", "artifact.read", "artifact.write", "artifact.delete", "model.read", "model.write",
        "model.delete", "model.download", "alias.write", "stage.write", "webhook.read", "webhook.write",
    }  # fmt: skip
    public = [route.path for route in found if route.permission == "public"]  # type: ignore[attr-defined]
    assert public[:2] == ["/api/3.0/mlflow/server-info", "/ajax-api/3.0/mlflow/server-info"]
    assert all(path.endswith("/{path:path}") for path in public[2:])


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/3.0/mlflow/traces/x"), ("POST", "/api/2.0/mlflow/none"), ("PUT", "/ajax-api/2.0/mlflow/runs/get"), ("GET", "/api/2.0/mlflow/runs/create")],
)  # fmt: skip
def test_what_is_not_there_is_said_as_clients_expect(
    client: Client, method: str, path: str
) -> None:
    answer = client.http.request(method, path)
    assert (answer.status_code, answer.json()["error_code"]) == (404, "ENDPOINT_NOT_FOUND")


def outcome(work: Callable[[], object]) -> str:
    try:
        return repr(work())
    except Refusal as error:
        return str(error)


@pytest.mark.parametrize(
    "odd",
    [
        {}, {"value": 1}, {"value": "NaN"}, {"value": None}, {"value": True}, {"timestamp": -1}, {"timestamp": 2**63},
        {"timestamp": "5"}, {"timestamp": True}, {"step": 2**63}, {"step": -(2**63) - 1}, {"step": None}, {"step": False},
        {"key": ""}, {"key": 7}, {"key": ["a"]}, {"key": "../x"}, {"model_id": "m-1"}, {"unknown": 1},
    ],
)  # fmt: skip
def test_points_are_judged_alike_at_once_and_one_by_one(odd: dict[str, Any]) -> None:
    usual = {"key": "loss", "value": 0.5, "timestamp": 1, "step": 2}
    sent = [usual, {**usual, **odd}, usual]
    told = outcome(
        lambda: [writing.metric_of(item, f"metrics[{n}].", set()) for n, item in enumerate(sent)]
    )
    assert outcome(lambda: writing._metrics(sent)) == told
