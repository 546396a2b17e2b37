"""MLflow's routes over a fresh yard: called in process, or on a loopback port."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import uvicorn
from starlette.applications import Starlette

from modelyard.compat.mlflow_rest import routes
from modelyard.yard.yard import Yard

API = "/api/2.0/mlflow/"
FILES = "/api/2.0/mlflow-artifacts/artifacts"


class Client:
    """Calls as MLflow's clients make them."""

    def __init__(self, http: httpx2.Client, yard: Yard) -> None:
        self.http, self.yard = http, yard

    def get(self, path: str, /, **query: Any) -> Any:
        return answer_of(self.http.get(API + path, params=query))

    def post(self, path: str, /, **fields: Any) -> Any:
        return answer_of(self.http.post(API + path, json=fields))

    def patch(self, path: str, /, **fields: Any) -> Any:
        return answer_of(self.http.request("PATCH", API + path, json=fields))

    def delete(self, path: str, /, **fields: Any) -> Any:
        return answer_of(self.http.request("DELETE", API + path, json=fields))

    def refused(self, method: str, path: str, /, **fields: Any) -> tuple[int, str, str]:
        """The status, code and message of an error."""
        query, body = (fields, None) if method == "GET" else (None, fields)
        answer = self.http.request(method, API + path, params=query, json=body)
        body = answer.json()
        return answer.status_code, body["error_code"], body["message"]

    def put_file(self, uri_path: str, content: bytes) -> httpx2.Response:
        return self.http.put(f"{FILES}/{uri_path}", content=content)

    def run(self, **fields: Any) -> str:
        """A new run's id."""
        made = self.post("runs/create", **{"experiment_id": "0", **fields})
        return made["run"]["info"]["run_id"]

    def logged_model(self, folder: Path, name: str = "model") -> str:
        """The id of a logged model with the files of a folder."""
        model_id = self.post("logged-models", experiment_id="0", name=name)["model"]["info"][
            "model_id"
        ]
        for file in sorted(p for p in folder.rglob("*") if p.is_file()):
            path = f"0/models/{model_id}/artifacts/{file.relative_to(folder).as_posix()}"
            assert self.put_file(path, file.read_bytes()).status_code == 200
        self.patch(f"logged-models/{model_id}", model_id=model_id, status="LOGGED_MODEL_READY")
        return model_id


def answer_of(response: httpx2.Response) -> Any:
    """The JSON of a good answer."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    return response.json()


@contextlib.contextmanager
def serving(yard: Yard, **options: Any) -> Iterator[Client]:
    """A client of a server on a port of its own."""
    app = Starlette(routes=routes(yard, **options))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until = time.monotonic() + 30
        while not server.started:
            assert time.monotonic() < until, "the server did not come up"
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
            yield Client(http, yard)
    finally:
        server.should_exit = True
        thread.join(30)
        assert not thread.is_alive(), "the server did not stop"
