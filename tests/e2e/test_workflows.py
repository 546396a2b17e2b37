"""The workflows that `ci init` writes, run step by step in a checkout as CI makes it: its tag turned lightweight."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from sklearn.linear_model import LogisticRegression

import modelyard as my
from cli.program import run
from modelyard.base.errors import AlreadyExists, InvalidInput
from modelyard.shipping.workflows import workflow_text, write_workflow
from modelyard.shipping.workflows.steps import TRY, Settings
from modelyard.stores.git.command import git

DEPLOY = """printf '%s|' "$NAME" "$VERSION" "$STAGE" "$(basename "$WHEEL")" > deployed.txt"""
SETTINGS = Settings(deploy=DEPLOY)


def parsed(system: str, settings: Settings = SETTINGS) -> Any:
    return YAML(typ="safe").load(workflow_text(system, settings))


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bare repository with two versions of a model, the older one in prod, and tags of nothing."""
    work = tmp_path_factory.mktemp("work")
    git(None, "init", "--quiet", "--initial-branch=main", str(work))
    git(work, "config", "user.name", "Ana")
    git(work, "config", "user.email", "ana@example.org")
    registry = my.GitRegistry(work)
    for number in (1, 2):
        model = LogisticRegression(C=number).fit([[0.0], [1.0]], [0, 1])
        my.save(model, work / "models/churn", sample_data=[[0.0], [1.0]])
        git(work, "add", ".")
        git(work, "commit", "--quiet", "-m", f"model {number}")
        registry.register("models/churn", semver=f"v{number}.0.0")
        git(work, "add", ".")
        git(work, "commit", "--quiet", "--allow-empty", "-m", "written down")
    registry.promote("churn", "prod", "v1.0.0")
    registry.deregister("churn", "v2.0.0")
    git(work, "tag", "-a", "notes.1#x", "-m", "of something else")
    bare = tmp_path_factory.mktemp("origin") / "models.git"
    git(None, "clone", "--quiet", "--bare", str(work), str(bare))
    return bare


def checkout(origin: Path, tag: str, target: Path) -> Path:
    """As actions/checkout does it: one commit, and the tag as a plain name for it."""
    git(None, "init", "--quiet", str(target))
    git(target, "remote", "add", "origin", f"file://{origin}")
    commit = git(origin, "rev-parse", f"refs/tags/{tag}^{{commit}}").decode().strip()
    git(
        target, "fetch", "--quiet", "--no-tags", "--depth=1", "origin", f"+{commit}:refs/tags/{tag}"
    )
    git(target, "checkout", "--quiet", "--force", f"refs/tags/{tag}")
    assert git(target, "cat-file", "-t", f"refs/tags/{tag}").strip() == b"commit"
    return target


class Machine:
    """Where steps run. pip is not asked for anything: what it would install is noted."""

    def __init__(self, folder: Path, tools: Path) -> None:
        self.folder, self.pip = folder, tools / "pip.txt"
        tools.mkdir()
        scripts = {
            "modelyard": f'exec {sys.executable} -m modelyard "$@"\n',
            "python": f'[ "$2" = pip ] && echo "$*" >> {self.pip} && exit\nexec {sys.executable} "$@"\n',
        }
        for name, text in scripts.items():
            (tools / name).write_text(f"#!/bin/sh\n{text}")
            (tools / name).chmod(0o755)
        self.environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}
        self.environment["MODELYARD_CACHE_DIR"] = str(tools / "cache")

    def shell(self, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", script],
            cwd=self.folder,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )


def evaluated(text: str, context: Mapping[str, str]) -> str:
    """``${{ … }}`` of a workflow; only names are used there."""
    return re.sub(r"\$\{\{ ([\w.]+) \}\}", lambda found: context.get(found[1], ""), text)


def holds(condition: str | None, context: Mapping[str, str]) -> bool:
    if condition is None:
        return True
    name = next(word for word in re.findall(r"[\w.]+", condition) if ".outputs." in word)
    return context.get(name, "") in re.findall(r"[\"'](\w+)[\"']", condition)


