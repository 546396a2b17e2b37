"""Jobs over a real server on a loopback port."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pandas as pd
import pytest

from modelyard.base.errors import InvalidSetting
from modelyard.serving.interface import Jobs
from modelyard.serving.service import Service
from serving_cases.models import classifier, frame, function_model, iris, table_model
from serving_cases.server import serving

Http = httpx2.Client


class Held:
    """A function that waits for leave, and counts its calls."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.leave = threading.Semaphore(0)

    def __call__(self, x: float) -> float:
        self.entered.release()
        assert self.leave.acquire(timeout=60), "nobody let it go on"
        return x * 2


held = Held()


def twice(x: float) -> float:
    return x * 2


def fails(x: float) -> float:
    raise RuntimeError("secret")


def counts(x: float) -> Iterator[float]:
    for i in range(int(x)):
        yield float(i)


@pytest.fixture(scope="module")
def http() -> Iterator[Http]:
    functions = {"predict": twice, "held": held, "fails": fails, "counts": counts}
    models = [function_model("numbers", 1.0, **functions), iris()]
    jobs = Jobs(queued=3, kept=50)
    with serving(models, jobs=jobs, batching={"rows": 16}) as client:
        yield client


def sent(http: Http, method: str, body: Any = None, path: str = "", **headers: str) -> Any:
    body = {"x": 3} if body is None else body
    return http.post(f"/jobs/{method}{path}", json=body, headers=headers)


def ended(http: Http, job: dict[str, Any]) -> dict[str, Any]:
    state = http.get(f"/jobs/{job['id']}?wait=60").json()
    assert state["status"] not in ("queued", "running")
    return state


def test_a_job_is_taken_asked_for_and_answered(http: Http) -> None:
    answer = sent(http, "numbers/predict")
    assert answer.status_code == 202
    job = answer.json()
    assert answer.headers["location"] == f"/jobs/{job['id']}"
    assert job["status"] in ("queued", "running")
    assert len(job["id"]) == 32
    state = ended(http, job)
    assert state["status"] == "done"
    assert state["created"] <= state["started"] <= state["finished"]
    result = http.get(state["result"])
    assert (result.status_code, result.json()) == (200, 6.0)
    assert result.headers["x-modelyard-model"] == state["model"]


def test_waiting_gives_the_end_at_once(http: Http) -> None:
    answer = sent(http, "numbers/predict", path="?wait=60")
    assert (answer.status_code, answer.json()["status"]) == (200, "done")
    answer = sent(http, "numbers/predict", Prefer="respond-async, wait=60")
    assert (answer.status_code, answer.json()["status"]) == (200, "done")


def test_what_is_no_request_is_refused_at_once(http: Http) -> None:
    refused = sent(http, "numbers/predict", {"x": "a"})
    assert (refused.status_code, refused.json()["error"]["field"]) == (422, "x")
    assert http.post("/jobs/numbers/predict", content=b"{").status_code == 400
    lost = sent(http, "numbers/predikt")
    assert lost.status_code == 404
    assert "/jobs/numbers/predict" in lost.json()["error"]["hint"]


def test_a_model_that_raises_fails_its_job_and_says_nothing_else(http: Http) -> None:
    state = ended(http, sent(http, "numbers/fails").json())
    assert state["error"]["message"] == "model 'numbers' raised RuntimeError in fails"
    assert "secret" not in str(state)
    assert http.get(f"/jobs/{state['id']}/result").status_code == 500


def test_one_job_of_a_model_runs_at_a_time_and_others_are_answered_meanwhile(http: Http) -> None:
    first = sent(http, "numbers/held").json()
    assert held.entered.acquire(timeout=60)
    second = sent(http, "numbers/predict").json()
    assert http.get(f"/jobs/{first['id']}").json()["status"] == "running"
    early = http.get(f"/jobs/{first['id']}/result")
    assert (early.status_code, early.headers["retry-after"]) == (409, "1")
    assert http.post("/numbers/predict", json={"x": 4}).json() == 8.0
    assert ended(http, sent(http, "iris/predict", frame().head(2).to_dict("records")).json())
    assert http.get(f"/jobs/{second['id']}").json()["status"] == "queued"
    held.leave.release()
    assert ended(http, first)["status"] == ended(http, second)["status"] == "done"


def test_beyond_what_may_wait_is_429(http: Http) -> None:
    jobs = [sent(http, "numbers/held").json() for _ in range(3)]
    full = sent(http, "numbers/held")
    assert (full.status_code, full.headers["retry-after"]) == (429, "5")
    for job in jobs:
        held.leave.release()
        assert ended(http, job)["status"] == "done"
    for _ in jobs:
        assert held.entered.acquire(timeout=60)


