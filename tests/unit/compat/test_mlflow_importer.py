"""Folders that MLflow's own client wrote (`tests/fixtures/mlflow`), opened, loaded and refused."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import modelyard as my
from cases.importers.mlflow import EXPECTED, FIXTURES, FORMATS, rows
from modelyard.base.errors import (
    Corrupted,
    EnvironmentMismatch,
    FileMissing,
    InvalidCard,
    InvalidInput,
    InvalidPath,
    ModelyardError,
    UnsupportedFormat,
    UnsupportedType,
    Untrusted,
)
from modelyard.compat.importers import mlflow as importer
from modelyard.objects.importers import open_path, recognised
from modelyard.types.schema import Signature


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of one's own, with a scikit-learn model."""
    return shutil.copytree(FIXTURES / "sklearn_skops", tmp_path / "model")


def rewrite(folder: Path, old: str, new: str) -> None:
    text = (folder / "MLmodel").read_text()
    assert old in text
    (folder / "MLmodel").write_text(text.replace(old, new))


# What is read


@pytest.mark.parametrize("name", FORMATS)
def test_a_folder_is_opened_by_the_reader_of_its_library(name: str) -> None:
    card = my.load_card(FIXTURES / name)
    assert card.format is not None
    assert (card.flavor, card.format.name, card.format.tier) == FORMATS[name]


