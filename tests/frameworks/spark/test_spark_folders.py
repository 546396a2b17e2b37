"""The folder of a Spark ML model from anywhere: looked at before Spark is, then applied and served. One session for all."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import modelyard as my
from cases.flavors.pyspark import NUMBERS, ROWS, fitted, pipeline, scaled
from modelyard.base.errors import Corrupted, InvalidInput, ModelFailed, Untrusted
from modelyard.objects.flavors import pyspark as flavor
from modelyard.objects.flavors._pyspark.session import quiet
from modelyard.testing.flavors import FolderFiles
from modelyard.yard.verbs import open_model
from serving_cases.server import serving


@pytest.fixture(autouse=True)
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELYARD_CONFIG_DIR", str(tmp_path / "settings"))


UID = "part-00000-69bd998d-3577-449b-8527-1ed9b2c70365-c000"


def line(name: str, **more: Any) -> dict[str, Any]:
    return {"class": name, "uid": "Stage_1", "sparkVersion": "4.0.0", "paramMap": {}, **more}


def folder(path: Path, *stages: dict[str, Any], uids: list[Any] | None = None) -> Path:
    """What Spark would write, with no numbers in it."""
    whole = line("org.apache.spark.ml.PipelineModel", uid="P_1")
    whole["paramMap"] = {"stageUids": uids or [s["uid"] for s in stages]}
    for place, content in [
        ("", whole),
        *((f"stages/{i}_{s['uid']}/", s) for i, s in enumerate(stages)),
    ]:
        file = path / f"{place}metadata" / f"{UID}.txt"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(content) + "\n")
        (file.parent / "_SUCCESS").write_bytes(b"")
    return path


FOREIGN = {
    "another library's class in Java": "com.evil.Stage",
    "a class of Spark that is no stage": "org.apache.spark.deploy.SparkSubmit",
    "a module of Python": "os.system",
    "another module of pyspark": "pyspark.java_gateway.launch_gateway",
    "a stage that runs SQL": "org.apache.spark.ml.feature.SQLTransformer",
    "a name that only begins well": "org.apache.spark.ml.feature.StandardScalerModel.evil",
}


@pytest.mark.parametrize("word", FOREIGN)
def test_foreign_classes_are_refused_before_spark_starts(
    tmp_path: Path, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder(tmp_path / "model", line(FOREIGN[word]))
    monkeypatch.setattr(flavor.session, "active", lambda: pytest.fail("Spark was started"))
    with pytest.raises(Untrusted) as caught:
        flavor.load(FolderFiles(path))
    assert FOREIGN[word] in str(caught.value)
    card = my.load_card(str(path))
    assert card.format is not None
    assert (card.format.name, card.format.tier) == ("spark_code", 2)
    with pytest.raises(Untrusted, match="you have not trusted"):
        my.load(str(path))


def second_line(path: Path) -> None:
    file = path / "metadata" / f"{UID}.txt"
    file.write_text(file.read_text() + json.dumps(line("com.evil.Stage")))


def second_file(path: Path) -> None:
    (path / "metadata" / UID.replace("00000", "00001", 1)).with_suffix(".txt").write_text(
        json.dumps(line("com.evil.Stage"))
    )


@pytest.mark.parametrize("hide", [second_line, second_file])
def test_every_line_that_spark_might_read_is_looked_at(
    tmp_path: Path, hide: Callable[[Path], None]
) -> None:
    path = folder(tmp_path / "model", line("org.apache.spark.ml.feature.Tokenizer"))
    hide(path)
    with pytest.raises(Untrusted, match=r"com\.evil\.Stage"):
        flavor.load(FolderFiles(path))


TOKENIZER = "org.apache.spark.ml.feature.Tokenizer"

DAMAGED: dict[str, Callable[[Path], Any]] = {
    "packed": lambda path: (path / "metadata" / "part-00000.gz").write_bytes(gzip.compress(b"{}")),
    "a jar": lambda path: (path / "evil.jar").write_bytes(b"PK"),
    "another file of numbers": lambda path: (path / "metadata" / "numbers.orc").write_bytes(b"ORC"),
    "no line of JSON": lambda path: (path / "metadata" / f"{UID}.txt").write_text("{"),
    "a list": lambda path: (path / "metadata" / f"{UID}.txt").write_text("[]"),
    "a name twice": lambda path: (path / "metadata" / f"{UID}.txt").write_text(
        f'{{"class": "com.evil.Stage", "class": "{TOKENIZER}", "uid": "a"}}'
    ),
    "nothing": lambda path: shutil.rmtree(path / "metadata"),
}


@pytest.mark.parametrize("word", DAMAGED)
def test_what_spark_does_not_write_is_refused(tmp_path: Path, word: str) -> None:
    path = folder(tmp_path / "model", line(TOKENIZER))
    DAMAGED[word](path)
    with pytest.raises(Corrupted):
        flavor.load(FolderFiles(path))


@pytest.mark.parametrize("uid", ["../../../other", "a/b", "", 3, None])
def test_stages_stay_in_their_folder(tmp_path: Path, uid: Any) -> None:
    path = folder(tmp_path / "model", line(TOKENIZER), uids=[uid])
    with pytest.raises(Corrupted, match="no name of a stage"):
        flavor.load(FolderFiles(path))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as Spark itself writes it."""
    path = tmp_path_factory.mktemp("spark") / "houses"
    fitted(pipeline)().write().save(path.as_uri())
    return path


