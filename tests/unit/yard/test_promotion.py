"""Promotion rules of a project hold wherever its yard is written to: Python, command line, REST, MLflow's endpoints."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from starlette.testclient import TestClient

import modelyard as my
from cli.program import run
from modelyard import Yard
from modelyard.base.errors import CheckFailed, NotAllowed
from modelyard.base.events import Caller, set_caller
from modelyard.hub.app import create_app
from modelyard.hub.interface import HubSettings
from modelyard.stores.git.command import git

RULES = """
[registry.rules]
path = ["staging", "prod"]
exclusive = ["prod"]

[registry.rules.stage.prod]
schema = "compatible"
metrics = {accuracy = [">= 0.8", ">= holder - 0.05"]}
"""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three models: a good one, a worse one, and one that wants another column."""
    folder = tmp_path_factory.mktemp("models")
    frame = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0], "b": [1.0, 0.0, 1.0, 0.0]})
    other = frame.rename(columns={"b": "c"})
    for name, data, accuracy in (
        ("good", frame, 0.95),
        ("worse", frame, 0.85),
        ("wide", other, 0.99),
    ):
        model = LogisticRegression(C=accuracy).fit(data, [0, 0, 1, 1])
        my.save(model, folder / name, sample_data=data, metrics={"accuracy": accuracy})
    return folder


@pytest.fixture
def project(tmp_path: Path, models: Path) -> Path:
    (tmp_path / "modelyard.toml").write_text(RULES)
    with Yard(project=tmp_path) as yard:
        for name in ("good", "worse", "wide"):
            yard.models.add(models / name, "churn")
    return tmp_path


@pytest.fixture
def yard(project: Path) -> Iterator[Yard]:
    with Yard(project=project) as opened:
        yield opened


def into(yard: Yard, *versions: int) -> None:
    for version in versions:
        yard.models.promote("churn", "staging", version)
        yard.models.promote("churn", "prod", version)


def test_from_python(yard: Yard, project: Path) -> None:
    with pytest.raises(CheckFailed, match="comes from staging"):
        my.promote("churn", "prod", 1, project=str(project))
    into(yard, 1)
    with pytest.raises(CheckFailed, match=r"accuracy is 0\.85, to be >= 0\.9 "):
        into(yard, 2)
    with pytest.raises(CheckFailed) as refused:
        into(yard, 3)
    assert "and is breaking; decision_function.X.b: removed" in refused.value.message
    assert yard.models.get("churn#prod").version == 1


def test_from_the_command_line(project: Path) -> None:
    assert run("promote", "churn@1", "--stage", "prod", cwd=project).code == 6
    told = run("promote", "churn@1", "--stage", "prod", "--dry-run", cwd=project)
    assert told.code == 6
    assert told.out == (
        "churn@1 may not be in prod\n"
        "  NO  from: it comes from staging, and is in no stage\n"
        "  ok  schema: nothing is in prod yet\n"
        "  ok  metric accuracy: 0.95 >= 0.8\n"
        "  ok  metric accuracy: 0.95, and nothing is in prod yet\n"
    )
    assert "promote it to staging first" in told.err
    for version in ("churn@1", "churn@2"):
        assert run("promote", version, "--stage", "staging", cwd=project).code == 0
    assert run("promote", "churn@1", "--stage", "prod", cwd=project).code == 0
    same = run("promote", "churn@1", "--stage", "prod", "--dry-run", cwd=project)
    assert (same.code, same.out) == (0, "churn@1 is in prod already\n")
    refused = run("promote", "churn@2", "--stage", "prod", "--dry-run", "--json", cwd=project)
    assert refused.code == 6
    assert (refused.data["allowed"], refused.data["leaving"]) == (False, ["1"])
    free = run("promote", "churn@3", "--stage", "dev", "--dry-run", cwd=project)
    assert free.out == "churn@3 would be in dev\n"
    assert run("which", "churn", "--stage", "dev", cwd=project).code == 3


def test_a_rule_that_cannot_be_read_stops_a_promotion_and_nothing_else(project: Path) -> None:
    (project / "modelyard.toml").write_text("[registry.rules]\npaths = []\n")
    assert run("show", cwd=project).code == 0
    refused = run("promote", "churn", "--stage", "dev", cwd=project)
    assert refused.code == 2
    assert "registry.rules.paths is not known" in refused.err
    assert "did you mean 'path'?" in refused.err


