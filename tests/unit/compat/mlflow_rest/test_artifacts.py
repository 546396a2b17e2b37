"""The artifacts proxy: files in and out, and paths that mean harm."""

from __future__ import annotations

import json
import socket

import pytest

from mlflow_server import FILES, Client


def test_a_file_goes_in_and_comes_out(client: Client) -> None:
    run_id = client.run()
    root = f"0/{run_id}/artifacts"
    assert client.put_file(f"{root}/plots/roc é.svg", b"<svg/>").json() == {}
    got = client.http.get(f"{FILES}/{root}/plots/roc é.svg")
    assert got.content == b"<svg/>"
    assert got.headers["content-disposition"].startswith("attachment;")
    assert got.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in got.headers["content-security-policy"]
    listed = client.http.get(FILES, params={"path": f"{root}/plots"}).json()
    assert listed == {"files": [{"path": "roc é.svg", "is_dir": False, "file_size": 6}]}
    assert client.http.get(FILES, params={"path": f"{root}/plots/roc é.svg"}).json() == {}
    of_run = client.get("artifacts/list", run_id=run_id, path="plots")
    assert of_run == {"root_uri": f"mlflow-artifacts:/{root}", "files": [{"path": "plots/roc é.svg", "is_dir": False, "file_size": 6}]}  # fmt: skip
    assert client.get("artifacts/list", run_id=run_id)["files"] == [{"path": "plots", "is_dir": True}]  # fmt: skip
    shown = client.http.get("/get-artifact", params={"run_id": run_id, "path": "plots/roc é.svg"})
    assert shown.content == b"<svg/>"
    assert client.http.request("DELETE", f"{FILES}/{root}/plots").json() == {}
    missing = client.http.get(f"{FILES}/{root}/plots/roc é.svg")
    assert (missing.status_code, missing.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")


def test_large_files_are_streamed_both_ways(client: Client) -> None:
    run_id = client.run()
    data = bytes(range(256)) * 20_000
    path = f"{FILES}/0/{run_id}/artifacts/big.bin"
    chunks = (data[at : at + 70_000] for at in range(0, len(data), 70_000))
    assert client.http.put(path, content=chunks).status_code == 200
    got = client.http.get(path)
    assert got.content == data
    assert got.headers["content-length"] == str(len(data))
    assert client.http.put(path, content=data).status_code == 200


def test_half_a_file_is_no_file(client: Client) -> None:
    run_id = client.run()
    path = f"{FILES}/0/{run_id}/artifacts/half.bin"
    host, port = client.http.base_url.host, client.http.base_url.port
    for length in (100, 5_000_000):
        with socket.create_connection((host, port)) as raw:
            head = f"PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n"
            raw.sendall(head.encode() + b"x" * 50)
    assert client.http.get(path).status_code == 404
    assert client.yard.artifacts.stat(f"run:{run_id}") is None


def test_files_belong_to_what_is_there(client: Client) -> None:
    nobody = "f" * 32
    assert client.put_file(f"0/{nobody}/artifacts/x", b"1").status_code == 404
    assert client.put_file(f"0/models/m-{nobody}/artifacts/x", b"1").status_code == 404
    assert client.put_file(f"versions/{nobody}/artifacts/x", b"1").status_code == 403
    for path in ("x", "0/x", f"0/{nobody}/other/x", "traces/1/artifacts/x", f"0/{nobody.upper()}/artifacts/x"):  # fmt: skip
        assert client.put_file(path, b"1").status_code == 404


def test_files_of_logged_models(client: Client) -> None:
    model = client.post("logged-models", experiment_id="0", name="m")["model"]["info"]
    client.put_file(f"0/models/{model['model_id']}/artifacts/a/b.txt", b"1")
    found = client.get(f"logged-models/{model['model_id']}/artifacts/directories", artifact_directory_path="a")  # fmt: skip
    assert found["files"] == [{"path": "a/b.txt", "is_dir": False, "file_size": 1}]
    url = f"/ajax-api/2.0/mlflow/logged-models/{model['model_id']}/artifacts/files"
    assert client.http.get(url, params={"artifact_file_path": "a/b.txt"}).content == b"1"
    assert client.http.get(url).json()["error_code"] == "BAD_REQUEST"


def test_parts_and_links_are_said_to_be_missing(client: Client) -> None:
    for action in ("create", "complete", "abort"):
        got = client.http.post(f"/api/2.0/mlflow-artifacts/mpu/{action}/x", json={"path": "x"})
        assert (got.status_code, got.json()["error_code"]) == (501, "NOT_IMPLEMENTED")
    assert client.http.get("/api/2.0/mlflow-artifacts/presigned/x").status_code == 501


HARM = [
    "../../x", "..%2fx", "%2e%2e/x", "%252e%252e%252fx", "a/../../x", "a/..%5cx", "..%5cx", "C:%5cx", "%5c%5ch%5cs", ".", "./.", "", "//etc",
    "x%00", "x%0a", "%ef%bc%8e%ef%bc%8e/x", "x" * 300, "/".join("a" * 1 for _ in range(2000)), "%2fetc", "a//b", "a/", "con", "x.", "%c0%ae", "%e2%80%ae",
]  # fmt: skip


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "LIST"])
@pytest.mark.parametrize("path", HARM, ids=lambda path: path[:20])
def test_a_path_that_is_none_is_refused(client: Client, method: str, path: str) -> None:
    run_id = client.run()
    client.put_file(f"0/{run_id}/artifacts/kept", b"1")
    root = f"0/{run_id}/artifacts"
    target = f"{FILES}?path={root}/{path}" if method == "LIST" else f"{FILES}/{root}/{path}"
    status, body = sent_raw(client, "GET" if method == "LIST" else method, target)
    if method == "LIST" and path in ("", "a/"):  # a slash at the end of a folder's name is one
        assert status == 200
    else:
        assert 400 <= status < 500, body
        assert "error_code" in json.loads(body)
        assert "yard.db" not in body
    assert client.http.get(f"{FILES}/{root}/kept").content == b"1"
    assert [e.path for e in client.yard.artifacts.list(f"run:{run_id}").entries] == ["kept"]


def sent_raw(client: Client, method: str, target: str) -> tuple[int, str]:
    """The status and body of a request that no library has put in order."""
    host, port = client.http.base_url.host, client.http.base_url.port
    body = "x" if method == "PUT" else ""
    with socket.create_connection((host, port), timeout=10) as raw:
        head = f"{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
        raw.sendall((head + body).encode("latin-1"))
        data = b""
        while piece := raw.recv(65536):
            data += piece
    top, _, rest = data.partition(b"\r\n\r\n")
    return int(top.split()[1]), rest.decode()


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "..%2f..%2fx", "\x00", "a\\b"])
def test_paths_in_queries_are_judged_too(client: Client, path: str) -> None:
    run_id = client.run()
    assert client.refused("GET", "artifacts/list", run_id=run_id, path=path)[0] == 400
    for url, query in (
        ("/get-artifact", {"run_id": run_id}),
        ("/ajax-api/2.0/mlflow/upload-artifact", {"run_uuid": run_id}),
    ):
        send = client.http.post if "upload" in url else client.http.get
        assert send(url, params={**query, "path": path}).status_code == 400
