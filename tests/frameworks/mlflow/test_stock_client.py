"""MLflow's own client, its CLI and its scoring server at work with our server, each in a process that does not see
modelyard; and the same scenes with MLflow's own server, which has to answer the same but for what we do on purpose."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.server
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import modelyard as my
from frameworks.mlflow import recorded
from frameworks.mlflow_process import client_environment

pytestmark = pytest.mark.timeout(900)  # two servers, and a client that takes its time

HERE = Path(__file__).parent
X = np.array([[float(n), float(n % 3)] for n in range(24)])
Y = np.array([0] * 12 + [1] * 12)

Answers = dict[str, Any]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def wait_for(url: str, process: subprocess.Popen[bytes], seconds: float = 200) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        assert process.poll() is None, "the server ended"
        try:
            if httpx2.get(url, timeout=2).status_code == 200:
                return
        except httpx2.HTTPError:
            time.sleep(0.2)
    raise AssertionError(f"nothing answers at {url}")


def started(words: list[str], env: dict[str, str], url: str, log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as out:
        process = subprocess.Popen(
            words, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=log.parent
        )
    try:
        wait_for(url, process)
    except BaseException:
        ended(process)
        print(log.read_text()[-3000:])
        raise
    return process


def ended(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Hook:
    """Receives what webhooks send."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], str]] = []
        got = self.got

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                got.append((dict(self.headers), body.decode()))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture(scope="module")
def hook() -> Iterator[Hook]:
    found = Hook()
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture(scope="module")
def yard_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("yard") / "yard.db"


@pytest.fixture(scope="module")
def hub(yard_file: Path) -> Iterator[str]:
    """The address of a hub, as people start it."""
    port = free_port()
    words = [sys.executable, "-m", "modelyard", "hub", "--uri", str(yard_file), "--port", str(port)]
    url = f"http://127.0.0.1:{port}"
    process = started(words, dict(os.environ), f"{url}/health", yard_file.with_name("hub.log"))
    yield url
    ended(process)


