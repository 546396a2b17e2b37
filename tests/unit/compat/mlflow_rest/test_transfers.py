"""Large files past the hub, as MLflow's client sends and fetches them: signed addresses, real requests to a bucket."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlflow_server import FILES, Client, serving
from modelyard.compat.mlflow_rest.transfers import NO_PARTS, VARIABLE
from modelyard.testing.stores import MB, content, sha256
from modelyard.yard.yard import Yard

PROXY = "/api/2.0/mlflow-artifacts"


@pytest.fixture
def client(s3_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """On a yard with all files in a bucket."""
    monkeypatch.setenv(VARIABLE, "1")
    with Yard(tmp_path / "yard.db", artifacts=s3_uri) as yard, serving(yard) as found:
        yield found


class Transfer:
    """One upload in parts, as the client makes it."""

    def __init__(self, client: Client, folder: str, file: str, data: bytes, size: int) -> None:
        self.client, self.folder, self.file = client, folder, file
        self.pieces = [data[at : at + size] for at in range(0, len(data), size)]

    def call(self, what: str, **fields: Any) -> Any:
        url = f"{PROXY}/mpu/{what}/{self.folder}"
        return self.client.http.post(url, json={"path": self.file, **fields})

    def create(self) -> Any:
        answer = self.call("create", num_parts=len(self.pieces))
        assert answer.status_code == 200, answer.text
        return answer.json()

    def send(self, created: Any) -> list[dict[str, Any]]:
        parts = []
        for credential in created["credentials"]:
            number = credential["part_number"]
            request = urllib.request.Request(
                credential["url"],
                data=self.pieces[number - 1],
                headers={"Content-Type": "", **credential["headers"]},
                method="PUT",
            )
            with urllib.request.urlopen(request) as answer:
                etag = answer.headers["ETag"]
            parts.append({"part_number": number, "etag": etag, "url": credential["url"]})
        return parts


def paths(client: Client, run_id: str) -> list[str]:
    return [entry.path for entry in client.yard.artifacts.walk(f"run:{run_id}")]


def test_a_file_goes_to_the_bucket_and_comes_from_it(client: Client) -> None:
    run_id, data = client.run(), content(11 * MB)
    root = f"0/{run_id}/artifacts"
    transfer = Transfer(client, f"{root}/model", "/home/ana/out/weights.bin", data, 5 * MB)
    created = transfer.create()
    parts = transfer.send(created)
    assert paths(client, run_id) == []
    done = transfer.call("complete", upload_id=created["upload_id"], parts=parts[::-1])
    assert (done.status_code, done.json()) == (200, {})
    assert paths(client, run_id) == ["model/weights.bin"]
    entry = client.yard.artifacts.file(f"run:{run_id}", "model/weights.bin")
    assert (entry.size, entry.sha256) == (len(data), sha256(data))
    assert client.http.get(f"{FILES}/{root}/model/weights.bin").content == data
    told = client.http.get(f"{PROXY}/presigned/{root}/model/weights.bin").json()
    assert told["file_size"] == len(data)
    ranged = urllib.request.Request(told["url"], headers={**told["headers"], "Range": "bytes=5-9"})
    with urllib.request.urlopen(ranged) as answer:
        assert answer.read() == data[5:10]
    client.yard.collect()
    assert client.yard.check() == []


def test_an_upload_that_is_given_up_or_wrong_is_no_file(client: Client) -> None:
    run_id = client.run()
    transfer = Transfer(client, f"0/{run_id}/artifacts", "a.bin", b"data", 10)
    created = transfer.create()
    parts = transfer.send(created)
    for wrong in ([], parts * 2 + [{"part_number": 5, "etag": "x"}], [{"part_number": 1}]):
        answer = transfer.call("complete", upload_id=created["upload_id"], parts=wrong)
        assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    for _ in range(2):
        assert transfer.call("abort", upload_id=created["upload_id"]).status_code == 200
    gone = transfer.call("complete", upload_id=created["upload_id"], parts=parts)
    assert gone.status_code >= 400  # which, the bucket says
    assert transfer.call("abort", upload_id="../x").status_code == 400
    assert paths(client, run_id) == []
    assert client.http.get(f"{PROXY}/presigned/0/{run_id}/artifacts/a.bin").status_code == 404


def test_only_runs_and_models_that_are_there_take_files(client: Client) -> None:
    nobody = Transfer(client, f"0/{'f' * 32}/artifacts", "a", b"x", 1)
    assert nobody.call("create", num_parts=1).status_code == 404
    version = Transfer(client, f"versions/{'f' * 32}/artifacts", "a", b"x", 1)
    assert version.call("create", num_parts=1).status_code == 403
    mine = Transfer(client, f"0/{client.run()}/artifacts/..", "a", b"x", 1)
    assert mine.call("create", num_parts=1).status_code in (400, 404)
    for number in (0, 10_001, "x"):
        here = Transfer(client, f"0/{client.run()}/artifacts", "a", b"x", 1)
        assert here.call("create", num_parts=number).status_code == 400


def test_clients_are_told_what_there_is(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(of: Client) -> tuple[bool, bool]:
        info = of.http.get("/api/3.0/mlflow/server-info").json()
        return info["multipart_uploads_enabled"], info["multipart_downloads_enabled"]

    assert told(client) == (True, True)
    monkeypatch.delenv(VARIABLE)
    assert told(client) == (False, False)
    transfer = Transfer(client, f"0/{client.run()}/artifacts", "a", b"x", 1)
    refused = transfer.call("create", num_parts=1)
    assert (refused.status_code, refused.json()["message"]) == (501, NO_PARTS)
    monkeypatch.setenv(VARIABLE, "1")
    with Yard(tmp_path / "other.db") as yard, serving(yard) as embedded:
        assert told(embedded) == (False, False)
