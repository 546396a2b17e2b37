"""Metrics, parameters and plots: what DVCLive wrote, every shape of dvc.yaml, in a folder and at a commit."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import modelyard as my
from cli.program import run
from modelyard import Yard
from modelyard.base.errors import CheckFailed
from modelyard.stores.folders.git import git_folder
from modelyard.stores.folders.local import LocalFolder
from modelyard.stores.git.command import git
from modelyard.yard.measures import Measures, Plot, measures_in

LIVE = Path(__file__).parents[2] / "fixtures/dvclive/plain"

METRICS = {"train.loss": 0.25, "train.acc": 0.85, "val.acc": 0.8, "step": 3.0, "final": 0.8}


def double(x: float) -> float:
    return 2 * x


def written(tmp_path: Path, files: dict[str, Any]) -> Measures:
    """What is found for ``models/churn`` in a folder with these files."""
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    return measures_in(LocalFolder(tmp_path), "models/churn")


def plot(found: Measures, name: str) -> Plot:
    (one,) = (p for p in found.plots if p.name == name)
    return one


@pytest.mark.parametrize("without", ["", "dvc.yaml"])
def test_what_a_training_wrote(tmp_path: Path, without: str) -> None:
    shutil.copytree(LIVE, tmp_path, dirs_exist_ok=True)
    (tmp_path / without).unlink() if without else None
    found = measures_in(LocalFolder(tmp_path), "models/churn")
    assert found.metrics == pytest.approx(METRICS)
    assert {k: str(v) for k, v in found.params.items()} == {
        "depth": "3", "model.name": "forest", "model.rate": "0.1",
    }  # fmt: skip
    loss = plot(found, "dvclive/plots/metrics/train/loss.tsv")
    assert (loss.x, loss.y, loss.rows) == ("step", ("loss",), 4)
    assert loss.columns["step"] == [0, 1, 2, 3]
    assert loss.columns["loss"] == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4])
    assert len(found.plots) == 5
    if not without:
        confusion = plot(found, "dvclive/plots/sklearn/confusion_matrix.json")
        assert (confusion.x, confusion.y) == ("actual", ("predicted",))
        assert (confusion.title, confusion.template) == ("Confusion Matrix", "confusion")
        assert (confusion.x_label, confusion.y_label) == ("True Label", "Predicted Label")
    assert found.notes == []
    assert "dvclive/metrics.json" in found.files


def test_files_of_every_form(tmp_path: Path) -> None:
    found = written(
        tmp_path,
        {
            "dvc.yaml": "metrics: [a.json, b.yaml, c.toml, d.json]\nparams: [params.yaml]\n",
            "a.json": {"auc": 0.9, "flag": True, "deep": {"er": {"x": 1e-3}}, "list": [1, 2]},
            "b.yaml": "rmse: 1.5\nname: forest\nauc: 0.8\nexp: 1e-5\n",
            "c.toml": "[test]\nmae = 2\nnan = nan\n",
            "d.json": "{",
            "params.yaml": "seed: 7\nmodel: {depth: 3}\n",
        },
    )
    nan = found.metrics.pop("test.nan")
    assert nan != nan  # it is not a number
    assert found.metrics == {
        "auc": 0.9, "deep.er.x": 1e-3, "rmse": 1.5, "b.yaml:auc": 0.8, "exp": 1e-5, "test.mae": 2.0,
    }  # fmt: skip
    assert found.params == {"seed": "7", "model.depth": "3"}
    assert len(found.notes) == 1
    assert found.notes[0].startswith("d.json cannot be read")


PIPELINE = """
stages:
  train:
    cmd: python train.py
    wdir: work
    metrics:
      - scores.json: {cache: false}
      - ../top.json
    plots:
      - curve.csv: {x: epoch, y: loss, title: Loss}
      - logs
  each:
    foreach: [a, b]
    do:
      cmd: python ${item}
      metrics: ["${item}.json", fixed.json]
  gone:
    cmd: echo
    metrics: [nowhere.json, ../../out.json]
plots:
  - both:
      x: step
      y: {train.csv: [loss, acc], test.csv: loss}
      y_label: value
  - points.json
  - picture.png
  - wide.tsv: {y: [a, b]}
