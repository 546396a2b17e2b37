"""Webhooks: kept without showing their secret, told of what happens, tried again, given up."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlflow_server import Client, serving
from modelyard.base.clock import now_ms
from modelyard.compat.mlflow_rest import deliveries
from modelyard.compat.mlflow_rest.deliveries import Deliveries
from modelyard.compat.mlflow_rest.webhook_events import EXAMPLES
from modelyard.compat.mlflow_rest.webhooks import KNOWN, find
from modelyard.registry import verbs
from modelyard.yard.yard import Yard

CREATED = {"entity": "MODEL_VERSION", "action": "CREATED"}
ALL = [
    {"entity": entity.upper(), "action": action.upper()}
    for entity, _, action in (word.partition(".") for word in sorted(KNOWN))
]


class Receiver:
    """Answers with the statuses it is given, 200 when there are none left."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], str]] = []
        self.statuses: list[int] = []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                receiver.got.append((dict(self.headers), body))
                self.send_response(receiver.statuses.pop(0) if receiver.statuses else 200)
                self.send_header("Location", "http://169.254.169.254/")
                self.end_headers()
                self.wfile.write(b"thanks")

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook?a=1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def heard(self) -> list[tuple[str, str]]:
        bodies = [json.loads(body) for _, body in self.got]
        return [(f"{b['entity']}.{b['action']}", b["data"]["name"]) for b in bodies]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture
def near(tmp_path: Path) -> Iterator[Client]:
    """A server whose webhooks may lead to this machine."""
    with Yard(tmp_path / "yard.db") as yard, serving(yard, local_webhooks=True) as client:
        yield client


def hook(client: Client, url: str, events: list[dict[str, str]] = ALL, **fields: Any) -> str:
    made = client.post("webhooks", name="hook", url=url, events=events, **fields)
    return made["webhook"]["webhook_id"]


def turn(client: Client, webhook_id: str) -> None:
    """What the worker does when the webhook's time has come."""
    Deliveries(client.yard, local=True).turn(find(client.yard, webhook_id))


def test_the_secret_is_never_shown(near: Client, receiver: Receiver) -> None:
    webhook_id = hook(near, receiver.url, secret="s3cret")
    near.patch(f"webhooks/{webhook_id}", secret="other s3cret", status="DISABLED")
    shown = [
        near.get(f"webhooks/{webhook_id}"),
        near.get("webhooks"),
        near.patch(f"webhooks/{webhook_id}", description="d"),
    ]
    assert "s3cret" not in json.dumps(shown)
    assert find(near.yard, webhook_id).secret == "other s3cret"
    assert shown[2]["webhook"]["status"] == "DISABLED"


def test_what_is_sent_is_signed(near: Client, receiver: Receiver) -> None:
    webhook_id = hook(near, receiver.url, secret="s3cret")
    result = near.post(f"webhooks/{webhook_id}/test", event=CREATED)["result"]
    assert result == {"success": True, "response_status": 200, "response_body": "thanks"}
    ((headers, body),) = receiver.got
    signed = f"{headers['X-MLflow-Delivery-Id']}.{headers['X-MLflow-Timestamp']}.{body}"
    digest = hmac.new(b"s3cret", signed.encode(), hashlib.sha256).digest()
    assert headers["X-MLflow-Signature"] == f"v1,{base64.b64encode(digest).decode()}"
    assert json.loads(body)["data"] == EXAMPLES["model_version.created"]


def test_each_event_is_told_once_and_in_order(near: Client, receiver: Receiver) -> None:
    webhook_id = hook(near, receiver.url)
    registry = near.yard.models.registry
    near.post("registered-models/create", name="churn")
    verbs.register(registry, "churn", digest="1" * 64)
    near.post("model-versions/set-tag", name="churn", version="1", key="a", value="b")
    near.post("registered-models/alias", name="churn", alias="best", version="1")
    near.delete("registered-models/alias", name="churn", alias="best")
    near.delete("model-versions/delete-tag", name="churn", version="1", key="a")
    near.post("registered-models/create", name="hello", tags=[{"key": "mlflow.prompt.is_prompt", "value": "true"}])  # fmt: skip
    turn(near, webhook_id)
    turn(near, webhook_id)
    assert receiver.heard() == [
        ("registered_model.created", "churn"), ("model_version.created", "churn"), ("model_version_tag.set", "churn"),
        ("model_version_alias.created", "churn"), ("model_version_alias.deleted", "churn"), ("model_version_tag.deleted", "churn"),
        ("prompt.created", "hello"),
    ]  # fmt: skip
    assert len({headers["X-MLflow-Delivery-Id"] for headers, _ in receiver.got}) == 7