@pytest.fixture(scope="module")
def near(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server whose webhooks may lead to this machine, which a hub's may not. In its yard is a model
    that was never near MLflow."""
    port, folder = free_port(), tmp_path_factory.mktemp("near")
    with my.Yard(folder / "yard.db") as yard:
        yard.models.add(LogisticRegression().fit(X, Y), "kept", sample_data=X)
        yard.models.set_alias("kept", "champion", 1)
    words = [sys.executable, str(HERE / "hub_process.py"), str(folder / "yard.db"), str(port)]
    url = f"http://127.0.0.1:{port}"
    process = started(words, dict(os.environ), f"{url}/health", folder / "log")
    yield url
    ended(process)


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of MLflow's own server."""
    folder, port = tmp_path_factory.mktemp("stock"), free_port()
    words = [sys.executable, "-m", "mlflow", "server", "--workers", "1", "--port", str(port)]
    words += ["--backend-store-uri", f"sqlite:///{folder}/m.db", "--artifacts-destination", str(folder / "files")]  # fmt: skip
    env = {**client_environment(), "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    url = f"http://127.0.0.1:{port}"
    process = started(words, env, f"{url}/health", folder / "log")
    yield url
    ended(process)


def client_env(url: str, **more: str) -> dict[str, str]:
    retries = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "GIT_PYTHON_REFRESH": "quiet"}
    return {**client_environment(), "MLFLOW_TRACKING_URI": url, **retries, **more}


def play(url: str, folder: Path, *scenes: str, **more: str) -> Answers:
    """What the client's scenes gave, by name; what failed as a text."""
    done = subprocess.run(
        [sys.executable, str(HERE / "stock_client.py"), str(folder), *scenes],
        env=client_env(url, **more), capture_output=True, text=True, timeout=280, check=False, cwd=folder,
    )  # fmt: skip
    found: Answers = {}
    for line in done.stdout.splitlines():
        kind, _, rest = line.partition(" ")
        if kind in ("SCENE", "FAILED"):
            name, _, text = rest.partition(" ")
            found[name] = json.loads(text) if kind == "SCENE" else f"FAILED {json.loads(text)}"
    assert found, done.stderr[-3000:]
    return found


@pytest.fixture(scope="module")
def answers(hub: str, tmp_path_factory: pytest.TempPathFactory) -> Answers:
    return play(hub, tmp_path_factory.mktemp("ours"), *SAME, "beyond")


SAME = ("fluent", "registry", "searches", "experiments", "runs", "logged_models", "autolog", "prompts")  # fmt: skip


@pytest.fixture(scope="module")
def stock_answers(stock: str, tmp_path_factory: pytest.TempPathFactory) -> Answers:
    return play(stock, tmp_path_factory.mktemp("theirs"), *SAME)


ON_PURPOSE: dict[str, dict[str, tuple[str, str]]] = {
    "fluent": {
        "metrics": ('"up": "inf"', '"up": "1.7976931348623157e+308"'),
        "params": ('"long": 9000', '"long": 6000'),  # nothing is cut
    },
    "registry": {
        # No place outside is opened, or taken on trust.
        "bad source": ("INVALID_PARAMETER_VALUE", "nothing was refused"),
    },
    "logged_models": {
        "pending": ("INVALID_PARAMETER_VALUE", '""'),  # what is not complete is not registered
        "alone": ("mlflow.user", "mlflow.modelVersions"),  # so that it has no tag about it either
    },
}
"""Scene -> part -> what stands in our answer, and what in MLflow's instead."""


@pytest.mark.parametrize("scene", SAME)
def test_our_server_answers_as_mlflows_own(
    scene: str, answers: Answers, stock_answers: Answers
) -> None:
    ours, theirs = answers[scene], stock_answers[scene]
    assert isinstance(ours, dict), ours
    assert isinstance(theirs, dict), theirs
    for part in theirs.keys() - {"run_id"}:
        expected, got = plain(theirs[part]), plain(ours[part])
        if part not in ON_PURPOSE.get(scene, {}):
            assert got == expected, f"{scene}: {part}"
            continue
        mine, their = ON_PURPOSE[scene][part]
        assert mine in json.dumps(got)
        assert their not in json.dumps(got)
        assert their in json.dumps(expected)


def test_nothing_is_cut_or_rounded(answers: Answers) -> None:
    assert answers["fluent"]["metrics"] == {
        "nan": "nan", "up": "inf", "down": "-inf", "zero": "-0.0", "loss": "0.2", "later": "1.0", "on_data": "0.5",
    }  # fmt: skip
    assert answers["fluent"]["params"] == {"depth": "3", "rate": "0.5", "long": 9000}


def plain(value: Any) -> Any:
    """Without ids, which differ, and long explanations behind a message."""
    if isinstance(value, str):
        words = value.partition("\n")[0].split(" ")
        return " ".join(
            "ID" if len(w.strip("'.,=ID:")) == 32 or (w.isdecimal() and words[1:]) else w
            for w in words
        )
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return value


def test_more_can_be_searched_for(answers: Answers) -> None:
    assert answers["beyond"] == [["run-0", "run-3"], ["run-1", "run-3"], ["run-1", "run-2"], ["run-1", "run-2"]]  # fmt: skip


def test_a_model_of_ours_is_loaded_by_mlflow(near: str, tmp_path: Path) -> None:
    expected = LogisticRegression().fit(X, Y).predict(X).tolist()
    assert play(near, tmp_path, "ours")["ours"] == {
        "answers": expected,
        "native": "LogisticRegression",
    }


def test_what_the_client_registered_is_used_here(answers: Answers, yard_file: Path) -> None:
    assert isinstance(answers["registry"], dict), answers["registry"]
    expected = LogisticRegression().fit(X, Y).predict(X).tolist()
    with my.Yard(yard_file) as yard:
        version = yard.models.get("churn@champion")
        assert (version.card.flavor, version.stages) == ("sklearn", ["Production"])
        assert np.asarray(version.load().predict(X)).tolist() == expected
        assert yard.models.get("models:/churn/Production").version == 2
        assert yard.check() == []


def test_webhooks_are_kept_and_deliver(near: str, hook: Hook, tmp_path: Path) -> None:
    got = play(near, tmp_path, "webhooks", HOOK_URL=hook.url)["webhooks"]
    assert isinstance(got, dict), got
    assert got["hook"] == ["hook", "ACTIVE", ["model_version.created", "model_version_alias.created"], None]  # fmt: skip
    assert got["tested"] == [True, 200]
    assert got["changed"] == ["new", "DISABLED", ["model_version.created"]]
    assert (got["listed"], got["deleted"], got["bad"]) == (["hook", "other"], "RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")  # fmt: skip
    until = time.monotonic() + 30
    while len(hook.got) < 3 and time.monotonic() < until:
        time.sleep(0.2)
    bodies = [json.loads(body) for _, body in hook.got]
    assert [(b["entity"], b["action"]) for b in bodies] == [
        ("model_version", "created"), ("model_version", "created"), ("model_version_alias", "created"),
    ]  # fmt: skip
    assert (bodies[1]["data"]["name"], bodies[1]["data"]["version"]) == ("hooked", "1")
    for headers, body in hook.got:
        signed = f"{headers['X-MLflow-Delivery-Id']}.{headers['X-MLflow-Timestamp']}.{body}"
        digest = hmac.new(b"s3cret", signed.encode(), hashlib.sha256).digest()
        assert headers["X-MLflow-Signature"] == f"v1,{base64.b64encode(digest).decode()}"


def test_the_command_line_works(answers: Answers, hub: str, tmp_path: Path) -> None:
    def mlflow(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "mlflow", *words],
            env=client_env(hub), capture_output=True, text=True, timeout=120, check=False, cwd=tmp_path,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    run_id = answers["fluent"]["run_id"]
    assert "fluent" in mlflow("experiments", "search")
    assert json.loads(mlflow("runs", "describe", "--run-id", run_id))["info"]["run_name"] == "first"
    listed = json.loads(mlflow("artifacts", "list", "--run-id", run_id, "--artifact-path", "notes"))
    assert [file["path"] for file in listed] == ["notes/note.txt", "notes/text.txt"]
    (tmp_path / "more.txt").write_text("more")
    mlflow("artifacts", "log-artifact", "--run-id", run_id, "--local-file", "more.txt", "--artifact-path", "cli")  # fmt: skip
    mlflow(
        "artifacts", "download", "--run-id", run_id, "--artifact-path", "cli", "--dst-path", "got"
    )
    assert (tmp_path / "got" / "cli" / "more.txt").read_text() == "more"


def test_mlflow_serves_what_is_registered_here(answers: Answers, hub: str, tmp_path: Path) -> None:
    assert isinstance(answers["registry"], dict), answers["registry"]
    port = free_port()
    words = [sys.executable, "-m", "mlflow", "models", "serve", "-m", "models:/churn@champion", "--env-manager", "local", "-p", str(port)]  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    path = str(Path(sys.executable).parent) + os.pathsep + os.environ["PATH"]
    process = started(words, client_env(hub, PATH=path), f"{url}/ping", tmp_path / "log")
    try:
        got = httpx2.post(f"{url}/invocations", json={"inputs": X.tolist()}, timeout=60)
        expected = LogisticRegression().fit(X, Y).predict(X).tolist()
        assert got.json() == {"predictions": expected}, got.text
    finally:
        ended(process)


def test_answers_are_mlflows_field_by_field(hub: str, stock: str) -> None:
    ours, theirs = recorded.answers(hub), recorded.answers(stock)
    for call, mine, their in zip(recorded.CALLS, ours, theirs, strict=True):
        assert mine == their, call
