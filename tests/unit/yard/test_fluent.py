"""Which run is the current one, how it begins, and what is recorded beside what is logged."""

from __future__ import annotations

import asyncio
import pickle
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

import modelyard as my
from modelyard.base.clock import new_id
from modelyard.base.errors import Conflict, InvalidInput, InvalidName
from modelyard.base.secrets import text_without_secrets, without_secrets
from modelyard.tracking.records import RunBegun
from modelyard.yard import current_run, run_context, starting
from modelyard.yard.starting import RANKS, rank
from modelyard.yard.yard import Yard


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fluent")


@pytest.fixture
def yard(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Yard]:
    """The project's, and no launcher around it; all runs are ended afterwards."""
    for name in (*RANKS, "MODELYARD_RUN_ID", "MODELYARD_EXPERIMENT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MODELYARD_SPOOL", str(folder / "spool"))
    monkeypatch.setenv("MODELYARD_URI", f"sqlite:///{folder / 'yard.db'}")
    monkeypatch.setattr(starting, "_experiment_set", [])
    monkeypatch.setattr(starting, "_adopted", set())
    with Yard() as yard:
        yield yard
    for run in current_run.open_runs():
        run.end()


def test_what_is_logged_first_begins_a_run(yard: Yard) -> None:
    assert my.active_run() is None
    my.set_experiment("by itself")
    my.log_metric("loss", 0.5)
    run = my.active_run()
    assert run is not None
    my.end_run()
    assert my.active_run() is None
    my.end_run()  # there is none: nothing happens
    (row,) = my.search_runs(experiments="by itself", records=True)
    assert isinstance(row, dict)
    assert (row["run_id"], row["status"], row["metrics.loss"]) == (run.run_id, "FINISHED", 0.5)
    assert row["name"]


def _any(value: Any) -> Any:
    """What the types do not allow."""
    return value


@pytest.mark.parametrize(
    ("told", "why"),
    [
        pytest.param(
            lambda run: my.start_run(_any(3), nested=True), "name is 3, not a text", id="name"
        ),
        pytest.param(lambda run: run.child(4), "name is 4, not a text", id="child"),
        pytest.param(
            lambda run: my.start_run("a", nested=True, experiment=_any(3.5)),
            "experiment is 3.5, not a text or a whole number",
            id="experiment",
        ),
        pytest.param(
            lambda run: my.start_run("a", nested=True, tags=_any(["b"])), "not a dict", id="tags"
        ),
        pytest.param(lambda run: run.log_params([1]), "params are a list", id="params"),
        pytest.param(lambda run: run.log_metrics(3), "metrics are a int", id="metrics"),
        pytest.param(lambda run: run.log_metric("a", 1, model_id=3), "model_id is 3", id="model"),
        pytest.param(lambda run: run.log_metric("a", 1, dataset="x"), "dataset is 'x'", id="data"),
        pytest.param(
            lambda run: run.log_metric("a", 1, timestamp=1.5), "timestamp is 1.5", id="time"
        ),
        pytest.param(
            lambda run: run.log_metrics({"a": 1}, timestamp=1.5), "timestamp is 1.5", id="times"
        ),
        pytest.param(lambda run: run.log_input([1.0], name=4), "name is 4", id="input"),
        pytest.param(lambda run: run.log_model("m", max), "name is a builtin_f", id="swapped"),
        pytest.param(lambda run: run.log_model(max, "m", register=4), "register is", id="register"),
    ],
)
def test_what_no_yard_could_ever_take_is_refused_at_once_and_holds_nothing_up(
    yard: Yard, told: Any, why: str
) -> None:
    with my.start_run("held up by nothing") as run:
        with pytest.raises(InvalidInput, match=why):
            told(run)
        assert my.active_run() is run
        my.log_metric("later", 1.0)
    assert yard.runs.get(run.run_id).metrics[0].key == "later"


