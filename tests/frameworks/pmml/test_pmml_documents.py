"""A PMML document from anywhere: checked before Java reads it, typed by its own dictionary; made of fitted models."""

from __future__ import annotations

import math
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

import modelyard as my
from cases.flavors.pypmml import DOCUMENT, ROWS, document_of
from cases.formats import pmml
from modelyard.base.errors import (
    Corrupted,
    InvalidInput,
    SchemaMismatch,
    TooLarge,
    UnsupportedType,
)
from modelyard.objects.formats._pmml import document
from modelyard.objects.formats._pmml.scoring import predict
from modelyard.testing.flavors import ModelFormatCase, ModelFormatContract
from modelyard.yard.verbs import open_model
from serving_cases.server import serving


@pytest.fixture(autouse=True)
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELYARD_CONFIG_DIR", str(tmp_path / "settings"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "prices.pmml"
    path.write_text(DOCUMENT, "utf-8")
    return path


class TestFormat(ModelFormatContract):
    @pytest.fixture
    def case(self) -> ModelFormatCase:
        return pmml.case()


BODY = DOCUMENT.partition("?>")[2]
LAUGHS = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10 if i else "ha"}">' for i in range(12))

HOSTILE: dict[str, tuple[bytes, str]] = {
    "another file": (
        f'<!DOCTYPE p [<!ENTITY e SYSTEM "file:///etc/hostname">]>{BODY.replace("hand", "&e;")}'.encode(),
        "DOCTYPE",
    ),
    "a document type elsewhere": (
        f'<!DOCTYPE PMML SYSTEM "http://127.0.0.1:9/x.dtd">{BODY}'.encode(),
        "DOCTYPE",
    ),
    "a parameter": (
        f'<!DOCTYPE p [<!ENTITY % e SYSTEM "file:///etc/hostname"> %e;]>{BODY}'.encode(),
        "DOCTYPE",
    ),
    "laughs": (f"<!DOCTYPE p [{LAUGHS}]>{BODY.replace('hand', '&l11;')}".encode(), "DOCTYPE"),
    "hidden in another encoding": (
        DOCUMENT.replace("UTF-8", "UTF-16").encode("utf-16"),
        "not in UTF-8",
    ),
    "a declared encoding": (DOCUMENT.replace("UTF-8", "UTF-7").encode(), "UTF-7"),
    "depth": (
        DOCUMENT.replace(
            "</Header>", "<Extension>" * 5000 + "</Extension>" * 5000 + "</Header>"
        ).encode(),
        "nested",
    ),
    "another root": (b"<html><body/></html>", "'html'"),
    "no model": (b'<PMML version="4.4"><Header/></PMML>', "no model"),
    "hidden without a mark": (DOCUMENT.encode("utf-16-le"), "not in UTF-8"),
    "a pickle": (b"\x80\x04K\x01.", "not in UTF-8"),
    "cut": (DOCUMENT[:400].encode(), "no XML"),
}


def until_refused(address: str, port: int) -> None:
    """Connect again and again, for ten seconds at most."""
    for _ in range(100):
        socket.create_connection((address, port), timeout=1).close()
        time.sleep(0.1)


@pytest.mark.parametrize("word", HOSTILE)
def test_what_reaches_beyond_the_document_is_refused_before_java_starts(
    tmp_path: Path, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, text = HOSTILE[word]
    with pytest.raises((Corrupted, TooLarge), match=text):
        document.read(data)
    (tmp_path / "x.pmml").write_bytes(data)
    monkeypatch.setenv("JAVA_HOME", "")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InvalidInput, match=text):
        my.load(str(tmp_path / "x.pmml"))


def test_its_dictionary_types_it_without_a_sample(file: Path) -> None:
    card = my.load_card(str(file))
    assert card.format is not None
    assert (card.flavor, card.format.name, card.format.tier) == ("pypmml", "pmml", 0)
    assert card.methods["predict"].args["X"].type.to_dict() == {
        "type": "dataframe",
        "columns": {"age": "float64", "town": "str"},
    }
    assert card.requirements.system == ("default-jre-headless",)


def test_it_is_applied_from_a_csv_and_served(file: Path, tmp_path: Path) -> None:
    ROWS.to_csv(tmp_path / "rows.csv", index=False)
    found = my.apply(str(file), str(tmp_path / "rows.csv"))
    expected = 0.1 + 0.3 * ROWS["age"] + 2 * (ROWS["town"] == "Oslo")
    assert np.allclose(found["predicted_price"], expected, rtol=1e-15)
    with serving([open_model(file)]) as client:
        answer = client.post("/predict", json={"X": [{"age": 1.0, "town": "Oslo"}]})
        assert answer.status_code == 200, answer.text
        [row] = answer.json()
        assert math.isclose(row["predicted_price"], 2.4)
        assert client.post("/predict", json={"X": [{"age": "old", "town": "x"}]}).status_code == 422


def test_imported_it_stays_what_it_was(file: Path, tmp_path: Path) -> None:
    card = my.import_object(str(file), str(tmp_path / "kept"))
    assert card.format is not None
    assert card.format.name == "pmml"
    again = my.load(str(tmp_path / "kept"))
    my.save(again, tmp_path / "again", sample_data=ROWS)
    assert (tmp_path / "again").read_bytes() == file.read_bytes()


def test_rows_come_in_many_forms() -> None:
    model = document_of(DOCUMENT)()
    expected = predict(model, ROWS)
    for rows in (
        ROWS.to_dict("records"),
        ROWS.to_numpy().tolist(),
        ROWS.to_numpy(),
        ROWS[["town", "age"]].assign(more=1),
    ):
        assert predict(model, rows).equals(expected)
    assert predict(model, ROWS.iloc[0].to_dict()).equals(expected.iloc[:1])
    assert predict(model, ROWS.set_index(pd.Index([5, 6, 7, 8]))).index.tolist() == [5, 6, 7, 8]