"""


def test_the_shapes_of_a_pipeline(tmp_path: Path) -> None:
    found = written(
        tmp_path,
        {
            "dvc.yaml": PIPELINE,
            "work/scores.json": {"f1": 0.5},
            "top.json": {"top": 1},
            "fixed.json": {"fixed": 2},
            "work/curve.csv": "epoch,loss,lr\n1,0.5,0.1\n2,0.25,0.1\n",
            "work/logs/one.tsv": "step\tacc\n0\t0.5\n",
            "train.csv": "step,loss,acc\n0,1.0,0.1\n1,0.5,0.9\n",
            "test.csv": "step,loss\n0,2.0\n",
            "points.json": {"data": [{"u": 1, "v": "x"}, {"u": 2, "v": "y"}]},
            "picture.png": "not read",
            "wide.tsv": "a\tb\tc\n1\t2\t3\n",
        },
    )
    assert found.metrics == {"f1": 0.5, "top": 1.0, "fixed": 2.0}
    curve = plot(found, "work/curve.csv")
    assert (curve.x, curve.y, curve.title) == ("epoch", ("loss",), "Loss")
    assert curve.columns["loss"] == [0.5, 0.25]
    assert plot(found, "work/logs").y == ("acc",)
    both = plot(found, "both")
    assert (both.x, both.y_label) == ("train.csv:step", "value")
    assert both.y == ("train.csv:loss", "train.csv:acc", "test.csv:loss")
    assert both.columns["test.csv:loss"] == [2.0]
    points = plot(found, "points.json")
    assert (points.x, points.y, points.columns["v"]) == ("", ("v",), ["x", "y"])
    assert plot(found, "wide.tsv").y == ("a", "b")
    assert found.notes == [
        "dvc.yaml: ${item}.json is a template, passed over",
        "dvc.yaml: ../../out.json is not in the project",
        "nowhere.json is not read: no file 'nowhere.json' in " + str(tmp_path),
    ]


def test_of_many_rows_some_are_shown(tmp_path: Path) -> None:
    lines = "".join(f"{n},{n * n}\n" for n in range(5000))
    found = written(tmp_path, {"dvc.yaml": "plots: [long.csv]\n", "long.csv": "n,square\n" + lines})
    (long,) = found.plots
    assert long.rows == 5000
    assert (len(long.columns["n"]), long.columns["n"][0], long.columns["n"][-1]) == (1000, 0, 4999)


def test_the_nearest_folder_counts(tmp_path: Path) -> None:
    found = written(
        tmp_path,
        {
            "dvc.yaml": "metrics: [far.json]\n",
            "far.json": {"far": 1},
            "models/dvc.yaml": "metrics: [near.json]\n",
            "models/near.json": {"near": 1},
        },
    )
    assert found.metrics == {"near": 1.0}
    (tmp_path / "models/dvc.yaml").write_text("artifacts: {churn: {path: churn}}\n")
    assert measures_in(LocalFolder(tmp_path), "models/churn").metrics == {"far": 1.0}


@pytest.mark.parametrize(
    "text", ["- a\n", "metrics: {a: {b: c}}\nplots: 3\nstages: [1]\n", "metrics: [[1]]\n", ""]
)
def test_what_is_no_pipeline_breaks_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "dvc.yaml").write_text(text)
    my.save(double, tmp_path / "models/churn", sample_data=1.0)
    done = run("show", "models/churn", cwd=tmp_path)
    assert done.code == 0, done.err
    assert "methods" in done.out


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    git(None, "init", "--quiet", "--initial-branch=main", str(folder))
    git(folder, "config", "user.name", "Ana")
    git(folder, "config", "user.email", "ana@example.org")
    shutil.copytree(LIVE, folder, dirs_exist_ok=True)
    my.save(double, folder / "models/churn", sample_data=1.0, metrics={"mine": 1.0, "final": 0.7})
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "trained")
    return folder


def test_they_are_those_of_the_commit(repository: Path) -> None:
    my.GitRegistry(repository).register("models/churn", semver="v1.0.0")
    (repository / "dvclive/metrics.json").write_text('{"train": {"acc": 0.1}}')
    git(repository, "commit", "--quiet", "-am", "worse")
    assert measures_in(git_folder(repository, "HEAD"), "models/churn").metrics == {"train.acc": 0.1}
    then = measures_in(git_folder(repository, "churn@v1.0.0"), "models/churn")
    assert then.metrics == pytest.approx(METRICS)
    shown = run("show", "churn@v1.0.0", "--registry", "git", "--json", cwd=repository).data
    assert shown["measures"]["metrics"] == pytest.approx({**METRICS, "mine": 1.0, "final": 0.7})
    assert shown["metrics"] == {"mine": 1.0, "final": 0.7}
    now = run("show", "models/churn", "--json", cwd=repository).data
    assert now["measures"]["metrics"] == {"train.acc": 0.1, "mine": 1.0, "final": 0.7}


def test_show_prints_them(repository: Path) -> None:
    text = run("show", "models/churn", cwd=repository).out
    assert "  train.loss   0.25" in text
    assert "dvclive/plots/metrics/train/loss.tsv: loss by step, 4 points, 1 to 0.25" in text
    page = run("show", "models/churn", "--format", "md", cwd=repository).out
    assert "## Measures" in page
    assert "| val.acc | 0.8 |" in page


def test_rules_ask_for_them(repository: Path) -> None:
    rule = 'registry.rules.stage.prod.metrics = {"train.acc" = ">= 0.9"}\n'
    (repository / "modelyard.toml").write_text(rule)
    registry = my.GitRegistry(repository)
    registry.register("models/churn", semver="v1.0.0")
    with pytest.raises(CheckFailed, match=r"train\.acc is 0\.85, to be >= 0\.9"):
        registry.promote("churn", "prod")
    with Yard(project=repository) as yard:
        yard.models.add(repository / "models/churn", "churn")
        with pytest.raises(CheckFailed, match=r"train\.acc is 0\.85, to be >= 0\.9"):
            yard.models.promote("churn", "prod")
        (repository / "modelyard.toml").write_text(rule.replace("0.9", "0.8"))
    with Yard(project=repository) as yard:
        yard.models.promote("churn", "prod")
    registry.promote("churn", "prod")
