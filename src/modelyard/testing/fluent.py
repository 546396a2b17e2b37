"""The contract of logging to a run, as tests: the same over a file, and over a hub.

A test module subclasses `FluentContract` and gives the fixture ``yard``: an empty one, whose runs are told as they are in
earnest. What was logged is read through it after the run ended.
"""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import modelyard as my
from modelyard.base.errors import Conflict, FileMissing, InvalidInput, InvalidName, InvalidPath
from modelyard.objects.load import load_object
from modelyard.tracking.interface import Input, Run
from modelyard.yard.active_run import ActiveRun
from modelyard.yard.resolving import resolve
from modelyard.yard.yard import Yard


def files_of(yard: Yard, run: ActiveRun) -> dict[str, bytes]:
    """Path and content of all that a run kept, but for what is known of its environment."""
    owner = f"run:{run.run_id}"
    found = {}
    for entry in yard.artifacts.walk(owner):
        with yard.artifacts.open(owner, entry.path) as stream:
            found[entry.path] = stream.read()
    return {path: data for path, data in found.items() if not path.startswith("environment/")}


REFUSED: list[tuple[Callable[[], Any], type[Exception]]] = [
    (lambda: my.log_metric("loss", odd("0.5")), InvalidInput),
    (lambda: my.log_metric("loss", odd([1, 2])), InvalidInput),
    (lambda: my.log_metric("loss", odd(None)), InvalidInput),
    (lambda: my.log_metric("../loss", 1), InvalidName),
    (lambda: my.log_metric("loss", 1, step=odd(0.5)), InvalidInput),
    (lambda: my.log_metric("loss", 1, step=2**63), InvalidInput),
    (lambda: my.log_metrics({"good": 1, "bad": odd("x")}), InvalidInput),
    (lambda: my.log_param("", 1), InvalidName),
    (lambda: my.set_tag("a\nb", 1), InvalidName),
    (lambda: my.log_artifact("no/such/file"), FileMissing),
    (lambda: my.log_artifacts("no/such/folder"), FileMissing),
    (lambda: my.log_text("x", "../x"), InvalidPath),
    (lambda: my.log_text(odd(b"x"), "x.txt"), InvalidInput),
    (lambda: my.log_image([[1]], "x.png"), InvalidInput),
    (lambda: my.log_image([[1]]), InvalidInput),
    (lambda: my.log_table([1], "x.json"), InvalidInput),
    (lambda: my.log_figure("x", "x.png"), InvalidInput),
    (lambda: my.log_model({"a": 1}, "m"), InvalidInput),
    (lambda: my.log_input(None), InvalidInput),
]
"""What cannot be meant, and how it is refused."""


def odd(value: Any) -> Any:
    """A value of a type that is not meant there."""
    return value


