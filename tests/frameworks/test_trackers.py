"""Runs that DVCLive, TensorBoard's writers and W&B write here and now, imported without them."""

from __future__ import annotations

import json
import os
import random
import signal
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import modelyard as my

SEED = int(os.environ.get("MODELYARD_TRACKERS_SEED") or random.SystemRandom().randrange(1 << 32))

Curves = dict[str, list[tuple[int, str]]]


@pytest.fixture
def chosen() -> random.Random:
    print("seed", SEED)
    return random.Random(SEED)


@pytest.fixture
def yard(tmp_path: Path) -> Any:
    with my.Yard(tmp_path / "yard.db") as found:
        yield found


def imported(yard: my.Yard, path: Path) -> dict[str, tuple[Any, Curves, dict[str, Any]]]:
    """The runs that came, by name: each with its curves and how it came."""
    found = {}
    for row in yard.runs.import_files(path):
        run = yard.runs.get(row["run_id"])
        keys = [metric.key for metric in run.metrics]
        found[run.name] = run, {key: curve(yard, run.run_id, key) for key in keys}, row
    return found


def curve(yard: my.Yard, run_id: str, key: str) -> list[tuple[int, str]]:
    return [(m.step, repr(m.value)) for m in yard.tracker.history(run_id, key).items]


def odd(chosen: random.Random, count: int) -> list[float]:
    """Numbers of all sizes, and what is none."""
    some = [float("nan"), float("inf"), -float("inf"), -0.0, 5e-324, 1.7976931348623157e308]
    bits = (struct.unpack("<d", struct.pack("<Q", chosen.getrandbits(64)))[0] for _ in range(count))
    return [*some, *bits]


def single(value: float) -> float:
    with np.errstate(over="ignore"):
        return float(np.float32(value))


def steps(values: list[float]) -> list[tuple[int, str]]:
    return [(step, repr(value)) for step, value in enumerate(values)]


# DVCLive