def test_who_may_is_the_caller(yard: Yard, project: Path) -> None:
    (project / "modelyard.toml").write_text('registry.rules.stage.prod.who = ["ana"]\n')
    with Yard(project=project) as again:
        try:
            set_caller(Caller("bo"))
            with pytest.raises(NotAllowed):
                again.models.promote("churn", "prod", 1)
            set_caller(Caller("ana"))
            again.models.promote("churn", "prod", 1)
        finally:
            set_caller(None)


def test_over_rest_and_by_mlflows_clients(yard: Yard) -> None:
    app = create_app(HubSettings(access_log=False), yard)
    with TestClient(app, base_url="http://127.0.0.1") as client:

        def put(version: int) -> Any:
            return client.put("/api/v1/models/churn/stages/prod", json={"version": str(version)})

        refused = put(1)
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "check_failed")
        assert "comes from staging" in refused.text
        into(yard, 1)
        yard.models.promote("churn", "staging", 2)
        assert put(2).status_code == 409
        answer = client.post(
            "/api/2.0/mlflow/model-versions/transition-stage",
            json={"name": "churn", "version": "3", "stage": "prod"},
        )
        assert answer.status_code >= 400, answer.text
        assert "comes from staging" in answer.text
        assert yard.models.get("churn#prod").version == 1


def test_a_rollback_of_an_exclusive_stage(yard: Yard) -> None:
    yard.models.promote("churn", "staging", 2)
    into(yard, 2, 1)
    assert yard.models.get("churn@2").stages == []
    assert yard.models.rollback("churn", "prod").version == 2
    assert yard.models.get("churn@1").stages == ["staging"]


@pytest.fixture
def repository(tmp_path: Path, models: Path) -> Path:
    """Three commits with a model each, registered as v1.0.0, v2.0.0 and v3.0.0."""
    folder = tmp_path / "repo"
    git(None, "init", "--quiet", "--initial-branch=main", str(folder))
    git(folder, "config", "user.name", "Ana")
    git(folder, "config", "user.email", "ana@example.org")
    (folder / "modelyard.toml").write_text('registry.kind = "git"\n' + RULES)
    registry = my.GitRegistry(folder)
    for number, name in enumerate(("good", "worse", "wide"), 1):
        my.clone(str(models / name), folder / "models/churn")
        git(folder, "add", ".")
        git(folder, "commit", "--quiet", "-m", name)
        registry.register("models/churn", semver=f"v{number}.0.0")
        git(folder, "commit", "--quiet", "--allow-empty", "-am", "annotated")
    return folder


def test_in_a_git_registry(repository: Path) -> None:
    registry = my.GitRegistry(repository)
    with pytest.raises(CheckFailed, match="comes from staging"):
        registry.promote("churn", "prod", "v1.0.0")
    for version in ("v1.0.0", "v2.0.0", "v3.0.0"):
        registry.promote("churn", "staging", version)
    registry.promote("churn", "prod", "v1.0.0")
    with pytest.raises(CheckFailed, match=r"accuracy is 0\.85, to be >= 0\.9"):
        registry.promote("churn", "prod", "v2.0.0")
    told = run("promote", "churn@v3.0.0", "--stage", "prod", "--dry-run", cwd=repository)
    assert (told.code, told.out.splitlines()[0]) == (
        6,
        "churn@v3.0.0 may not be in prod, after version v1.0.0",
    )
    assert "NO  schema" in told.out
    assert "ok  metric accuracy: 0.99 >= 0.9 (version v1.0.0 has 0.95)" in told.out
    assert registry.get_stages("churn") == {"prod": "v1.0.0", "staging": "v3.0.0"}


def test_in_a_repository_behind_a_url_its_own_rules_hold(repository: Path) -> None:
    bare = repository.with_name("bare.git")
    text = 'registry.rules.stage.prod = {who = ["*@ops.example.org"]}\n'
    (repository / "modelyard.toml").write_text(text)
    git(repository, "commit", "--quiet", "-am", "other rules")
    git(None, "clone", "--quiet", "--bare", str(repository), str(bare))
    url = f"file://{bare}"
    with pytest.raises(NotAllowed, match=r"Bo <bo@example\.org> may not"):
        my.GitRegistry(url, identity=("Bo", "bo@example.org")).promote("churn", "prod")
    my.GitRegistry(url, identity=("Cy", "cy@ops.example.org")).promote("churn", "prod")
    assert "churn#prod#1" in git(bare, "tag").decode().split()
