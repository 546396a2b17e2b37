"""Python functions of MLflow's, called without it."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import modelyard as my
from cases.formats.mlflow_pyfunc import function, weighted, write_folder
from modelyard.base.errors import (
    Corrupted,
    EnvironmentMismatch,
    InvalidInput,
    InvalidPath,
    SchemaMismatch,
    Untrusted,
)
from modelyard.objects.formats import mlflow_pyfunc
from modelyard.objects.importers import open_path

FRAME = pd.DataFrame({"a": [1.0, 2.0], "b": [3, 4]})
SHIFT = [{"name": "shift", "type": "double", "default": 0.5, "shape": None}]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    artifacts = {"weight": {"path": "artifacts/weight.txt", "uri": "elsewhere"}}
    made = write_folder(tmp_path / "m", weighted(), params=SHIFT, artifacts=artifacts)
    (made / "artifacts").mkdir()
    (made / "artifacts" / "weight.txt").write_text("10")
    return made


def trusted(path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("MODELYARD_TRUST", my.load_card(path).digest)
    return my.load(path, check_env="off")


def test_a_class_with_an_artifact_and_params(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = trusted(folder, monkeypatch)
    assert model.predict(FRAME).tolist() == [10.5, 20.5]
    assert model.predict(FRAME, shift=1).tolist() == [11, 21]
    assert model.predict(FRAME, params={"shift": 2}).tolist() == [12, 22]
    assert "shift" in repr(model)
    assert my.apply(folder, FRAME[["b", "a"]]).tolist() == [10.5, 20.5]
    with pytest.raises(SchemaMismatch, match="missing 'b'"):
        my.apply(folder, FRAME[["a"]])
    with pytest.raises(InvalidInput, match="no parameter 'shifts'"):
        model.predict(FRAME, shifts=1)


def test_records_become_the_table_that_the_model_expects(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = trusted(folder, monkeypatch)
    assert model.predict([{"a": 1.0, "b": 2}]).tolist() == [10.5]


def test_a_function_gets_its_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = write_folder(tmp_path / "m", function(), inputs=[{"type": "string"}])
    text = json.loads((made / "MLmodel").read_text())
    (made / "MLmodel").write_text(json.dumps({**text, "is_signature_from_type_hint": True}))
    assert trusted(made, monkeypatch).predict(["a", "b"]) == ["A", "B"]
    assert my.apply(made, ["a", "b"]) == ["A", "B"]


def test_it_is_code_and_says_which(folder: Path) -> None:
    source = open_path(folder)
    shown = mlflow_pyfunc.inspect(source.files)
    assert shown[0] == "mlflow.pyfunc.model"
    assert "mlflow.pyfunc.model.PythonModel" in shown
    with pytest.raises(Untrusted, match=r"mlflow\.pyfunc\.model"):
        my.load(folder)


def test_code_of_the_models_own_is_there_before_it_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = write_folder(tmp_path / "m", function(), code="code", inputs=[{"type": "string"}])
    (made / "code").mkdir()
    (made / "code" / "rates_of_a_test.py").write_text("RATE = 2\n")
    (made / "python_model.pkl").write_bytes(
        b"crates_of_a_test\nRATE\n."
    )  # whatever it is: it is found
    with pytest.raises(InvalidInput, match="holds a int, no model"):
        trusted(made, monkeypatch)
    assert __import__("rates_of_a_test").RATE == 2


def test_a_packed_pickle(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow packs it when an environment variable says so."""
    packed = gzip.compress((folder / "python_model.pkl").read_bytes())
    (folder / "python_model.pkl").unlink()
    (folder / "python_model.pkl.gz").write_bytes(packed)
    text = (folder / "MLmodel").read_text()
    (folder / "MLmodel").write_text(text.replace("python_model.pkl", "python_model.pkl.gz"))
    assert trusted(folder, monkeypatch).predict(FRAME).tolist() == [10.5, 20.5]
    assert "mlflow.pyfunc.model.PythonModel" in mlflow_pyfunc.inspect(open_path(folder).files)


@pytest.mark.parametrize("path", ["../weight.txt", "/etc/hostname", "a/../../b", "~/x\\n"])
def test_artifacts_are_inside_the_folder(
    folder: Path, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (folder / "MLmodel").read_text()
    (folder / "MLmodel").write_text(text.replace("artifacts/weight.txt", path))
    with pytest.raises(InvalidPath, match=r"artifacts\.weight"):
        trusted(folder, monkeypatch)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", Corrupted),
        (b"hello", Corrupted),
        (b"cnowhere_at_all\nthing\n.", EnvironmentMismatch),
        (b"cmlflow.pyfunc.model\nChatAgent\n.", EnvironmentMismatch),
    ],
)
def test_a_broken_pickle_is_told(
    folder: Path, data: bytes, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "python_model.pkl").write_bytes(data)
    with pytest.raises(error):
        trusted(folder, monkeypatch)


def test_a_wheel_holds_it_too(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "weighted")
    built = my.build(tmp_path / "weighted", "wheel", output=tmp_path, name="weighted-model")
    assert built.path.is_file()
