"""SageMaker's container contract: its own client through a router as the platform has one, models that come and go, the entry."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx2
import numpy as np
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

import modelyard as my
from modelyard.base.errors import InvalidPath, InvalidSetting, NotFound
from modelyard.serving.model_folders import available_memory, checked_folder, model_in
from modelyard.serving.protocols import sagemaker
from modelyard.serving.sagemaker import main, options
from serving_cases.models import classifier, frame, iris, records
from serving_cases.sagemaker_router import routed
from serving_cases.server import serving

Http = httpx2.Client


@pytest.fixture(scope="module")
def http() -> Iterator[Http]:
    with serving(iris()) as client:
        yield client


@pytest.fixture(scope="module")
def runtime(http: Http) -> Iterator[Any]:
    with routed(http) as url:
        yield client_of(url)


def client_of(url: str) -> Any:
    return boto3.client(
        "sagemaker-runtime",
        endpoint_url=url,
        region_name="eu-west-1",
        aws_access_key_id="x",
        aws_secret_access_key="y",
        config=Config(retries={"total_max_attempts": 1}),
    )


def invoke(runtime: Any, body: bytes, kind: str, **more: str) -> Any:
    return runtime.invoke_endpoint(EndpointName="iris", Body=body, ContentType=kind, **more)


def predictions(answer: Any) -> Any:
    return json.loads(answer["Body"].read())["predictions"]


WANTED = classifier().predict(frame().head(3)).tolist()


def test_its_client_sends_json_lines_csv_and_arrays(runtime: Any) -> None:
    rows = frame().head(3)
    array = io.BytesIO()
    np.save(array, rows.to_numpy())
    bodies = {
        "application/json": json.dumps({"instances": records(3)}).encode(),
        "application/jsonlines": "\n".join(map(json.dumps, records(3))).encode(),
        "text/csv": rows.to_csv(index=False, header=False).encode(),
        "text/csv; charset=utf-8": rows.to_csv(index=False).encode(),
        "application/x-npy": array.getvalue(),
    }
    for kind, body in bodies.items():
        assert predictions(invoke(runtime, body, kind)) == WANTED, kind


def test_its_client_gets_what_it_accepts(runtime: Any) -> None:
    body = json.dumps({"instances": records(3)}).encode()
    answer = invoke(runtime, body, "application/json", Accept="text/csv")
    assert answer["ContentType"].startswith("text/csv")
    assert answer["Body"].read() == b"".join(b"%d\n" % label for label in WANTED)
    answer = invoke(runtime, body, "application/json", Accept="application/jsonlines")
    assert [json.loads(line) for line in answer["Body"].read().splitlines()] == WANTED
    answer = invoke(runtime, body, "application/json", Accept="application/x-npy")
    assert np.load(io.BytesIO(answer["Body"].read())).tolist() == WANTED


def test_custom_attributes_come_back_and_may_name_a_method(runtime: Any) -> None:
    body = json.dumps({"instances": records(1)}).encode()
    attributes = "trace-17, modelyard-method=predict_proba"
    answer = invoke(runtime, body, "application/json", CustomAttributes=attributes)
    assert answer["CustomAttributes"] == attributes
    assert predictions(answer) == pytest.approx(classifier().predict_proba(frame().head(1)))


def test_a_refusal_reaches_the_client_with_its_reason(runtime: Any) -> None:
    with pytest.raises(ClientError) as refused:
        invoke(runtime, b'{"instances": [{"length": "long", "width": 1}]}', "application/json")
    told = refused.value.response
    assert told["OriginalStatusCode"] == 400
    assert json.loads(told["OriginalMessage"])["error_code"] == "INVALID_PARAMETER_VALUE"
    assert json.loads(told["OriginalMessage"])["field"] == "X[0].length"


def test_ping_says_when_requests_are_welcome(http: Http) -> None:
    assert http.get("/ping").status_code == 200
    assert http.post("/ping").status_code == 405


# -- models that come and go


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models as the platform unpacks them, and one outside."""
    root = tmp_path_factory.mktemp("ml") / "models"
    for name in ("first", "second"):
        my.save(classifier(), root / name / "model" / "iris", sample_data=frame())
    my.save(classifier(), root.parent / "outside" / "model" / "iris", sample_data=frame())
    return root


