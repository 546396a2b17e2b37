"""Experiments, runs, metrics, logged models and their files over REST."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from modelyard.yard.yard import Yard

API = "/api/v1"


@pytest.fixture
def yard(database_uri: str) -> Iterator[Yard]:
    """On each kind of database."""
    with Yard(database_uri) as opened:
        yield opened


@pytest.fixture
def run(client: TestClient) -> str:
    return client.post(f"{API}/runs", json={"name": "first"}).json()["run_id"]


def batch(client: TestClient, run: str, status: int = 204, key: str | None = None, **told: object) -> dict:  # fmt: skip
    headers = {"Idempotency-Key": key} if key else {}
    answer = client.post(f"{API}/runs/{run}/batch", json=told, headers=headers)
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else {}


def test_an_experiment_lives_dies_and_comes_back(client: TestClient) -> None:
    made = client.post(f"{API}/experiments", json={"name": "churn", "tags": {"a": "1"}}).json()
    place = f"{API}/experiments/{made['id']}"
    assert client.get(place).json() == made
    assert client.get(f"{API}/experiments/by-name/churn").json() == made
    assert client.put(f"{API}/experiments/by-name/churn").json() == made
    assert client.post(f"{API}/experiments", json={"name": "churn"}).status_code == 409
    changed = client.patch(place, json={"name": "leavers", "tags": {"a": None, "b": "2"}}).json()
    assert (changed["name"], changed["tags"]) == ("leavers", {"b": "2"})
    assert client.delete(place).status_code == 204
    assert client.get(place).json()["deleted_at"] is not None
    names = [e["name"] for e in client.get(f"{API}/experiments").json()["items"]]
    assert names == ["Default"]
    assert client.post(f"{place}/restore").json()["deleted_at"] is None
    assert client.post(f"{place}/purge").status_code == 409
    client.delete(place)
    assert client.post(f"{place}/purge").status_code == 204
    assert client.get(place).status_code == 404


def test_a_run_keeps_what_is_logged_exactly(client: TestClient, run: str) -> None:
    values = [0.1, "NaN", "Infinity", "-Infinity", -0.0, 5e-324, 1.7976931348623157e308, 2**53]
    points = [{"key": "m", "value": v, "step": n, "at": 1000 + n} for n, v in enumerate(values)]
    edges = [{"key": "edge", "value": 1, "step": s, "at": "2026-11-20T23:17:00Z"} for s in (-(2**63), 2**63 - 1)]  # fmt: skip
    batch(
        client, run, metrics=points + edges, params={"depth": "3", "ü": "x" * 5000}, tags={"t": "1"}
    )
    history = client.get(f"{API}/runs/{run}/metrics/history", params={"key": "m"})
    told = json.loads(history.text)["items"]
    assert [p["value"] for p in told] == values
    assert math.copysign(1, told[4]["value"]) == -1
    assert [p["step"] for p in told] == list(range(len(values)))
    steps = client.get(f"{API}/runs/{run}/metrics/history", params={"key": "edge"}).json()["items"]
    assert sorted(p["step"] for p in steps) == [-(2**63), 2**63 - 1]
    assert {p["at"] for p in steps} == {"2026-11-20T23:17:00Z"}
    shown = client.get(f"{API}/runs/{run}").json()
    assert shown["params"] == {"depth": "3", "ü": "x" * 5000}
    assert (shown["status"], shown["tags"]["t"]) == ("RUNNING", "1")


@pytest.mark.parametrize(
    "point",
    [
        {"key": "m", "value": "1"},
        {"key": "m", "value": True},
        {"key": "m", "value": None},
        {"key": "m", "value": "nan"},
        {"key": "m", "value": 1, "step": 2**63},
        {"key": "m", "value": 1, "step": 1.5},
        {"key": "m", "value": 1, "step": "1"},
        {"key": "m", "value": 1, "at": 1e20},
        {"key": "m", "value": 1, "at": 10**17},
        {"key": "m", "value": 1, "at": "yesterday"},
        {"key": "", "value": 1},
        {"key": "m" * 251, "value": 1},
        {"key": "../m", "value": 1},
        {"key": "m\u202e", "value": 1},
        {"key": "m\x00", "value": 1},
        {"key": "m"},
        {"key": "m", "value": 1, "stp": 1},
    ],
)
def test_one_wrong_point_keeps_the_whole_batch_out(
    client: TestClient, run: str, point: dict[str, object]
) -> None:
    batch(client, run, 400, metrics=[{"key": "good", "value": 1}, point], params={"p": "1"})
    shown = client.get(f"{API}/runs/{run}").json()
    assert (shown["metrics"], shown["params"]) == ([], {})


def test_a_number_beyond_all_numbers_is_refused(client: TestClient, run: str) -> None:
    for text in ("1e999", "-1e999", "NaN", "Infinity"):
        body = f'{{"metrics": [{{"key": "m", "value": {text}}}]}}'
        headers = {"content-type": "application/json"}
        answer = client.post(f"{API}/runs/{run}/batch", content=body, headers=headers)
        assert answer.status_code == 400, text


def test_a_param_is_written_once(client: TestClient, run: str) -> None:
    batch(client, run, params={"depth": "3"})
    batch(client, run, params={"depth": "3"})
    told = batch(client, run, 409, params={"depth": "4"}, tags={"new": "1"})
    assert told["error"]["code"] == "conflict"
    assert "new" not in client.get(f"{API}/runs/{run}").json()["tags"]


def test_a_retry_under_its_key_is_not_done_again(client: TestClient) -> None:
    """P6."""
    first, again = (
        client.post(f"{API}/runs", json={}, headers={"Idempotency-Key": "k1"}).json()
        for _ in range(2)
    )
    assert first["run_id"] == again["run_id"]
    assert len(client.get(f"{API}/runs").json()["items"]) == 1
    run = first["run_id"]
    for _ in range(3):
        batch(client, run, key="k1", metrics=[{"key": "m", "value": 1, "at": 1}])
        batch(client, run, key="k2", metrics=[{"key": "m", "value": 2, "at": 2}])
    told = client.get(f"{API}/runs/{run}/metrics/history", params={"key": "m"}).json()["items"]
    assert [p["value"] for p in told] == [1, 2]


def test_runs_end_are_deleted_restored_purged_moved_and_copied(
    client: TestClient, run: str
) -> None:
    place = f"{API}/runs/{run}"
    ended = client.patch(place, json={"status": "FINISHED", "ended_at": "2999-01-01T00:00:00Z"})
    assert (ended.json()["status"], ended.json()["ended_at"]) == ("FINISHED", "2999-01-01T00:00:00Z")  # fmt: skip
    some = {"run_ids": [run]}
    assert client.post(f"{API}/runs/purge", json=some).status_code == 409
    assert client.post(f"{API}/runs/delete", json=some).status_code == 204
    assert client.get(f"{API}/runs").json()["items"] == []
    assert len(client.get(f"{API}/runs", params={"view": "deleted"}).json()["items"]) == 1
    assert client.post(f"{place}/batch", json={"tags": {"a": "1"}}).status_code == 409
    assert client.post(f"{API}/runs/restore", json=some).status_code == 204
    other = client.post(f"{API}/experiments", json={"name": "other"}).json()["id"]
    assert client.post(f"{API}/runs/move", json={**some, "experiment_id": other}).status_code == 204
    assert client.get(place).json()["experiment_id"] == other
    copied = client.post(f"{place}/copy", params={"experiment_id": 0})
    assert copied.status_code == 201
    assert copied.json()["run_id"] != run
    client.post(f"{API}/runs/delete", json=some)
    assert client.post(f"{API}/runs/purge", json=some).status_code == 204
    assert client.get(place).status_code == 404


def test_runs_are_searched_page_by_page(client: TestClient) -> None:
    ids = []
    for n in range(5):
        run = client.post(f"{API}/runs", json={"name": f"r{n}"}).json()["run_id"]
        batch(client, run, metrics=[{"key": "acc", "value": n / 10}], params={"depth": str(n)})
        ids.append(run)
    question = {"filter": "metrics.acc > 0.05", "order_by": ["metrics.acc desc"], "limit": 3}
    first = client.post(f"{API}/runs/search", json=question).json()
    rest = client.post(f"{API}/runs/search", json={**question, "page": first["next"]}).json()
    assert [r["run_id"] for r in first["items"] + rest["items"]] == ids[:0:-1]
    assert rest["next"] is None
    narrow = {"filter": "params.depth in ('2', '3')", "columns": {"metrics": [], "params": ["depth"], "tags": []}}  # fmt: skip
    found = client.post(f"{API}/runs/search", json=narrow).json()["items"]
    assert {r["params"]["depth"] for r in found} == {"2", "3"}
    assert all(r["metrics"] == [] for r in found)
    wrong = client.post(f"{API}/runs/search", json={"filter": "metric.acc >"})
    assert wrong.status_code == 400


@pytest.mark.parametrize(
    "filter", ["(" * 10_000, "a" * 1_000_000, "not " * 5000, "metrics.a > ", "'"]
)
def test_a_filter_that_costs_too_much_is_refused(client: TestClient, filter: str) -> None:
    for listing in ("runs", "experiments", "logged-models"):
        answer = client.post(f"{API}/{listing}/search", json={"filter": filter})
        assert answer.status_code in (400, 413), listing


def test_a_curve_has_lows_and_highs(client: TestClient, run: str) -> None:
    points = [{"key": "loss", "value": (n % 10), "step": n, "at": n} for n in range(1000)]
    batch(client, run, metrics=points)
    told = client.get(
        f"{API}/runs/{run}/metrics/curve", params={"key": "loss", "buckets": 10}
    ).json()
    assert 1 <= len(told["buckets"]) <= 10
    assert sum(b["count"] for b in told["buckets"]) == 1000
    assert {(b["low"], b["high"]) for b in told["buckets"]} == {(0, 9)}


def test_inputs_come_back_as_they_went_in(client: TestClient, run: str) -> None:
    one = {"name": "iris", "digest": "3f2a", "source_type": "local", "source": "file:///etc/passwd",
           "schema": '{"a": "long"}', "profile": "p" * 2_000_000, "tags": {"context": "training"}}  # fmt: skip
    batch(client, run, inputs=[one])
    assert client.get(f"{API}/runs/{run}").json()["inputs"] == [one]


def test_a_logged_model_is_begun_described_and_deleted(client: TestClient, run: str) -> None:
    new = {"name": "net", "type": "torch", "run_id": run, "params": {"p": "1"}}
    made = client.post(f"{API}/logged-models", json=new).json()
    place = f"{API}/logged-models/{made['model_id']}"
    assert (made["status"], made["run_id"]) == ("PENDING", run)
    batch(client, run, metrics=[{"key": "acc", "value": 0.5, "model_id": made["model_id"]}],
          model_outputs=[{"model_id": made["model_id"], "step": 3}])  # fmt: skip
    changed = client.patch(place, json={"status": "READY", "tags": {"a": "1"}}).json()
    assert (changed["status"], changed["tags"]) == ("READY", {"a": "1"})
    assert [(m["key"], m["value"], m["run_id"]) for m in changed["metrics"]] == [("acc", 0.5, run)]
    assert client.get(f"{API}/runs/{run}").json()["model_outputs"] == [{"model_id": made["model_id"], "step": 3}]  # fmt: skip
    found = client.post(f"{API}/logged-models/search", json={}).json()["items"]
    assert [m["model_id"] for m in found] == [made["model_id"]]
    assert client.delete(place).status_code == 204
    assert client.get(place).status_code == 404


def test_files_of_a_run_are_put_listed_read_and_removed(client: TestClient, run: str) -> None:
    place = f"{API}/artifacts/run:{run}"
    data = bytes(range(256)) * 10_000
    digest = hashlib.sha256(data).hexdigest()
    put = client.put(f"{place}/plots/roc.bin", content=data, headers={"X-Content-SHA256": digest})
    assert (put.status_code, put.json()["sha256"], put.json()["size"]) == (201, digest, len(data))
    client.put(f"{place}/notes.html", content=b"<script>alert(1)</script>")
    client.put(f"{place}/empty", content=b"")
    listed = client.get(place, params={"limit": 2}).json()
    rest = client.get(place, params={"page": listed["next"]}).json()
    assert [e["name"] for e in listed["items"] + rest["items"]] == ["empty", "notes.html", "plots"]
    assert [e["path"] for e in client.get(place, params={"folder": "plots"}).json()["items"]] == ["plots/roc.bin"]  # fmt: skip
    assert client.get(f"{place}/plots/roc.bin").content == data
    page = client.get(f"{place}/notes.html")
    assert page.headers["content-type"] == "application/octet-stream"
    assert page.headers["content-disposition"].startswith("attachment")
    assert page.headers["content-security-policy"].startswith("sandbox")
    assert client.delete(f"{place}/plots").json() == {"count": 1}
    assert client.get(f"{place}/plots/roc.bin").status_code == 404


def test_a_file_that_is_not_what_was_announced_is_not_kept(client: TestClient, run: str) -> None:
    place = f"{API}/artifacts/run:{run}"
    wrong = client.put(f"{place}/a", content=b"abc", headers={"X-Content-SHA256": "0" * 64})
    assert wrong.status_code == 400
    assert client.get(place).json()["items"] == []
    absent = client.put(f"{API}/artifacts/run:{'0' * 32}/a", content=b"abc")
    assert absent.status_code == 404


def test_an_upload_in_parts_is_taken_up_again(client: TestClient, run: str) -> None:
    """P4: sent out of order, one part twice; the file is there when all is, and not before."""
    parts = [b"a" * 70_000, b"b" * 70_000, b"c" * 100]
    whole = b"".join(parts)
    new = {"owner": f"run:{run}", "path": "big.bin", "size": len(whole), "sha256": hashlib.sha256(whole).hexdigest()}  # fmt: skip
    place = f"{API}/uploads/{client.post(f'{API}/uploads', json=new).json()['id']}"
    for number in (3, 1, 1):
        assert client.put(f"{place}/parts/{number}", content=parts[number - 1]).status_code == 200
    assert [p["number"] for p in client.get(place).json()["parts"]] == [1, 3]
    assert client.post(f"{place}/complete").status_code == 400
    assert client.get(f"{API}/artifacts/run:{run}").json()["items"] == []
    client.put(f"{place}/parts/2", content=parts[1])
    first, again = (client.post(f"{place}/complete").json() for _ in range(2))
    assert first == again
    assert client.get(f"{API}/artifacts/run:{run}/big.bin").content == whole
    other = client.post(f"{API}/uploads", json={"owner": f"run:{run}", "path": "x"}).json()["id"]
    assert client.delete(f"{API}/uploads/{other}").status_code == 204
    assert client.get(f"{API}/uploads/{other}").status_code == 404