def test_a_job_that_waits_or_runs_can_be_cancelled(http: Http) -> None:
    running = sent(http, "numbers/held").json()
    assert held.entered.acquire(timeout=60)
    waiting = sent(http, "numbers/held").json()
    for job in (waiting, running):
        assert http.delete(f"/jobs/{job['id']}").json()["status"] == "cancelled"
    assert http.get(f"/jobs/{running['id']}/result").status_code == 409
    # The model cannot be stopped: the next one begins when it is through, the cancelled one never.
    after = sent(http, "numbers/predict").json()
    assert http.get(f"/jobs/{after['id']}").json()["status"] == "queued"
    held.leave.release()
    assert ended(http, after)["status"] == "done"
    assert not held.entered.acquire(timeout=0)
    assert http.delete(f"/jobs/{after['id']}").json()["status"] == "done"


def test_a_retry_with_the_same_key_is_the_same_job(http: Http) -> None:
    key = {"Idempotency-Key": "k1"}
    first, second = (sent(http, "numbers/predict", **key).json() for _ in range(2))
    assert first["id"] == second["id"]
    other = sent(http, "numbers/predict", {"x": 5}, **key)
    assert (other.status_code, other.json()["error"]["code"]) == (409, "conflict")
    assert sent(http, "numbers/predict", **{"Idempotency-Key": "a b"}).status_code == 400


def test_a_long_table_goes_in_pieces_and_comes_back_whole(http: Http) -> None:
    X = pd.concat([frame()] * 3, ignore_index=True)
    expected = classifier().predict(X).tolist()
    job = ended(http, sent(http, "iris/predict", X.to_dict("records")).json())
    assert job["progress"] == {"done": 120, "total": 120}
    assert http.get(job["result"]).json() == expected
    csv = http.get(job["result"], headers={"Accept": "text/csv"})
    assert csv.headers["content-type"].startswith("text/csv")
    assert len(csv.text.splitlines()) == 121
    npy = http.get(job["result"], headers={"Accept": "application/x-npy"})
    assert np.load(io.BytesIO(npy.content)).tolist() == expected
    posted = http.post(
        "/jobs/iris/predict?wait=60",
        content=X.to_csv(index=False),
        headers={"Content-Type": "text/csv"},
    ).json()
    assert http.get(posted["result"]).json() == expected
    assert posted["progress"] == {"done": 120, "total": 120}


def test_a_mistake_in_a_later_piece_names_its_place_in_the_whole(http: Http) -> None:
    records = frame().to_dict("records")
    records[35]["width"] = "wide"
    refused = sent(http, "iris/predict", records)
    assert (refused.status_code, refused.json()["error"]["field"]) == (422, "X[35].width")
    records[35]["width"] = None  # that fits, and only the model minds
    state = ended(http, sent(http, "iris/predict", records).json())
    assert state["error"]["field"] == "X[35].width"
    assert state["error"]["message"].startswith("X[35].width: ")
    result = http.get(f"/jobs/{state['id']}/result")
    assert (result.status_code, result.json()["error"]["code"]) == (422, "schema_mismatch")


def test_a_stream_is_answered_as_a_list_and_says_how_far_it_is(http: Http) -> None:
    job = ended(http, sent(http, "numbers/counts").json())
    assert http.get(job["result"]).json() == [0.0, 1.0, 2.0]
    assert job["progress"] == {"done": 3, "total": None}


def test_a_caller_lists_its_own_the_newest_first(http: Http) -> None:
    job = ended(http, sent(http, "numbers/predict").json())
    listed = http.get("/jobs").json()["jobs"]
    assert listed[0] == job
    assert [j["created"] for j in listed] == sorted((j["created"] for j in listed), reverse=True)


@pytest.mark.parametrize(
    ("verb", "path", "status"),
    [
        ("GET", "/jobs/nothing", 404),
        ("GET", f"/jobs/{'0' * 32}", 404),
        ("GET", f"/jobs/{'0' * 32}/result", 404),
        ("GET", f"/jobs/{'0' * 32}/results", 404),
        ("DELETE", f"/jobs/{'0' * 32}", 404),
        ("DELETE", "/jobs", 405),
        ("POST", "/jobs", 405),
        ("POST", f"/jobs/{'0' * 32}", 405),
        ("DELETE", f"/jobs/{'0' * 32}/result", 405),
        ("GET", "/jobs/numbers/predict", 405),
        ("POST", "/jobs/numbers/predictt", 404),
        ("PUT", "/jobs", 405),
        ("GET", f"/jobs/{'0' * 32}?wait=nan", 400),
        ("GET", f"/jobs/{'0' * 32}?wait=-1", 400),
        ("GET", "/jobs/", 404),
    ],
)
def test_what_is_not_there_is_told(http: Http, verb: str, path: str, status: int) -> None:
    answer = http.request(verb, path)
    assert answer.status_code == status
    assert answer.json()["error"]["request_id"]


