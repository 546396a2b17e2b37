"""Who may upload in parts, and what is refused."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from modelyard.hub import accounts
from modelyard.yard.yard import Yard

API = "/api/v1"


@pytest.fixture
def run(client: TestClient) -> str:
    return client.post(f"{API}/runs", json={"experiment_id": 0}).json()["run_id"]


def begin(client: TestClient, run: str, **more: object) -> str:
    answer = client.post(f"{API}/uploads", json={"owner": f"run:{run}", "path": "a", **more})
    assert answer.status_code == 201, answer.text
    return f"{API}/uploads/{answer.json()['id']}"


def test_a_run_that_is_gone_for_good_gets_no_files(client: TestClient, run: str, yard: Yard) -> None:  # fmt: skip
    place = begin(client, run)
    client.put(f"{place}/parts/1", content=b"data")
    yard.tracker.delete_runs([run])
    yard.tracker.purge_runs([run])
    assert client.post(f"{place}/complete").status_code == 404
    assert list(yard.artifacts.walk(f"run:{run}")) == []
    assert client.post(f"{API}/uploads", json={"owner": f"run:{run}", "path": "a"}).status_code == 404  # fmt: skip


def test_what_cannot_be_meant_is_refused(client: TestClient, run: str) -> None:
    for wrong in (
        {"owner": "run:x", "path": "a"},
        {"owner": f"run:{run}", "path": "../a"},
        {"owner": f"run:{run}", "path": ""},
        {"owner": f"run:{run}", "path": "a", "size": -1},
        {"owner": f"run:{run}", "path": "a", "sha256": "x"},
        {"owner": f"run:{run}", "path": "a", "parts": 2},
    ):
        answer = client.post(f"{API}/uploads", json=wrong)
        assert answer.status_code == 400, answer.text
    place = begin(client, run, size=4)
    for number in ("0", "10001", "-1", "x"):
        assert client.put(f"{place}/parts/{number}", content=b"data").status_code == 400
    assert client.get(f"{API}/uploads/{'0' * 32}").status_code == 404
    assert client.put(f"{API}/uploads/{'0' * 32}/parts/1", content=b"x").status_code == 404
    client.put(f"{place}/parts/1", content=b"more than four")
    assert client.post(f"{place}/complete").status_code == 400
    assert client.get(place).json()["done"] is False


def test_a_viewer_sends_nothing(client: TestClient, run: str, yard: Yard) -> None:
    place = begin(client, run)
    accounts.add_user(yard.database, "ana", "viewer")
    token = accounts.create_token(yard.database, "ana")["secret"]
    headers = {"authorization": f"Bearer {token}"}
    new = {"owner": f"run:{run}", "path": "b"}
    refused = (
        client.post(f"{API}/uploads", json=new, headers=headers),
        client.get(place, headers=headers),
        client.put(f"{place}/parts/1", content=b"data", headers=headers),
        client.post(f"{place}/complete", headers=headers),
        client.delete(place, headers=headers),
    )
    assert [answer.status_code for answer in refused] == [403] * 5
    assert yard.uploads.get(place.rpartition("/")[2]).parts == ()