class FluentContract:
    """Every yard takes what training code tells."""

    @pytest.fixture
    def yard(self) -> Yard:
        """An empty one; a subclass gives it."""
        raise NotImplementedError

    def read(self, yard: Yard, run: ActiveRun) -> Run:
        """The run as it is there."""
        return yard.runs.get(run.run_id)

    # Life

    def test_a_run_is_there_whole_when_its_block_ends(self, yard: Yard) -> None:
        with yard.start_run("first", experiment="churn", tags={"team": "risk"}) as run:
            assert my.active_run() is run
            assert run.status == "RUNNING"
            my.log_param("depth", 3)
            my.log_metric("loss", 0.5, step=1)
            my.log_metric("loss", 0.25, step=2)
            my.set_tag("note", "é\n")
            my.delete_tag("team")
        assert my.active_run() is None
        seen = self.read(yard, run)
        assert (seen.name, seen.status, seen.params) == ("first", "FINISHED", {"depth": "3"})
        assert yard.tracker.experiment("churn").id == seen.experiment_id
        assert seen.tags["note"] == "é\n"
        assert "team" not in seen.tags
        points = [(p.value, p.step) for p in yard.tracker.history(run.run_id, "loss").items]
        assert points == [(0.5, 1), (0.25, 2)]
        assert seen.ended_ms is not None
        assert seen.ended_ms >= seen.started_ms

    def test_what_the_process_runs_in_is_recorded(self, yard: Yard) -> None:
        with yard.start_run() as run:
            pass
        tags = self.read(yard, run).tags
        assert tags["modelyard.host"]
        assert tags["modelyard.python"].startswith("3.")
        assert tags["mlflow.source.name"]
        assert tags["modelyard.command"].startswith("python")  # whatever runs these tests
        packages = yard.artifacts.open(f"run:{run.run_id}", "environment/requirements.txt").read()
        assert b"\nsqlalchemy==" in packages

    def test_an_exception_ends_it_failed_and_is_said_without_secrets(self, yard: Yard) -> None:
        with pytest.raises(ValueError, match="pw"), yard.start_run() as run:
            raise ValueError("no database at postgresql://ana:pw@db/x")
        seen = self.read(yard, run)
        assert seen.status == "FAILED"
        assert seen.tags["modelyard.error.type"] == "ValueError"
        assert seen.tags["modelyard.error"] == "no database at postgresql://…@db/x"

    def test_ctrl_c_kills_it(self, yard: Yard) -> None:
        with pytest.raises(KeyboardInterrupt), yard.start_run() as run:
            raise KeyboardInterrupt
        assert self.read(yard, run).status == "KILLED"

    def test_an_end_is_said_once(self, yard: Yard) -> None:
        with yard.start_run() as run:
            run.end("FAILED")
            run.end()
        assert (run.status, self.read(yard, run).status) == ("FAILED", "FAILED")
        with pytest.raises(InvalidInput, match="no end of a run is 'DONE'"):
            run.end("DONE")

    def test_a_run_is_begun_inside_another_when_that_is_said(self, yard: Yard) -> None:
        with yard.start_run("outer", experiment="e") as outer:
            with pytest.raises(Conflict, match="going on here already"):
                yard.start_run("inner")
            with yard.start_run("inner", nested=True) as inner:
                my.log_metric("m", 1)
            with outer.child("fold", tags={"fold": 1}) as fold:
                my.log_metric("m", 2)
            my.log_metric("m", 3)
        seen = [self.read(yard, run) for run in (outer, inner, fold)]
        assert [run.parent_run_id for run in seen] == [None, outer.run_id, outer.run_id]
        assert [run.metrics[0].value for run in seen] == [3, 1, 2]
        assert len({run.experiment_id for run in seen}) == 1
        assert {run.status for run in seen} == {"FINISHED"}

    def test_a_run_goes_on_by_its_id(self, yard: Yard) -> None:
        with yard.start_run("first", experiment="e") as run:
            my.log_metric("m", 1, step=1)
        with yard.start_run(run_id=run.run_id) as again:
            my.log_metric("m", 2, step=2)
            my.log_param("later", True)
        seen = self.read(yard, again)
        assert (seen.name, seen.status, seen.params) == ("first", "FINISHED", {"later": "True"})
        assert [p.value for p in yard.tracker.history(run.run_id, "m").items] == [1, 2]
        assert seen.experiment_id == yard.tracker.experiment("e").id

    def test_threads_log_to_the_run_they_are_given(self, yard: Yard) -> None:
        def work(number: int) -> None:
            with outer.child(f"thread {number}") as run:
                for step in range(20):
                    my.log_metric("m", number, step)
            ended.append(run)

        ended: list[ActiveRun] = []
        with yard.start_run() as outer:
            threads = [threading.Thread(target=work, args=[number]) for number in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        for run in ended:
            values = {p.value for p in yard.tracker.history(run.run_id, "m").items}
            assert values == {float(run.name.split()[1])}
            assert len(yard.tracker.history(run.run_id, "m").items) == 20
        assert len(ended) == 4

    # Values

    def test_numbers_are_kept_as_they_are(self, yard: Yard) -> None:
        import numpy as np

        numbers = [math.nan, math.inf, -math.inf, -0.0, 5e-324]
        with yard.start_run() as run:
            for step, value in enumerate(numbers):
                my.log_metric("odd", value, step)
            my.log_metrics(
                odd({"a": np.float32(0.5), "b": np.array([2]), "c": True}), odd(np.int64(7))
            )
        points = yard.tracker.history(run.run_id, "odd").items
        assert [repr(p.value) for p in points] == [repr(value) for value in numbers]
        latest = {p.key: (p.value, p.step) for p in self.read(yard, run).metrics}
        assert latest["a"] == (0.5, 7)
        assert latest["b"] == (2.0, 7)
        assert latest["c"] == (1.0, 7)

    def test_a_param_is_written_once(self, yard: Yard) -> None:
        with yard.start_run() as run:
            assert my.log_param("depth", 3) == 3
            my.log_param("depth", "3")
            with pytest.raises(Conflict, match="param 'depth' is '3' already"):
                my.log_params({"new": 1, "depth": 4})
        assert self.read(yard, run).params == {"depth": "3"}

    def test_what_cannot_be_meant_is_refused_at_once(self, yard: Yard) -> None:
        with yard.start_run() as run:
            for call, error in REFUSED:
                with pytest.raises(error):
                    call()
        seen = self.read(yard, run)
        assert not (seen.metrics)
        assert not (seen.params)
        assert not (files_of(yard, run))

    # Files

    def test_a_file_is_kept_as_it_was_at_the_call(self, yard: Yard, tmp_path: Path) -> None:
        file, folder = tmp_path / "a.txt", tmp_path / "plots"
        file.write_text("one")
        (folder / "deep").mkdir(parents=True)
        (folder / "deep" / "b.txt").write_text("b")
        with yard.start_run() as run:
            my.log_artifact(file)
            my.log_artifact(file, "before")
            file.write_text("two")
            my.log_artifact(file)
            my.log_artifact(folder)
            my.log_artifacts(folder, "all")
            file.unlink()
        assert files_of(yard, run) == {
            "a.txt": b"two", "before/a.txt": b"one", "plots/deep/b.txt": b"b", "all/deep/b.txt": b"b",
        }  # fmt: skip

    def test_texts_dicts_and_tables_are_files(self, yard: Yard) -> None:
        import numpy as np
        import pandas as pd

        with yard.start_run() as run:
            my.log_text("é", "note.md")
            my.log_dict({"b": np.arange(2), "a": np.float64(0.5)}, "some/d.json")
            my.log_dict({"a": [1, "x"]}, "d.yaml")
            my.log_table(pd.DataFrame({"q": ["x"], "n": [1]}), "t.json")
            my.log_table({"q": ["y"], "extra": [None]}, "t.json")
            my.log_table([{"a": 1, "b": 'x"'}], "t.csv")
        files = files_of(yard, run)
        assert files["note.md"] == "é".encode()
        assert json.loads(files["some/d.json"]) == {"b": [0, 1], "a": 0.5}
        assert files["d.yaml"].decode().startswith("a:")
        assert json.loads(files["t.json"]) == {
            "columns": ["q", "n", "extra"], "data": [["x", 1, None], ["y", None, None]],
        }  # fmt: skip
        assert files["t.csv"] == b'a,b\n1,"x"""\n'

    def test_figures_and_images_are_files(self, yard: Yard) -> None:
        import io

        import numpy as np
        import plotly.graph_objects as go
        from matplotlib.figure import Figure
        from PIL import Image

        figure = Figure()
        figure.subplots().plot([1, 2])
        pixels = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
        with yard.start_run() as run:
            my.log_figure(figure, "plots/line.png")
            my.log_figure(figure, "plots/line.svg")
            my.log_figure(go.Figure(go.Bar(y=[1, 2])), "bar.html")
            my.log_image(pixels, "p.png")
            my.log_image(pixels[:, :, 0] / 255, key="seen", step=3)
            my.log_image(Image.fromarray(pixels), key="seen", step=10)
            my.log_image(pixels, "p.jpg")
        files = files_of(yard, run)
        assert files["plots/line.png"].startswith(b"\x89PNG")
        assert b"<svg" in files["plots/line.svg"]
        assert b"plotly" in files["bar.html"]
        assert files["p.jpg"].startswith(b"\xff\xd8")
        series = ["images/seen/00000003.png", "images/seen/00000010.png"]
        assert [path for path in sorted(files) if path.startswith("images/")] == series
        for path, expected in (
            ("p.png", pixels),
            (series[1], pixels),
            (series[0], pixels[:, :, 0]),
        ):
            assert np.array_equal(np.asarray(Image.open(io.BytesIO(files[path]))), expected)

    # Data and models

    def test_the_data_of_a_run_is_named_not_copied(self, yard: Yard, tmp_path: Path) -> None:
        import numpy as np
        import pandas as pd

        frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
        (tmp_path / "rows.csv").write_text("a\n1\n")
        kept = yard.datasets.add(frame, "kept")
        with yard.start_run() as run:
            one = my.log_input(frame, "eval", "frame", target="b")
            again = my.log_input(frame.copy(), name="frame")
            my.log_input(kept)
            my.log_input(tmp_path / "rows.csv", name="file")
            my.log_input(np.zeros((3, 2)), name="array")
            my.log_metric("acc", 0.5, dataset=one)
        changed = my_input(frame.assign(a=[1, 3]))
        inputs = {one.name: one for one in self.read(yard, run).inputs}
        assert again.digest == one.digest != changed.digest
        assert json.loads(inputs["frame"].schema)["columns"].keys() == {"a", "b"}
        assert json.loads(inputs["frame"].profile)["num_rows"] == 2
        assert inputs["kept"].digest == kept.digest[:32]
        assert json.loads(inputs["kept"].source) == {"ref": "kept@1"}
        assert json.loads(inputs["array"].profile) == {"num_rows": 3, "num_elements": 6}
        assert inputs["file"].source_type == "local"
        assert files_of(yard, run) == {}
        (point,) = self.read(yard, run).metrics
        assert (point.context.dataset_name, point.context.dataset_digest) == ("frame", one.digest)

    def test_a_logged_model_is_loaded_measured_and_registered(self, yard: Yard) -> None:
        import numpy as np
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        X = np.arange(20.0).reshape(10, 2)
        model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, [0, 1] * 5)
        with yard.start_run() as run:
            logged = my.log_model(
                model, "clf", sample_data=X, register="churn", params={"c": 1}, tags={"t": "x"}
            )
            my.log_metric("acc", 0.5, model_id=logged.model_id)
        for ref in (logged.uri, f"runs:/{run.run_id}/clf"):
            loaded = load_object(resolve(ref, yard=yard))
            assert np.array_equal(loaded.predict(X), model.predict(X))
        seen = yard.tracker.model(logged.model_id)
        assert (seen.status, seen.name, seen.type, seen.run_id) == (
            "READY",
            "clf",
            "sklearn",
            run.run_id,
        )
        assert (seen.params, seen.tags) == ({"c": "1"}, {"t": "x"})
        assert [(who, point.value) for who, point in seen.metrics] == [(run.run_id, 0.5)]
        assert [link.model_id for link in self.read(yard, run).model_outputs] == [logged.model_id]
        assert np.array_equal(yard.models.get("churn").load().predict(X), model.predict(X))
        assert yard.models.get("churn@1").digest.endswith(logged.digest.removeprefix("sha256:"))

    def test_how_it_looks_shows_no_markup_of_others(self, yard: Yard) -> None:
        with yard.start_run("<script>alert(1)</script>") as run:
            my.log_param("<b>", "<img onerror=x>")
        for shown in (run._repr_html_(), self.read(yard, run)._repr_html_()):
            assert "<script" not in shown
            assert "<img" not in shown
            assert "&lt;b&gt;" in shown


def my_input(data: Any) -> Input:
    """How a run would name data."""
    from modelyard.yard.logged_inputs import input_of

    return input_of(data)