def test_only_what_was_asked_for_is_told_and_only_from_then_on(near: Client, receiver: Receiver) -> None:  # fmt: skip
    verbs.register(near.yard.models.registry, "early", digest="1" * 64)
    webhook_id = hook(near, receiver.url, [CREATED])
    verbs.register(near.yard.models.registry, "late", digest="2" * 64)
    turn(near, webhook_id)
    assert receiver.heard() == [("model_version.created", "late")]


def test_what_fails_is_tried_again_later_and_given_up(near: Client, receiver: Receiver) -> None:
    webhook_id = hook(near, receiver.url, [CREATED])
    verbs.register(near.yard.models.registry, "a", digest="1" * 64)
    receiver.statuses = [503]
    turn(near, webhook_id)
    row = find(near.yard, webhook_id)
    assert row.attempts == 1
    assert row.due_ms > now_ms()
    turn(near, webhook_id)
    assert find(near.yard, webhook_id).attempts == 0
    ids = [headers["X-MLflow-Delivery-Id"] for headers, _ in receiver.got]
    assert ids[0] == ids[1]
    verbs.register(near.yard.models.registry, "b", digest="2" * 64)
    receiver.statuses = [500] * deliveries.ATTEMPTS
    for _ in range(deliveries.ATTEMPTS):
        turn(near, webhook_id)
    verbs.register(near.yard.models.registry, "c", digest="3" * 64)
    turn(near, webhook_id)
    assert receiver.heard()[-1] == ("model_version.created", "c")
    assert len(receiver.got) == 2 + deliveries.ATTEMPTS + 1


def test_a_redirect_leads_nowhere(near: Client, receiver: Receiver) -> None:
    webhook_id = hook(near, receiver.url, [CREATED])
    receiver.statuses = [302]
    result = near.post(f"webhooks/{webhook_id}/test")["result"]
    assert (result["success"], result["response_status"]) == (False, 302)
    assert len(receiver.got) == 1


def test_two_hubs_do_not_tell_the_same_thing(near: Client, receiver: Receiver) -> None:
    webhook_id = hook(near, receiver.url, [CREATED])
    verbs.register(near.yard.models.registry, "a", digest="1" * 64)
    seen = find(near.yard, webhook_id)
    Deliveries(near.yard, local=True).turn(seen)
    Deliveries(near.yard, local=True).turn(seen)  # looked at the same moment, came second
    assert len(receiver.got) == 1


def test_the_worker_does_it_by_itself(near: Client, receiver: Receiver) -> None:
    hook(near, receiver.url, [CREATED])
    worker = Deliveries(near.yard, local=True, every=0.02)
    worker.start()
    try:
        verbs.register(near.yard.models.registry, "a", digest="1" * 64)
        waited = threading.Event()
        for _ in range(500):
            if receiver.got:
                break
            waited.wait(0.02)
    finally:
        worker.stop()
    assert receiver.heard() == [("model_version.created", "a")]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://localhost:5000/", "http://2130706433/", "http://0x7f.1/", "http://[::1]/", "http://[::ffff:127.0.0.1]/",
        "http://169.254.169.254/latest/meta-data", "http://100.64.0.1/", "http://10.0.0.1/", "ftp://example.org/", "file:///etc/passwd",
        "http://user:pw@127.0.0.1/", "//x", "x", "http://",
    ],
)  # fmt: skip
def test_no_address_of_our_own_network_is_called(client: Client, url: str) -> None:
    status, code, _ = client.refused("POST", "webhooks", name="hook", url=url, events=[CREATED])
    assert (status, code) == (400, "INVALID_PARAMETER_VALUE")
    assert client.get("webhooks") == {}


@pytest.mark.parametrize(
    "fields",
    [
        {"events": []}, {"events": [{"entity": "MODEL_VERSION", "action": "DELETED"}]}, {"events": [{}]}, {"events": "x"},
        {"name": ""}, {"name": "../x"}, {"status": "SLEEPING"}, {"url": ""}, {"secret": 3},
    ],
)  # fmt: skip
def test_a_webhook_that_means_nothing_is_refused(near: Client, fields: dict[str, Any]) -> None:
    good = {"name": "hook", "url": "http://127.0.0.1:9/", "events": [CREATED]}
    assert near.refused("POST", "webhooks", **{**good, **fields})[0] == 400
    assert near.refused("GET", "webhooks/none")[:2] == (404, "RESOURCE_DOES_NOT_EXIST")