def test_a_spool_that_holds_what_no_yard_takes_passes_over_it(yard: Yard) -> None:
    with my.start_run("behind it") as run:
        recorder = starting.recorder_of(run.destination)
        recorder.add(RunBegun(new_id(), name=_any(3)))  # as an earlier version let it in
        my.log_metric("later", 1.0)
    assert yard.runs.get(run.run_id).metrics[0].key == "later"


def test_a_second_run_is_refused_and_one_inside_is_not(yard: Yard) -> None:
    with my.start_run("one") as one:
        with pytest.raises(Conflict, match=r"run 'one' .* is going on here already") as told:
            my.start_run("two")
        assert told.value.hint is not None
        assert "nested=True" in told.value.hint
        with my.start_run("inside", nested=True) as inside:
            assert my.active_run() is inside
        assert my.active_run() is one
        assert inside.parent_run_id == one.run_id
        my.end_run("FAILED")
    assert yard.runs.get(one.run_id).status == "FAILED"


def test_a_thread_without_a_run_logs_to_that_of_the_process(yard: Yard) -> None:
    def work() -> None:
        my.log_metric("from the thread", 1)
        with my.start_run("of the thread") as own:
            my.log_metric("own", 1)
            seen.append(own.run_id)
            assert my.active_run() is own
        assert my.active_run() is run

    seen: list[str] = []
    with my.start_run() as run:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert my.active_run() is run
    assert [m.key for m in yard.runs.get(run.run_id).metrics] == ["from the thread"]
    assert [m.key for m in yard.runs.get(seen[0]).metrics] == ["own"]


def test_tasks_have_runs_of_their_own(yard: Yard) -> None:
    async def work(number: int) -> tuple[str, int]:
        with my.start_run(f"task {number}") as run:
            for _ in range(3):
                await asyncio.sleep(0)
                my.log_metric("number", number)
        return run.run_id, number

    async def both() -> list[tuple[str, int]]:
        return list(await asyncio.gather(work(1), work(2)))

    for run_id, number in asyncio.run(both()):
        assert yard.runs.get(run_id).metrics[0].value == number