def test_dvclive(
    yard: my.Yard, tmp_path: Path, chosen: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dvclive import Live

    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    monkeypatch.setenv("DVCLIVE_TEST", "0")
    values = odd(chosen, 40)
    folder = tmp_path / "work" / "dvclive"
    with Live(str(folder), save_dvc_exp=False, report=None, dvcyaml=None) as live:
        live.log_params({"depth": 3, "model": {"rate": 0.5}})
        for value in values:
            live.log_metric("train/loss", value)
            live.log_metric("acc", np.float32(0.1), timestamp=True)
            live.next_step()
        live.log_image("picture.png", np.zeros((4, 4, 3), dtype=np.uint8))
        live.log_metric("whole", 7.5, plot=False)
    ((run, curves, row),) = imported(yard, tmp_path / "work").values()
    assert curves["train/loss"] == steps(values)
    assert [step for step, _ in curves["acc"]] == list(range(len(values)))
    assert curves["whole"] == [(0, "7.5")]
    assert run.params == {"depth": "3", "model.rate": "0.5"}
    assert row["notes"] == []
    assert yard.artifacts.stat(f"run:{run.run_id}", "plots/images/picture.png") is not None
    with Live(str(folder), resume=True, save_dvc_exp=False, report=None, dvcyaml=None) as live:
        live.log_metric("train/loss", 0.125)
    ((again, curves, row),) = imported(yard, tmp_path / "work").values()
    assert (again.run_id, row["points"]) == (run.run_id, 1 + 0)
    assert curves["train/loss"] == [*steps(values), (len(values), "0.125")]
    with Live(str(folder), save_dvc_exp=False, report=None, dvcyaml=None) as live:
        live.log_metric("train/loss", 1.0)
    ((other, curves, _),) = imported(yard, tmp_path / "work").values()
    assert other.run_id != run.run_id
    assert curves["train/loss"] == [(0, "1.0")]


# TensorBoard


def test_tensorboardx(yard: my.Yard, tmp_path: Path, chosen: random.Random) -> None:
    from tensorboardX import SummaryWriter

    values = [v for v in odd(chosen, 60) if abs(v) < 3e38 or v != v]
    for name in ("train", "deep/validation"):
        with SummaryWriter(str(tmp_path / "logs" / name)) as writer:
            for step, value in enumerate(values):
                writer.add_scalar("loss/all", value, step)
            writer.add_text("note", "hello **you**", 3)
            writer.add_image("picture", np.zeros((3, 4, 4), dtype=np.uint8), 1)
            writer.add_histogram("weights", np.arange(10), 1)
            writer.add_hparams(
                {"rate": 0.1, "name": "adam", "flag": True}, {"score": 0.5}, name="session"
            )
    found = imported(yard, tmp_path / "logs")
    assert set(found) == {"train", "deep/validation", "train/session", "deep/validation/session"}
    run, curves, row = found["train"]
    assert curves["loss/all"] == steps([single(value) for value in values])
    assert row["notes"] == ["left out histograms"]
    files = {entry.path for entry in yard.artifacts.walk(f"run:{run.run_id}")}
    assert files == {"images/picture/1.png", "texts/note/text_summary.txt"}
    session, curves, _ = found["train/session"]
    assert session.params == {"rate": "0.1", "name": "adam", "flag": "True"}
    assert curves == {"score": [(0, "0.5")]}
    assert curves_of_stock_reader(tmp_path / "logs/train") == found["train"][1]


def curves_of_stock_reader(folder: Path) -> Curves:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    reader = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    reader.Reload()
    return {
        tag: [(event.step, repr(event.value)) for event in reader.Scalars(tag)]
        for tag in reader.Tags()["scalars"]
    }


def test_the_second_generation_of_summaries(
    yard: my.Yard, tmp_path: Path, chosen: random.Random
) -> None:
    """Tensors with a plugin's name, as TensorFlow 2 and JAX write them, here by TensorBoard's own messages."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.scalar import metadata
    from tensorboard.summary.writer.event_file_writer import EventFileWriter
    from tensorboard.util.tensor_util import make_tensor_proto

    values = [v for v in odd(chosen, 30) if abs(v) < 3e38 or v != v]
    writer = EventFileWriter(str(tmp_path / "logs/run"))
    for step, value in enumerate(values):
        kind = (np.float32, np.float64)[step % 2]
        told = Summary.Value(
            tag="loss", tensor=make_tensor_proto(kind(value)),
            metadata=metadata.create_summary_metadata("loss", ""),
        )  # fmt: skip
        writer.add_event(Event(step=step, wall_time=1e9 + step, summary=Summary(value=[told])))
    writer.close()
    ((_, curves, _),) = imported(yard, tmp_path / "logs").values()
    expected = [value if step % 2 else single(value) for step, value in enumerate(values)]
    assert curves["loss"] == steps(expected)


# W&B

TRAINING = """
import json, os, signal, sys
import numpy as np, wandb
values = json.loads(sys.argv[1])
run = wandb.init(project="churn", name="first", tags=["a b"], notes="a note", group="g",
                 config={"rate": 0.1, "model": {"depth": 3}})
for value in values:
    run.log({"loss": value, "deep": {"acc": 0.5}, "flag": True})
run.log({"late": 1.5}, step=1000)
run.summary["best"] = 0.25
open("note.txt", "w").write("hello")
run.save("note.txt", policy="now")
run.log({"picture": wandb.Image(np.zeros((4, 4, 3), dtype=np.uint8)), "table": wandb.Table(columns=["a"], data=[[1]])})
print("said")
if sys.argv[2] == "kill":
    os.kill(os.getpid(), signal.SIGKILL)
if sys.argv[2] == "raise":
    raise ValueError("no")
run.finish()
"""


def wandb(folder: Path, values: list[float], how: str = "finish") -> int:
    folder.mkdir(parents=True, exist_ok=True)
    own = {
        f"WANDB_{name}_DIR": str(folder / f".{name.lower()}")
        for name in ("CONFIG", "CACHE", "DATA")
    }
    done = subprocess.run(
        [sys.executable, "-c", TRAINING, json.dumps(values), how],
        cwd=folder, capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, **own, "WANDB_MODE": "offline", "WANDB_ERROR_REPORTING": "false"},
    )  # fmt: skip
    assert how != "finish" or done.returncode == 0, done.stderr
    return done.returncode


def test_wandb(yard: my.Yard, tmp_path: Path, chosen: random.Random) -> None:
    values = odd(chosen, 60)
    wandb(tmp_path / "work", values)
    ((run, curves, row),) = imported(yard, tmp_path / "work").values()
    assert (run.name, run.status) == ("first", "FINISHED")
    assert yard.tracker.experiment(run.experiment_id).name == "churn"
    # W&B itself writes -0.0 as 0
    assert curves["loss"] == steps([0.0 if value == 0 else value for value in values])
    assert curves["deep.acc"] == [(step, "0.5") for step in range(len(values))]
    assert curves["flag"] == [(step, "1.0") for step in range(len(values))]
    assert curves["late"] == [(1000, "1.5")]
    assert curves["best"] == [(0, "0.25")]
    assert run.params == {"rate": "0.1", "model.depth": "3"}
    assert run.tags["wandb.tag.a b"] == "true"
    assert run.tags["mlflow.note.content"] == "a note"
    files = {entry.path.split("/")[0] for entry in yard.artifacts.walk(f"run:{run.run_id}")}
    assert files >= {"media", "note.txt", "output.log", "requirements.txt"}
    assert row["notes"] == []
    assert imported(yard, tmp_path / "work")["first"][2]["outcome"] == "unchanged"


@pytest.mark.parametrize(("how", "status"), [("raise", "FAILED"), ("kill", "LOST")])
def test_wandb_runs_that_did_not_finish(
    yard: my.Yard, tmp_path: Path, chosen: random.Random, how: str, status: str
) -> None:
    values = [chosen.random() for _ in range(20)]
    code = wandb(tmp_path / "work", values, how)
    assert code == (-signal.SIGKILL if how == "kill" else 1)
    ((run, curves, _),) = imported(yard, tmp_path / "work").values()
    told = curves.get("loss", [])  # a kill may come before W&B has written anything
    assert told == steps(values)[: len(told)]
    assert run.status == status
    if how == "raise":
        assert len(told) == len(values)


def test_a_wandb_log_that_is_cut_anywhere(
    yard: my.Yard, tmp_path: Path, chosen: random.Random
) -> None:
    values = [chosen.random() for _ in range(300)]
    wandb(tmp_path / "work", values)
    (path,) = (tmp_path / "work").glob("wandb/offline-run-*/*.wandb")
    data = path.read_bytes()
    brought = 0
    for size in sorted(chosen.sample(range(8000, len(data)), 12)):
        path.write_bytes(data[:size])
        for _, curves, row in imported(yard, path).values():
            brought += row["points"]
            assert curves.get("loss", []) == steps(values)[: len(curves.get("loss", []))]
    path.write_bytes(data)
    ((_, curves, row),) = imported(yard, path).values()
    assert curves["loss"] == steps(values)
    assert brought + row["points"] == sum(len(c) for key, c in curves.items() if key != "best")
