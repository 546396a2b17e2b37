"""Models inside functions stay in their own formats; objects with files of their own are set up from copies."""

from __future__ import annotations

import gc
import os
import pickle
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import modelyard as my
from cases.flavors.own_code import Sentiment, mean_of
from modelyard.base.errors import FileMissing, UnsupportedType
from modelyard.objects.formats import cloudpickle
from modelyard.testing.flavors import FolderFiles

ROWS = np.arange(12.0).reshape(6, 2)


def ridge() -> Ridge:
    return Ridge().fit(ROWS, ROWS[:, 0])


def inner(card: my.Card) -> list[str]:
    return [entry.path.partition("/")[2] for entry in card.artifact]


def test_a_function_that_holds_models_keeps_each_in_its_own_format(tmp_path: Path) -> None:
    function = mean_of(ridge(), ridge())
    card = my.save(function, tmp_path / "mean", sample_data=ROWS)
    assert inner(card)[:3] == [
        "model.pkl",
        "nested/0-sklearn-skops/model.skops",
        "nested/1-sklearn-skops/model.skops",
    ]
    assert np.array_equal(my.load(tmp_path / "mean")(ROWS), function(ROWS))


def test_a_model_that_is_held_twice_is_written_once_and_stays_one(tmp_path: Path) -> None:
    model = ridge()
    pair = (model, model)
    cloudpickle.dump(lambda: pair, tmp_path)
    assert len(list((tmp_path / "nested").iterdir())) == 1
    first, second = cloudpickle.load(FolderFiles(tmp_path))()
    assert first is second


def test_parts_of_a_pipeline_are_not_taken_out_of_it(tmp_path: Path) -> None:
    pipeline = make_pipeline(FunctionTransformer(lambda X: X + 1), Ridge()).fit(ROWS, ROWS[:, 0])
    card = my.save(pipeline, tmp_path / "pipeline", sample_data=ROWS)
    assert [entry.path for entry in card.artifact] == ["pipeline"]


def test_a_nested_model_that_only_code_can_hold_stays_in_the_pickle(tmp_path: Path) -> None:
    own = make_pipeline(FunctionTransformer(lambda X: X + 1), Ridge()).fit(ROWS, ROWS[:, 0])
    cloudpickle.dump(mean_of(own), tmp_path)
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["model.pkl"]
    assert np.array_equal(cloudpickle.load(FolderFiles(tmp_path))(ROWS), own.predict(ROWS))


@pytest.mark.parametrize("pid", ["../x", "0-sklearn-skops/..", 3, "0-nothing-here"])
def test_an_id_that_is_none_of_ours_is_refused(tmp_path: Path, pid: object) -> None:
    class Pickler(pickle.Pickler):
        def persistent_id(self, obj: object) -> object:
            return pid if obj == "model" else None

    with (tmp_path / "model.pkl").open("wb") as stream:
        Pickler(stream).dump(["model"])
    with pytest.raises(my.ModelyardError):
        cloudpickle.load(FolderFiles(tmp_path))


def test_an_object_is_stored_as_before_it_was_set_up_and_set_up_again_when_loaded(
    tmp_path: Path,
) -> None:
    words = tmp_path / "words.txt"
    words.write_text("good fine")
    model = Sentiment(os.fspath(words))
    card = my.save(model, tmp_path / "model", sample_data=["all good"])
    assert not hasattr(model, "words")
    assert "files/words/words.txt" in inner(card)
    words.unlink()
    again = my.load(tmp_path / "model")
    assert again.predict(["fine", "bad"]) == [True, False]
    assert my.apply(tmp_path / "model", ["fine", "bad"]) == [True, False]
    assert my.save(again, tmp_path / "once more", sample_data=["x"]).artifact_digest
    assert my.load(tmp_path / "once more").predict(["fine"]) == [True]


def test_what_setting_up_made_is_never_pickled(tmp_path: Path) -> None:
    @dataclass
    class Session:
        files = {}  # noqa: RUF012

        def setup(self, files):  # type: ignore[no-untyped-def]
            self.lock = threading.Lock()

        def predict(self, x: int) -> int:
            with self.lock:
                return x

    my.save(Session(), tmp_path / "session", sample_data=1)
    my.save(my.load(tmp_path / "session"), tmp_path / "again", sample_data=1)
    assert my.load(tmp_path / "again").predict(3) == 3


def test_files_stay_as_long_as_the_object_that_reads_them_late(tmp_path: Path) -> None:
    class Late:
        files = {"text": __file__}  # noqa: RUF012

        def setup(self, files):  # type: ignore[no-untyped-def]
            self.path = files["text"]

        def predict(self, x: int) -> str:
            return self.path.read_text()[:3]

    my.save(Late(), tmp_path / "late", sample_data=1)
    model = my.load(tmp_path / "late")
    gc.collect()
    assert model.predict(1) == '"""'


def test_a_folder_among_the_files_comes_along_whole(tmp_path: Path) -> None:
    (tmp_path / "data" / "deep").mkdir(parents=True)
    (tmp_path / "data" / "deep" / "a.txt").write_text("7")

    class Reader:
        files = {"data": tmp_path / "data"}  # noqa: RUF012

        def setup(self, files):  # type: ignore[no-untyped-def]
            self.value = int((files["data"] / "deep" / "a.txt").read_text())

        def predict(self, x: int) -> int:
            return x + self.value

    my.save(Reader(), tmp_path / "reader", sample_data=1)
    assert my.load(tmp_path / "reader").predict(1) == 8


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileMissing, match="words"):
        cloudpickle.dump(Sentiment("nowhere.txt"), tmp_path)


def test_names_of_files_are_names_of_folders(tmp_path: Path) -> None:
    model = Sentiment(__file__)
    model.files = {"../x": __file__}
    with pytest.raises(UnsupportedType, match=r"'\.\./x'"):
        cloudpickle.dump(model, tmp_path)
