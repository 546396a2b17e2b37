"""The app on granian: what is its own. How it ends stands in ``test_process``, beside the other server."""

from __future__ import annotations

import contextlib
import inspect
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from modelyard.base.errors import AddressInUse, InvalidSetting, MissingExtra
from modelyard.serving.servers import fastapi, granian
from serving_cases.certificates import authority
from serving_cases.models import function_model, iris, records
from serving_cases.server import Http, serving


@pytest.fixture(scope="module")
def http() -> Iterator[Http]:
    with serving(iris(), by=granian.serve) as client:
        yield client


def test_it_answers_as_the_other_server_does(http: Http) -> None:
    with serving(iris()) as other:
        for path in ("/predict", "/predict_proba", "/v2/models/iris/infer", "/nowhere"):
            mine, theirs = (c.post(path, json=records()) for c in (http, other))
            assert mine.status_code == theirs.status_code
            if mine.status_code == 200:
                assert mine.content == theirs.content
                assert set(theirs.headers) <= set(mine.headers)
        for path in ("/readyz", "/version", "/interface.json"):
            assert http.get(path).json() == other.get(path).json()
    assert http.get("/metrics").headers["content-type"].startswith("text/plain")


def endless(raw: socket.socket) -> None:
    for _ in range(1000):
        raw.sendall(b"x" * 10_000)


def test_strangers_and_endless_heads_are_refused(http: Http) -> None:
    assert http.get("/healthz", headers={"Host": "evil.example"}).status_code == 403
    assert http.base_url.port
    with socket.create_connection((http.base_url.host, http.base_url.port), timeout=60) as raw:
        raw.sendall(b"POST /predict HTTP/1.1\r\nHost: localhost\r\nX-Long: ")
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            endless(raw)
    assert http.get("/healthz").status_code == 200


def test_a_port_in_use_is_named_with_a_free_one(http: Http) -> None:
    with pytest.raises(AddressInUse, match=f"port {http.base_url.port} on 127.0.0.1 is in use") as refused:  # fmt: skip
        granian.serve(iris(), port=http.base_url.port)
    assert refused.value.hint
    assert "is free" in refused.value.hint


def test_it_speaks_tls_to_who_has_a_certificate(tmp_path: Path) -> None:
    ours = authority(tmp_path / "ours")
    cert, key = ours.issue("server")
    files = {"tls_cert": cert, "tls_key": key, "tls_client_ca": ours.file}
    with serving(iris(), by=granian.serve, **files) as client:
        context = ssl.create_default_context(cafile=ours.file)
        with (
            httpx2.Client(base_url=client.base_url, verify=context) as stranger,
            pytest.raises(httpx2.TransportError),
        ):
            stranger.get("/healthz")
        context.load_cert_chain(*ours.issue("client"))
        with httpx2.Client(base_url=client.base_url, verify=context) as known:
            assert known.post("/predict", json=records()).status_code == 200
    with pytest.raises(InvalidSetting, match="tls_key: /no/such cannot be read"):
        granian.serve(iris(), tls_cert=cert, tls_key="/no/such")


def test_a_model_that_hangs_is_not_waited_for_longer_than_was_said() -> None:
    leave, entered = threading.Event(), threading.Event()
    answered: list[int] = []

    def hangs(x: float) -> float:
        entered.set()
        leave.wait(60)
        return x

    def ask(url: httpx2.URL) -> None:
        with contextlib.suppress(httpx2.TransportError):
            answered.append(httpx2.post(url, json=1.0, timeout=60).status_code)

    with serving(function_model("hangs", 1.0, predict=hangs), by=granian.serve, drain_seconds=0.2) as client:  # fmt: skip
        asking = threading.Thread(target=ask, args=(client.base_url.join("/predict"),))
        asking.start()
        assert entered.wait(60)
        began = time.monotonic()
    assert time.monotonic() - began < 30
    leave.set()
    asking.join(60)
    assert not asking.is_alive()
    assert answered in ([], [500])


def test_its_options_are_those_of_the_other_server() -> None:
    assert inspect.signature(granian.serve) == inspect.signature(fastapi.serve)


def test_without_granian_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(granian, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra) as refused:
        granian.serve(iris())
    assert "modelyard[granian]" in str(refused.value)
