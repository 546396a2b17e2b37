"""Runs, metrics and logged models over MLflow's protocol."""

from __future__ import annotations

import json
import math

import pytest

from mlflow_server import API, Client


def batch(client: Client, run_id: str, **fields: object) -> None:
    assert client.post("runs/log-batch", run_id=run_id, **fields) == {}


def metric(key: str, value: object, step: object = 0, at: object = 1000) -> dict[str, object]:
    return {"key": key, "value": value, "step": step, "timestamp": at}


def latest(client: Client, run_id: str) -> dict[str, object]:
    data = client.get("runs/get", run_id=run_id)["run"]["data"]
    return {m["key"]: m["value"] for m in data.get("metrics", [])}


def test_a_run_as_clients_read_it(client: Client) -> None:
    made = client.post(
        "runs/create", experiment_id="0", user_id="ann", run_name="first", start_time="5",
        tags=[{"key": "team", "value": "risk"}],
    )["run"]  # fmt: skip
    info = made["info"]
    assert info == {
        "run_id": info["run_id"], "run_uuid": info["run_id"], "run_name": "first", "experiment_id": "0", "user_id": "ann",
        "status": "RUNNING", "start_time": 5, "lifecycle_stage": "active", "artifact_uri": f"mlflow-artifacts:/0/{info['run_id']}/artifacts",
    }  # fmt: skip
    assert (made["inputs"], made["outputs"]) == ({}, {})
    assert {t["key"]: t["value"] for t in made["data"]["tags"]} == {"team": "risk", "mlflow.runName": "first"}  # fmt: skip
    by_old_name = client.get("runs/get", run_uuid=info["run_id"])["run"]
    assert by_old_name["info"] == info
    ended = client.post("runs/update", run_id=info["run_id"], status=3, end_time="9")["run_info"]
    assert (ended["status"], ended["end_time"]) == ("FINISHED", 9)


def test_a_name_and_its_tag_are_one(client: Client) -> None:
    run_id = client.run(tags=[{"key": "mlflow.runName", "value": "by tag"}])

    def both() -> tuple[str, str]:
        run = client.get("runs/get", run_id=run_id)["run"]
        tags = {t["key"]: t["value"] for t in run["data"]["tags"]}
        return run["info"]["run_name"], tags["mlflow.runName"]

    assert both() == ("by tag", "by tag")
    client.post("runs/update", run_id=run_id, run_name="by name")
    assert both() == ("by name", "by name")
    client.post("runs/set-tag", run_id=run_id, key="mlflow.runName", value="again")
    assert both() == ("again", "again")
    found = client.post("runs/search", experiment_ids=["0"], filter="tags.mlflow.runName = 'again'")
    assert [r["info"]["run_id"] for r in found["runs"]] == [run_id]


def test_a_nested_run_names_its_parent_wherever_that_is(client: Client) -> None:
    parent = client.run()
    child = client.run(tags=[{"key": "mlflow.parentRunId", "value": parent}])
    elsewhere = client.run(tags=[{"key": "mlflow.parentRunId", "value": "f" * 32}])
    assert client.yard.tracker.run(child).parent_run_id == parent
    assert client.yard.tracker.run(elsewhere).tags["mlflow.parentRunId"] == "f" * 32


def test_values_come_back_exactly(client: Client) -> None:
    run_id = client.run()
    values = {"nan": "NaN", "up": "Infinity", "down": "-Infinity", "tiny": 5e-324, "zero": -0.0, "text": "0.1"}  # fmt: skip
    batch(client, run_id, metrics=[metric(k, v) for k, v in values.items()])
    found = latest(client, run_id)
    assert found == {**values, "text": 0.1}
    assert math.copysign(1, float(str(found["zero"]))) == -1
    text = "x" * 100_000 + "é\U0001f600"
    client.post("runs/log-parameter", run_id=run_id, key="long", value=text)
    client.post("runs/log-parameter", run_id=run_id, key="empty", value="")
    params = client.get("runs/get", run_id=run_id)["run"]["data"]["params"]
    assert {p["key"]: p["value"] for p in params} == {"long": text, "empty": ""}