def test_what_does_not_fit_is_told() -> None:
    model = document_of(DOCUMENT)()
    with pytest.raises(InvalidInput, match="no column 'town'"):
        predict(model, ROWS[["age"]])
    with pytest.raises(InvalidInput, match="age: expected numbers"):
        predict(model, [{"age": "old", "town": "Oslo"}])
    with pytest.raises(InvalidInput, match="takes 2 columns"):
        predict(model, np.zeros((2, 3)))
    with pytest.raises(InvalidInput, match="infinities"):
        predict(model, [{"age": math.inf, "town": "Oslo"}])


def test_missing_values_give_no_made_up_answer() -> None:
    model = document_of(DOCUMENT)()
    found = predict(model, pd.DataFrame({"age": [None, 1.0], "town": ["Oslo", None]}))
    assert found["predicted_price"].isna().tolist()[0]


def iris() -> tuple[pd.DataFrame, pd.Series]:
    X, y = load_iris(return_X_y=True, as_frame=True)
    return X, y.map({0: "setosa", 1: "versicolor", 2: "virginica"})


def test_a_pipeline_becomes_a_document_with_the_same_answers(tmp_path: Path) -> None:
    X, y = iris()
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(X, y)
    card = my.save(model, tmp_path / "iris", sample_data=X, format="pmml")
    assert card.format is not None
    assert (card.flavor, card.format.name, card.format.tier) == ("pypmml", "pmml", 0)
    assert any(line.startswith("pypmml==") for line in card.requirements.packages)
    assert not any(line.startswith("scikit-learn") for line in card.requirements.packages)
    found = my.apply(str(tmp_path / "iris"), X)
    labels = [c for c in found.columns if c.startswith("predicted")]
    assert found[labels[0]].tolist() == model.predict(X).tolist()
    names = [f"probability({c})" for c in model.classes_]
    assert np.allclose(found[names].to_numpy(), model.predict_proba(X), rtol=1e-9)


def test_categories_and_columns_that_a_model_leaves_out(tmp_path: Path) -> None:
    table = pd.DataFrame({"a": [1.0, 2, 3, 4] * 5, "town": ["x", "y", "x", "z"] * 5})
    model = make_pipeline(
        make_column_transformer((OneHotEncoder(), ["town"]), remainder="passthrough"),
        RandomForestClassifier(3, random_state=0),
    ).fit(table, [0, 1, 1, 0] * 5)
    my.save(model, tmp_path / "m", sample_data=table, format="pmml")
    unknown = my.load(str(tmp_path / "m"))
    assert predict(unknown, [{"a": 2.0, "town": "never seen"}])["predicted_y"].tolist() == [None]

    X = np.random.default_rng(0).random((60, 12))
    forest = RandomForestRegressor(2, max_depth=2, random_state=0).fit(X, X[:, 7] + X[:, 10])
    my.save(forest, tmp_path / "n", sample_data=X, format="pmml")
    found = my.apply(str(tmp_path / "n"), X)
    assert np.allclose(found.iloc[:, 0], forest.predict(X), rtol=1e-9)


def squash(X: Any) -> Any:
    return X / 10


def test_what_has_no_conversion_says_why(tmp_path: Path) -> None:
    X, y = iris()
    model = make_pipeline(FunctionTransformer(squash), LogisticRegression(max_iter=5000)).fit(X, y)
    with pytest.raises(UnsupportedType, match="cannot be converted to pmml"):
        my.save(model, tmp_path / "m", sample_data=X, format="pmml")
    with pytest.raises(UnsupportedType, match="no conversion to pmml of callable"):
        my.save(len, tmp_path / "f", sample_data="x", format="pmml")
    with pytest.raises(InvalidInput, match="needs sample_data"):
        my.save(model, tmp_path / "m", format="pmml")
    assert not (tmp_path / "m").exists()


def test_without_java_it_says_what_to_install(file: Path) -> None:
    code = (
        "import sys, modelyard as my\n"
        "try: my.load(sys.argv[1])\n"
        "except my.ModelyardError as error: assert 'default-jre-headless' in error.hint, error\n"
        "else: raise SystemExit('loaded')"
    )
    env: dict[str, Any] = {**os.environ, "PATH": "", "JAVA_HOME": ""}
    subprocess.run([sys.executable, "-c", code, str(file)], check=True, env=env)


def test_the_java_process_answers_nobody_without_its_token(file: Path) -> None:
    """And it ends with the process that started it."""
    code = (
        "import sys, modelyard as my, pypmml\n"
        "my.load(sys.argv[1])\n"
        "g = pypmml.PMMLContext._gateway._gateway.gateway_parameters\n"
        "print(g.address, g.port, flush=True)\n"
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    ) as process:
        assert process.stdout is not None
        address, port = process.stdout.readline().split()
        assert address == "127.0.0.1"
        with socket.create_connection((address, int(port)), timeout=10) as stranger:
            stranger.sendall(b"c\nt\njava.lang.System\ngetProperties\ne\n")
            assert b"Authentication" in stranger.recv(1000) or stranger.recv(1000) == b""
        process.communicate("")
    until = time.monotonic() + 30
    while answers(address, int(port)):
        assert time.monotonic() < until
        time.sleep(0.1)


def answers(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=1).close()
    except OSError:
        return False
    return True


def test_a_table_of_other_types_is_refused_by_its_schema(file: Path) -> None:
    with pytest.raises(SchemaMismatch):
        my.apply(str(file), pd.DataFrame({"age": ["x"], "town": ["Oslo"]}))
