"""The Open Inference Protocol over a real server on a loopback port."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from modelyard import types
from modelyard.objects.card import Card, FormatInfo
from modelyard.objects.model import Model
from modelyard.serving.interface import Limits
from modelyard.types.schema import Argument, Signature
from serving_cases.logs import FaultyLog
from serving_cases.models import classifier, frame, function_model, iris
from serving_cases.server import Http, serving

LENGTH = "Inference-Header-Content-Length"


def scale(x: float, by: float = 2.0) -> float:
    return x * by


def count(content: bytes) -> int:
    return len(content)


def echo(value: dict[str, int]) -> dict[str, int]:
    return value


def half(X: np.ndarray) -> np.ndarray:
    return X / 2


def halves() -> Model:
    """A function of an array of short floats, in version 3."""
    array = types.infer(np.ones((1, 3), dtype=np.float16))
    signature = Signature({"X": Argument(array)}, array)
    card = Card(flavor="callable", format=FormatInfo("cloudpickle", 2), methods={"half": signature})
    return Model(card, half, {"half": half}, name="team/halves", version="3")


@pytest.fixture(scope="module")
def http() -> Iterator[Http]:
    models = [
        iris(),
        halves(),
        function_model("scale", 1.0, scale=scale),
        function_model("count", b"x", count=count),
        function_model("echo", {"a": 1}, echo=echo),
    ]
    opener = {model.name: model for model in models}.__getitem__
    with serving(models, limits=Limits(body_bytes=100_000), opener=opener) as client:
        yield client


def columns(rows: int = 2) -> list[dict[str, Any]]:
    return [
        {"name": n, "datatype": "FP64", "shape": [rows], "data": frame()[n].head(rows).tolist()}
        for n in ("length", "width")
    ]


def error_of(response: Any) -> str:
    """The error of an answer, which is one text and nothing else."""
    assert list(response.json()) == ["error"]
    return response.json()["error"]


def test_the_server_tells_what_it_speaks_and_serves(http: Http) -> None:
    facts = http.get("/v2").json()
    assert facts["name"] == "modelyard"
    assert "binary_tensor_data" in facts["extensions"]
    assert http.get("/v2/health/live").json() == {"live": True}
    assert http.get("/v2/health/ready").json() == {"ready": True}
    assert http.get("/v2/models").json() == {
        "models": ["iris", "team/halves", "scale", "count", "echo"]
    }


def test_metadata_comes_from_the_schema(http: Http) -> None:
    assert http.get("/v2/models/iris").json() == {
        "name": "iris",
        "versions": [],
        "platform": "modelyard",
        "inputs": [
            {"name": "length", "datatype": "FP64", "shape": [-1]},
            {"name": "width", "datatype": "FP64", "shape": [-1]},
        ],
        "outputs": [{"name": "predict", "datatype": "INT64", "shape": [-1]}],
    }
    proba = http.get("/v2/models/iris?method=predict_proba").json()
    assert proba["outputs"] == [{"name": "predict_proba", "datatype": "FP64", "shape": [-1, 2]}]
    versioned = http.get("/v2/models/team/halves/versions/3").json()
    assert versioned["versions"] == ["3"]
    assert versioned["inputs"] == [{"name": "X", "datatype": "FP16", "shape": [-1, 3]}]
    assert http.get("/v2/models/team/halves/versions/3/ready").json()["ready"] is True


def test_methods_are_chosen_by_parameter_or_by_the_names_of_outputs(http: Http) -> None:
    wanted = classifier().predict_proba(frame().head(2)).ravel().tolist()
    body = {"inputs": columns(), "parameters": {"method": "predict_proba"}}
    by_parameter = http.post("/v2/models/iris/infer", json=body).json()["outputs"]
    assert [(o["name"], o["shape"], o["data"]) for o in by_parameter] == [
        ("predict_proba", [2, 2], pytest.approx(wanted))
    ]
    body = {"inputs": columns(), "outputs": [{"name": "predict_proba"}, {"name": "predict"}]}
    by_output = http.post("/v2/models/iris/infer", json=body).json()["outputs"]
    assert by_output[0] == by_parameter[0]
    assert by_output[1]["data"] == classifier().predict(frame().head(2)).tolist()


def test_short_floats_go_in_and_out_as_bytes_of_one_version(http: Http) -> None:
    array = np.array([[1, 2, 3], [4, 5, 6]], dtype="<f2")
    head = {
        "id": "17",
        "inputs": [
            {
                "name": "X",
                "datatype": "FP16",
                "shape": [2, 3],
                "parameters": {"binary_data_size": 12},
            }
        ],
        "outputs": [{"name": "half", "parameters": {"binary_data": True}}],
    }
    spelled = json.dumps(head).encode()
    answer = http.post(
        "/v2/models/team/halves/versions/3/infer",
        content=spelled + array.tobytes(),
        headers={LENGTH: str(len(spelled))},
    )
    assert answer.status_code == 200
    assert answer.headers["x-modelyard-model"] == "team/halves@3"
    length = int(answer.headers[LENGTH])
    told = json.loads(answer.content[:length])
    assert (told["id"], told["model_version"]) == ("17", "3")
    assert answer.content[length:] == (array / 2).tobytes()


def test_a_body_may_be_the_elements_alone(http: Http) -> None:
    array = np.arange(6, dtype="<f2")
    answer = http.post(
        "/v2/models/team/halves/infer", content=array.tobytes(), headers={LENGTH: "0"}
    )
    assert answer.content[int(answer.headers[LENGTH]) :] == (array / 2).tobytes()
    answer = http.post("/v2/models/count/infer", content=b"\x00\xff!", headers={LENGTH: "0"})
    assert answer.content[int(answer.headers[LENGTH]) :] == (3).to_bytes(8, "little")
    refused = http.post("/v2/models/iris/infer", content=b"12345678", headers={LENGTH: "0"})
    assert refused.status_code == 400
    assert "2 inputs" in error_of(refused)
    refused = http.post("/v2/models/team/halves/infer", content=b"1234567", headers={LENGTH: "0"})
    assert refused.status_code == 400


@pytest.mark.parametrize("hint", ["parameters of the request", "parameters of the input"])
def test_base64_is_content_where_a_hint_says_so(http: Http, hint: str) -> None:
    tensor: dict[str, Any] = {
        "name": "content",
        "datatype": "BYTES",
        "shape": [1],
        "data": ["AP8h"],
    }
    body: dict[str, Any] = {"inputs": [tensor]}
    (body if hint.endswith("request") else tensor)["parameters"] = {"content_type": "base64"}
    assert http.post("/v2/models/count/infer", json=body).json()["outputs"][0]["data"] == [3]


@pytest.mark.parametrize("hint", ["np", "pd"])
def test_hints_of_arrays_and_tables_change_nothing(http: Http, hint: str) -> None:
    body = {"inputs": columns(), "parameters": {"content_type": hint}}
    answer = http.post("/v2/models/iris/infer", json=body)
    assert answer.json()["outputs"][0]["data"] == classifier().predict(frame().head(2)).tolist()


def test_what_is_no_tensor_is_json_in_a_text(http: Http) -> None:
    tensor = {"name": "value", "datatype": "BYTES", "shape": [1], "data": ['{"b": 2}']}
    [output] = http.post("/v2/models/echo/infer", json={"inputs": [tensor]}).json()["outputs"]
    assert output["datatype"] == "BYTES"
    assert json.loads(output["data"][0]) == {"b": 2}


def test_defaults_may_be_left_out(http: Http) -> None:
    x = {"name": "x", "datatype": "FP64", "shape": [1], "data": [1.5]}
    by = {"name": "by", "datatype": "INT32", "shape": [1], "data": [4]}
    url = "/v2/models/scale/infer"
    assert http.post(url, json={"inputs": [x]}).json()["outputs"][0]["data"] == [3.0]
    assert http.post(url, json={"inputs": [x, by]}).json()["outputs"][0]["data"] == [6.0]


def test_deflated_bodies_are_unpacked_up_to_the_limit(http: Http) -> None:
    headers = {"Content-Encoding": "deflate"}
    body = zlib.compress(json.dumps({"inputs": columns()}).encode())
    assert http.post("/v2/models/iris/infer", content=body, headers=headers).status_code == 200
    bomb = zlib.compress(b" " * 1_000_000)
    assert http.post("/v2/models/iris/infer", content=bomb, headers=headers).status_code == 413
    assert http.post("/v2/models/iris/infer", content=body[:-5], headers=headers).status_code == 400


REFUSED: dict[str, tuple[Any, str]] = {
    "a missing column": ({"inputs": columns()[:1]}, "width: expected an input of that name"),
    "a column twice": ({"inputs": columns() + columns()[:1]}, "length: expected once, got twice"),
    "an unknown input": ({"inputs": [*columns(), {**columns()[0], "name": "lenght"}]}, "did you mean 'length'?"),
    "an unknown output": ({"inputs": columns(), "outputs": [{"name": "predit"}]}, "did you mean 'predict'?"),
    "a method that is a number": ({"inputs": columns(), "parameters": {"method": 1}}, "parameters.method"),
    "an unknown hint": ({"inputs": columns(), "parameters": {"content_type": "pickle"}}, "known: "),
    "a timeout that is a text": ({"inputs": columns(), "parameters": {"timeout": "1"}}, "parameters.timeout"),
    "a huge shape": ({"inputs": [{**columns()[0], "shape": [2**62]}, columns()[1]]}, "4611686018427387904 elements"),
    "a negative shape": ({"inputs": [{**columns()[0], "shape": [-1]}, columns()[1]]}, "length.shape[0]"),
    "a missing value": ({"inputs": [{**columns(1)[0], "data": [None]}, columns(1)[1]]}, "X[0].length"),
    "no rows": ({"inputs": columns(0)}, "at least one"),
    "base64 that is none": ({"inputs": [{**columns()[0], "datatype": "BYTES", "data": ["*", "*"]}], "parameters": {"content_type": "base64"}}, "length[0]: expected base64"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_a_400_that_names_it(http: Http, name: str) -> None:
    body, told = REFUSED[name]
    answer = http.post("/v2/models/iris/infer", json=body)
    assert answer.status_code == 400
    assert told in error_of(answer)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v2/models/irs/infer", 404),
        ("/v2/models/iris/versions/3/infer", 404),
        ("/v2/models/team/halves/versions/4/infer", 404),
        ("/v2/nothing", 404),
        ("/v2/repository/models/unheard/load", 404),
        ("/v2/repository/models/unheard/unload", 404),
    ],
)
def test_strangers_are_not_found(http: Http, path: str, status: int) -> None:
    verb = "GET" if path == "/v2/nothing" else "POST"
    answer = http.request(verb, path, json={"inputs": columns()} if path.endswith("infer") else {})
    assert answer.status_code == status
    error_of(answer)


def test_models_are_unloaded_and_loaded_by_name(http: Http) -> None:
    def state() -> dict[str, str]:
        return {m["name"]: m["state"] for m in http.post("/v2/repository/index").json()}

    body = {"inputs": [{"name": "x", "datatype": "FP64", "shape": [1], "data": [1.5]}]}
    assert state()["scale"] == "READY"
    assert http.post("/v2/repository/models/scale/unload").status_code == 200
    assert state()["scale"] == "UNAVAILABLE"
    assert "scale" not in http.get("/v2/models").json()["models"]
    ready = http.post("/v2/repository/index", json={"ready": True}).json()
    assert "scale" not in [model["name"] for model in ready]
    for answer in (
        http.post("/v2/models/scale/infer", json=body),
        http.get("/v2/models/scale/ready"),
    ):
        assert answer.status_code == 503
        assert "unloaded" in error_of(answer)
    assert http.post("/v2/repository/models/scale/load", json={}).status_code == 200
    assert http.post("/v2/models/scale/infer", json=body).status_code == 200


@pytest.mark.parametrize("key", ["config", "file:1/model.pkl", "uri", "storage_path"])
def test_a_client_never_says_where_a_model_is(http: Http, key: str) -> None:
    body = {"parameters": {key: "file:///etc/passwd"}}
    answer = http.post("/v2/repository/models/scale/load", json=body)
    assert answer.status_code == 400
    assert key in error_of(answer)


@pytest.mark.parametrize("rows", [3, 100])
def test_what_is_answered_is_logged_as_its_columns(rows: int) -> None:
    log = FaultyLog()
    table = frame().sample(rows, replace=True, random_state=1)
    inputs = [
        {"name": n, "datatype": "FP64", "shape": [rows, 1], "data": table[n].tolist()}
        for n in ("length", "width")
    ]
    with serving(iris(), log=log) as http:
        body = {"inputs": inputs, "parameters": {"reference_id": "order-7"}}
        answer = http.post("/v2/models/iris/infer", json=body)
        wanted = answer.json()["outputs"][0]["data"]
    assert [p.inputs for p in log.kept] == table.to_dict("records")
    assert [p.outputs for p in log.kept] == wanted
    assert {p.reference_id for p in log.kept} == {"order-7"}
    assert {p.request_id for p in log.kept} == {answer.headers["x-request-id"]}


def test_other_verbs_are_refused(http: Http) -> None:
    answer = http.get("/v2/models/iris/infer")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert http.post("/v2/models/iris").status_code == 405
