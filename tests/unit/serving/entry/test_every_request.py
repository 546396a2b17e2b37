"""What every request passes on a real server: keys, rates, deadlines, pages of other origins, the access log."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.routing import Route

from modelyard.base import plugins
from modelyard.base.errors import InvalidSetting, NotAllowed, Overloaded, Unauthenticated
from modelyard.serving.asking import ASKED, NOBODY, Caller
from modelyard.serving.entry.auth import OPEN
from modelyard.serving.entry.gate import Gate
from modelyard.serving.entry.rates import Rates
from modelyard.serving.interface import Json, Request
from modelyard.serving.paths import DirectPaths
from modelyard.serving.servers.fastapi import create_app, serve
from modelyard.serving.service import Service
from serving_cases.logs import FaultyLog
from serving_cases.models import function_model, gated, iris, records
from serving_cases.server import serving

CI, SHOP = "c" * 20, "s" * 20
PAGE, STRANGER = "https://app.example", "https://evil.example"


class Guarded:
    """A server of two models with keys, a log of requests, and pages that may call."""

    def __init__(self, client: httpx2.Client, file: Path, log: FaultyLog) -> None:
        self.client, self.file, self.log = client, file, log

    def post(self, path: str = "/iris/predict", key: str | None = CI, **headers: str) -> Any:
        sent = {"X-API-Key": key} if key else {}
        return self.client.post(path, json=records(), headers={**sent, **headers})

    def line(self, request_id: str) -> dict[str, Any]:
        """What the access log says of a request, once it does."""
        for _ in range(200):
            for line in self.file.read_text().splitlines():
                if (found := json.loads(line))["request_id"] == request_id:
                    return found
            threading.Event().wait(0.02)
        raise AssertionError(f"no line of {request_id}")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "ci").write_text(CI)
    (folder / "shop").write_text(SHOP)
    keys = {
        "ci": f"file:{folder / 'ci'}",
        "shop": {"key": f"file:{folder / 'shop'}", "models": ["other*"]},
    }
    log = FaultyLog()
    with serving(
        [iris(), iris("other")],
        log=log,
        auth={"keys": keys},
        access_log=str(folder / "access.log"),
        allowed_origins=[PAGE],
        limits={"rows": 3},
    ) as client:
        yield Guarded(client, folder / "access.log", log)


# -- keys


def test_who_has_a_key_is_answered_and_named(guarded: Guarded) -> None:
    answer = guarded.post(**{"X-Request-ID": "named"})
    assert answer.status_code == 200
    line = guarded.line("named")
    assert (line["caller"], line["status"], line["protocol"]) == ("ci", 200, "rest")
    with_bearer = guarded.post(key=None, Authorization=f"Bearer {SHOP}", **{"X-Request-ID": "b"})
    assert with_bearer.status_code == 403
    assert guarded.post("/other/predict", SHOP).status_code == 200
    for _ in range(200):
        if len(guarded.log.kept) >= 4:
            break
        threading.Event().wait(0.02)
    assert {(p.model.partition("@")[0], p.caller) for p in guarded.log.kept} == {
        ("iris", "ci"),
        ("other", "shop"),
    }


def test_without_a_key_it_says_how(guarded: Guarded) -> None:
    answer = guarded.post(key=None)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="modelyard"'
    error = answer.json()["error"]
    assert error["code"] == "unauthenticated"
    assert "X-API-Key" in error["hint"]
    assert error["request_id"] == answer.headers["x-request-id"]
    wrong = guarded.post(key="w" * 20)
    assert wrong.status_code == 401
    assert wrong.headers["www-authenticate"].endswith('error="invalid_token"')
    assert "w" * 20 not in wrong.text


def test_a_key_for_other_models_is_403_and_the_model_is_not_asked(guarded: Guarded) -> None:
    answer = guarded.post(key=SHOP)
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "not_allowed"


def test_a_key_for_other_models_gets_no_job_done_and_sees_none(guarded: Guarded) -> None:
    assert guarded.post("/jobs/iris/predict", SHOP).status_code == 403
    done = guarded.post("/jobs/iris/predict?wait=30")
    assert done.json()["status"] == "done"
    place = done.headers["location"]
    for verb, path in (("GET", place), ("GET", f"{place}/result"), ("DELETE", place)):
        refused = guarded.client.request(verb, path, headers={"X-API-Key": SHOP})
        assert refused.status_code == 403, (verb, path)
    headers = {"X-API-Key": CI}
    assert guarded.client.get(f"{place}/result", headers=headers).status_code == 200
    mine = guarded.post("/jobs/other/predict?wait=30", SHOP)
    assert mine.json()["status"] == "done"


def test_the_formats_of_other_servers_are_for_the_same_callers(guarded: Guarded) -> None:
    body = {"inputs": [{"name": n, "shape": [1], "datatype": "FP64", "data": [1.0]} for n in ("length", "width")]}  # fmt: skip
    for path, sent in (
        ("/v2/models/{}/infer", body),
        ("/invocations?model={}", {"dataframe_records": records()}),
    ):
        answers = {
            (name, key): guarded.client.post(
                path.format(name), json=sent, headers={"X-API-Key": key}
            )
            for name in ("iris", "other")
            for key in (CI, SHOP)
        }
        statuses = {at: answer.status_code for at, answer in answers.items()}
        assert statuses == {
            ("iris", CI): 200,
            ("iris", SHOP): 403,
            ("other", CI): 200,
            ("other", SHOP): 200,
        }, path
    unload = guarded.client.post(
        "/v2/repository/models/iris/unload", json={}, headers={"X-API-Key": SHOP}
    )
    assert unload.status_code == 403


def test_nothing_but_probes_is_open(guarded: Guarded) -> None:
    """Every path that any protocol or the server itself has, by every verb."""
    schema = guarded.client.get("/openapi.json", headers={"X-API-Key": CI}).json()
    paths = [*schema["paths"], "/", "/docs", "/openapi.json", "/nowhere", "/docs/oauth2-redirect"]
    assert len(paths) > 10
    for path in paths:
        for verb in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
            status = guarded.client.request(verb, path).status_code
            asks = path in OPEN or path == "/v2/models/{model}/ready"
            probe = asks and verb in ("GET", "HEAD")
            assert (status != 401) == probe, (verb, path, status)
    assert schema["paths"]["/healthz"]["get"]["security"] == []
    assert "401" in schema["paths"]["/iris/predict"]["post"]["responses"]
    assert {"bearer", "key"} == set(schema["components"]["securitySchemes"])


def test_no_route_of_any_protocol_gets_past_the_gate() -> None:
    """The same inside: whatever is mounted, the gate stands before it."""
    service = Service([iris()], gate=Gate(auth=None))
    loaded = {name: plugins.load("protocols", name) for name in plugins.names("protocols")}
    spoken = [name for name, module in loaded.items() if hasattr(module, "routes")]
    app = create_app(service, protocols=spoken)
    declared = [r.path for r in app.routes if isinstance(r, Route)]
    declared += list(DirectPaths(service, app.routes).paths)
    declared += ["/v2", "/v2/models", "/v2/models/iris", "/v2/repository/index", "/nowhere"]
    declared += ["/v2/repository/models/iris/unload", "/v2/health/ready", "/ping", "/invocations"]
    assert {"/predict", "/v2/models/iris/infer"} <= set(declared)

    class Nobody:
        """Says no to all, and remembers whom it was asked about."""

        def is_open(self, verb: str, path: str) -> bool:
            return False

        def authenticate(self, headers: Any) -> Caller:
            raise Unauthenticated("no")

    service.gate.auth = Nobody()  # type: ignore[assignment]  # as much of one as a gate needs
    transport = httpx2.ASGITransport(app=app)

    async def ask() -> dict[str, int]:
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return {
                path: (
                    await client.request(verb, path.replace("{", "").replace("}", ""))
                ).status_code
                for path in declared
                for verb in ("GET", "POST")
            }

    assert set(asyncio.run(ask()).values()) == {401}


def test_probes_tell_a_stranger_no_names(guarded: Guarded) -> None:
    assert guarded.client.get("/healthz").json() == {"status": "ok"}
    assert guarded.client.get("/readyz").json() == {"status": "ready"}


def test_metrics_and_docs_may_be_opened(tmp_path: Path) -> None:
    (tmp_path / "ci").write_text(CI)
    auth = {"keys": f"file:{tmp_path / 'ci'}", "open": "metrics,docs"}
    with serving(iris(), auth=auth) as client:
        assert client.get("/metrics").status_code == 200
        assert client.get("/docs").status_code == 200
        assert client.get("/interface.json").status_code == 401
        assert client.post("/metrics").status_code == 401


@pytest.mark.parametrize(
    ("auth", "says"),
    [
        ({"key": "env:X"}, "auth has no setting 'key'"),
        ({"keys": "env:X", "open": "everything"}, "auth.open has 'everything'"),
        ({"open": "docs"}, "means nothing"),
        ({"jwt": "jwks.json"}, "auth.jwt is a table"),
    ],
)
def test_wrong_settings_are_refused_before_anything_is_served(
    auth: dict[str, Any], says: str
) -> None:
    with pytest.raises(InvalidSetting, match=says):
        serve(iris(), port=0, auth=auth)


# -- the access log


def test_a_line_says_what_was_asked_and_where_the_time_went(guarded: Guarded) -> None:
    guarded.post(**{"X-Request-ID": "timed"})
    line = guarded.line("timed")
    assert line["model"].startswith("iris@")
    assert (line["method"], line["rows"], line["verb"]) == ("predict", 2, "POST")
    assert line["route"] == line["path"] == "/iris/predict"
    assert line["bytes_in"] == len(json.dumps(records(), separators=(",", ":")))
    assert line["bytes_out"] > 0
    assert line["run_ms"] > 0
    assert line["batch_rows"] >= 2
    assert line["ms"] >= line["run_ms"]
    assert line["remote"] == "127.0.0.1"


def test_a_line_for_what_was_refused_and_none_for_probes(guarded: Guarded) -> None:
    guarded.client.get("/healthz", headers={"X-Request-ID": "probe"})
    guarded.post(key=None, **{"X-Request-ID": "stranger"})
    guarded.client.post("/no/such?secret=1", headers={"X-API-Key": CI, "X-Request-ID": "lost"})
    stranger = guarded.line("stranger")
    assert (stranger["status"], stranger["path"], stranger["caller"]) == (401, "/iris/predict", "")
    lost = guarded.line("lost")
    assert (lost["status"], lost["route"], lost["path"]) == (404, "unmatched", "/no/such")
    text = guarded.file.read_text()
    assert '"probe"' not in text
    for word in ("secret=1", CI, SHOP, "length"):
        assert word not in text


def test_one_request_has_one_id_in_answer_and_log(guarded: Guarded) -> None:
    answer = guarded.post()
    assert guarded.line(answer.headers["x-request-id"])["status"] == 200


# -- limits


def test_too_many_records_are_413(guarded: Guarded) -> None:
    headers = {"X-API-Key": CI}
    answer = guarded.client.post("/iris/predict", json=records(4), headers=headers)
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "too_large"
    assert answer.json()["error"]["limit"] == 3
    text = guarded.client.get("/metrics", headers=headers).text
    assert 'modelyard_rejected_total{reason="rows"} 1.0' in text
    assert 'modelyard_rejected_total{reason="key"}' in text


def test_who_asks_too_often_is_429_and_probes_go_on() -> None:
    with serving(iris(), limits={"rate": 0.01, "burst": 2}) as client:
        statuses = [client.post("/predict", json=records()).status_code for _ in range(4)]
        assert statuses == [200, 200, 429, 429]
        refused = client.post("/predict", json=records())
        assert int(refused.headers["retry-after"]) > 1
        assert refused.json()["error"]["code"] == "overloaded"
        assert client.get("/healthz").status_code == 200
        assert client.get("/readyz").status_code == 200


def test_each_key_has_its_own_rate_and_guessing_counts() -> None:
    class Two:
        def authenticate(self, headers: Any) -> Caller:
            name = headers.get(b"x-api-key", b"").decode()
            if name not in ("a", "b"):
                raise Unauthenticated("no")
            return Caller(name)

    refused: list[str] = []
    gate = Gate(auth=Two(), rates=Rates(0.001, 1), on_refused=refused.append)  # type: ignore[arg-type]  # as much of one as it needs
    assert gate.admit({b"x-api-key": b"a"}, "203.0.113.1") == Caller("a")
    assert gate.admit({b"x-api-key": b"b"}, "203.0.113.1") == Caller("b")
    for wanted in (Unauthenticated, Overloaded):
        with pytest.raises(wanted):
            gate.admit({}, "203.0.113.1")
    with pytest.raises(Overloaded):
        gate.admit({b"x-api-key": b"a"}, "203.0.113.1")
    assert refused == ["key", "rate", "rate"]


def test_a_client_says_how_long_it_waits() -> None:
    model, gate = gated()
    with serving(model, batching={"workers": 1}) as client, ThreadPoolExecutor(2) as pool:
        first = pool.submit(client.post, "/predict", json=records(1))
        assert gate.entered.acquire(timeout=60)
        headers = {"X-Request-Timeout": "0.05"}
        late = client.post("/predict", json=records(1), headers=headers)
        assert (late.status_code, late.json()["error"]["code"]) == (504, "timed_out")
        gate.leave.release()
        assert first.result().status_code == 200
        # While the model works on it, too; what it says afterwards is for nobody.
        # It has to have its turn before its time is up, however busy the machine is.
        headers = {"X-Request-Timeout": "1"}
        late = client.post("/predict", json=records(1), headers=headers)
        assert late.status_code == 504
        assert gate.entered.acquire(timeout=60)
        gate.leave.release(2)
        assert client.post("/predict", json=records(1)).status_code == 200
        assert len(gate.calls) == 3
        text = client.get("/metrics").text
        assert 'modelyard_rejected_total{reason="deadline"} 2.0' in text


@pytest.mark.parametrize("spelled", ["0", "-1", "soon", "nan", "inf", ""])
def test_a_time_that_is_none_is_refused(guarded: Guarded, spelled: str) -> None:
    answer = guarded.post(**{"X-Request-Timeout": spelled})
    assert answer.status_code == 400
    assert "X-Request-Timeout" in answer.json()["error"]["message"]


def test_a_model_that_takes_too_long_is_504_for_who_asked() -> None:
    model, gate = gated()
    with serving(model, limits={"answer_seconds": 0.05}) as client:
        late = client.post("/predict", json=records(1))
        assert (late.status_code, late.json()["error"]["code"]) == (504, "timed_out")
        assert "did not answer within 0.05 s" in late.json()["error"]["message"]
        gate.leave.release(2)
        for _ in range(100):
            if client.post("/predict", json=records(1)).status_code == 200:
                break
            gate.leave.release()
        else:
            raise AssertionError("it never answered again")
        assert 'reason="answer"' in client.get("/metrics").text


# -- pages of other origins


def preflight(guarded: Guarded, origin: str, **headers: str) -> Any:
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST", **headers}
    return guarded.client.options("/iris/predict", headers=asked)


def test_a_page_that_is_listed_may_ask_call_and_read(guarded: Guarded) -> None:
    before = preflight(guarded, PAGE, **{"Access-Control-Request-Headers": "x-api-key, x-mine"})
    assert before.status_code == 204
    assert before.headers["access-control-allow-origin"] == PAGE
    assert before.headers["access-control-allow-headers"] == "x-api-key, x-mine"
    assert "POST" in before.headers["access-control-allow-methods"]
    assert "access-control-allow-credentials" not in before.headers
    assert before.content == b""
    answer = guarded.post(Origin=PAGE)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert "x-request-id" in answer.headers["access-control-expose-headers"]
    refused = guarded.post(key=None, Origin=PAGE)
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == PAGE


def test_a_page_that_is_not_may_not(guarded: Guarded) -> None:
    for origin in (STRANGER, "null", PAGE + ".evil.example", "http://app.example"):
        before = preflight(guarded, origin)
        assert before.status_code == 403
        assert guarded.post(Origin=origin).status_code == 403
        read = guarded.client.get("/readyz", headers={"Origin": origin})
        for answer in (before, read):
            assert "access-control-allow-origin" not in answer.headers
            assert "origin" in answer.headers["vary"].lower()


def test_by_default_no_page_is_told_anything() -> None:
    with serving(iris()) as client:
        headers = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}
        assert client.options("/predict", headers=headers).status_code == 403
        assert "vary" not in client.get("/readyz", headers={"Origin": PAGE}).headers


@pytest.mark.parametrize("origin", ["*", "app.example", "https://app.example/x", "https://*.x.y"])
def test_what_is_no_origin_is_refused(origin: str) -> None:
    with pytest.raises(InvalidSetting, match="is not an origin"):
        serve(iris(), port=0, allowed_origins=[origin])


# -- other protocols


def test_a_protocol_of_its_own_passes_the_same_gate() -> None:
    """As gRPC does: metadata in, the caller out, all of it before the service is asked."""

    class Two:
        def authenticate(self, headers: Any) -> Caller:
            if headers.get(b"x-api-key") != b"good":
                raise Unauthenticated("no")
            return Caller("good", ("iris",))

    async def scenario() -> None:
        service = Service([iris(), iris("other")], gate=Gate(auth=Two()))  # type: ignore[arg-type]
        await service.start()
        await service.warm_up()
        arguments = {"X": Json(records())}

        async def call(key: bytes, model: str) -> Any:
            with service.gate.passage({b"x-api-key": key}, "::1", protocol="grpc") as asked:
                answer = await service.infer(Request(model, "predict", arguments, "r"))
                assert asked.model == answer.identity
                return answer.value

        assert len(await call(b"good", "iris")) == 2
        with pytest.raises(NotAllowed):
            await call(b"good", "other")
        with pytest.raises(Unauthenticated):
            await call(b"bad", "iris")
        assert ASKED.get() is None
        await service.close()

    asyncio.run(scenario())
    assert NOBODY.models == ()


def test_functions_too_are_for_who_may_use_them(tmp_path: Path) -> None:
    (tmp_path / "ci").write_text(CI)
    keys = {"ci": {"key": f"file:{tmp_path / 'ci'}", "models": "double"}}
    model = function_model("double", 1.0, predict=lambda x: x)
    with serving([model, iris()], auth={"keys": keys}) as client:
        client.headers["X-API-Key"] = CI
        assert client.post("/double/predict", json=2.0).json() == 2.0
        assert client.post("/iris/predict", json=records()).status_code == 403
