"""The Open Inference Protocol over gRPC: a real server, and grpcio's ordinary client."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from modelyard.base.errors import AddressInUse
from modelyard.serving.interface import Limits
from modelyard.serving.rpc.health import HEALTH
from modelyard.serving.rpc.inference import INFERENCE
from modelyard.serving.rpc.packages import Package
from modelyard.serving.rpc.reflection import REFLECTION
from modelyard.serving.servers.fastapi import serve
from servers import wait_until
from serving_cases.grpc_client import GrpcClient
from serving_cases.models import classifier, frame, function_model, gated, iris
from serving_cases.server import Http, serving

Code = grpc.StatusCode


def countdown(n: int) -> Iterator[int]:
    for left in range(n, 0, -1):
        if left == 13:
            raise RuntimeError("unlucky")
        yield left


def shout(texts: list[str]) -> list[str]:
    return [text.upper() for text in texts]


def flip(X: np.ndarray) -> np.ndarray:
    return ~X


@pytest.fixture(scope="module")
def http() -> Iterator[Http]:
    models = [
        iris(),
        function_model("countdown", 3, countdown=countdown),
        function_model("shout", ["a"], shout=shout),
    ]
    opener = {model.name: model for model in models}.__getitem__
    limits = Limits(body_bytes=50_000)
    with serving(models, grpc_port=0, limits=limits, opener=opener) as client:
        yield client


@pytest.fixture(scope="module")
def client(http: Http) -> Iterator[GrpcClient]:
    with GrpcClient(http.grpc) as connected:
        yield connected


def typed(rows: int = 2, **more: Any) -> dict[str, Any]:
    """A request for the flowers in typed contents."""
    inputs = [
        {
            "name": name,
            "datatype": "FP64",
            "shape": [rows],
            "contents": {"fp64_contents": frame()[name].head(rows).tolist()},
        }
        for name in ("length", "width")
    ]
    return {"model_name": "iris", "inputs": inputs, **more}


def raw(rows: int = 2, **more: Any) -> dict[str, Any]:
    """The same in raw contents."""
    fields = typed(rows, **more)
    for spelled in fields["inputs"]:
        del spelled["contents"]
    contents = [frame()[n].head(rows).to_numpy().tobytes() for n in ("length", "width")]
    return {**fields, "raw_input_contents": contents}


def refused(client: GrpcClient, name: str, fields: Any, **more: Any) -> Any:
    with pytest.raises(grpc.RpcError) as caught:
        client.ask(name, fields, **more)
    return caught.value


def test_the_server_and_its_models_tell_of_themselves(client: GrpcClient) -> None:
    assert client.ask("ServerLive")[0].live
    assert client.ask("ServerReady")[0].ready
    assert client.ask("ModelReady", {"name": "iris"})[0].ready
    assert client.ask("ServerMetadata")[0].name == "modelyard"
    told, _ = client.ask("ModelMetadata", {"name": "iris"}, {"method": "predict_proba"})
    assert [(p.name, p.datatype, list(p.shape)) for p in [*told.inputs, *told.outputs]] == [
        ("length", "FP64", [-1]),
        ("width", "FP64", [-1]),
        ("predict_proba", "FP64", [-1, 2]),
    ]


def test_answers_are_raw_for_raw_requests_and_typed_for_typed_ones(client: GrpcClient) -> None:
    wanted = classifier().predict(frame().head(2)).tolist()
    answer, told = client.ask("ModelInfer", raw(id="7"), {"x-request-id": "mine"})
    assert np.frombuffer(answer.raw_output_contents[0], "<i8").tolist() == wanted
    assert not answer.outputs[0].HasField("contents")
    assert (answer.id, told["x-request-id"]) == ("7", "mine")
    assert told["x-modelyard-model"].startswith("iris@")
    answer, told = client.ask("ModelInfer", typed())
    assert list(answer.outputs[0].contents.int64_contents) == wanted
    assert list(answer.raw_output_contents) == []
    assert re.fullmatch("[0-9a-f]{32}", told["x-request-id"])


def test_texts_cross_in_typed_contents(client: GrpcClient) -> None:
    texts = ["é".encode(), b"", b"b"]
    message = client.message("ModelInfer", {"model_name": "shout"})
    tensor = message.inputs.add(name="texts", datatype="BYTES", shape=[3])
    tensor.contents.bytes_contents.extend(texts)
    answer = client.call("ModelInfer")(message)
    assert list(answer.outputs[0].contents.bytes_contents) == ["É".encode(), b"", b"B"]


def bad(change: Any) -> dict[str, Any]:
    fields = typed()
    change(fields)
    return fields


INVALID: dict[str, tuple[dict[str, Any], str]] = {
    "raw and typed": ({**typed(), "raw_input_contents": [b"", b""]}, "contents beside raw_input_contents"),
    "raw of one of two": ({**raw(), "raw_input_contents": [b"1" * 16]}, "1 for 2 inputs"),
    "raw cut short": ({**raw(), "raw_input_contents": [b"1" * 15, b"1" * 16]}, "length: expected 16 bytes"),
    "typed as another": (bad(lambda f: f["inputs"][0].update(datatype="INT64")), "expected int64_contents"),
    "short floats typed": (bad(lambda f: f["inputs"][0].update(datatype="FP16")), "goes into raw_input_contents"),
    "fewer than the shape": (bad(lambda f: f["inputs"][0].update(shape=[3])), "expected 3 elements"),
    "a negative shape": (bad(lambda f: f["inputs"][0].update(shape=[-2])), "length.shape[0]"),
    "a huge shape": (bad(lambda f: f["inputs"][0].update(shape=[2**62, 2**62])), "length.shape"),
    "an unknown input": (bad(lambda f: f["inputs"][0].update(name="lenght")), "did you mean 'length'?"),
    "a missing input": (bad(lambda f: f["inputs"].pop()), "width"),
    "shared memory": (bad(lambda f: f["inputs"][0].update(parameters={"shared_memory_region": {"string_param": "r"}})), "not supported"),
    "a parameter without a value": (typed(parameters={"method": {}}, outputs=[{"name": "x"}]), "no output of that name"),
    "a method that is a number": (typed(parameters={"method": {"int64_param": 1}}), "parameters.method"),
}  # fmt: skip


@pytest.mark.parametrize("name", INVALID)
def test_what_does_not_fit_is_an_invalid_argument_that_is_named(
    client: GrpcClient, name: str
) -> None:
    fields, told = INVALID[name]
    error = refused(client, "ModelInfer", fields)
    assert error.code() is Code.INVALID_ARGUMENT
    assert told in error.details()
    assert "x-request-id" in dict(error.trailing_metadata())


def test_strangers_are_not_found(client: GrpcClient) -> None:
    for name, fields in (
        ("ModelInfer", {**typed(), "model_name": "irs"}),
        ("ModelInfer", {**typed(), "model_version": "3"}),
        ("ModelReady", {"name": "irs"}),
        ("ModelMetadata", {"name": "irs"}),
        ("RepositoryModelLoad", {"model_name": "irs"}),
    ):
        assert refused(client, name, fields).code() is Code.NOT_FOUND


def test_bytes_that_are_no_message_and_messages_too_large_are_refused(client: GrpcClient) -> None:
    path = f"/{INFERENCE.full_service}/ModelInfer"
    for body, code in (
        (b"\xff\xff\xff", Code.INVALID_ARGUMENT),
        (b"x" * 60_000, Code.RESOURCE_EXHAUSTED),
    ):
        with pytest.raises(grpc.RpcError) as caught:
            client.channel.unary_unary(path)(body, timeout=30)
        assert caught.value.code() is code  # type: ignore[attr-defined]  # grpcio's error is a call, too
    assert client.ask("ModelInfer", typed())[0].model_name == "iris"


def test_models_are_unloaded_and_loaded_by_name(client: GrpcClient) -> None:
    def states(ready: bool = False) -> dict[str, str]:
        index, _ = client.ask("RepositoryIndex", {"ready": ready})
        return {model.name: model.state for model in index.models}

    client.ask("RepositoryModelUnload", {"model_name": "shout"})
    assert states()["shout"] == "UNAVAILABLE"
    assert "shout" not in states(ready=True)
    assert not client.ask("ModelReady", {"name": "shout"})[0].ready
    assert refused(client, "ModelInfer", {"model_name": "shout"}).code() is Code.UNAVAILABLE
    # As clients spell it that know no repositories: the name is the first field.
    client.ask("RepositoryModelLoad", {"repository_name": "shout"})
    assert states()["shout"] == "READY"
    for key in ("config", "file:1/model"):
        parameters = {key: {"string_param": "file:///etc/passwd"}}
        error = refused(
            client, "RepositoryModelLoad", {"model_name": "shout", "parameters": parameters}
        )
        assert error.code() is Code.INVALID_ARGUMENT


def counted(client: GrpcClient, n: int, **parameters: Any) -> Any:
    fields = {"model_name": "countdown", "id": str(n), "parameters": parameters}
    message = client.message("ModelInfer", fields)
    tensor = message.inputs.add(name="n", datatype="INT64", shape=[1])
    tensor.contents.int64_contents.append(n)
    return message


def test_a_stream_answers_in_order_and_goes_on_after_an_error(client: GrpcClient) -> None:
    good = [client.message("ModelStreamInfer", typed(id=str(i))) for i in range(100)]
    wrong = client.message("ModelStreamInfer", {**typed(id="w"), "model_name": "irs"})
    answers = list(client.stream("ModelStreamInfer", [*good[:50], wrong, *good[50:]]))
    ids = [answer.infer_response.id for answer in answers]
    assert ids == [*map(str, range(50)), "w", *map(str, range(50, 100))]
    assert "did you mean 'iris'?" in answers[50].error_message
    assert all(not answer.error_message for answer in answers if answer is not answers[50])


def test_a_generator_answers_with_an_item_at_a_time(client: GrpcClient) -> None:
    flag = {"bool_param": True}
    requests = [counted(client, 3), counted(client, 2, triton_enable_empty_final_response=flag)]
    answers = [a.infer_response for a in client.stream("ModelStreamInfer", requests)]
    seen = [
        (
            a.id,
            [list(o.contents.int64_contents) for o in a.outputs],
            a.parameters["triton_final_response"].bool_param,
        )
        for a in answers
    ]
    assert seen == [
        *[("3", [[n]], False) for n in (3, 2, 1)],
        *[("2", [[n]], False) for n in (2, 1)],
        ("2", [], True),
    ]
    whole = client.call("ModelInfer")(counted(client, 3))
    assert list(whole.outputs[0].contents.int64_contents) == [3, 2, 1]


def test_a_generator_that_fails_ends_its_own_answers_only(client: GrpcClient) -> None:
    answers = list(client.stream("ModelStreamInfer", [counted(client, 14), counted(client, 1)]))
    assert [len(a.infer_response.outputs) for a in answers] == [1, 0, 1]
    assert "RuntimeError" in answers[1].error_message
    assert "unlucky" not in answers[1].error_message


def test_who_hangs_up_in_the_middle_of_a_stream_harms_nobody(client: GrpcClient) -> None:
    stream: Any = client.stream("ModelStreamInfer", (counted(client, 12) for _ in range(1000)))
    next(stream)
    stream.cancel()
    assert client.ask("ModelInfer", typed())[0].model_name == "iris"


def test_a_deadline_and_a_cancelled_call_give_up_their_place() -> None:
    model, gate = gated()
    with serving([model], grpc_port=0) as http, GrpcClient(http.grpc) as client:
        fields = {**typed(1), "model_name": "gated"}
        call = client.call("ModelInfer")
        message = client.message("ModelInfer", fields)
        first = call.future(message)
        assert gate.entered.acquire(timeout=30), "the model was never called"
        error = refused(client, "ModelInfer", fields, timeout=0.2)
        assert error.code() is Code.DEADLINE_EXCEEDED
        second = call.future(message)
        wait_until(lambda: waiting(http) == 1)
        second.cancel()
        wait_until(lambda: waiting(http) == 0)
        gate.leave.release(2)
        assert first.result(timeout=30).model_name == "gated"
        client.ask("ModelInfer", fields)
        assert len(gate.calls) == 2, "who gave up was never taken to the model"


def waiting(http: Http) -> float:
    """Records that wait for the model."""
    [line] = [
        line
        for line in http.get("/metrics").text.splitlines()
        if line.startswith("modelyard_waiting_rows{")
    ]
    return float(line.rpartition(" ")[2])


def test_health_as_load_balancers_ask_for_it(client: GrpcClient) -> None:
    for service in ("", INFERENCE.full_service):
        answer, _ = client.ask("Check", {"service": service}, package=HEALTH)
        assert answer.status == 1
    error = refused(client, "Check", {"service": "nobody"}, package=HEALTH)
    assert error.code() is Code.NOT_FOUND


@pytest.mark.parametrize("package", REFLECTION, ids=lambda p: p.name)
def test_reflection_tells_what_is_spoken(client: GrpcClient, package: Package) -> None:
    name = "ServerReflectionInfo"
    questions = [
        {"list_services": "*"},
        {"file_containing_symbol": INFERENCE.full_service},
        {"file_containing_symbol": "inference.ModelInferRequest.InferInputTensor"},
        {"file_by_filename": INFERENCE.file_name},
        {"file_containing_symbol": "nobody"},
    ]
    requests = [client.message(name, question, package) for question in questions]
    listed, *files, stranger = client.stream(name, requests, package)
    names = [service.name for service in listed.list_services_response.service]
    assert {INFERENCE.full_service, HEALTH.full_service, package.full_service} <= set(names)
    for answer in files:
        [file] = answer.file_descriptor_response.file_descriptor_proto
        assert file == INFERENCE.file.SerializeToString()
    assert stranger.error_response.error_code == 5


def test_a_port_that_is_taken_is_said_before_anything_is_served() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AddressInUse) as caught:
            serve([iris()], port=0, grpc_port=port)
    assert caught.value.hint


def test_without_a_key_a_stream_is_refused_and_http_says_so_in_one_text(tmp_path: Path) -> None:
    (tmp_path / "ops").write_text("s3cret-s3cret-s3cret")
    auth = {"keys": {"ops": f"file:{tmp_path / 'ops'}"}}
    with serving([iris()], grpc_port=0, auth=auth) as http, GrpcClient(http.grpc) as client:
        [refusal] = list(grpc_errors(client))
        assert refusal.code() is Code.UNAUTHENTICATED
        answer = http.post("/v2/models/iris/infer", json={})
        assert answer.status_code == 401
        assert isinstance(answer.json()["error"], str)


def grpc_errors(client: GrpcClient) -> Iterator[Any]:
    try:
        list(client.stream("ModelStreamInfer", [client.message("ModelStreamInfer", typed())]))
    except grpc.RpcError as error:
        yield error


def test_what_was_begun_is_finished_when_the_server_stops() -> None:
    model, gate = gated()
    fields = {**typed(1), "model_name": "gated"}
    answered: list[Any] = []
    with serving([model], grpc_port=0) as http:
        client = GrpcClient(http.grpc)
        asking = threading.Thread(target=lambda: answered.append(client.ask("ModelInfer", fields)))
        asking.start()
        assert gate.entered.acquire(timeout=30), "the model was never called"
        watch: Any = client.call("Watch", HEALTH)(client.message("Watch", {}, HEALTH), timeout=60)
        assert next(watch).status == 1

        def let_go_when_draining() -> None:
            statuses = [answer.status for answer in watch]
            answered.append(statuses)
            gate.leave.release()

        threading.Thread(target=let_go_when_draining).start()
    asking.join(30)
    client.channel.close()
    assert answered[0] == [2], "not serving, then the end"
    assert answered[1][0].model_name == "gated"


def test_metrics_count_calls_over_grpc(http: Http, client: GrpcClient) -> None:
    def value() -> float:
        lines = [
            line
            for line in http.get("/metrics").text.splitlines()
            if line.startswith("modelyard_requests_total{")
            and 'model="iris"' in line
            and 'method="infer"' in line
            and 'status="200"' in line
        ]
        return sum(float(line.rpartition(" ")[2]) for line in lines)

    before = value()
    client.ask("ModelInfer", typed())
    wait_until(lambda: value() == before + 1)