@pytest.fixture(scope="module")
def several(root: Path) -> Iterator[Http]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAGEMAKER_MULTI_MODEL", "true")
        patch.setenv("MODELYARD_MODELS_ROOT", str(root))
        with serving([], opener=unopened) as client:
            yield client


def unopened(name: str) -> Any:
    raise NotFound(f"nobody knows {name}")


def load(http: Http, name: str, url: object) -> httpx2.Response:
    return http.post("/models", json={"model_name": name, "url": str(url)})


def test_models_are_loaded_listed_asked_and_unloaded(several: Http, root: Path) -> None:
    assert several.get("/ping").status_code == 200, "ready before any model is loaded"
    assert several.get("/models").json() == {"models": []}
    name, url = "a1b2/c3", root / "first" / "model"
    assert several.post(f"/models/{name}/invoke", json={"instances": records(3)}).status_code == 404
    assert load(several, name, url).status_code == 200
    assert load(several, name, url).status_code == 409
    assert load(several, "other", root / "second" / "model").status_code == 200
    described = {"modelName": name, "modelUrl": str(url)}
    assert several.get("/models").json()["models"][0] == described
    assert several.get(f"/models/{name}").json() == described
    answer = several.post(f"/models/{name}/invoke", json={"instances": records(3)})
    assert answer.json() == {"predictions": WANTED}
    assert several.delete(f"/models/{name}").status_code == 200
    for method in ("GET", "DELETE"):
        assert several.request(method, f"/models/{name}").status_code == 404
    assert several.post(f"/models/{name}/invoke", json={"instances": records(3)}).status_code == 404
    assert load(several, name, url).status_code == 200, "it may come back"
    for loaded in (name, "other"):
        assert several.delete(f"/models/{loaded}").status_code == 200


def test_its_client_names_a_target_model(several: Http, root: Path) -> None:
    assert load(several, "target", root / "first" / "model").status_code == 200
    with routed(several) as url:
        body = json.dumps({"instances": records(3)}).encode()
        answer = invoke(client_of(url), body, "application/json", TargetModel="target.tar.gz")
        assert predictions(answer) == WANTED
        with pytest.raises(ClientError) as refused:
            invoke(client_of(url), body, "application/json", TargetModel="none.tar.gz")
        assert refused.value.response["OriginalStatusCode"] == 404
    assert several.delete("/models/target").status_code == 200


def test_a_long_list_comes_in_pages(
    several: Http, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sagemaker, "PAGE", 2)
    names = ["m1", "m2", "m3"]
    for name in names:
        assert load(several, name, root / "first" / "model").status_code == 200
    first = several.get("/models").json()
    rest = several.get("/models", params={"next_page_token": first["nextPageToken"]}).json()
    assert "nextPageToken" not in rest
    assert [m["modelName"] for m in first["models"] + rest["models"]] == names
    for name in names:
        several.delete(f"/models/{name}")


def test_nothing_outside_of_the_root_is_loaded(several: Http, root: Path) -> None:
    outside = root.parent / "outside" / "model"
    (root / "link").symlink_to(outside)
    inside = root / "mixed" / "model"
    my.save(classifier(), inside / "iris", sample_data=frame())
    (inside / "more").symlink_to(outside / next(p.name for p in outside.iterdir()))
    for url in (
        outside,
        root / ".." / "outside" / "model",
        root / "link",
        inside,
        "first/model",
        root,
    ):
        answer = load(several, "x", url)
        assert answer.status_code in (400, 404), url
        assert answer.json()["error_code"] in ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST")
    assert several.get("/models").json() == {"models": []}
    with pytest.raises(InvalidPath, match="a link that leads out"):
        checked_folder(str(inside), root)


