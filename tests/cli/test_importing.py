"""``modelyard import``, and commands on plain files of other tools."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

import modelyard as my
from cases.flavors.onnx import classifier
from cases.flavors.own_code import Rule
from cli.program import run
from modelyard.objects import trust


@pytest.fixture
def folder(empty: Path) -> Path:
    """Files that other tools wrote."""
    rows = pd.DataFrame(np.random.default_rng(0).normal(size=(20, 3)), columns=["a", "b", "c"])
    rows.to_csv(empty / "rows.csv", index=False)
    rows.to_pickle(empty / "rows.pkl")
    model = LogisticRegression().fit(rows, rows["a"] > 0)
    joblib.dump(model, empty / "model.joblib")
    (empty / "model.onnx").write_bytes(classifier(options={"zipmap": False})().SerializeToString())
    (empty / "rule.pkl").write_bytes(pickle.dumps(Rule(3)))
    return empty


def expected(folder: Path) -> Any:
    return joblib.load(folder / "model.joblib").predict(pd.read_csv(folder / "rows.csv")).tolist()


def test_a_card_is_written_beside_the_file(folder: Path) -> None:
    before = (folder / "model.joblib").read_bytes()
    done = run("import", "model.joblib", cwd=folder)
    assert (done.code, done.err) == (0, "wrote model.joblib.yard.yaml\n")
    assert done.out.startswith(
        "model.joblib: sklearn model\n  format       checked_pickle, tier 1\n"
    )
    assert (folder / "model.joblib").read_bytes() == before
    assert run("list", "--json", cwd=folder).data[0]["flavor"] == "sklearn"
    assert run("apply", "model.joblib", "rows.csv", cwd=folder).data == expected(folder)


def test_a_copy_is_made_with_its_card(folder: Path) -> None:
    done = run("import", "model.onnx", "models/graph", "--json", cwd=folder)
    assert done.code == 0
    assert done.data["flavor"] == "onnx"
    assert list(done.data["methods"]) == ["predict", "predict_proba"]
    assert done.data["digest"] == my.load_card(folder / "models/graph").digest
    assert (folder / "models/graph").read_bytes() == (folder / "model.onnx").read_bytes()
    assert run("import", "model.onnx", "models/graph", cwd=folder).code == 0  # ours: replaced
    (folder / "taken").write_text("x")
    taken = run("import", "model.onnx", "taken", cwd=folder)
    assert taken.code == 5
    assert "not an object of ours" in taken.err


def test_with_a_sample_it_is_saved_in_its_safest_format(folder: Path) -> None:
    done = run("import", "model.joblib", "models/m", "--sample", "rows.csv", "--json", cwd=folder)
    assert done.data["format"] == {"name": "skops", "tier": 1}
    assert list(done.data["methods"]["predict"]["args"]["X"]["columns"]) == ["a", "b", "c"]
    assert run("apply", "models/m", "rows.csv", cwd=folder).data == expected(folder)
    assert run("import", "model.joblib", "--sample", "rows.pkl", cwd=folder).code == 0
    assert my.load_card(folder / "model").format.name == "skops"
    (folder / "model").unlink()
    (folder / "model.yard.yaml").unlink()
    (folder / "model").mkdir()
    blocked = run("import", "model.joblib", "--sample", "rows.csv", cwd=folder)
    assert blocked.code == 2
    assert "import SOURCE TARGET" in blocked.err


def test_what_runs_code_is_opened_and_copied_but_not_loaded_without_trust(folder: Path) -> None:
    card = run("import", "rule.pkl", "models/rule", "--json", cwd=folder).data
    assert card["format"]["tier"] == 2
    assert card["format"]["reasons"] == ["cases.flavors.own_code.Rule"]
    digest = card["digest"]
    refused = run("import", "rule.pkl", "rule", "--sample", "rows.csv", cwd=folder)
    assert refused.code == 4
    assert "cases.flavors.own_code.Rule" in refused.err
    assert f"Hint: if you trust where it comes from: modelyard trust rule.pkl, or load it with trust='{digest}'" in refused.err  # fmt: skip
    assert not (folder / "rule").exists()


@pytest.mark.parametrize("how", ["--trust", "trust"])
def test_it_is_loaded_once_it_is_trusted(folder: Path, how: str) -> None:
    digest = run("show", "rule.pkl", "--json", cwd=folder).data["digest"]
    words = ["import", "rule.pkl", "rule", "--sample", "numbers.json"]
    (folder / "numbers.json").write_text("[2, 4]")
    if how == "trust":
        looked = run("trust", "rule.pkl", "--dry-run", cwd=folder)
        assert "  cases.flavors.own_code.Rule\n" in looked.out
        assert run("trust", "rule.pkl", "--yes", cwd=folder).code == 0
        assert run("apply", "rule.pkl", "numbers.json", cwd=folder).code == 0
    else:
        words += ["--trust", digest]
    try:
        done = run(*words, cwd=folder)
        assert (done.code, done.err.splitlines()[-1]) == (0, "wrote rule.yard.yaml")
    finally:
        trust.forget(digest)


def test_a_file_can_be_read_as_code_on_request(folder: Path) -> None:
    for word in ("pickle", "joblib"):
        card = run("import", "model.joblib", "m", "--type", word, "--json", cwd=folder).data
        assert card["format"] == {"name": "joblib", "tier": 2, "reasons": ["read as code on request"]}  # fmt: skip


def test_data_is_described(folder: Path) -> None:
    done = run("import", "rows.csv", "data/rows", "--json", cwd=folder)
    assert done.data["kind"] == "data"
    assert done.data["shape"] == [20, 3]
    assert (folder / "data/rows").read_bytes() == (folder / "rows.csv").read_bytes()
    assert run("apply", "model.joblib", "data/rows", cwd=folder).data == expected(folder)
    table = run("import", "rows.pkl", "data/table", "--json", cwd=folder).data
    assert table["format"] == {"name": "checked_pickle", "tier": 1}
    assert my.load(folder / "data/table").equals(pd.read_pickle(folder / "rows.pkl"))


def test_a_type_says_what_the_name_does_not(folder: Path) -> None:
    (folder / "rows.csv").rename(folder / "rows.dat")
    (folder / "model.onnx").rename(folder / "model.bin")
    assert run("import", "rows.dat", "rows", "--type", "csv", "--json", cwd=folder).data["shape"] == [20, 3]  # fmt: skip
    assert run("import", "rows.dat", "r2", "--type", "pandas[csv]", "--json", cwd=folder).data["kind"] == "data"  # fmt: skip
    assert run("import", "model.bin", "m", "--type", "onnx", "--json", cwd=folder).data["flavor"] == "onnx"  # fmt: skip


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["absent.pkl"], 3, "no file or folder at absent.pkl"),
        (["rows.dat"], 2, "rows.dat is nothing that can be opened here"),
        (["model.onnx", "m", "--type", "onxn"], 2, "did you mean 'onnx'?"),
        (["rows.csv", "m", "--type", "onnx"], 6, "rows.csv: no ONNX graph"),
        (["rows.csv", "m", "--sample", "rows.csv"], 1, "a sample is for models"),
        (["model.joblib", "m", "--sample", "absent.csv"], 3, "absent.csv"),
        (["model.joblib", "m", "--trust", "x", "--sample", "rows.csv"], 2, "is not a digest"),
    ],
)
def test_what_is_wrong_is_told(folder: Path, words: list[str], code: int, text: str) -> None:
    (folder / "rows.dat").write_bytes(b"\0\1")
    done = run("import", *words, cwd=folder)
    assert text in done.err
    assert done.code == code
    assert not (folder / "m").exists()


def test_plain_files_are_used_as_they_are(folder: Path) -> None:
    assert run("show", "model.joblib", cwd=folder).out.startswith("model.joblib: sklearn model")
    assert run("show", "model.onnx", "--json", cwd=folder).data["format"]["name"] == "onnx"
    assert run("show", "rows.csv", "--json", cwd=folder).data["kind"] == "data"
    assert run("apply", "model.joblib", "rows.pkl", cwd=folder).data == expected(folder)
    answers = run("apply", "model.onnx", "rows.csv", "-m", "predict_proba", cwd=folder).data
    assert np.shape(answers) == (20, 2)
    assert list(run("schema", "model.onnx", cwd=folder).data["methods"]) == ["predict", "predict_proba"]  # fmt: skip
    assert run("register", "model.joblib", "--name", "m", cwd=folder).out == "m@1\n"
    assert run("apply", "m", "rows.csv", cwd=folder).data == expected(folder)


def test_data_that_is_a_hostile_pickle_never_runs(folder: Path) -> None:
    (folder / "hostile.pkl").write_bytes(b"cposix\nsystem\n(Vtouch ran\ntR.")
    for words in (["apply", "model.onnx", "hostile.pkl"], ["data", "add", "hostile.pkl", "--name", "x"]):  # fmt: skip
        done = run(*words, cwd=folder)
        assert done.code == 4, words
        assert "posix.system" in done.err
    assert not (folder / "ran").exists()


def test_json_is_one_object(folder: Path) -> None:
    done = run("import", "model.joblib", "--json", cwd=folder)
    assert json.loads(done.out)["artifact"][0]["path"] == "model.joblib"
