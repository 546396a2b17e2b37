"""Measures that DVCLive writes here and now, read without it; and DVC's own word on the same repository."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from dvclive import Live

from modelyard.stores.folders.git import git_folder
from modelyard.stores.folders.local import LocalFolder
from modelyard.yard.measures import measures_in

SEED = int(os.environ.get("MODELYARD_DVC_SEED") or random.SystemRandom().randrange(1 << 32))


def command(folder: Path, *words: str) -> str:
    """What a command prints, run in a folder."""
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository that DVC knows, with one commit."""
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    monkeypatch.setenv("DVC_GLOBAL_CONFIG_DIR", str(tmp_path / "dvc"))
    folder = tmp_path / "repository"
    command(tmp_path, "git", "init", "--quiet", str(folder))
    command(folder, "git", "config", "user.name", "Ana")
    command(folder, "git", "config", "user.email", "ana@example.org")
    command(folder, sys.executable, "-m", "dvc", "init", "--quiet")
    command(folder, "git", "commit", "--quiet", "-m", "begin")
    return folder


def test_what_a_training_writes_is_what_is_read(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    print("seed", SEED)
    chosen = random.Random(SEED)
    steps = chosen.randrange(2, 8)
    losses = [chosen.random() for _ in range(steps)]
    monkeypatch.chdir(repository)
    with Live(save_dvc_exp=False, report=None) as live:
        live.log_params({"depth": 3, "model": {"rate": 0.5}})
        for loss in losses:
            live.log_metric("train/loss", loss)
            live.log_metric("val/deep/er", loss * 2)
            live.next_step()
    found = measures_in(LocalFolder(repository), "models/churn")
    assert found.metrics == {
        "train.loss": losses[-1], "val.deep.er": losses[-1] * 2, "step": steps - 1,
    }  # fmt: skip
    assert {k: float(v) for k, v in found.params.items()} == {"depth": 3, "model.rate": 0.5}
    (loss,) = (p for p in found.plots if p.name.endswith("train/loss.tsv"))
    assert (loss.x, loss.y, loss.rows) == ("step", ("loss",), steps)
    assert loss.columns["loss"] == pytest.approx(losses)
    command(repository, "git", "add", ".")
    command(repository, "git", "commit", "--quiet", "-m", "trained")
    assert measures_in(git_folder(repository, "HEAD"), "models/churn").metrics == found.metrics
    told = json.loads(command(repository, sys.executable, "-m", "dvc", "metrics", "show", "--json"))
    files = told[""]["data"] if "" in told else told["workspace"]["data"]
    theirs = {name: value for file in files.values() for name, value in flat(file["data"]).items()}
    assert theirs == pytest.approx(found.metrics)


def flat(data: object, above: str = "") -> dict[str, float]:
    if not isinstance(data, dict):
        return {above: float(data)}  # type: ignore[arg-type]  # a number
    found: dict[str, float] = {}
    for key, value in data.items():
        found |= flat(value, f"{above}.{key}" if above else str(key))
    return found