def on_github(workflow: Any, machine: Machine, tag: str) -> tuple[dict[str, str], str]:
    """Run the jobs; the outputs of the first, and all that was printed. Stops at the step that fails."""
    context = {"github.ref": f"refs/tags/{tag}"}
    said = ""
    for name, job in workflow["jobs"].items():
        if not holds(job.get("if"), context):
            continue
        environment = {k: evaluated(v, context) for k, v in job.get("env", {}).items()}
        for step in job["steps"]:
            if "run" not in step or not holds(step.get("if"), context):
                continue
            output = machine.folder / "github_output"
            output.write_text("")
            own = {k: evaluated(v, context) for k, v in step.get("env", {}).items()}
            done = machine.shell(step["run"], **environment, **own, GITHUB_OUTPUT=str(output))
            said += done.stdout + done.stderr
            if done.returncode:
                return context, said
            for line in output.read_text().splitlines():
                key, _, value = line.partition("=")
                context[f"steps.{step['id']}.outputs.{key}"] = value
        for key, value in job.get("outputs", {}).items():
            context[f"needs.{name}.outputs.{key}"] = evaluated(value, context)
    return context, said


def on_gitlab(workflow: Any, machine: Machine, tag: str, without: str = "") -> str:
    """Run the jobs in order, less one piece of shell; each knows the variables of the first one's report."""
    said, report = "", {}
    for name in ("check-ref", "model", "deploy"):
        job = workflow[name]
        known = {k: v.replace("$CI_COMMIT_TAG", tag) for k, v in job.get("variables", {}).items()}
        script = "\n".join(lines for lines in job["script"] if lines != without)
        done = machine.shell(script, **known, **report, CI_COMMIT_TAG=tag)
        said += done.stdout + done.stderr
        if done.returncode:
            return said
        if name == "check-ref":
            lines = (machine.folder / job["artifacts"]["reports"]["dotenv"]).read_text()
            report = dict(line.split("=", 1) for line in lines.splitlines())
        if name == "model" and "#" not in tag:
            break
    return said


def test_a_promotion_is_checked_tried_built_and_deployed(origin: Path, tmp_path: Path) -> None:
    machine = Machine(checkout(origin, "churn#prod#1", tmp_path / "c"), tmp_path / "tools")
    assert machine.shell("modelyard check-ref 'churn#prod#1'").returncode == 6  # as checked out
    _, said = on_github(parsed("github"), machine, "churn#prod#1")
    assert "ok  predict: ndarray of 2" in said, said
    deployed = (machine.folder / "deployed.txt").read_text().split("|")
    assert deployed[:3] == ["churn", "v1.0.0", "prod"], said
    assert deployed[3].endswith(".whl")
    installed = machine.pip.read_text()
    assert "-m pip install --quiet modelyard==" in installed
    assert "-m pip install --quiet -r requirements.txt" in installed
    assert "scikit-learn==" in (machine.folder / "requirements.txt").read_text()


def test_a_version_is_built_and_not_deployed(origin: Path, tmp_path: Path) -> None:
    machine = Machine(checkout(origin, "churn@v1.0.0", tmp_path / "c"), tmp_path / "tools")
    workflow = parsed("gitlab")
    # What takes longest is the same shell as on GitHub, where it is run above.
    assert TRY in workflow["model"]["script"]
    assert TRY in [step.get("run") for step in parsed("github")["jobs"]["model"]["steps"]]
    said = on_gitlab(workflow, machine, "churn@v1.0.0", without=TRY)
    assert "EVENT=registration" in said
    assert list((machine.folder / "dist").glob("*.whl"))
    assert not (machine.folder / "deployed.txt").exists()


def test_of_a_deregistration_nothing_is_built(origin: Path, tmp_path: Path) -> None:
    machine = Machine(checkout(origin, "churn@v2.0.0!", tmp_path / "c"), tmp_path / "tools")
    context, said = on_github(parsed("github"), machine, "churn@v2.0.0!")
    assert context["needs.model.outputs.EVENT"] == "deregistration", said
    assert not (machine.folder / "dist").exists()
    only = {**parsed("gitlab")["model"], "variables": {}}["script"][0]
    assert "nothing to do" in machine.shell(only, EVENT="deregistration").stdout


def test_a_tag_of_something_else_stops_it(origin: Path, tmp_path: Path) -> None:
    machine = Machine(checkout(origin, "notes.1#x", tmp_path / "c"), tmp_path / "tools")
    context, said = on_github(parsed("github"), machine, "notes.1#x")
    assert "none of a registry" in said
    assert "needs.model.outputs.EVENT" not in context