def test_bare_nan_in_a_body_is_read(client: Client) -> None:
    run_id = client.run()
    body = json.dumps({"run_id": run_id, **metric("x", math.nan)})
    answer = client.http.post(API + "runs/log-metric", content=body, headers={"Content-Type": "application/json"})  # fmt: skip
    assert answer.json() == {}
    assert latest(client, run_id) == {"x": "NaN"}


def test_the_latest_is_that_of_the_highest_step(client: Client) -> None:
    run_id = client.run()
    batch(client, run_id, metrics=[metric("m", 1.0, "7", 1), metric("m", 2.0, 3, 9), metric("m", 3.0, 7.0, 0)])  # fmt: skip
    assert latest(client, run_id) == {"m": 1.0}
    history = client.get("metrics/get-history", run_id=run_id, metric_key="m")["metrics"]
    assert [(m["step"], m["value"], m["timestamp"]) for m in history] == [(7, 1.0, 1), (3, 2.0, 9), (7, 3.0, 0)]  # fmt: skip


def test_histories_page_and_sample(client: Client) -> None:
    first, second = client.run(), client.run()
    for run_id in (first, second):
        batch(client, run_id, metrics=[metric("loss", float(s), s) for s in range(1000)])
    page = client.get("metrics/get-history", run_id=first, metric_key="loss", max_results=600)
    rest = client.get(
        "metrics/get-history", run_id=first, metric_key="loss", max_results=600, page_token=page["next_page_token"]
    )  # fmt: skip
    assert [m["step"] for m in page["metrics"] + rest["metrics"]] == list(range(1000))
    assert "next_page_token" not in rest
    sampled = client.get("metrics/get-history-bulk-interval", run_ids=[first, second], metric_key="loss", max_results=10)["metrics"]  # fmt: skip
    assert {m["run_id"] for m in sampled} == {first, second}
    steps = [m["step"] for m in sampled if m["run_id"] == first]
    assert len(steps) <= 11
    assert (steps[0], steps[-1]) == (0, 999)
    part = client.get("metrics/get-history-bulk-interval", run_ids=[first], metric_key="loss", start_step=5, end_step=7)  # fmt: skip
    assert [m["step"] for m in part["metrics"]] == [5, 6, 7]
    whole = client.get("metrics/get-history-bulk", run_id=[first, second], metric_key="loss")
    assert len(whole["metrics"]) == 2000
    assert client.refused("GET", "metrics/get-history", run_id=first, metric_key="loss", max_results=0)[0] == 400  # fmt: skip


def test_a_batch_is_kept_whole_or_not_at_all(client: Client) -> None:
    run_id = client.run()
    client.post("runs/log-parameter", run_id=run_id, key="p", value="1")
    refusal = client.refused(
        "POST", "runs/log-batch", run_id=run_id, metrics=[metric("m", 1.0)],
        params=[{"key": "p", "value": "2"}], tags=[{"key": "t", "value": "1"}],
    )  # fmt: skip
    assert refusal[:2] == (400, "INVALID_PARAMETER_VALUE")
    assert refusal[2] == (
        "Changing param values is not allowed. Param with key='p' was already logged with value='1' "
        f"for run ID='{run_id}'. Attempted logging new value '2'."
    )
    data = client.get("runs/get", run_id=run_id)["run"]["data"]
    assert "metrics" not in data
    assert [t["key"] for t in data["tags"]] == ["mlflow.runName"]


