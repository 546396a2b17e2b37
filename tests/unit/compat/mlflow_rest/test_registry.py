"""Registered models and versions as MLflow's clients use them, over the yard's own registry."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from mlflow_server import FILES, Client
from modelyard.compat.mlflow_rest.stages import Stages
from modelyard.registry.interface import ModelState

FIXTURES = Path(__file__).parents[3] / "fixtures" / "mlflow"
X = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0], [3.0, 1.0]])


@pytest.fixture(scope="module")
def logged(client: Client) -> str:
    """A logged model whose files an MLflow client wrote."""
    return client.logged_model(FIXTURES / "sklearn_skops")


def register(client: Client, name: str, source: str, **fields: object) -> dict[str, object]:
    if client.http.get(f"/api/2.0/mlflow/registered-models/get?name={name}").status_code == 404:
        client.post("registered-models/create", name=name)
    made = client.post("model-versions/create", name=name, source=source, **fields)
    return made["model_version"]


def test_what_a_client_registers_is_an_ordinary_version(client: Client, logged: str) -> None:
    made = register(client, "churn", f"models:/{logged}", tags=[{"key": "a", "value": "1"}])
    assert (made["version"], made["status"], made["model_id"]) == ("1", "READY", logged)
    assert made["tags"] == [{"key": "a", "value": "1"}]
    client.post("registered-models/alias", name="churn", alias="champion", version="1")
    version = client.yard.models.get("churn@champion")
    assert (version.card.flavor, version.record.facts["format"]) == ("sklearn", "skops")
    rows = pd.DataFrame([{"age": 40, "income": 20.0, "debt": 3.0}])
    assert len(version.load().predict(rows)) == 1
    assert client.yard.check() == []


def test_a_version_keeps_its_files_whatever_becomes_of_the_model(client: Client) -> None:
    model_id = client.logged_model(FIXTURES / "sklearn_skops")
    register(client, "kept", f"models:/{model_id}")
    assert client.put_file(f"0/models/{model_id}/artifacts/MLmodel", b"other").status_code == 200
    client.delete(f"logged-models/{model_id}")
    uri = client.get("model-versions/get-download-uri", name="kept", version="1")["artifact_uri"]
    path = uri.partition(":/")[2]
    found = client.http.get(f"{FILES}/{path}/MLmodel")
    assert found.content == (FIXTURES / "sklearn_skops" / "MLmodel").read_bytes()
    assert client.put_file(f"{path}/MLmodel", b"x").status_code == 403
    assert client.http.request("DELETE", f"{FILES}/{path}").status_code == 403
    assert client.yard.models.get("kept@1").card.flavor == "sklearn"


def test_no_copy_of_the_bytes_is_kept(client: Client, logged: str) -> None:
    store = client.yard.stores.all()[0]
    register(client, "twice", f"models:/{logged}")
    before = {blob.sha256 for blob in store.list()}
    assert register(client, "twice", f"models:/{logged}")["version"] == "2"  # each call counts
    assert {blob.sha256 for blob in store.list()} == before


def test_files_that_are_no_model_are_a_version_without_a_card(client: Client) -> None:
    run_id = client.run()
    client.put_file(f"0/{run_id}/artifacts/data/table.bin", b"\x00\x01")
    made = register(client, "bytes", f"runs:/{run_id}/data", run_id=run_id)
    assert (made["run_id"], made["status"]) == (run_id, "READY")
    uri = client.get("model-versions/get-download-uri", name="bytes", version="1")["artifact_uri"]
    assert client.http.get(f"{FILES}/{uri.partition(':/')[2]}/table.bin").content == b"\x00\x01"
    assert client.yard.check() == []


@pytest.mark.parametrize(
    "source",
    [
        "s3://somebody/else", "file:///etc", "FILE:/etc/passwd", "/etc/passwd", "http:///#/../../etc", "gopher://x/y",
        "runs:/../../etc", "models:/m/../../x", "models:/m-" + "0" * 32, "runs:/" + "0" * 32 + "/model", "dbfs:/x",
        "mlflow-artifacts:/../../etc", "mlflow-artifacts:/0/" + "0" * 32 + "/artifacts/x", "mlflow-artifacts:/versions/x",
        "mlflow-artifacts:/0/models/%2e%2e/artifacts", "models:/nobody/1", "mlflow-artifacts:/0/" + "0" * 32 + "/artifacts/..%2fx",
    ],
)  # fmt: skip
def test_no_other_place_is_a_source(client: Client, source: str) -> None:
    name = "sources"
    if client.http.get(f"/api/2.0/mlflow/registered-models/get?name={name}").status_code == 404:
        client.post("registered-models/create", name=name)
    status, code, _ = client.refused("POST", "model-versions/create", name=name, source=source)
    assert (status, code) in [(400, "INVALID_PARAMETER_VALUE"), (404, "RESOURCE_DOES_NOT_EXIST")]
    assert client.yard.models.registry.state(name).versions == {}


def test_a_model_that_is_not_complete_is_not_registered(client: Client) -> None:
    made = client.post("logged-models", experiment_id="0", name="half")
    model_id = made["model"]["info"]["model_id"]
    client.put_file(f"0/models/{model_id}/artifacts/MLmodel", b"flavors: {}")
    client.post("registered-models/create", name="half")
    refusal = client.refused("POST", "model-versions/create", name="half", source=f"models:/{model_id}")  # fmt: skip
    assert refusal[:2] == (400, "INVALID_PARAMETER_VALUE")


def test_a_model_of_ours_is_a_folder_that_clients_load(client: Client) -> None:
    model = LogisticRegression().fit(X, [0, 0, 1, 1])
    client.yard.models.add(model, "ours", sample_data=X)
    uri = client.get("model-versions/get-download-uri", name="ours", version="1")["artifact_uri"]
    again = client.get("model-versions/get-download-uri", name="ours", version="1")["artifact_uri"]
    assert uri == again
    listed = client.http.get(FILES, params={"path": uri.partition(":/")[2]}).json()["files"]
    assert "MLmodel" in [file["path"] for file in listed]


def test_a_deleted_version_lets_its_files_go(client: Client, logged: str) -> None:
    for _ in range(2):
        register(client, "brief", f"models:/{logged}")
    owners = [
        f"version:{v.facts['files']}"
        for v in client.yard.models.registry.state("brief").versions.values()
    ]
    client.delete("model-versions/delete", name="brief", version="1")
    assert [client.yard.artifacts.stat(owner) is None for owner in owners] == [True, False]
    client.delete("registered-models/delete", name="brief")
    assert client.yard.artifacts.stat(owners[1]) is None
    assert client.yard.artifacts.stat(f"model:{logged}") is not None


def test_a_copy_has_the_same_files_and_its_own_tags(client: Client, logged: str) -> None:
    register(client, "origin", f"models:/{logged}", tags=[{"key": "a", "value": "1"}])
    copied = register(client, "copied", "models:/origin/1")
    assert (copied["source"], copied.get("tags")) == ("models:/origin/1", None)
    client.delete("registered-models/delete", name="origin")
    assert client.yard.models.get("copied").digest == client.yard.models.get("churn@1").digest
    assert client.yard.models.get("copied").card.flavor == "sklearn"


def test_stages_move_and_archive(client: Client, logged: str) -> None:
    for _ in range(3):
        register(client, "staged", f"models:/{logged}")

    def move(version: str, stage: str, archive: bool = False) -> str:
        moved = client.post(
            "model-versions/transition-stage",
            name="staged", version=version, stage=stage, archive_existing_versions=archive,
        )  # fmt: skip
        return moved["model_version"]["current_stage"]

    assert [move("1", "production"), move("2", "Production")] == ["Production", "Production"]
    latest = client.post("registered-models/get-latest-versions", name="staged")["model_versions"]
    assert {(v["version"], v["current_stage"]) for v in latest} == {("3", "None"), ("2", "Production")}  # fmt: skip
    assert move("3", "Production", archive=True) == "Production"
    found = client.get("model-versions/search", filter="name='staged'")["model_versions"]
    assert {v["version"]: v["current_stage"] for v in found} == {"1": "Archived", "2": "Archived", "3": "Production"}  # fmt: skip
    assert client.yard.models.get("staged#Production").version == 3
    assert move("3", "None") == "None"
    assert "Invalid Model Version stage: qa. Value must be one of None, Staging" in client.refused(
        "POST", "model-versions/transition-stage", name="staged", version="3", stage="qa"
    )[2]  # fmt: skip
    assert "is not an Active stage" in client.refused(
        "POST", "model-versions/transition-stage", name="staged", version="3", stage="None",
        archive_existing_versions=True,
    )[2]  # fmt: skip


def test_settings_call_stages_by_other_names() -> None:
    stages = Stages({"prod": "production"})
    assert [stages.ours("Production"), stages.ours("prod"), stages.ours("none")] == ["prod", "prod", None]  # fmt: skip
    assert stages.archive_of("Production", True) == "Archived"
    assert stages.latest(ModelState("x")) == []


def test_refusals_are_mlflows(client: Client, logged: str) -> None:
    register(client, "known", f"models:/{logged}")
    exists = client.refused("POST", "registered-models/create", name="known")
    assert exists == (400, "RESOURCE_ALREADY_EXISTS", "Registered Model (name=known) already exists.")  # fmt: skip
    gone = (404, "RESOURCE_DOES_NOT_EXIST", "Registered Model with name=nobody not found")
    assert client.refused("GET", "registered-models/get", name="nobody") == gone
    assert client.refused("PATCH", "registered-models/update", name="nobody") == gone
    assert client.refused("DELETE", "registered-models/delete", name="nobody") == gone
    assert client.refused("POST", "registered-models/rename", name="nobody", new_name="x") == gone
    version = (404, "RESOURCE_DOES_NOT_EXIST", "Model Version (name=known, version=9) not found")
    assert client.refused("GET", "model-versions/get", name="known", version="9") == version
    text = client.refused("GET", "model-versions/get", name="known", version="x")[2]
    assert text == "Parameter 'version' must be an integer, got 'x'."
    alias = client.refused("GET", "registered-models/alias", name="known", alias="none")
    assert alias == (400, "INVALID_PARAMETER_VALUE", "Registered model alias none not found.")
    for name in ("a/b", "a:b", "", "..", "m-" + "0" * 32):
        assert client.refused("POST", "registered-models/create", name=name)[0] == 400
    for word in ("latest", "v3", "3", "a b", "../x"):
        fields = {"name": "known", "alias": word, "version": "1"}
        assert client.refused("POST", "registered-models/alias", **fields)[0] == 400


def test_what_is_not_there_may_be_removed(client: Client, logged: str) -> None:
    register(client, "loose", f"models:/{logged}")
    assert client.delete("registered-models/alias", name="loose", alias="none") == {}
    assert client.delete("registered-models/delete-tag", name="loose", key="none") == {}
    assert client.delete("model-versions/delete-tag", name="loose", version="1", key="none") == {}


def test_searches_page_without_shifting(client: Client) -> None:
    for letter in "abcdef":
        client.post("registered-models/create", name=f"page-{letter}", tags=[{"key": "t", "value": letter}])  # fmt: skip
    wanted = {"filter": "name LIKE 'page-%'", "max_results": 2}
    first = client.get("registered-models/search", **wanted)
    client.delete("registered-models/delete", name="page-a")
    second = client.get("registered-models/search", page_token=first["next_page_token"], **wanted)
    assert [m["name"] for m in second["registered_models"]] == ["page-c", "page-d"]
    assert client.get("registered-models/search", filter="name = 'nobody'") == {}
    down = client.get("registered-models/search", order_by=["name DESC"], **wanted)
    assert [m["name"] for m in down["registered_models"]] == ["page-f", "page-e"]
    tags = client.get("registered-models/search", filter="tags.t = \"e\" or tags.`t` in ('f')")
    assert [m["name"] for m in tags["registered_models"]] == ["page-e", "page-f"]
    prompts = client.get("registered-models/search", filter="tag.`mlflow.prompt.is_prompt` != 'true' and name like 'page-f'")  # fmt: skip
    assert len(prompts["registered_models"]) == 1


@pytest.mark.parametrize(
    "query",
    [
        {"filter": "nothing = 1"}, {"filter": "name ="}, {"order_by": ["color"]}, {"order_by": ["name", "name DESC"]},
        {"page_token": "x"}, {"page_token": "W10="}, {"page_token": "WzFd"}, {"max_results": -1}, {"max_results": 10**9}, {"max_results": "x"},
        {"filter": "(" * 10_000}, {"filter": "name = '" + "x" * 100_000 + "'"},
    ],
)  # fmt: skip
def test_a_search_that_means_nothing_is_refused(client: Client, query: dict[str, object]) -> None:
    client.http.post("/api/2.0/mlflow/registered-models/create", json={"name": "some"})
    for path in ("registered-models/search", "model-versions/search"):
        assert client.refused("POST", path, **query)[0] == 400


def test_a_rename_keeps_versions_and_frees_the_name(client: Client, logged: str) -> None:
    register(client, "old name", f"models:/{logged}")
    client.post("registered-models/rename", name="old name", new_name="new name")
    assert client.refused("GET", "registered-models/get", name="old name")[0] == 404
    found = client.get("model-versions/get", name="new name", version="1")["model_version"]
    assert found["name"] == "new name"
    taken = client.refused("POST", "registered-models/rename", name="new name", new_name="churn")
    assert taken[:2] == (400, "RESOURCE_ALREADY_EXISTS")


def test_descriptions_and_tags_of_versions(client: Client, logged: str) -> None:
    register(client, "told", f"models:/{logged}", description="at first")
    client.post("model-versions/set-tag", name="told", version="1", key="k", value="v")
    client.post("model-versions/set-tag", name="told", version="1", key="other", value="")
    client.patch("model-versions/update", name="told", version="1", description="later")
    client.delete("model-versions/delete-tag", name="told", version="1", key="k")
    found = client.get("model-versions/get", name="told", version="1")["model_version"]
    assert (found["description"], found["tags"]) == ("later", [{"key": "other", "value": ""}])
    client.delete("model-versions/delete", name="told", version="1")
    assert client.refused("GET", "model-versions/get", name="told", version="1")[0] == 404