def test_openapi_lists_them(http: Http) -> None:
    paths = http.get("/openapi.json").json()["paths"]
    assert {"/jobs", "/jobs/{id}", "/jobs/{id}/result", "/jobs/iris/predict"} <= set(paths)
    ids = [o["operationId"] for p in paths.values() for o in p.values() if isinstance(o, dict)]
    assert len(ids) == len(set(ids))


def test_finished_jobs_are_forgotten_beyond_what_is_kept_and_large_results_are_files(
    tmp_path: Path,
) -> None:
    def large(x: float) -> str:
        return "x" * int(x)

    jobs = Jobs(folder=str(tmp_path), kept=2)
    with serving(function_model("texts", 1.0, predict=large), jobs=jobs) as client:
        done = [sent(client, "predict", {"x": 100_000}, path="?wait=60").json() for _ in range(3)]
        assert client.get(f"/jobs/{done[0]['id']}").status_code == 404
        assert [len(client.get(j["result"]).json()) for j in done[1:]] == [100_000, 100_000]
        assert {f.stem for f in (tmp_path / "results").iterdir()} == {j["id"] for j in done[1:]}


def test_what_is_not_one_row_a_record_is_called_once_for_all(tmp_path: Path) -> None:
    def mean(X: pd.DataFrame) -> Any:
        return np.array([X["length"].mean()])

    records = frame().to_dict("records")
    with serving(table_model(mean), batching={"rows": 16}) as client:
        job = sent(client, "predict", records, path="?wait=60").json()
        assert client.get(job["result"]).json() == [pytest.approx(frame()["length"].mean())]


def test_a_stop_waits_for_what_runs_and_fails_what_waits(tmp_path: Path) -> None:
    gate = Held()
    jobs = Jobs(folder=str(tmp_path))
    with serving(function_model("numbers", 1.0, predict=gate), jobs=jobs) as client:
        running, waiting = (sent(client, "predict").json() for _ in range(2))
        assert gate.entered.acquire(timeout=60)
        threading.Timer(0.6, gate.leave.release).start()
    with serving(function_model("numbers", 1.0, predict=twice), jobs=jobs) as client:
        assert client.get(f"/jobs/{running['id']}/result").json() == 6.0
        state = client.get(f"/jobs/{waiting['id']}").json()
        assert state["status"] == "failed"
        assert state["error"]["message"] == "the server stopped before this job was done"


def test_a_key_for_some_models_sends_and_sees_jobs_of_those_only(tmp_path: Path) -> None:
    for name in ("all", "some"):
        (tmp_path / name).write_text(f"{name}-secret-that-is-long-enough-0123456789")
    keys = {
        "all": f"file:{tmp_path / 'all'}",
        "some": {"key": f"file:{tmp_path / 'some'}", "models": "iris"},
    }
    models = [function_model("numbers", 1.0, predict=twice), iris()]
    with serving(models, auth={"keys": keys}) as client:

        def ask(verb: str, path: str, name: str, **more: Any) -> httpx2.Response:
            key = (tmp_path / name).read_text()
            return client.request(verb, path, headers={"Authorization": f"Bearer {key}"}, **more)

        assert client.get("/jobs").status_code == 401
        job = ask("POST", "/jobs/numbers/predict?wait=60", "all", json={"x": 2}).json()
        assert ask("GET", job["result"], "all").json() == 4.0
        for verb, path in (("GET", job["result"]), ("DELETE", f"/jobs/{job['id']}")):
            assert ask(verb, path, "some").status_code == 403
        assert ask("POST", "/jobs/numbers/predict", "some", json={"x": 2}).status_code == 403
        assert ask("GET", "/jobs", "some").json() == {"jobs": []}
        assert [j["id"] for j in ask("GET", "/jobs", "all").json()["jobs"]] == [job["id"]]


def test_a_folder_that_cannot_be_used_is_told_before_anything_is_served(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidSetting, match="jobs cannot be kept") as caught:
        Service(
            [function_model("twice", 1.0, predict=twice)], jobs=Jobs(folder=str(tmp_path / "file"))
        )
    assert caught.value.hint == "serve with -c jobs.folder=PATH"
