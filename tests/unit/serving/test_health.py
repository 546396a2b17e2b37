"""Health that reflects the model: what a probe is told when a model hangs, fails, or says itself that it is not ready."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2

from modelyard.objects.model import Model
from serving_cases.models import function_model, gated, iris, records, table_model
from serving_cases.server import serving


def until(client: httpx2.Client, path: str, status: int) -> dict[str, Any]:
    """The answer of a probe once it has this status."""
    for _ in range(500):
        answer = client.get(path)
        if answer.status_code == status:
            return answer.json()
        threading.Event().wait(0.01)
    raise AssertionError(f"{path} never answered {status}")


def test_a_model_that_hangs_while_others_wait_is_no_life() -> None:
    model, gate = gated()
    with serving(model, limits={"stuck_seconds": 0.05}) as client, ThreadPoolExecutor(2) as pool:
        first = pool.submit(client.post, "/predict", json=records(1))
        assert gate.entered.acquire(timeout=60)
        began = time.monotonic()
        while time.monotonic() - began < 0.1:
            assert client.get("/healthz").status_code == 200, "nobody waits: a long call is no harm"
        second = pool.submit(client.post, "/predict", json=records(1))
        assert until(client, "/healthz", 503) == {"status": "stuck"}
        assert until(client, "/readyz", 503) == {"status": "stuck", "models": {"gated": "stuck"}}
        gate.leave.release(2)
        assert (first.result().status_code, second.result().status_code) == (200, 200)
        assert client.get("/healthz").json() == {"status": "ok"}
        assert client.get("/readyz").status_code == 200


def test_a_model_that_fails_on_its_sample_is_not_ready_until_it_answers() -> None:
    broken = threading.Event()

    def predict(X: Any) -> Any:
        if broken.is_set():
            raise RuntimeError("a library is missing")
        return X["length"].to_numpy()

    model = table_model(predict)
    broken.set()
    with serving([model, iris()]) as client:
        states = {"tables": "failing", "iris": "ready"}
        assert until(client, "/readyz", 503) == {"status": "failing", "models": states}
        assert client.get("/healthz").status_code == 200
        assert client.post("/tables/predict", json=records()).status_code == 500
        broken.clear()
        assert client.post("/tables/predict", json=records()).status_code == 200
        assert client.get("/readyz").json()["status"] == "ready"


class Featured:
    """A model that needs something else to be there."""

    def __init__(self) -> None:
        self.here: Any = True
        self.asked = 0
        self.slow = threading.Event()
        self.slow.set()

    def is_ready(self) -> bool:
        self.asked += 1
        assert self.slow.wait(60)
        if isinstance(self.here, Exception):
            raise self.here
        return self.here


def featured() -> tuple[Model, Featured]:
    model, thing = function_model("featured", 1.0, predict=lambda x: x), Featured()
    model.object = thing
    return model, thing


def test_a_model_may_say_itself_that_it_is_not_ready(monkeypatch: Any) -> None:
    from modelyard.serving import health

    monkeypatch.setattr(health, "FRESH_SECONDS", 3600.0)
    model, thing = featured()
    with serving(model) as client:
        assert client.get("/readyz").json() == {"status": "ready", "models": {"featured": "ready"}}
        asked = thing.asked
        for _ in range(5):
            client.get("/readyz")
        assert thing.asked == asked, "probes do not call it each time"
        monkeypatch.setattr(health, "FRESH_SECONDS", 0.0)
        thing.here = False
        assert until(client, "/readyz", 503)["models"] == {"featured": "not ready"}
        thing.here = OSError("no features")
        assert until(client, "/readyz", 503)["status"] == "not ready"
        thing.here = True
        assert until(client, "/readyz", 200)["status"] == "ready"


def test_a_hook_that_hangs_is_not_ready_and_harms_nobody(monkeypatch: Any) -> None:
    from modelyard.serving import health

    monkeypatch.setattr(health, "HOOK_SECONDS", 0.05)
    monkeypatch.setattr(health, "FRESH_SECONDS", 0.0)
    model, thing = featured()
    with serving(model) as client:
        thing.slow.clear()
        assert until(client, "/readyz", 503)["status"] == "not ready"
        asked = thing.asked
        for _ in range(3):
            assert client.get("/readyz").status_code == 503
        assert thing.asked == asked, "it is asked once at a time"
        assert client.post("/predict", json=1.0).status_code == 200
        thing.slow.set()
        assert until(client, "/readyz", 200)["status"] == "ready"
