"""A version knows where it comes from and where it went."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from modelyard import Yard
from modelyard.tracking.interface import Batch, Input


def test_from_the_data_to_the_predictions(tmp_path: Path) -> None:
    frame = pd.DataFrame({"age": [20.0, 60.0, 30.0, 70.0], "churned": [1, 0, 1, 0]})
    with Yard(tmp_path / "yard.db") as yard:
        yard.datasets.add(frame, name="customers")
        run = yard.runs.start("nightly", experiment="churn")
        yard.tracker.write(run.run_id, Batch(inputs=[Input("customers", "d1")]))
        model = LogisticRegression().fit(frame[["age"]], frame["churned"])
        yard.models.add(model, "churn", dataset="customers@1", target="churned", run=run.run_id)
        yard.models.set_alias("churn", "champion", 1)
        yard.models.promote("churn", "prod")
        yard.models.get("churn@champion").predict(frame[["age"]], log=True)
        found = yard.models.lineage("churn@champion")
        assert found["dataset"] == {"ref": "customers@1", "target": "churned"}
        assert found["run"] == {
            "run_id": run.run_id,
            "name": "nightly",
            "experiment": "churn",
            "status": "RUNNING",
            "inputs": ["customers@d1"],
        }
        assert (found["version"]["name"], found["version"]["version"]) == ("churn", 1)
        assert (found["stages"], found["aliases"], found["predictions"]) == (
            ["prod"],
            ["champion"],
            4,
        )
        yard.runs.delete(run.run_id)
        yard.runs.purge(run.run_id)
        assert yard.models.lineage("churn@1")["run"] == {"run_id": run.run_id}


def test_what_is_not_known_is_none(tmp_path: Path) -> None:
    def score(x: float) -> float:
        return x

    with Yard(tmp_path / "yard.db") as yard:
        yard.models.add(score, "scorer", sample_data=1.0)
        found = yard.models.lineage("scorer")
    assert (found["dataset"], found["run"], found["predictions"]) == (None, None, 0)


def test_comments_stand_in_the_history(tmp_path: Path) -> None:
    def score(x: float) -> float:
        return x

    with Yard(tmp_path / "yard.db") as yard:
        yard.models.add(score, "scorer", sample_data=1.0)
        yard.models.comment("scorer", "slow on Mondays", 1)
        newest = yard.models.history("scorer", records=True)[0]
    assert (newest["event"], newest["version"], newest["comment"]) == (
        "version.commented",
        "1",
        "slow on Mondays",
    )
    with pytest.raises(LookupError, match="no model named"), Yard(tmp_path / "yard.db") as yard:
        yard.models.comment("scorre", "x")


def test_what_is_done_to_runs_stands_in_the_trail(tmp_path: Path) -> None:
    with Yard(tmp_path / "yard.db") as yard:
        run = yard.runs.start("x", experiment="churn").run_id
        yard.runs.move(run, "Default")
        yard.runs.delete(run)
        yard.runs.restore(run)
        yard.runs.delete(run)
        yard.runs.purge(run)
        home = yard.tracker.experiment("churn").id
        yard.tracker.delete_experiment(home)
        assert yard.tracker.purge_deleted(before_ms=2**62) == 1
        with pytest.raises(LookupError):
            yard.runs.delete("f" * 32)
        trail = yard.audit.list(records=True)
    told = [(row["kind"], row["subject"]) for row in trail]
    words = ["moved", "deleted", "restored", "deleted", "purged"]
    assert told == [
        *((f"run.{word}", f"run:{run}") for word in words),
        ("experiment.deleted", f"experiment:{home}"),
        ("experiment.purged", f"experiment:{home}"),
    ]