GITHUB_STEP = {"name", "id", "if", "run", "uses", "with", "env", "shell", "working-directory"}
GITHUB_JOB = {
    "name", "needs", "if", "runs-on", "environment", "outputs", "env", "steps", "permissions",
}  # fmt: skip
GITLAB_JOB = {
    "stage", "image", "rules", "needs", "variables", "script", "artifacts", "environment",
}  # fmt: skip


def test_what_is_written_is_what_the_systems_take() -> None:
    """Their schemas' words; checked against the published schemas when this was written."""
    github = parsed("github")
    assert set(github) == {"name", "on", "permissions", "concurrency", "jobs"}
    for job in github["jobs"].values():
        assert set(job) <= GITHUB_JOB
        assert {"runs-on", "steps"} <= set(job)
        for step in job["steps"]:
            assert set(step) <= GITHUB_STEP
            assert ("run" in step) != ("uses" in step)
            assert all(isinstance(v, str) for v in step.get("with", {}).values())
    gitlab = parsed("gitlab")
    stages = gitlab.pop("stages")
    for name, job in gitlab.items():
        assert set(job) <= GITLAB_JOB
        assert job["stage"] in stages
        assert all(isinstance(line, str) for line in job["script"])
        assert {need["job"] for need in job.get("needs", ())} <= set(gitlab) - {name}


@pytest.mark.parametrize("system", ["github", "gitlab"])
@pytest.mark.parametrize(
    "command", ["echo 'a: b' # c", 'a "b"\n  - x: ${{ y }}\n', "$(rm) `x` {[&*!|>%@"]
)
def test_a_command_comes_through_as_it_is(system: str, command: str) -> None:
    data = parsed(system, Settings(deploy=command, install="modelyard[sklearn]>=0.1,<2"))
    jobs = data["jobs"] if system == "github" else data
    steps = jobs["deploy"]["steps" if system == "github" else "script"]
    last = steps[-1]["run"] if system == "github" else steps[-1]
    assert last == 'WHEEL="$(ls dist/*.whl)"\nexport WHEEL\n' + command + "\n"
    assert "pip install --quiet 'modelyard[sklearn]>=0.1,<2'" in str(data)


@pytest.mark.parametrize("system", ["github", "gitlab"])
def test_there_is_no_secret_in_it(system: str) -> None:
    assert "secrets." not in workflow_text(system, Settings())
    assert "TOKEN" not in workflow_text(system, Settings())


def test_a_file_that_is_there_stays(tmp_path: Path) -> None:
    written = write_workflow("github", tmp_path, Settings())
    assert write_workflow("github", tmp_path, Settings()) == written  # the same again
    written.write_text("mine")
    with pytest.raises(AlreadyExists):
        write_workflow("github", tmp_path, Settings())
    assert written.read_text() == "mine"
    write_workflow("github", tmp_path, Settings(), force=True)
    assert written.read_text() == workflow_text("github", Settings())
    with pytest.raises(InvalidInput, match="no workflow is known for 'gihub'"):
        write_workflow("gihub", tmp_path, Settings())


def test_from_the_command_line(tmp_path: Path) -> None:
    git(None, "init", "--quiet", str(tmp_path))
    assert run("ci", "init", "gitlab", "--dry-run", cwd=tmp_path).out.startswith("# Written by")
    assert not (tmp_path / ".gitlab-ci.yml").exists()
    done = run("ci", "init", "gitlab", cwd=tmp_path)
    assert (done.code, done.out) == (0, f"{tmp_path}/.gitlab-ci.yml\n")
    (tmp_path / ".gitlab-ci.yml").write_text("stages: []\n")
    refused = run("ci", "init", "gitlab", cwd=tmp_path)
    assert refused.code == 5
    assert "include:" in refused.err
    other = run("ci", "init", "gitlab", "-o", ".gitlab/modelyard.yml", cwd=tmp_path)
    assert other.code == 0


def test_a_model_is_tried_on_its_sample(tmp_path: Path) -> None:
    def half(x: float) -> float:
        return x / 2

    my.save(half, tmp_path / "half", sample_data=3.0)
    digest = my.load_card(tmp_path / "half").digest
    told = run("ci", "test", "half", "--trust", digest, cwd=tmp_path)
    assert (told.code, told.out) == (0, "ok  predict: 1.5\n")
    my.save(half, tmp_path / "bare")
    digest = my.load_card(tmp_path / "bare").digest
    refused = run("ci", "test", "bare", "--trust", digest, cwd=tmp_path)
    assert refused.code == 6
    assert "sample" in refused.err
