"""The main path through two hubs on one yard, with a token, each step in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from hub_cases.server import Running, hub
from modelyard import Yard
from modelyard.hub import accounts


@dataclass
class Scene:
    """Two hubs, a person's folder and settings."""

    hubs: list[Running]
    place: Path
    """Where these run."""
    folder: Path
    environment: dict[str, str]
    tokens: dict[str, str]
    expected: list[int]
    """What the saved model says to ``x.csv``."""

    def cli(self, *words: str, hub: int = 0, code: int = 0, given: str = "", **more: str) -> str:
        """What a command prints."""
        environment = {**self.environment, "MODELYARD_URI": self.hubs[hub].url, **more}
        done = subprocess.run(
            [sys.executable, "-m", "modelyard", *words],
            cwd=self.folder,
            env=environment,
            input=given,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == code, (words, done.stdout, done.stderr)
        return done.stdout + (done.stderr if code else "")

    def python(self, code: str, hub: int = 0) -> str:
        """What a program prints."""
        environment = {**self.environment, "MODELYARD_URI": self.hubs[hub].url}
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """One for all tests: each registers the model that is saved here under a name of its own."""
    tmp_path = tmp_path_factory.mktemp("hubs")
    place = tmp_path / "hub"
    place.mkdir()
    tokens: dict[str, str] = {}
    with Yard(place / "yard.db") as yard:
        for name, role in (("ana", "promoter"), ("vic", "viewer"), ("root", "admin")):
            accounts.add_user(yard.database, name, role)
            tokens[name] = accounts.create_token(yard.database, name)["secret"]
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "modelyard.toml").write_text("")
    own = {
        "MODELYARD_CONFIG_DIR": str(tmp_path / "config"),
        "MODELYARD_CACHE_DIR": str(tmp_path / "cache"),
    }
    environment = {**os.environ, **own}
    for name in ("MODELYARD_TOKEN", "MODELYARD_URI", "MLFLOW_TRACKING_URI"):
        environment.pop(name, None)
    with ExitStack() as stack:
        hubs = [stack.enter_context(hub("--uri", "yard.db", cwd=place)) for _ in range(2)]
        scene = Scene(hubs, place, folder, environment, tokens, [])
        for number, running in enumerate(hubs):
            scene.cli("login", running.url, "--token-stdin", given=f"{tokens['ana']}\n", hub=number)
        scene.expected += json.loads(scene.python(SAVE))
        yield scene


SAVE = """
import modelyard as my
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
X, y = load_iris(return_X_y=True, as_frame=True)
X.head(3).to_csv("x.csv", index=False)
model = LogisticRegression(max_iter=1000).fit(X, y)
my.save(model, "models/iris", sample_data=X)
print(model.predict(X.head(3)).tolist())
"""

LIVE = """
import modelyard as my
with my.Yard() as yard:
    data = yard.datasets.add([1.0, 2.0, 3.0], "numbers")
    factor = len(data.data)
    version = yard.models.add(lambda x: x * factor, "triple", sample_data=2.0, dataset=data)
    run = yard.runs.start("r", experiment="e")
    yard.runs.log(run.run_id, metrics={"acc": 0.9}, params={"depth": "3"})
    with open("x.csv", "rb") as file:
        yard.artifacts.put(yard.runs.owner_of(run.run_id), "data/x.csv", file)
    yard.runs.end(run.run_id)
    print(version.ref, version.card.format.tier, run.run_id)
"""


def test_from_saving_to_prediction_in_processes_of_their_own(scene: Scene, tmp_path: Path) -> None:
    expected = scene.expected
    assert "iris@1" in scene.cli("register", "models/iris")
    scene.cli("alias", "iris@1", "champion", hub=1)
    assert "iris@1 is in prod" in scene.cli("promote", "iris", "--stage", "prod", "-m", "good")
    shown = json.loads(scene.cli("show", "--json", hub=1))["iris"]
    assert shown == {"latest": 1, "stages": {"prod": 1}, "aliases": {"champion": 1}}
    told = json.loads(scene.cli("which", "iris", "--stage", "prod", "--json", hub=1))
    assert (told["version"], told["by"]) == (1, "ana")
    assert json.loads(scene.cli("apply", "iris@champion", "x.csv", hub=1)) == expected
    load = "import modelyard as my, pandas as pd; print(my.load('iris#prod').predict(pd.read_csv('x.csv')).tolist())"
    assert json.loads(scene.python(load, hub=1)) == expected

    ref, tier, run_id = scene.python(LIVE).split()
    assert (ref, tier) == ("triple@1", "2")
    assert (
        scene.python("import modelyard as my; print(my.load('triple@1')(5.0))", hub=1) == "15.0\n"
    )
    rows = json.loads(scene.cli("runs", "list", "--json", hub=1))
    assert [(r["run_id"], r["user"], r["metrics.acc"]) for r in rows] == [(run_id, "ana", 0.9)]
    out = tmp_path / "out"
    scene.cli("artifacts", "get", run_id, "data/x.csv", "-o", str(out), hub=1)
    assert out.read_bytes() == (scene.folder / "x.csv").read_bytes()
    assert not (scene.folder / "yard.db").exists()


def test_roles_and_missing_tokens_are_the_errors_they_are(scene: Scene) -> None:
    viewer = scene.tokens["vic"]
    register = ("register", "models/iris", "--name", "rose")
    said = scene.cli(*register, code=4, MODELYARD_TOKEN=viewer)
    assert "vic is viewer" in said
    said = scene.cli("show", code=4, MODELYARD_TOKEN="my_wrong")
    assert "token" in said
    scene.cli(*register)
    assert "rose" in scene.cli("show", MODELYARD_TOKEN=viewer)
    assert "admin" in scene.cli("models", "delete", "rose", "--yes", code=4)
    assert scene.cli("show", "nothing", code=3)
    assert "hub's machine" in scene.cli("db", "check", code=1)


def test_a_hub_that_is_gone_is_said_soon_and_the_other_goes_on(scene: Scene) -> None:
    scene.cli("register", "models/iris", "--name", "aster")
    with hub("--uri", "yard.db", cwd=scene.place) as gone:
        gone.process.kill()
        gone.process.wait(30)
        started = time.monotonic()
        said = scene.cli("show", code=7, MODELYARD_URI=gone.url)
        assert time.monotonic() - started < 20
    assert f"no hub answers at {gone.url}" in said
    assert "aster" in scene.cli("show", hub=1)