@pytest.mark.parametrize(
    "fields",
    [
        {"metrics": [metric("../x", 1.0)]}, {"metrics": [metric("a//b", 1.0)]}, {"metrics": [metric("", 1.0)]}, {"metrics": [metric("x" * 300, 1.0)]},
        {"metrics": [metric("m", "x")]}, {"metrics": [metric("m", None)]}, {"metrics": [metric("m", True)]}, {"metrics": [metric("m", 1.0, 2**63)]},
        {"metrics": [metric("m", 1.0, 0, 10**20)]}, {"metrics": [metric("m", 1.0, 0, -1)]}, {"metrics": [metric("m", 1.0, 0, None)]},
        {"metrics": "x"}, {"metrics": [1]}, {"metrics": [metric(f"m{n}", 1.0) for n in range(1001)]},
        {"params": [{"key": "p", "value": 3}]}, {"params": [{"value": "x"}]}, {"params": [{"key": f"p{n}", "value": ""} for n in range(101)]},
        {"params": [{"key": "p", "value": "1"}, {"key": "p", "value": "1"}]}, {"tags": [{"key": "a\u202eb", "value": ""}]}, {"tags": [{"key": "a\nb", "value": ""}]},
        {"tags": [{"key": "t", "value": "\u0000"}]}, {"params": [{"key": "a\x00", "value": ""}]},
    ],
)  # fmt: skip
def test_what_cannot_be_logged_changes_nothing(client: Client, fields: dict[str, object]) -> None:
    run_id = client.run()
    status, code, message = client.refused("POST", "runs/log-batch", run_id=run_id, **fields)
    assert (status, code) == (400, "INVALID_PARAMETER_VALUE"), message
    data = client.get("runs/get", run_id=run_id)["run"]["data"]
    assert (data.get("metrics"), data.get("params")) == (None, None)


def test_deleted_runs_take_nothing_and_come_back(client: Client) -> None:
    run_id = client.run()
    client.post("runs/delete", run_id=run_id)
    assert client.get("runs/get", run_id=run_id)["run"]["info"]["lifecycle_stage"] == "deleted"
    refusal = client.refused("POST", "runs/log-metric", run_id=run_id, **metric("m", 1.0))
    assert refusal[2] == f"The run {run_id} must be in the 'active' state. Current state is deleted."  # fmt: skip
    client.post("runs/restore", run_id=run_id)
    client.post("runs/log-metric", run_id=run_id, **metric("m", 1.0))
    missing = client.refused("POST", "runs/delete-tag", run_id=run_id, key="none")
    assert missing[:2] == (404, "RESOURCE_DOES_NOT_EXIST")


def test_searches_answer_empty_where_mlflow_does(client: Client) -> None:
    assert client.post("runs/search", experiment_ids=[]) == {}
    assert client.post("runs/search", experiment_ids=["0"], max_results=0) == {}
    assert client.post("runs/search", experiment_ids=["987654"]) == {}
    for bad in ({"experiment_ids": ["x"]}, {"experiment_ids": ["0"], "max_results": 50_001}, {"experiment_ids": ["0"], "filter": "a.b.c ="}):  # fmt: skip
        assert client.refused("POST", "runs/search", **bad)[0] == 400


def test_data_sets_of_runs(client: Client) -> None:
    number = client.post("experiments/create", name="with data")["experiment_id"]
    run_id = client.run(experiment_id=number)
    dataset = {"name": "d", "digest": "1", "source_type": "local", "source": "{}", "schema": "s"}
    use = {"dataset": dataset, "tags": [{"key": "mlflow.data.context", "value": "training"}]}
    client.post("runs/log-inputs", run_id=run_id, datasets=[use])
    client.post("runs/log-inputs", run_id=run_id, datasets=[{"dataset": dataset}])
    inputs = client.get("runs/get", run_id=run_id)["run"]["inputs"]
    assert inputs == {"dataset_inputs": [use]}
    found = client.post("experiments/search-datasets", experiment_ids=[number])
    assert found == {"dataset_summaries": [{"experiment_id": number, "name": "d", "digest": "1", "context": "training"}]}  # fmt: skip
    del dataset["digest"]
    refusal = client.refused("POST", "runs/log-inputs", run_id=run_id, datasets=[{"dataset": dataset}])  # fmt: skip
    assert "datasets[0].dataset.digest" in refusal[2]


