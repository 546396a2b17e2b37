"""Files of other tools' runs: read exactly, and read as far as they go when they are damaged."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import run_file_writers as write
from modelyard.base import plugins
from modelyard.compat._run_files import frames, wire
from modelyard.tracking.interface import Status
from modelyard.yard.run_files import KeptRun, State

VALUES = [1.5, float("nan"), float("inf"), 0.1, -0.0, 2.0**53 + 2]


def read(tool: str, path: Path) -> list[tuple[KeptRun, dict[str, list[tuple[int, str]]], State]]:
    """The runs at a path, their points by key, and what else is known."""
    found = []
    plugin = plugins.load("run_files", tool)
    for run in plugin.runs(path):
        points: dict[str, list[tuple[int, str]]] = {}
        for log in run.logs():
            last = 0
            for number, metrics in log.records:
                assert number > last
                last = number
                for metric in metrics:
                    points.setdefault(metric.key, []).append((metric.step, repr(metric.value)))
        found.append((run, points, run.state()))
    return found


def one(tool: str, path: Path) -> tuple[KeptRun, dict[str, list[tuple[int, str]]], State]:
    (found,) = read(tool, path)
    return found


def steps(values: list[float]) -> list[tuple[int, str]]:
    return [(step, repr(value)) for step, value in enumerate(values)]


# What stands there


def test_tensorboard_scalars_of_both_generations_params_texts_and_images(tmp_path: Path) -> None:
    params = write.message((1, "rate"), (2, write.message((2, 0.5))))
    group = write.message((1, params), (4, "g"))
    session = write.message(
        (1, "_hparams_/session_start_info"),
        (9, write.message((1, write.message((1, "hparams"), (2, write.message((3, group))))))),
    )
    png = b"\x89PNG\r\n\x1a\n..."
    events = [
        write.event(0, write.scalar("loss", 0.1), write.tensor("acc", "scalars", (1, 2), (6, 0.25)), session),
        write.event(1, write.tensor("whole", "scalars", (1, 9), (10, -3)), write.scalar("loss", float("nan"))),
        write.event(1, write.tensor("note", "text", (1, 7), (8, "hello"))),
        write.event(2, write.message((1, "pic"), (4, write.message((1, 1), (2, 1), (4, png))))),
        write.event(2, write.tensor("pic2", "images", (1, 7), (8, "1"), (8, "1"), (8, png))),
        write.event(2, write.message((1, "h"), (5, b""))),
    ]  # fmt: skip
    write.tensorboard(tmp_path / "runs/train/events.out.tfevents.1.host", events)
    run, points, state = one("tensorboard", tmp_path / "runs")
    assert points == {
        "loss": [(0, "0.10000000149011612"), (1, "nan")], "acc": [(0, "0.25")], "whole": [(1, "-3.0")],
    }  # fmt: skip
    assert (run.origin.name, run.origin.experiment) == ("train", "runs")
    assert run.origin.started_ms == write.BEGAN * 1000
    assert state.params == {"rate": "0.5"}
    assert state.files == {"images/pic/2.png": png, "images/pic2/2.png": png, "texts/note.txt": b"step 1\nhello\n"}  # fmt: skip
    assert state.notes == ["left out histograms"]


def test_wandb_history_config_summary_files_and_exit(tmp_path: Path) -> None:
    records = [
        write.begun(config={"rate": 0.1, "model": {"depth": 3, "layers": [1, 2]}, "_wandb": {}}),
        *(write.history(step, loss=value, **{"val.acc": 0.5}) for step, value in enumerate(VALUES)),
        write.history(9, pic={"_type": "image-file", "path": "a.png"}, phase="warm", flag=True),
        write.message((5, write.items({"rate": 0.2}))),
        write.message((3, write.items({"best": 0.25, "loss": 2, "verdict": "good"}))),
        write.exited(1),
    ]
    run, points, state = one("wandb", write.wandb(tmp_path, records).parent)
    assert points == {
        "loss": steps(VALUES), "val.acc": [(s, "0.5") for s in range(6)], "flag": [(9, "1.0")]
    }  # fmt: skip
    assert state.params == {"rate": "0.1", "model.depth": "3", "model.layers": "[1, 2]"}
    assert state.summary == {"best": 0.25}
    assert state.tags["wandb.config.rate"] == "0.2"
    assert state.tags["wandb.summary.verdict"] == "good"
    assert state.status is Status.FAILED
    assert list(state.files) == ["output.log"]
    assert run.origin.experiment == "churn"
    assert run.origin.tags["wandb.tag.a tag"] == "true"
    assert state.notes == ["left out values of 'phase' that are no numbers"]


def test_a_wandb_record_may_be_larger_than_a_block(tmp_path: Path) -> None:
    long = write.history(0, note="x" * 100_000, loss=0.5)
    records = [write.begun(), long, *(write.history(step, loss=0.25) for step in range(1, 900))]
    _, points, state = one("wandb", write.wandb(tmp_path, records))
    assert len(points["loss"]) == 900
    assert state.status is Status.LOST  # nothing says that it ended
    assert state.ended_ms is None


def test_dvclive_tables_params_and_summary(tmp_path: Path) -> None:
    run, points, state = one("dvclive", write.dvclive(tmp_path / "churn", VALUES).parent)
    assert points == {"loss": steps(VALUES), "val/acc": steps(VALUES)}
    assert state.params == {"depth": "3", "model.rate": "0.5"}
    assert state.summary == {"best": 0.5}
    assert sorted(state.files) == ["metrics.json", "params.yaml"]
    assert (run.origin.name, run.origin.rewritten) == ("churn", True)


def test_neptune_series_values_and_files(tmp_path: Path) -> None:
    rows = [
        write.value("sys/name", "string", "nightly"), write.value("sys/owner", "string", "ana"),
        write.value("sys/failed", "bool", True), write.value("sys/tags", "string_set", ["x"]),
        write.value("params/depth", "int", 3), *write.series("metrics/loss", VALUES),
        {"attribute_path": "out", "attribute_type": "string_series", "string_value": "hello"},
        {"attribute_path": "m/w", "attribute_type": "file", "file_value": {"path": "m/w.bin"}},
        {"attribute_path": "bad", "attribute_type": "file", "file_value": {"path": "../../../etc/hosts"}},
    ]  # fmt: skip
    write.neptune(tmp_path, rows)
    write.neptune(tmp_path, write.series("metrics/more", [2.0]), part=1)
    kept = tmp_path / "files/team_churn-0011/m/w.bin"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"weights")
    run, points, state = one("neptune", tmp_path)
    assert points == {"metrics/loss": steps(VALUES), "metrics/more": [(0, "2.0")]}
    assert (run.origin.name, run.origin.user, run.origin.experiment) == ("nightly", "ana", "team/churn")  # fmt: skip
    assert run.origin.tags["neptune.tag.x"] == "true"
    assert state.status is Status.FAILED
    assert state.params == {"params/depth": "3"}
    assert state.files == {"texts/out.txt": b"hello\n", "m/w.bin": kept}
    assert state.notes == ["left out files that are not in the folder files beside data"]


def test_names_that_are_no_keys_or_paths_here_are_left_out_and_told(tmp_path: Path) -> None:
    events = [write.event(0, write.scalar("../loss", 1), write.scalar("a\u202eb", 2), write.scalar("ok", 3))]  # fmt: skip
    events.append(write.event(0, write.tensor("../../x", "text", (1, 7), (8, "t"))))
    write.tensorboard(tmp_path / "events.out.tfevents.1", events)
    _, points, state = one("tensorboard", tmp_path)
    assert list(points) == ["ok"]
    assert not state.files
    assert len(state.notes) == 3
    assert all("refused" in note for note in state.notes)


def test_links_out_of_the_project_are_not_followed(tmp_path: Path) -> None:
    path = write.wandb(tmp_path / "project", [write.begun()])
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "project/mine.txt").write_text("mine")
    (path.parent / "files/out.txt").symlink_to(tmp_path / "secret")
    (path.parent / "files/in.txt").symlink_to(tmp_path / "project/mine.txt")
    _, _, state = one("wandb", path)
    assert sorted(state.files) == ["in.txt", "output.log"]
    assert state.notes == ["left out files: 'out.txt' is a link out of 'project'"]


@pytest.mark.parametrize("tool", plugins.names("run_files"))
def test_nobody_claims_what_is_not_his(tmp_path: Path, tool: str) -> None:
    claims: Callable[[Path], bool] = plugins.load("run_files", tool).claims
    (tmp_path / "model.bin").write_bytes(b"x")
    (tmp_path / "x.wandb").write_bytes(b"x")
    (tmp_path / "metrics.json").write_text("{}")
    assert not claims(tmp_path)
    assert not claims(tmp_path / "model.bin")
    assert not claims(tmp_path / "x.wandb")


# Damage


def whole(tool: str, folder: Path) -> Path:
    """A run of each tool, and its file."""
    values = [step / 7 for step in range(40)]
    if tool == "tensorboard":
        return write.tensorboard(folder / "events.out.tfevents.1", write.losses(values))
    if tool == "wandb":
        told = [write.history(step, loss=v) for step, v in enumerate(values)]
        return write.wandb(folder, [write.begun(config={"rate": 0.1}), *told, write.exited()])
    if tool == "neptune":
        return write.neptune(folder, write.series("loss", values))
    return write.dvclive(folder, values) / "plots/metrics/loss.tsv"


@pytest.mark.parametrize("tool", ["dvclive", "tensorboard", "wandb"])
def test_a_torn_end_costs_nothing_else_and_is_told(tmp_path: Path, tool: str) -> None:
    """Wherever it is torn: what is whole before comes, and it says so unless it ends between two records."""
    path = whole(tool, tmp_path)
    _, before, _ = one(tool, path if tool != "dvclive" else tmp_path)
    data = path.read_bytes()
    for size in range(len(data) - 90, len(data)):
        path.write_bytes(data[:size])
        _, points, state = one(tool, path if tool != "dvclive" else tmp_path)
        loss = points["loss"]
        assert loss == before["loss"][: len(loss)]
        assert len(loss) >= 30
        torn = any("middle" in note or "not whole" in note for note in state.notes)
        # what is short by as much as a whole record has no end of it
        assert torn or len(state.notes) == 0
    assert "middle" in str(state.notes) or "not whole" in str(state.notes)


@pytest.mark.parametrize("tool", plugins.names("run_files"))
@given(where=st.integers(0, 10**6), with_=st.binary(min_size=1, max_size=12))
@settings(
    max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
def test_damage_anywhere_is_survived(tmp_path: Path, tool: str, where: int, with_: bytes) -> None:
    path = whole(tool, tmp_path)
    data = bytearray(path.read_bytes())
    at = where % len(data)
    data[at : at + len(with_)] = with_
    path.write_bytes(data)
    place = path if tool in ("tensorboard", "wandb") else tmp_path
    for run, _, state in read(tool, place):
        assert run.origin.id
        assert isinstance(state.notes, list)


def test_a_damaged_record_is_passed_over_and_the_rest_comes(tmp_path: Path) -> None:
    path = whole("tensorboard", tmp_path)
    _, before, _ = one("tensorboard", path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF  # in the data of a record: its length is good
    path.write_bytes(data)
    _, points, state = one("tensorboard", path)
    lost = [point for point in before["loss"] if point not in points["loss"]]
    assert len(lost) <= 1 or "cannot be found" in state.notes[0]
    assert state.notes


def test_after_a_damaged_block_the_next_one_is_read(tmp_path: Path) -> None:
    told = [write.history(step, loss=step / 7, pad="x" * 200) for step in range(500)]
    path = write.wandb(tmp_path, [write.begun(), *told, write.exited()])
    data = bytearray(path.read_bytes())
    assert len(data) > 3 * 32768
    data[40_000] ^= 0xFF
    path.write_bytes(data)
    _, points, state = one("wandb", path)
    found = [step for step, _ in points["loss"]]
    assert found[0] == 0
    assert found[-1] == 499
    assert 350 < len(found) < 500
    assert state.status is Status.FINISHED
    assert any("damaged at byte" in note for note in state.notes)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_malformed(data: bytes) -> None:
    try:
        found = wire.read(data)
    except wire.Malformed:
        return
    for number in found:
        found.integer(number), found.text(number), found.integers
    assert found or not data


@given(st.lists(st.tuples(st.integers(1, 2000), st.one_of(st.integers(-(2**63), 2**63 - 1), st.floats(), st.binary()))))  # fmt: skip
def test_fields_come_back_as_they_were(fields: list[tuple[int, Any]]) -> None:
    found = wire.read(write.message(*fields))
    for number, value in dict(fields).items():
        got = {int: found.integer, float: found.double, bytes: found.bytes}[type(value)](number)
        assert repr(got) == repr(value)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_file_of_frames(data: bytes) -> None:
    for reader in (
        lambda d: frames.tfrecords(io.BytesIO(data), d),
        lambda d: frames.logged(io.BytesIO(data), 7, d),
    ):
        damage = frames.Damage()
        found = list(reader(damage))
        assert found or damage.told() or not data.strip(b"\0") or len(data) < 7


@given(st.lists(st.binary(max_size=40_000), max_size=12))
@settings(max_examples=25, deadline=None)
def test_frames_come_back_as_they_were(records: list[bytes]) -> None:
    damage = frames.Damage()
    data = write.wandb_log(records)[7:]
    assert [frame.data for frame in frames.logged(io.BytesIO(data), 7, damage)] == records
    small = [record[:500] for record in records]
    stream = io.BytesIO(b"".join(map(write.tfrecord, small)))
    assert [frame.data for frame in frames.tfrecords(stream, damage)] == small
    assert not damage.told()