@pytest.mark.parametrize("name", FORMATS)
def test_the_answers_are_mlflows(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    card = my.load_card(FIXTURES / name)
    monkeypatch.setenv("MODELYARD_TRUST", card.digest)
    model = my.load(FIXTURES / name, check_env="off")
    answer = EXPECTED[name]["answer"]
    answer = answer["variable"] if name == "onnx" else answer  # a dict by output there
    if name != "xgboost_booster":  # the booster itself wants a DMatrix
        assert np.allclose(np.squeeze(model.predict(rows(name))), np.squeeze(answer))
    found = my.apply(FIXTURES / name, rows(name))
    assert np.allclose(np.squeeze(found), np.squeeze(answer))


def test_the_card_says_what_the_folder_says() -> None:
    card = my.load_card(FIXTURES / "sklearn_skops")
    signature: Signature = card.methods["predict"]
    columns = {"age": "int64", "income": "float64", "debt": "float64"}
    assert signature.args["X"].type.to_dict() == {"type": "dataframe", "columns": columns}
    assert signature.returns is not None
    assert signature.returns.to_dict() == {"type": "array", "dtype": "int64", "shape": [None]}
    assert [entry.path for entry in card.artifact] == ["sklearn_skops/model.skops"]
    assert card.created.at.endswith("Z")
    assert len(card.created.at) == 20
    assert card.metadata["team"] == "risk"
    assert card.metadata["mlflow"]["mlflow_version"]
    assert "mlflow" not in card.requirements.packages
    assert "pandas" in card.requirements.packages
    assert card.requirements.python.startswith("3.")
    assert len(card.sample) == 3
    assert set(card.sample[0]) == set(columns)


def test_params_are_arguments_with_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    path = FIXTURES / "loader"
    card = my.load_card(path)
    assert card.methods["predict"].args["times"].default == 2
    monkeypatch.setenv("MODELYARD_TRUST", card.digest)
    model = my.load(path, check_env="off")
    frame = pd.DataFrame(EXPECTED["loader"]["question"])
    once = model.predict(frame, times=1)
    assert model.predict(frame, params={"times": 3}) == [3 * v for v in once]
    assert my.apply(path, frame) == [2 * v for v in once]
    with pytest.raises(InvalidInput, match="no parameter 'time'") as caught:
        model.predict(frame, time=1)
    assert "times" in str(caught.value)


def test_an_estimator_has_all_its_methods_on_the_signatures_rows() -> None:
    answer = my.apply(FIXTURES / "sklearn_skops", rows("sklearn_skops"), method="predict_proba")
    assert answer.shape == (12, 2)


def test_opening_imports_no_library_and_runs_nothing() -> None:
    script = (
        "import sys, modelyard as my\n"
        f"for name in {sorted(EXPECTED)!r}: my.load_card(r'{FIXTURES}/' + name)\n"
        "loaded = {'pandas', 'sklearn', 'xgboost', 'lookup_of_test', 'mlflow'} & set(sys.modules)\n"
        "assert not loaded, loaded\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_code_that_runs_has_to_be_trusted() -> None:
    with pytest.raises(Untrusted) as caught:
        my.load(FIXTURES / "loader")
    assert "lookup_of_test" in str(caught.value)
    assert "modelyard trust" in str(caught.value)


def test_it_registers_and_builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "modelyard.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    version = my.register(FIXTURES / "sklearn_skops", name="risk")
    assert version.version == 1
    assert np.allclose(my.apply("risk", rows("sklearn_skops")), EXPECTED["sklearn_skops"]["answer"])
    built = my.build(FIXTURES / "sklearn_skops", "wheel", name="risk-model", version="1.0")
    assert built.path.suffix == ".whl"


@pytest.mark.parametrize("name", ["sklearn_skops", "xgboost_estimator", "loader"])
def test_it_is_imported_as_a_copy_or_saved_anew(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = rows(name)
    card = my.import_object(FIXTURES / name, tmp_path / "copy")
    assert card.digest == my.load_card(tmp_path / "copy").digest
    monkeypatch.setenv("MODELYARD_TRUST", card.digest)
    assert np.allclose(my.apply(tmp_path / "copy", frame), EXPECTED[name]["answer"])
    tried = my.import_object(
        FIXTURES / name,
        tmp_path / "tried",
        sample_data=frame.head(2),
        trust=my.load_card(FIXTURES / name).digest,
    )
    assert tried.methods["predict"].returns is not None
    assert (len(tried.methods) > 1) == (name != "loader")
    monkeypatch.setenv("MODELYARD_TRUST", tried.digest)
    assert np.allclose(my.apply(tmp_path / "tried", frame), EXPECTED[name]["answer"])


def test_a_card_is_not_put_beside_a_folder_that_holds_more(folder: Path) -> None:
    with pytest.raises(InvalidInput, match="holds more than the model") as caught:
        my.import_object(folder)
    assert "import SOURCE TARGET" in str(caught.value)


def test_a_python_function_stays_in_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELYARD_TRUST", my.load_card(FIXTURES / "loader").digest)
    model = my.load(FIXTURES / "loader", check_env="off")
    with pytest.raises(UnsupportedType, match="import that folder instead"):
        my.save(model, tmp_path / "m", sample_data=rows("loader"))


def test_code_beside_a_native_model_is_importable_and_asks_for_trust(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "code" / "__pycache__").mkdir(parents=True)
    (folder / "code" / "__pycache__" / "x.pyc").write_bytes(b"")
    (folder / "code" / "part_of_test_model.py").write_text("VALUE = 3\n")
    rewrite(folder, "code: null", "code: code")
    card = my.load_card(folder)
    assert card.format is not None
    assert card.format.tier == 2
    assert card.requirements.modules == ("part_of_test_model.py",)
    assert [e.path for e in card.artifact] == [
        "model/model.skops",
        "model/modules/part_of_test_model.py",
    ]
    with pytest.raises(Untrusted, match="module part_of_test_model"):
        my.load(folder)
    monkeypatch.setenv("MODELYARD_TRUST", card.digest)
    my.load(folder, check_env="off")
    assert __import__("part_of_test_model").VALUE == 3


# What is refused, or left out


def test_only_files_of_the_model_count(folder: Path) -> None:
    before = my.load_card(folder).digest
    (folder / "notes.txt").write_text("anything")
    (folder / "requirements.txt").write_text("scikit-learn==1.5.0\n")
    assert my.load_card(folder).digest == before
    (folder / "model.skops").write_bytes(b"")
    assert my.load_card(folder).digest != before
    with pytest.raises(Corrupted, match="not a zip"):
        my.load(folder, check_env="off")


@pytest.mark.parametrize(
    "path", ["../model.skops", "/etc/passwd", "a/../../b", "model.skops\\n", "..\\\\x", ""]
)
def test_paths_that_lead_out_are_refused(folder: Path, path: str) -> None:
    rewrite(folder, "pickled_model: model.skops", f'pickled_model: "{path}"')
    with pytest.raises(InvalidPath, match=r"flavors\.sklearn\.pickled_model"):
        my.load_card(folder)


@pytest.mark.parametrize("what", ["file", "folder", "MLmodel"])
def test_links_are_refused(folder: Path, what: str) -> None:
    if what == "folder":
        (folder.parent / "elsewhere").mkdir()
        (folder / "model.skops").rename(folder.parent / "elsewhere" / "model.skops")
        (folder / "inner").symlink_to(folder.parent / "elsewhere")
        rewrite(folder, "pickled_model: model.skops", "pickled_model: inner/model.skops")
    else:
        name = "model.skops" if what == "file" else what
        (folder / name).rename(folder.parent / name)
        (folder / name).symlink_to(folder.parent / name)
    with pytest.raises(InvalidPath, match="a link"):
        my.load_card(folder)


def test_artifacts_of_a_function_stay_inside(tmp_path: Path) -> None:
    folder = shutil.copytree(FIXTURES / "loader", tmp_path / "model")
    (folder / "data" / "inner").symlink_to("/etc")
    with pytest.raises(InvalidPath, match="a link"):
        my.load_card(folder)


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "model.skops").unlink()
    with pytest.raises(FileMissing, match=r"names 'model\.skops', which is not there"):
        my.load_card(folder)


def test_a_changed_file_is_found(folder: Path) -> None:
    source = open_path(folder)
    (folder / "model.skops").write_bytes(b"other")
    with pytest.raises(ModelyardError, match="not what its card says"):
        source.files.read("model.skops")


@pytest.mark.parametrize(
    ("text", "error", "part"),
    [
        ("", InvalidInput, "no 'flavors'"),
        ("- a\n", InvalidInput, "no 'flavors'"),
        ("flavors: {}\n", InvalidInput, "no 'flavors'"),
        ("flavors:\n  sklearn: model.pkl\n", InvalidInput, "'sklearn' has no options"),
        ("flavors: {a: !!python/object:os.system {}}\n", InvalidCard, "line 1"),
        ("a: &x [1]\nflavors: {b: {c: *x}}\n", InvalidCard, "anchors"),
        ("flavors: [\n", InvalidCard, "line"),
        ("flavors: {sklearn: {}}\n", InvalidInput, "names no file"),
        ("flavors: {crate: {version: 1}, h2o: {}}\n", UnsupportedFormat, "only the flavors crate, h2o"),
    ],
)  # fmt: skip
def test_a_description_that_is_none_is_told(
    folder: Path, text: str, error: type[Exception], part: str
) -> None:
    (folder / "MLmodel").write_text(text)
    with pytest.raises(error, match=part):
        my.load_card(folder)


def test_unknown_flavors_list_the_known_ones(folder: Path) -> None:
    (folder / "MLmodel").write_text("flavors: {crate: {version: 1}}\n")
    with pytest.raises(UnsupportedFormat) as caught:
        my.load_card(folder)
    assert "sklearn" in str(caught.value)
    assert "python_function" in str(caught.value)


def test_what_only_mlflow_can_load_says_so(folder: Path) -> None:
    (folder / "MLmodel").write_text(
        "flavors: {python_function: {loader_module: mlflow.shap, python_version: 3.11.7}}\n"
    )
    card = my.load_card(folder)
    with pytest.raises(EnvironmentMismatch, match=r"its loader is mlflow\.shap") as caught:
        my.load(folder, trust=card.digest)
    assert "pip install mlflow" in str(caught.value)


def test_a_type_of_a_later_version_stays_open(folder: Path) -> None:
    rewrite(folder, '"type": "long"', '"type": "quaternion"')
    card = my.load_card(folder)
    assert card.methods["predict"].args["X"].type.to_dict() == {"type": "any"}


def test_requirements_that_a_card_cannot_hold_are_left_out(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "requirements.txt").write_text(
        "mlflow==3.17.2\n-r other.txt\n--index-url https://a.example\n# note\nscipy==1.1.0 # why\nx @ git+https://a\n"
    )
    assert set(my.load_card(folder).requirements.packages) == {"pandas", "scipy==1.1.0"}
    assert "is refused: it is an option" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "no json", "[" * 100_000, '{"columns": 3, "data": 4}', "3"])
def test_an_example_that_is_none_is_no_sample(folder: Path, text: str) -> None:
    (folder / "input_example.json").write_text(text)
    assert my.load_card(folder).sample is None


def test_other_folders_are_not_recognised(tmp_path: Path) -> None:
    (tmp_path / "MLmodel").mkdir()
    assert recognised(tmp_path) is None
    assert not importer.recognises(tmp_path / "nowhere")
    with pytest.raises(InvalidInput, match="no folder with a file MLmodel"):
        importer.source(tmp_path)


@pytest.fixture(autouse=True)
def _no_trust_left() -> Iterator[None]:
    yield
    os.environ.pop("MODELYARD_TRUST", None)