def test_the_cells_of_a_notebook_are_one(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is a task, whose context is gone with it."""

    class Shell:
        kernel = object()
        user_ns: ClassVar = {"__vsc_ipynb_file__": "/home/ana/train.ipynb"}

    class Known:
        @staticmethod
        def get_ipython() -> Shell:
            return Shell()

    async def cell(work: Any) -> Any:
        return work()

    monkeypatch.setitem(sys.modules, "IPython", Known)  # type: ignore[arg-type]
    run = asyncio.run(cell(my.start_run))
    asyncio.run(cell(lambda: my.log_metric("loss", 1)))
    with pytest.raises(Conflict):
        asyncio.run(cell(my.start_run))
    asyncio.run(cell(my.end_run))
    seen = yard.runs.get(run.run_id)
    assert (seen.status, seen.metrics[0].value) == ("FINISHED", 1)
    assert seen.tags["mlflow.source.name"] == "/home/ana/train.ipynb"
    assert seen.tags["mlflow.source.type"] == "NOTEBOOK"


def test_the_experiment_is_that_of_the_call_the_process_or_the_environment(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELYARD_EXPERIMENT", "environment")
    with my.start_run() as run:
        assert run.experiment == "environment"
    my.set_experiment("process")
    with my.start_run() as run:
        assert run.experiment == "process"
        with my.start_run(nested=True, experiment="call") as inside:
            assert inside.experiment == "call"
    for odd in ("", "a\nb"):
        with pytest.raises(InvalidName):
            my.set_experiment(odd)
    with pytest.raises(InvalidInput, match="is no experiment"):
        my.set_experiment(True)


def test_a_rank_above_0_logs_nothing_unless_it_is_told_to(
    yard: Yard, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RANK", "1")
    (tmp_path / "a").write_text("a")
    with my.start_run("silent") as silent:
        my.log_metric("loss", 1)
        my.log_artifact(tmp_path / "a")
        my.log_text("x", "x.txt")
        assert my.log_model(len, "m").model_id
        with silent.child("silent too") as child:
            my.log_param("a", 1)
    with my.start_run("said so", all_ranks=True) as loud:
        my.log_metric("loss", 1)
    with my.start_run(run_id=loud.run_id):
        my.log_metric("by id", 1)
    monkeypatch.setenv("MODELYARD_RUN_ID", loud.run_id)
    with my.start_run() as adopted:
        my.log_metric("by environment", 1)
    assert adopted.run_id == loud.run_id
    assert {m.key for m in yard.runs.get(loud.run_id).metrics} == {
        "loss",
        "by id",
        "by environment",
    }
    known = {row["run_id"] for row in yard.runs.search(records=True)}  # type: ignore[union-attr]
    assert not known & {silent.run_id, child.run_id}


@pytest.mark.parametrize("name", RANKS)
def test_launchers_number_their_processes(name: str) -> None:
    assert rank({name: "3"}) == 3
    assert rank({name: "no number"}) == rank({}) == 0


def test_the_run_of_the_environment_goes_on_and_is_not_ended(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    outer = yard.start_run("outer")
    for name, value in outer.env.items():
        monkeypatch.setenv(name, value)
    with my.start_run() as run:
        my.log_metric("from below", 1)
        with my.start_run("trial", nested=True) as trial:
            pass
    assert run.run_id == outer.run_id
    assert yard.runs.get(outer.run_id).status == "RUNNING"
    with my.start_run() as second:  # it went on with it once: what begins later is another
        assert second.run_id != outer.run_id
    with my.start_run(nested=True) as nested:
        assert nested.parent_run_id == outer.run_id
    outer.end()
    seen = yard.runs.get(outer.run_id)
    assert (seen.name, seen.status, seen.metrics[0].key) == ("outer", "FINISHED", "from below")
    assert yard.runs.get(trial.run_id).parent_run_id == outer.run_id


def test_a_pickled_run_is_the_same_run_and_does_not_end_it(yard: Yard) -> None:
    with yard.start_run("first") as run:
        copy = pickle.loads(pickle.dumps(run))
        with copy:
            copy.log_metric("m", 1)
        assert my.active_run() is run
        run.flush(30)
        assert yard.runs.get(run.run_id).status == "RUNNING"
    seen = yard.runs.get(run.run_id)
    assert (seen.status, seen.metrics[0].value) == ("FINISHED", 1)


def test_a_yard_in_memory_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    with Yard("sqlite://") as yard:
        with yard.start_run() as run:
            run.log_metric("m", 1)
            run.log_artifact(tmp_path / "a.txt")
            assert yard.runs.get(run.run_id).metrics[0].value == 1
            ref = run.log_model(len, "size", register="size")
        assert yard.artifacts.open(f"run:{run.run_id}", "a.txt").read() == b"a"
        assert yard.models.get("size").version == 1
        assert yard.tracker.model(ref.model_id).status == "READY"


def test_the_load_of_the_machine_is_sampled(yard: Yard) -> None:
    with my.start_run(log_system_metrics=0.05) as run:
        threading.Event().wait(0.2)
    with my.start_run(log_system_metrics=False) as without:
        pass
    found = {m.key: m.value for m in yard.runs.get(run.run_id).metrics}
    assert 0 <= found["system/cpu_utilization_percentage"] <= 100
    assert (
        found["system/system_memory_usage_megabytes"] > found["system/process_memory_megabytes"] > 1
    )
    assert found["system/disk_available_megabytes"] > 0
    steps = [p.step for p in yard.tracker.history(run.run_id, "system/disk_usage_percentage").items]
    assert steps == list(range(len(steps)))
    assert len(steps) >= 2
    assert not yard.runs.get(without.run_id).metrics
    with pytest.raises(InvalidInput, match="log_system_metrics"):
        my.start_run(log_system_metrics=-1)


def test_a_setting_samples_the_machine_for_all_runs(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELYARD_TRACKING_SYSTEM_METRICS", "true")
    with my.start_run() as run:
        pass
    assert any(m.key.startswith("system/") for m in yard.runs.get(run.run_id).metrics)


def test_psutil_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    import psutil

    from modelyard.yard.system_metrics import _Proc, _Psutil  # pyright: ignore[reportPrivateUsage]

    ours, theirs = _Proc().read(), _Psutil(psutil).read()
    assert ours.keys() == theirs.keys()
    for key in ("system_memory_usage_megabytes", "process_memory_megabytes"):
        assert ours[key] == pytest.approx(theirs[key], rel=0.2)


def test_the_state_of_the_code_is_recorded(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        identity = ("-c", "user.name=a", "-c", "user.email=a@b")
        done = subprocess.run(["git", *identity, *words], cwd=tmp_path, capture_output=True, check=True, text=True)  # fmt: skip
        return done.stdout.strip()

    assert run_context.git_tags(tmp_path) == {}
    git("init", "-b", "trunk")
    assert run_context.git_tags(tmp_path) == {}
    (tmp_path / "a").write_text("a")
    git("add", "a")
    git("commit", "-m", "a")
    git("remote", "add", "origin", "https://ana:token@host.example/repo.git?private=1")
    expected = {
        "mlflow.source.git.commit": git("rev-parse", "HEAD"),
        "mlflow.source.git.branch": "trunk",
        "mlflow.source.git.dirty": "false",
        "mlflow.source.git.repoURL": "https://host.example/repo.git",
    }
    assert run_context.git_tags(tmp_path) == expected
    (tmp_path / "a").write_text("b")
    git("checkout", "--detach")
    dirty = run_context.git_tags(tmp_path)
    assert dirty["mlflow.source.git.dirty"] == "true"
    assert "mlflow.source.git.branch" not in dirty


def test_all_installed_packages_are_listed() -> None:
    from importlib.metadata import distributions

    listed = dict(line.split("==") for line in run_context.packages().splitlines()[1:])
    names = {
        d.metadata["Name"].lower().replace("_", "-").replace(".", "-") for d in distributions()
    }
    assert names - set(listed) == set()
    assert listed["sqlalchemy"] == __import__("sqlalchemy").__version__


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["t.py", "--password", "hunter2", "x"], ["t.py", "--password", "…", "x"]),
        (["--db-password=hunter2"], ["--db-password=…"]),
        (["--api_key", "--depth", "3"], ["--api_key", "--depth", "3"]),
        (["postgresql://ana:hunter2@db/x"], ["postgresql://…@db/x"]),
        (["TOKEN=hunter2", "DEPTH=3"], ["TOKEN=…", "DEPTH=3"]),
        (["hf_abcdefghijklmnopqrstuv"], ["…"]),
        (["--tokenizer", "bert", "--max-tokens", "100"], ["--tokenizer", "bert", "--max-tokens", "100"]),
    ],
    ids=["next", "same", "switch", "address", "variable", "token", "tokens-of-text"],
)  # fmt: skip
def test_secrets_of_a_command_line_are_left_out(words: list[str], shown: list[str]) -> None:
    assert without_secrets(words) == shown


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer hunter2hunter2",
        '{"api_key": "hunter2"}',
        "https://hunter2@host/x",
        "password='hunter2 with a space'",
        "secret: hunter2",
        "ghp_hunter2aaaaaaaaaaaaaaaaaaaaaa",
    ],
    ids=["header", "json", "address", "quoted", "yaml", "token"],
)
def test_secrets_of_a_message_are_left_out(text: str) -> None:
    assert "hunter2" not in text_without_secrets(f"it failed: {text}")


def test_a_full_disk_does_not_end_a_training(
    yard: Yard, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(**_: object) -> None:
        raise OSError(28, "No space left on device")

    with my.start_run() as run:
        with monkeypatch.context() as patched:
            patched.setattr(tempfile, "mkstemp", full)
            my.log_text("text", "a.txt")
            my.log_dict({"a": 1}, "b.json")
        my.log_metric("loss", 0.5)
    said = [line for line in capsys.readouterr().err.splitlines() if "No space left" in line]
    assert len(said) == 1
    assert [m.key for m in yard.runs.get(run.run_id).metrics] == ["loss"]