GIVEN = ROWS.drop(columns="label")


def test_a_foreign_folder_is_applied_and_served(written: Path, tmp_path: Path) -> None:
    card = my.load_card(str(written))
    assert card.format is not None
    assert (card.flavor, card.format.name, card.format.tier) == ("pyspark", "spark", 1)
    GIVEN.to_csv(tmp_path / "rows.csv", index=False)
    model = fitted(pipeline)()
    expected = flavor.methods(model)["predict"](GIVEN)
    assert np.array_equal(my.apply(str(written), str(tmp_path / "rows.csv")), expected)
    my.import_object(str(written), str(tmp_path / "kept"), sample_data=GIVEN)
    with serving([open_model(tmp_path / "kept")]) as client:
        answer = client.post("/predict", json={"X": GIVEN.to_dict("records")})
        assert answer.status_code == 200, answer.text
        assert answer.json() == expected.tolist()
        answer = client.post("/transform", json={"X": GIVEN[:1].to_dict("records")})
        assert answer.status_code == 200, answer.text
        assert set(answer.json()[0]) >= {"prediction", "probability_0", "probability_1"}


def test_transform_adds_columns_and_keeps_the_index() -> None:
    given = GIVEN.set_index(pd.RangeIndex(100, 112))
    found = flavor.methods(fitted(pipeline)())["transform"](given)
    assert found.index.tolist() == list(range(100, 112))
    kept = found[list(GIVEN.columns)].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, GIVEN, check_dtype=False)  # texts come back as texts
    assert "features" not in found.columns
    assert np.allclose(found[["probability_0", "probability_1"]].sum(axis=1), 1)


def test_rows_of_numbers_are_a_vector() -> None:
    found = flavor.methods(scaled())["transform"](NUMBERS.tolist())
    assert list(found.columns) == ["numbers_0", "numbers_1", "numbers_2", "scaled_0", "scaled_1", "scaled_2"]  # fmt: skip
    assert np.allclose(found.to_numpy()[:, 3:], NUMBERS / NUMBERS.std(0, ddof=1))


def test_a_table_of_spark_is_taken_too() -> None:
    with quiet():
        table = flavor.session.active().createDataFrame(GIVEN)
    predict = flavor.methods(fitted(pipeline)())["predict"]
    assert np.array_equal(predict(table), predict(GIVEN))


def test_what_the_model_does_not_take_is_told() -> None:
    predict = flavor.methods(fitted(pipeline)())["predict"]
    with pytest.raises(InvalidInput, match="no column 'town'"):
        predict(GIVEN.drop(columns="town"))
    with pytest.raises(InvalidInput, match="a table, or rows of numbers"):
        predict(np.zeros(3))
    with pytest.raises(ModelFailed):
        predict(GIVEN.assign(age="old"))


def test_another_process_needs_no_session_of_its_own(written: Path) -> None:
    code = (
        "import sys, json, modelyard as my; from pyspark.sql import SparkSession; "
        "found = my.apply(sys.argv[1], json.loads(sys.argv[2])); print(found.tolist()); "
        "conf = SparkSession.getActiveSession().sparkContext.getConf(); "
        "assert conf.get('spark.driver.host') == '127.0.0.1' and conf.get('spark.ui.enabled') == 'false'"
    )
    rows = json.dumps(GIVEN[:2].to_dict("records"))
    done = subprocess.run(
        [sys.executable, "-c", code, str(written), rows],
        capture_output=True,
        text=True,
        check=False,
        env=dict(os.environ),
    )
    assert done.returncode == 0, done.stderr
    expected = flavor.methods(fitted(pipeline)())["predict"](GIVEN[:2]).tolist()
    assert json.loads(done.stdout.splitlines()[-1]) == expected