def test_experiments_and_their_errors(client: Client) -> None:
    number = client.post("experiments/create", name="one", tags=[{"key": "a", "value": "b"}])["experiment_id"]  # fmt: skip
    found = client.get("experiments/get-by-name", experiment_name="one")["experiment"]
    assert (found["experiment_id"], found["lifecycle_stage"], found["tags"]) == (number, "active", [{"key": "a", "value": "b"}])  # fmt: skip
    assert found["artifact_location"] == f"mlflow-artifacts:/{number}"
    taken = client.refused("POST", "experiments/create", name="one")
    assert taken[:2] == (400, "RESOURCE_ALREADY_EXISTS")
    missing = client.refused("GET", "experiments/get-by-name", experiment_name="none")
    assert missing == (404, "RESOURCE_DOES_NOT_EXIST", "Could not find experiment with name 'none'")
    for bad in ("x", "-1", "9" * 30, "1.0"):
        assert client.refused("GET", "experiments/get", experiment_id=bad)[0] == 400
    client.post("experiments/delete", experiment_id=number)
    gone = client.post("experiments/search", view_type="DELETED_ONLY")["experiments"]
    assert [e["name"] for e in gone] == ["one"]
    assert client.refused("POST", "runs/create", experiment_id=number)[0] == 400
    client.post("experiments/restore", experiment_id=number)
    client.post("experiments/update", experiment_id=number, new_name="other")
    client.post("experiments/set-experiment-tag", experiment_id=number, key="k", value="v")
    client.post("experiments/delete-experiment-tag", experiment_id=number, key="a")
    assert client.get("experiments/get", experiment_id=number)["experiment"]["tags"] == [{"key": "k", "value": "v"}]  # fmt: skip


def test_logged_models_and_what_is_measured_of_them(client: Client) -> None:
    run_id = client.run()
    model = client.post(
        "logged-models", experiment_id="0", name="net", model_type="torch", source_run_id=run_id,
        params=[{"key": "p", "value": "1"}], tags=[{"key": "a/b", "value": "2"}],
    )["model"]  # fmt: skip
    model_id = model["info"]["model_id"]
    assert (model["info"]["status"], model["info"]["source_run_id"]) == ("LOGGED_MODEL_PENDING", run_id)  # fmt: skip
    ready = client.patch(f"logged-models/{model_id}", model_id=model_id, status=2)["model"]
    assert ready["info"]["status"] == "LOGGED_MODEL_READY"
    client.post("runs/log-metric", run_id=run_id, model_id=model_id, dataset_name="d", dataset_digest="1", **metric("auc", 0.5))  # fmt: skip
    client.post("runs/outputs", run_id=run_id, models=[{"model_id": model_id, "step": "3"}])
    found = client.get(f"logged-models/{model_id}")["model"]
    (measured,) = found["data"]["metrics"]
    assert (measured["value"], measured["dataset_name"], measured["run_id"]) == (0.5, "d", run_id)
    outputs = client.get("runs/get", run_id=run_id)["run"]["outputs"]["model_outputs"]
    assert outputs == [{"model_id": model_id, "step": 3}]
    client.delete(f"logged-models/{model_id}/tags/a/b")
    client.patch(f"logged-models/{model_id}/tags", tags=[{"key": "c", "value": "3"}])
    client.post(f"logged-models/{model_id}/params", params=[{"key": "q", "value": "2"}])
    found = client.get(f"logged-models/{model_id}")["model"]
    assert found["info"]["tags"] == [{"key": "c", "value": "3"}]
    assert len(found["data"]["params"]) == 2
    searched = client.post("logged-models/search", experiment_ids=["0"], filter="metrics.auc > 0.4", datasets=[{"dataset_name": "d"}])  # fmt: skip
    assert [m["info"]["model_id"] for m in searched["models"]] == [model_id]
    none = client.post("logged-models/search", experiment_ids=["0"], datasets=[{"dataset_name": "other"}], order_by=[{"field_name": "metrics.auc", "ascending": False}])  # fmt: skip
    assert none == {}
    client.delete(f"logged-models/{model_id}")
    assert client.refused("GET", f"logged-models/{model_id}")[:2] == (404, "RESOURCE_DOES_NOT_EXIST")  # fmt: skip
    assert client.get(f"logged-models/{model_id}", allow_deleted="true")["model"]["info"]["name"] == "net"  # fmt: skip


def test_old_clients_note_their_models_in_a_tag(client: Client) -> None:
    run_id = client.run()
    model = {"artifact_path": "m", "flavors": {}, "utc_time_created": "x", "run_id": run_id}
    client.post("runs/log-model", run_id=run_id, model_json=json.dumps(model))
    client.post("runs/log-model", run_id=run_id, model_json=json.dumps(model))
    assert json.loads(client.yard.tracker.run(run_id).tags["mlflow.log-model.history"]) == [model, model]  # fmt: skip
    assert client.refused("POST", "runs/log-model", run_id=run_id, model_json="{}")[0] == 400
