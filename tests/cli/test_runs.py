"""``modelyard runs``, ``artifacts``, ``db export`` and ``db import``, as a script uses them."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

import modelyard as my
import run_file_writers as write
from cli.program import run
from hub_cases.server import hub


@pytest.fixture
def run_id(empty: Path) -> str:
    """A run with a value of each kind and a file."""
    started = run("runs", "start", "nightly", "--experiment", "churn", "--tag", "team=a", cwd=empty)
    run_id = started.out.strip()
    words = ["--metric", "acc=0.93", "--param", "depth=3", "--step", "12"]
    logged = run("runs", "log", run_id, *words, cwd=empty)
    assert (logged.code, logged.err) == (0, f"logged 2 values to {run_id}\n")
    (empty / "roc.svg").write_text("<svg/>")
    put = run("artifacts", "put", run_id, "roc.svg", "--path", "plots/roc.svg", cwd=empty)
    assert (put.code, put.err) == (0, "kept plots/roc.svg (6 bytes)\n")
    return run_id


def listed(folder: Path, *words: Any) -> list[str]:
    """Names of the runs that a listing shows."""
    return [row["name"] for row in run("runs", "list", *words, "--json", cwd=folder).data]


def test_runs_are_found_by_what_they_logged(empty: Path, run_id: str) -> None:
    run("runs", "start", "other", cwd=empty)
    assert listed(empty) == ["other", "nightly"]
    assert listed(empty, "metrics.acc > 0.9 and (params.depth = '3' or tags.team = 'b')") == [
        "nightly"
    ]
    assert listed(empty, "params.depth > 3") == []
    assert listed(empty, "--experiment", "churn", "--order-by", "metrics.acc DESC") == ["nightly"]
    wrong = run("runs", "list", "metric acc > 0.9", cwd=empty)
    assert wrong.code == 2
    assert "^" in wrong.err
    assert run("runs", "list", "--experiment", "chrun", cwd=empty).code == 3


def test_a_listing_shows_what_was_logged_and_not_what_is_recorded_by_itself(
    empty: Path, run_id: str
) -> None:
    tags = ["--tag", "mlflow.source.name=train.py", "--tag", "modelyard.host=h"]
    run("runs", "log", run_id, *tags, "--metric", "system/cpu=1", cwd=empty)
    other = run("runs", "start", "other", cwd=empty).out.strip()
    run("runs", "log", other, "--metric", "loss=0.1", cwd=empty)
    header = run("runs", "list", cwd=empty).out.splitlines()[0].split()
    assert header[8:] == ["metrics.loss", "metrics.acc", "params.depth", "tags.team"]
    table = run("runs", "compare", run_id, other, "--json", cwd=empty).data
    kinds = [row["field"].partition(".")[0] for row in table][7:]
    assert kinds == sorted(kinds)  # metrics, params, tags, of all runs
    rows = run("runs", "list", "--json", cwd=empty).data
    assert {"metrics.system/cpu", "tags.mlflow.source.name", "tags.modelyard.host"} <= set(rows[1])


def test_nothing_to_list_makes_no_yard(empty: Path) -> None:
    done = run("runs", "list", cwd=empty)
    assert (done.code, done.out) == (0, "")
    assert not (empty / "yard.db").exists()


def test_a_run_is_shown_and_compared(empty: Path, run_id: str) -> None:
    shown = run("runs", "show", run_id, "--json", cwd=empty).data
    expected = {"name": "nightly", "experiment": "churn", "status": "RUNNING", "metrics.acc": 0.93}
    assert expected.items() <= shown.items()
    assert shown["files"] == ["plots/roc.svg"]
    other = run("runs", "start", "other", cwd=empty).out.strip()
    run("runs", "log", other, "--param", "depth=3", "--metric", "acc=NaN", cwd=empty)
    table = run("runs", "compare", run_id, other, "--diff", "--json", cwd=empty).data
    fields = {row["field"]: (row[run_id], row[other]) for row in table}
    assert fields["metrics.acc"] == (0.93, "NaN")
    assert "params.depth" not in fields


def test_a_run_ends(empty: Path, run_id: str) -> None:
    assert run("runs", "end", run_id, "--status", "failed", cwd=empty).err == "nightly: FAILED\n"
    assert run("runs", "show", run_id, "--json", cwd=empty).data["status"] == "FAILED"
    assert run("runs", "end", run_id, "--status", "done", cwd=empty).code == 2


def test_deleted_restored_purged(empty: Path, run_id: str) -> None:
    assert run("runs", "delete", run_id, "--dry-run", cwd=empty).err == "would delete nightly\n"
    assert run("runs", "delete", run_id, cwd=empty).err == "deleted nightly\n"
    assert (listed(empty), listed(empty, "--view", "deleted")) == ([], ["nightly"])
    run("runs", "restore", run_id, cwd=empty)
    assert listed(empty) == ["nightly"]
    assert run("runs", "delete", run_id, "--purge", cwd=empty).code == 2  # nobody is here to answer
    assert run("runs", "delete", run_id, "--purge", "--yes", cwd=empty).code == 0
    assert run("runs", "show", run_id, cwd=empty).code == 3
    with my.Yard(project=empty) as yard:
        assert list(yard.artifacts.walk(f"run:{run_id}")) == []


def test_files_of_a_run(empty: Path, run_id: str) -> None:
    top = run("artifacts", "list", run_id, "--json", cwd=empty).data
    assert [(row["path"], row["size"], row["files"]) for row in top] == [("plots/", 6, 1)]
    assert len(run("artifacts", "list", run_id, "-r", "--json", cwd=empty).data[0]["sha256"]) == 64
    assert run("artifacts", "get", run_id, "plots/roc.svg", "-o", "new.svg", cwd=empty).code == 0
    assert (empty / "new.svg").read_text() == "<svg/>"
    assert run("artifacts", "get", run_id, "plots/roc.svg", cwd=empty).code == 5
    assert run("artifacts", "get", run_id, "plots/no.svg", "-o", "x", cwd=empty).code == 3
    assert run("artifacts", "put", run_id, "roc.svg", "--path", "../x", cwd=empty).code == 2
    assert run("artifacts", "list", "m-" + "0" * 32, cwd=empty).code == 3
    assert run("runs", "export", run_id, "out", cwd=empty).code == 0
    assert (empty / "out/plots/roc.svg").read_text() == "<svg/>"
    assert run("runs", "export", run_id, "out", cwd=empty).code == 2


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--metric", "acc"], 2),
        (["--metric", "acc=high"], 2),
        (["--metric", "a=1", "--metric", "a=2"], 2),
        (["--param", "depth=4"], 5),
        (["--step", str(2**63), "--metric", "a=1"], 2),
    ],
)
def test_what_is_refused_changes_nothing(
    empty: Path, run_id: str, words: list[str], code: int
) -> None:
    before = run("runs", "show", run_id, "--json", cwd=empty).data
    done = run("runs", "log", run_id, "--tag", "new=1", *words, cwd=empty)
    assert done.code == code
    assert run("runs", "show", run_id, "--json", cwd=empty).data == before


def test_a_yard_becomes_one_file_and_a_yard_again(changing: Path, tmp_path: Path) -> None:
    run_id = run("runs", "start", "first", cwd=changing).out.strip()
    exported = run("db", "export", tmp_path / "all.db", cwd=changing)
    assert exported.code == 0
    assert run("db", "export", tmp_path / "all.db", cwd=changing).code == 5
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "modelyard.toml").write_text("")
    assert run("db", "import", tmp_path / "no.db", cwd=elsewhere).code == 3
    assert not (tmp_path / "no.db").exists()
    assert run("db", "import", tmp_path / "all.db", cwd=elsewhere).code == 0
    assert run("db", "check", cwd=elsewhere).code == 0
    for words in (
        ["show"],
        ["history", "churn"],
        ["runs", "show", run_id],
        ["predictions", "list"],
    ):
        before = run(*words, "--json", cwd=changing)
        assert run(*words, "--json", cwd=elsewhere).data == before.data
    with my.Yard(project=elsewhere) as yard:
        assert len(yard.models.get("churn@champion").predict([{"age": 30, "income": 50.0}])) == 1


def test_runs_of_another_tool_are_imported(empty: Path) -> None:
    live = write.dvclive(empty / "work", [0.5, 0.25])
    would = run("runs", "import", "work", "--dry-run", "--json", cwd=empty).data
    done = run("runs", "import", "work", cwd=empty)
    assert done.code == 0
    assert done.err == "1 new\n"
    assert done.out.splitlines()[1].split()[:6] == ["dvclive", "work", "work", "new", "4", "2"]
    assert would[0]["run_id"] in done.out
    table = live / "plots/metrics/loss.tsv"
    table.write_text(table.read_text() + "2\t0.125\n3\t0.0")
    again = run("runs", "import", "work", cwd=empty)
    assert again.err == "work: loss: the last line is not whole yet\n1 more\n"
    assert listed(empty, "metrics.loss = 0.125") == ["work"]
    run("runs", "delete", would[0]["run_id"], cwd=empty)
    refused = run("runs", "import", "work", cwd=empty)
    assert refused.code == 5
    assert "restore" in refused.err
    nothing = run("runs", "import", ".", "--from", "wandb", cwd=empty)
    assert (nothing.code, "holds no runs of wandb" in nothing.err) == (2, True)
    assert run("runs", "import", "nowhere", cwd=empty).code == 3


def test_values_come_from_a_file_or_standard_input(empty: Path, run_id: str) -> None:
    (empty / "values.json").write_text(
        '{"metrics": {"loss": "NaN"}, "params": {"width": 4}, "step": 7}'
    )
    lines = '{"loss": 0.5, "step": 1}\n\n{"loss": 0.25, "step": 2}\n{"tags": {"by": "script"}}\n'
    done = run("runs", "log", run_id, "--file", "values.json", cwd=empty)
    assert (done.code, done.err) == (0, f"logged 2 values to {run_id}\n")
    piped = run(
        "runs", "log", run_id, "--file", "-", "--metric", "acc=1", cwd=empty, stdin=lines.encode()
    )
    assert (piped.code, piped.err) == (0, f"logged 4 values to {run_id}\n")
    with my.Yard(project=empty) as yard:
        points = yard.tracker.history(run_id, "loss").items
        seen = yard.runs.get(run_id)
    assert [(repr(p.value), p.step) for p in points] == [("nan", 7), ("0.5", 1), ("0.25", 2)]
    assert (seen.params["width"], seen.tags["by"]) == ("4", "script")
    for text in ("{", "[1]", '{"params": 3}', '{"loss": "high"}', '{"loss": 1, "step": 0.5}'):
        refused = run("runs", "log", run_id, "--file", "-", cwd=empty, stdin=text.encode())
        assert (refused.code, refused.out) == (2, ""), text


def test_a_script_goes_on_when_the_hub_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "hub"
    folder.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setenv("MODELYARD_URI", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("MODELYARD_SPOOL", str(tmp_path / "spool"))
    monkeypatch.setenv("MODELYARD_SENDER_SECONDS", "0.1")
    started = run("runs", "start", "away", "--experiment", "churn", cwd=tmp_path)
    assert started.code == 0, started.err
    assert "kept here and sent later" in started.err
    run_id = started.out.strip()
    assert run("runs", "log", run_id, "--metric", "acc=0.5", cwd=tmp_path).code == 0
    assert run("runs", "end", run_id, "--status", "killed", cwd=tmp_path).code == 0
    assert run("runs", "log", run_id, "--metric", "../acc=0.5", cwd=tmp_path).code == 2
    with my.start_run("trained") as trained:
        logged = my.log_model(len, "size", register="size")
    with hub("--port", str(port), cwd=folder, MODELYARD_URI=f"sqlite:///{folder / 'yard.db'}"):
        done = run("sync", cwd=tmp_path)
        assert done.code == 0, done.err
    with my.Yard(folder / "yard.db") as yard:
        seen = yard.runs.get(run_id)
        assert yard.tracker.experiment("churn").id == seen.experiment_id
        assert yard.models.get("size@1").load()("abc") == 3
        assert yard.tracker.model(logged.model_id).status == "READY"
        assert yard.runs.get(trained.run_id).status == "FINISHED"
    assert (seen.name, seen.status, seen.metrics[0].value) == ("away", "KILLED", 0.5)