def test_a_model_is_named_in_words(several: Http) -> None:
    for body in (b"", b"[]", b"{}", b'{"model_name": 1}', b'{"model_name": "a", "url": ""}', b'{"model_name": "a\\nb", "url": "/x"}'):  # fmt: skip
        answer = several.post("/models", content=body)
        assert answer.status_code == 400, body
        assert answer.json()["error_code"] == "INVALID_PARAMETER_VALUE"
    assert several.put("/models", content=b"{}").status_code == 405


def test_what_is_no_model_is_refused(several: Http, root: Path) -> None:
    (root / "empty").mkdir(exist_ok=True)
    assert load(several, "x", root / "empty").status_code in (400, 404)
    assert load(several, "x", root / "nothing").status_code == 404
    assert several.get("/models").json() == {"models": []}


def test_a_folder_holds_one_model(several: Http, root: Path) -> None:
    folder = root / "two" / "model"
    for name in ("a", "b"):
        my.save(classifier(), folder / name, sample_data=frame())
    answer = load(several, "x", folder)
    assert answer.status_code == 400
    assert "several models: a, b" in answer.json()["message"]
    assert model_in(root / "first" / "model").name == "iris"


def test_free_memory_is_that_of_the_container_where_it_is_less(tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 9000 kB\nMemAvailable:    1000 kB\n")
    assert available_memory(tmp_path, meminfo) == 1_024_000
    (tmp_path / "memory.max").write_text("500000\n")
    (tmp_path / "memory.current").write_text("400000\n")
    assert available_memory(tmp_path, meminfo) == 100_000
    (tmp_path / "memory.max").write_text("max\n")
    assert available_memory(tmp_path, meminfo) == 1_024_000
    assert available_memory(tmp_path / "no", tmp_path / "no") is None


def test_a_model_for_which_there_is_no_room_is_507(several: Http, root: Path) -> None:
    huge = root / "huge" / "model"
    huge.mkdir(parents=True)
    with (huge / "weights").open("wb") as file:
        file.truncate(1 << 43)  # a hole, which takes no room on the disk
    answer = load(several, "huge", huge)
    assert answer.status_code == 507
    assert answer.json()["error_code"] == "RESOURCE_EXHAUSTED"


# -- the entry


def test_the_platforms_variables_are_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SAGEMAKER_MULTI_MODEL", raising=False)
    assert options({}) == {"model": "/opt/ml/model", "host": "0.0.0.0", "port": 8080}
    assert options({"SAGEMAKER_BIND_TO_PORT": "9000", "MODELYARD_MODEL": "m"})["port"] == 9000
    with pytest.raises(InvalidSetting, match="SAGEMAKER_BIND_TO_PORT"):
        options({"SAGEMAKER_BIND_TO_PORT": "high"})
    monkeypatch.setenv("SAGEMAKER_MULTI_MODEL", "true")
    assert options({})["model"] == []


def test_the_image_serves_and_stops_as_the_platform_asks(root: Path) -> None:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    environment = {
        **os.environ,
        "SAGEMAKER_BIND_TO_PORT": str(port),
        "MODELYARD_MODEL": str(root / "first" / "model"),
        "SAGEMAKER_MULTI_MODEL": "",
    }
    command = [sys.executable, "-m", "modelyard.serving.sagemaker", "serve"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        try:
            for line in server.stderr:
                if str(port) in line:
                    break
            with Http(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
                answer = client.post("/invocations", json={"instances": records(3)})
                assert answer.json() == {"predictions": WANTED}
        finally:
            server.send_signal(signal.SIGTERM)
            rest = server.stderr.read()
        assert server.wait(60) == 0, rest


def test_the_entry_takes_one_word(capsys: pytest.CaptureFixture[str]) -> None:
    for words in ([], ["train"], ["serve", "now"]):
        assert main(words) == 2
        assert "expected the word serve" in capsys.readouterr().err
