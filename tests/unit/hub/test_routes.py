"""What our own REST does, route by route."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pandas as pd
import pytest
from starlette.testclient import TestClient

from modelyard.base.clock import from_rfc3339
from modelyard.objects.load import load_model
from modelyard.yard.yard import Yard
from unit.hub.conftest import Saved, doubling, saved

API = "/api/v1"


def code(answer) -> str:
    return answer.json()["error"]["code"]


def test_a_model_is_registered_from_an_upload_and_loads_as_it_was(
    registered: TestClient, yard: Yard
) -> None:
    told = registered.get(f"{API}/models/churn/versions/1").json()
    assert (told["name"], told["version"], told["metrics"]) == ("churn", 1, {"error": 0.5})
    assert told["card"]["kind"] == "model"
    version = yard.models.get("churn@1")
    assert load_model(version.source, trust=version.digest).object(4.0) == 8.0


def test_equal_content_is_the_version_it_was(registered: TestClient, model: Saved) -> None:
    again = registered.post(f"{API}/models/churn/versions", json={"card": model.card})
    assert (again.status_code, again.json()["version"]) == (201, 1)


def test_a_card_whose_files_are_not_here_registers_nothing(
    client: TestClient, model: Saved
) -> None:
    answer = client.post(f"{API}/models/churn/versions", json={"card": model.card})
    assert (answer.status_code, code(answer)) == (409, "check_failed")
    assert client.get(f"{API}/models").json()["items"] == []


def test_a_card_that_lies_about_a_size_registers_nothing(client: TestClient, model: Saved) -> None:
    model.upload(client)
    model.card["artifact"][0]["size"] += 1
    answer = client.post(f"{API}/models/churn/versions", json={"card": model.card})
    assert answer.status_code == 409
    assert client.get(f"{API}/models").json()["items"] == []


def test_an_upload_is_kept_only_under_its_own_digest(client: TestClient) -> None:
    wrong = "0" * 64
    assert client.put(f"{API}/blobs/{wrong}", content=b"abc").status_code == 400
    assert client.get(f"{API}/blobs/{wrong}").status_code == 404
    right = hashlib.sha256(b"abc").hexdigest()
    assert client.put(f"{API}/blobs/{right}", content=b"abc").json() == {"sha256": right, "size": 3}
    assert client.get(f"{API}/blobs/{right}").json()["size"] == 3


def test_a_file_comes_down_as_it_went_up_and_the_audit_knows_who_took_it(
    registered: TestClient, model: Saved
) -> None:
    (entry,) = registered.get(f"{API}/models/churn/versions/latest/files").json()["items"]
    answer = registered.get(f"{API}/models/churn/versions/1/files/{entry['path']}")
    assert hashlib.sha256(answer.content).hexdigest() == entry["sha256"]
    assert answer.content in model.files.values()
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["content-security-policy"].startswith("sandbox")
    assert answer.headers["x-content-type-options"] == "nosniff"
    newest = registered.get(f"{API}/models/churn/events").json()["items"]
    downloads = registered.get(f"{API}/events?kind=model.downloaded").json()["items"]
    assert [e["after"]["path"] for e in downloads] == [entry["path"]]
    assert newest[0]["kind"] == "version.registered"


def test_a_version_is_registered_from_another_without_its_bytes(registered: TestClient) -> None:
    answer = registered.post(f"{API}/models/copy/versions", json={"source": "churn@1"})
    assert answer.status_code == 201
    first, second = (
        registered.get(f"{API}/models/{name}/versions/1").json()["digest"]
        for name in ("churn", "copy")
    )
    assert first == second


def test_stages_move_come_back_and_are_remembered(registered: TestClient, tmp_path: Path) -> None:
    second = saved(tmp_path, doubling(3.0), "other", sample_data=3.0)
    second.upload(registered)
    registered.post(f"{API}/models/churn/versions", json={"card": second.card})
    stage = f"{API}/models/churn/stages/prod"
    assert registered.put(stage, json={"version": 1}).json()["stages"] == ["prod"]
    before = registered.get(stage).json()
    assert registered.put(stage, json={"comment": "better"}).json()["version"] == 2
    assert registered.post(f"{API}/models/churn/rollback/prod", json={}).json()["version"] == 1
    none_before = registered.post(f"{API}/models/churn/rollback/prod", json={})
    assert (none_before.status_code, code(none_before)) == (409, "conflict")
    assert registered.get(stage).json()["version"] == 1
    assert registered.get(stage, params={"at": before["since"]}).json()["version"] == 1
    assert registered.delete(stage).json()["stages"] == {}
    assert code(registered.get(stage)) == "stage_empty"
    kinds = [e["kind"] for e in registered.get(f"{API}/models/churn/events").json()["items"]]
    assert kinds[:4] == ["stage.unassigned", "stage.unassigned", "stage.assigned", "stage.assigned"]


def test_an_alias_points_and_goes(registered: TestClient) -> None:
    alias = f"{API}/models/churn/aliases/champion"
    assert registered.put(alias, json={"version": 1}).json()["aliases"] == {"champion": 1}
    assert registered.get(f"{API}/models/churn/versions/@champion").json()["version"] == 1
    assert registered.delete(alias).status_code == 204
    assert registered.get(f"{API}/models/churn/versions/@champion").status_code == 404


def test_descriptions_and_tags_change_one_by_one(registered: TestClient) -> None:
    for target in (f"{API}/models/churn", f"{API}/models/churn/versions/1"):
        registered.patch(target, json={"description": "Who leaves", "tags": {"a": "1", "b": "2"}})
        told = registered.patch(target, json={"tags": {"a": None, "c": "3"}}).json()
        assert (told["description"], told["tags"]) == ("Who leaves", {"b": "2", "c": "3"})


def test_a_renamed_model_keeps_its_versions_and_a_deleted_one_its_history(
    registered: TestClient,
) -> None:
    assert (
        registered.post(f"{API}/models/churn/rename", json={"name": "leavers"}).status_code == 200
    )
    assert registered.get(f"{API}/models/churn").status_code == 404
    assert registered.get(f"{API}/models/leavers/versions/1").status_code == 200
    assert registered.delete(f"{API}/models/leavers/versions/1").status_code == 204
    assert registered.delete(f"{API}/models/leavers").status_code == 204
    kinds = [e["kind"] for e in registered.get(f"{API}/models/leavers/events").json()["items"]]
    assert kinds[0] == "model.deleted"
    assert kinds[-1] == "version.registered" or "version.registered" in kinds


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
def test_pages_hold_everything_once(client: TestClient, limit: int) -> None:
    names = [f"m{n}" for n in range(7)]
    for name in names:
        client.post(f"{API}/models", json={"name": name})
    seen, page = [], None
    while True:
        params = {"limit": limit} | ({"page": page} if page else {})
        told = client.get(f"{API}/models", params=params).json()
        assert len(told["items"]) <= limit
        seen += [item["name"] for item in told["items"]]
        page = told["next"]
        if page is None:
            break
    assert seen == names


def test_pages_of_events_go_on_below_what_is_added_meanwhile(client: TestClient) -> None:
    for n in range(5):
        client.post(f"{API}/models", json={"name": f"m{n}"})
    first = client.get(f"{API}/events", params={"limit": 2}).json()
    client.post(f"{API}/models", json={"name": "late"})
    second = client.get(f"{API}/events", params={"limit": 10, "page": first["next"]}).json()
    assert [e["subject"] for e in first["items"] + second["items"]] == [
        f"model:m{n}" for n in (4, 3, 2, 1, 0)
    ]
    assert second["next"] is None


@pytest.mark.parametrize(
    "page", ["x", "W10", "bnVsbA", "WyJtb2RlbHMiLDFd", "WyJldmVudHMiLCJhIl0", "A" * 3000, "é"]
)
def test_a_page_that_nobody_gave_is_refused(client: TestClient, page: str) -> None:
    for listing in ("models", "events", "datasets", "predictions"):
        answer = client.get(f"{API}/{listing}", params={"page": page})
        assert (answer.status_code, code(answer)) == (400, "invalid_input"), listing


def test_events_are_told_by_what_they_say(registered: TestClient) -> None:
    registered.post(f"{API}/models", json={"name": "other"}, headers={"X-Request-ID": "mine"})
    (found,) = registered.get(f"{API}/events", params={"request_id": "mine"}).json()["items"]
    assert (found["kind"], found["subject"]) == ("model.created", "model:other")
    assert from_rfc3339(found["at"])
    by_subject = registered.get(f"{API}/events", params={"subject": "model:churn"}).json()["items"]
    assert {e["subject"] for e in by_subject} == {"model:churn"}
    later = registered.get(f"{API}/events", params={"since": "2999-01-01T00:00:00Z"}).json()
    assert later["items"] == []


def test_a_data_set_is_added_from_an_upload_with_its_profile(
    client: TestClient, tmp_path: Path, yard: Yard
) -> None:
    frame = pd.DataFrame({"age": [1, 2, 3], "city": ["a", "b", "b"]})
    data = saved(tmp_path, frame, "people")
    data.upload(client)
    body = {"name": "people", "description": "Who", "card": data.card}
    told = client.post(f"{API}/datasets", json=body).json()
    assert (told["name"], told["version"], told["size_rows"], told["size_cols"]) == ("people", 1, 3, 2)  # fmt: skip
    assert [c["column_name"] for c in told["profile"]] == ["age", "city"]
    assert yard.datasets.get("people@1").data.equals(frame)
    assert client.get(f"{API}/datasets/people/latest").json()["version"] == 1
    assert [d["name"] for d in client.get(f"{API}/datasets").json()["items"]] == ["people"]


def test_a_model_is_no_data_set(client: TestClient, model: Saved) -> None:
    model.upload(client)
    answer = client.post(f"{API}/datasets", json={"name": "x", "card": model.card})
    assert (answer.status_code, answer.json()["error"]["details"]["field"]) == (400, "card.kind")


def test_predictions_are_paged_and_told_their_outcome(client: TestClient, yard: Yard) -> None:
    frame = pd.DataFrame({"x": [1.0, 2.0, 3.0], "reference_id": ["a", "b", "c"]})

    class Doubler:
        def predict(self, X: pd.DataFrame) -> list[float]:
            return (X["x"] * 2).tolist()

    yard.models.add(Doubler(), "double", sample_data=frame[["x"]]).predict(frame, log=True)
    first = client.get(f"{API}/predictions", params={"limit": 2}).json()
    rest = client.get(f"{API}/predictions", params={"limit": 2, "page": first["next"]}).json()
    seen = [p["reference_id"] for p in first["items"] + rest["items"]]
    assert sorted(seen) == ["a", "b", "c"]
    assert rest["next"] is None
    for which, count in (({}, len(first["items"] + rest["items"])), ({"reference_id": "b"}, 1)):
        assert client.get(f"{API}/predictions/count", params=which).json() == {"count": count}
    told = client.post(f"{API}/predictions/feedback", json={"reference_id": "b", "actual": 5})
    assert told.json() == {"count": 1}
    (one,) = client.get(f"{API}/predictions", params={"reference_id": "b"}).json()["items"]
    assert (one["actual"], one["inputs"], one["model"]) == (5, {"x": 2.0}, "double@1")


def test_what_runs_here(client: TestClient) -> None:
    assert client.get("/health").text == "OK"
    assert client.get("/version").text.count(".") == 2
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready"}
    told = client.get(f"{API}/server").json()
    assert (told["role"], told["authentication"], told["database"]) == ("admin", False, "sqlite")
    text = client.get("/metrics").text
    assert 'modelyard_hub_requests_total{method="GET",route="/api/v1/server",status="200"} 1.0' in text  # fmt: skip


def test_the_page_of_the_api_needs_nothing_from_elsewhere(client: TestClient) -> None:
    page = client.get("/api/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "http" not in page.text.replace("https://", "http").split("<body>")[0]
    for asset in ("docs.js", "docs.css"):
        assert f"/api/{asset}" in page.text
        assert client.get(f"/api/{asset}").status_code == 200
    assert "<script>" not in page.text
    assert "style=" not in page.text
