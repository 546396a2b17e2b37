"""NVIDIA's own client, over HTTP and gRPC, at work with ``modelyard serve`` in a process of its own."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tritonclient.grpc
import tritonclient.grpc.aio
import tritonclient.http
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from tritonclient.grpc import service_pb2
from tritonclient.utils import InferenceServerException

import modelyard as my
from modelyard.serving.rpc.inference import INFERENCE

pytestmark = pytest.mark.timeout(300)

TABLE = pd.DataFrame(
    {
        "town": ["Zürich", "Bern", "Zürich", "Chur"] * 6,
        "age": np.arange(24, dtype=np.int64) + 20,
        "income": np.linspace(0.5, 9.5, 24),
    }
)
IMAGES = np.random.default_rng(3).normal(size=(24, 3)).astype(np.float32)
Y = np.array([0, 1] * 12)

Wire = ModuleType
"""``tritonclient.http`` or ``tritonclient.grpc``, which have the same classes."""


def halves(X: np.ndarray) -> np.ndarray:
    return X / np.float16(2)


@pytest.fixture(scope="module")
def fitted() -> Any:
    towns = make_column_transformer((OneHotEncoder(), ["town"]), remainder="passthrough")
    return make_pipeline(towns, LogisticRegression(max_iter=1000)).fit(TABLE, Y)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, fitted: Any) -> Iterator[dict[str, str]]:
    """Host and port of each wire."""
    folder = tmp_path_factory.mktemp("served")
    my.save(fitted, folder / "people", sample_data=TABLE)
    pixels = LogisticRegression().fit(IMAGES, Y)
    my.save(pixels, folder / "pixels", sample_data=IMAGES)
    words = [sys.executable, "-m", "modelyard", "serve", "people", "pixels", "--port", "0"]
    log = folder / "log"
    with log.open("w") as err:
        process = subprocess.Popen([*words, "--grpc-port", "0"], cwd=folder, stderr=err)
    try:
        yield _addresses(process, log)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, log.read_text()


def _addresses(process: subprocess.Popen[bytes], log: Path) -> dict[str, str]:
    with log.open() as lines:
        found: dict[str, str] = {}
        while "try" not in found:
            assert process.poll() is None, log.read_text()
            words = lines.readline().split()
            if words and words[0] == "Serving":
                found["http"] = words[-1].removeprefix("http://")
            elif words:
                found[words[0]] = words[1]
            else:
                os.sched_yield()
    return found


@pytest.fixture(params=["http", "grpc"])
def wire(request: pytest.FixtureRequest) -> Wire:
    return {"http": tritonclient.http, "grpc": tritonclient.grpc}[request.param]


@pytest.fixture
def client(wire: Wire, server: dict[str, str]) -> Iterator[Any]:
    with wire.InferenceServerClient(server[wire.__name__.rpartition(".")[2]]) as connected:
        yield connected


def inputs(wire: Wire, table: pd.DataFrame, **options: Any) -> list[Any]:
    kinds = {"town": "BYTES", "age": "INT64", "income": "FP64"}
    made = []
    for name, datatype in kinds.items():
        tensor = wire.InferInput(name, [len(table)], datatype)
        values = table[name].to_numpy(dtype=object if datatype == "BYTES" else None)
        tensor.set_data_from_numpy(values, **options)
        made.append(tensor)
    return made


def test_it_finds_the_server_and_what_it_serves(client: Any) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("people")
    told = client.get_model_metadata("people")
    if not isinstance(told, dict):
        told = client.get_model_metadata("people", as_json=True)
    ports = [(p["name"], p["datatype"], [int(n) for n in p["shape"]]) for p in told["inputs"]]
    assert ports == [("town", "BYTES", [-1]), ("age", "INT64", [-1]), ("income", "FP64", [-1])]


def test_a_table_of_texts_and_numbers_is_answered(client: Any, wire: Wire, fitted: Any) -> None:
    answer = client.infer("people", inputs(wire, TABLE), request_id="17")
    assert answer.as_numpy("predict").tolist() == fitted.predict(TABLE).tolist()
    told = answer.get_response()
    assert (told["id"] if isinstance(told, dict) else told.id) == "17"


def test_another_method_is_a_parameter(client: Any, wire: Wire, fitted: Any) -> None:
    parameters = {"method": "predict_proba"}
    answer = client.infer("people", inputs(wire, TABLE), parameters=parameters)
    given = answer.as_numpy("predict_proba")
    assert given.dtype == np.float64
    assert np.allclose(given, fitted.predict_proba(TABLE), rtol=1e-12, atol=0)


def test_an_array_is_one_tensor(client: Any, wire: Wire) -> None:
    tensor = wire.InferInput("X", list(IMAGES.shape), "FP32")
    tensor.set_data_from_numpy(IMAGES)
    wanted = wire.InferRequestedOutput("predict")
    answer = client.infer("pixels", [tensor], outputs=[wanted])
    assert answer.as_numpy("predict").tolist() == LogisticRegression().fit(IMAGES, Y).predict(IMAGES).tolist()  # fmt: skip


@pytest.mark.parametrize("packed", [None, "gzip", "deflate"])
@pytest.mark.parametrize("binary", [True, False])
def test_http_in_all_its_forms(
    server: dict[str, str], fitted: Any, binary: bool, packed: str | None
) -> None:
    wire = tritonclient.http
    with wire.InferenceServerClient(server["http"]) as client:
        answer = client.infer(
            "people",
            inputs(wire, TABLE, binary_data=binary),
            outputs=[wire.InferRequestedOutput("predict", binary_data=binary)],
            request_compression_algorithm=packed,
            response_compression_algorithm=packed,
        )
    assert answer.as_numpy("predict").tolist() == fitted.predict(TABLE).tolist()


def test_many_are_asked_at_a_time(server: dict[str, str], fitted: Any) -> None:
    wanted = fitted.predict(TABLE).tolist()
    with tritonclient.http.InferenceServerClient(server["http"], concurrency=8) as client:
        asked = [
            client.async_infer("people", inputs(tritonclient.http, TABLE.iloc[[i]]))
            for i in range(24)
        ]
        answers = [one.get_result().as_numpy("predict").tolist() for one in asked]
    assert answers == [[x] for x in wanted]
    said: queue.SimpleQueue[Any] = queue.SimpleQueue()
    with tritonclient.grpc.InferenceServerClient(server["grpc"]) as client:
        for i in range(24):
            client.async_infer(
                "people",
                inputs(tritonclient.grpc, TABLE.iloc[[i]]),
                callback=lambda result, error, i=i: said.put((i, result, error)),
            )
        heard = {
            i: (result, error) for i, result, error in (said.get(timeout=60) for _ in range(24))
        }
    assert [error for _, error in heard.values()] == [None] * 24
    assert [heard[i][0].as_numpy("predict").tolist() for i in range(24)] == answers


def test_a_stream_is_answered_in_order_and_outlives_an_error(
    server: dict[str, str], fitted: Any
) -> None:
    wire = tritonclient.grpc
    said: queue.SimpleQueue[Any] = queue.SimpleQueue()
    names = ["people", "people", "peopel", "people"]
    with wire.InferenceServerClient(server["grpc"]) as client:
        client.start_stream(callback=lambda result, error: said.put((result, error)))
        for i, name in enumerate(names):
            client.async_stream_infer(name, inputs(wire, TABLE), request_id=str(i))
        heard = [said.get(timeout=60) for _ in names]
        client.stop_stream()
    assert "did you mean 'people'?" in str(heard[2][1])
    good = [result for result, error in heard if error is None]
    assert [result.get_response().id for result in good] == ["0", "1", "3"]
    for result in good:
        assert result.as_numpy("predict").tolist() == fitted.predict(TABLE).tolist()


def test_models_are_listed_unloaded_and_loaded(client: Any) -> None:
    def states() -> dict[str, str]:
        index = client.get_model_repository_index()
        if isinstance(index, list):
            return {model["name"]: model["state"] for model in index}
        return {model.name: model.state for model in index.models}

    assert states() == {"people": "READY", "pixels": "READY"}
    client.unload_model("pixels")
    assert states()["pixels"] == "UNAVAILABLE"
    assert not client.is_model_ready("pixels")
    client.load_model("pixels")
    assert client.is_model_ready("pixels")


@pytest.mark.parametrize("more", [{"config": "{}"}, {"config": "{}", "files": {"file:1/m": b"x"}}])
def test_a_client_never_says_what_a_model_is(client: Any, more: dict[str, Any]) -> None:
    with pytest.raises(InferenceServerException) as caught:
        client.load_model("pixels", **more)
    assert "by their name alone" in str(caught.value)


def test_errors_are_read_as_errors(client: Any, wire: Wire) -> None:
    given = inputs(wire, TABLE)
    short = wire.InferInput("age", [1], "INT64")
    short.set_data_from_numpy(np.array([1]))
    wrong = wire.InferInput("age", [24], "BYTES")
    wrong.set_data_from_numpy(np.array(["x"] * 24, dtype=object))
    not_found, invalid = ("404", "StatusCode.NOT_FOUND"), ("400", "StatusCode.INVALID_ARGUMENT")
    for model, sent, version, told, statuses in (
        ("peopel", given, "", "did you mean 'people'?", not_found),
        ("people", given, "7", "version '7'", not_found),
        ("people", given[:2], "", "income: expected an input", invalid),
        ("people", [given[0], short, given[2]], "", "age: expected 24 rows", invalid),
        ("people", [given[0], wrong, given[2]], "", "age: expected INT64, got BYTES", invalid),
    ):
        with pytest.raises(InferenceServerException) as caught:
            client.infer(model, sent, model_version=version)
        assert told in caught.value.message()
        assert caught.value.status() in statuses


def test_our_messages_are_theirs_on_the_wire() -> None:
    """Both in one process: the packages have one name, and do not meet."""
    from google.protobuf.json_format import MessageToDict

    request = {
        "modelName": "m", "modelVersion": "1", "id": "7",
        "parameters": {"a": {"int64Param": "5"}, "b": {"stringParam": "x"}, "c": {"boolParam": True}, "d": {"doubleParam": 0.5}},
        "inputs": [{"name": "i", "datatype": "FP32", "shape": ["2", "-1"], "contents": {"fp32Contents": [1.5], "bytesContents": ["eA=="]}}],
        "outputs": [{"name": "o"}],
        "rawInputContents": ["AAE="],
    }  # fmt: skip
    from google.protobuf.json_format import ParseDict

    for name in INFERENCE.messages:
        if "." in name or not hasattr(service_pb2, name):
            continue
        theirs, ours = getattr(service_pb2, name).DESCRIPTOR, INFERENCE.message(name).DESCRIPTOR
        fields = {(f.name, f.number, f.type, f.is_repeated) for f in theirs.fields}
        known = {(f.name, f.number, f.type, f.is_repeated) for f in ours.fields}
        assert known <= fields, name
        assert {n for n, *_ in fields - known} <= {"uint64_param"}, name
    ours = ParseDict(request, INFERENCE.message("ModelInferRequest")())
    theirs = service_pb2.ModelInferRequest.FromString(ours.SerializeToString())
    assert MessageToDict(theirs) == request
    assert INFERENCE.message("ModelInferRequest").FromString(theirs.SerializeToString()) == ours
