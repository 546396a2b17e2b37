"""gRPC passes the same gate as HTTP: keys in its metadata, the access log, TLS."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from modelyard.serving.rpc.health import HEALTH
from modelyard.serving.rpc.inference import INFERENCE
from modelyard.serving.rpc.reflection import REFLECTION
from serving_cases.certificates import authority
from serving_cases.grpc_client import GrpcClient
from serving_cases.models import iris
from serving_cases.server import serving

OPEN = {
    *(
        f"/inference.GRPCInferenceService/{call}"
        for call in ("ServerLive", "ServerReady", "ModelReady")
    ),
    *(f"/grpc.health.v1.Health/{call}" for call in ("Check", "Watch")),
}
CI, SHOP = "c" * 20, "s" * 20
INPUTS = [
    {"name": name, "datatype": "FP64", "shape": [1], "contents": {"fp64_contents": [1.0]}}
    for name in ("length", "width")
]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("grpc") / "access.log"


@pytest.fixture(scope="module")
def client(file: Path) -> Iterator[GrpcClient]:
    (file.parent / "ci").write_text(CI)
    (file.parent / "shop").write_text(SHOP)
    keys = {
        "ci": f"file:{file.parent / 'ci'}",
        "shop": {"key": f"file:{file.parent / 'shop'}", "models": ["other"]},
    }
    options: dict[str, Any] = {"auth": {"keys": keys}, "access_log": str(file), "grpc_port": 0}
    with serving(iris(), **options) as http, GrpcClient(http.grpc) as made:
        yield made


def refusal(client: GrpcClient, metadata: dict[str, str]) -> grpc.StatusCode:
    fields = {"model_name": "iris", "inputs": INPUTS}
    with pytest.raises(grpc.RpcError) as refused:
        client.ask("ModelInfer", fields, metadata)
    return refused.value.code()  # type: ignore[attr-defined]  # of a call


def test_a_key_in_the_metadata_opens_and_names(client: GrpcClient, file: Path) -> None:
    fields = {"model_name": "iris", "inputs": INPUTS}
    for metadata in ({"x-api-key": CI}, {"authorization": f"Bearer {CI}"}):
        client.ask("ModelInfer", fields, {**metadata, "x-request-id": "mine"})
    for _ in range(200):
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        found = [line for line in lines if line["request_id"] == "mine"]
        if len(found) == 2:
            break
        threading.Event().wait(0.02)
    line = found[0]
    assert (line["caller"], line["protocol"], line["status"]) == ("ci", "oip_grpc", 200)
    assert line["route"] == "/inference.GRPCInferenceService/ModelInfer"
    assert line["model"].startswith("iris@")
    assert (line["rows"], line["remote"]) == (1, "127.0.0.1")


def test_without_one_or_with_anothers_it_is_refused(client: GrpcClient) -> None:
    assert refusal(client, {}) == grpc.StatusCode.UNAUTHENTICATED
    assert refusal(client, {"x-api-key": "w" * 20}) == grpc.StatusCode.UNAUTHENTICATED
    assert refusal(client, {"x-api-key": SHOP}) == grpc.StatusCode.PERMISSION_DENIED


def test_nothing_but_probes_is_open(client: GrpcClient) -> None:
    """Every call of every service of the port, found where the server finds them."""
    seen = set()
    for package in (INFERENCE, HEALTH, *REFLECTION):
        for rpc in package.rpcs:
            name = f"/{package.full_service}/{rpc.name}"
            seen.add(name)
            message = package.message(rpc.request)()
            call = client.call(rpc.name, package)
            sent = iter([message]) if rpc.asks_many else message
            try:
                answer = call(sent, timeout=30)
                if rpc.answers_many:
                    next(answer, None)
                    answer.cancel()
                code = None
            except grpc.RpcError as error:
                code = error.code()  # type: ignore[attr-defined]  # of a call
            assert (code != grpc.StatusCode.UNAUTHENTICATED) == (name in OPEN), name
    assert seen > OPEN


def test_the_port_has_tls_where_http_has(tmp_path: Path) -> None:
    ours = authority(tmp_path / "ours")
    cert, key = ours.issue("server")
    mine = [Path(path).read_bytes() for path in ours.issue("client")]
    options: dict[str, Any] = {"tls_cert": cert, "tls_key": key, "tls_client_ca": ours.file}
    trusted = Path(ours.file).read_bytes()
    with serving(iris(), grpc_port=0, **options) as http:

        def live(credentials: grpc.ChannelCredentials | None) -> bool:
            client = GrpcClient(http.grpc)
            if credentials is not None:
                client.channel.close()
                client.channel = grpc.secure_channel(http.grpc, credentials)
            with client:
                return client.ask("ServerLive", timeout=5)[0].live

        assert live(grpc.ssl_channel_credentials(trusted, mine[1], mine[0]))
        for strange in (None, grpc.ssl_channel_credentials(trusted)):
            with pytest.raises(grpc.RpcError):
                live(strange)
