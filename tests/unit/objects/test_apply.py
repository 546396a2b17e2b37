"""Applying a model: every source of data, columns put in order or refused, results in every format, in pieces."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline

import modelyard as my
from modelyard.base.errors import (
    FileMissing,
    InvalidInput,
    ModelyardError,
    SchemaMismatch,
    UnsupportedFormat,
)
from modelyard.objects import formats

COLUMNS = ["length", "width", "depth", "height"]
ROWS = 12


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    X, _ = load_iris(return_X_y=True)
    return pd.DataFrame(X[::13][:ROWS], columns=COLUMNS)


@pytest.fixture(scope="module")
def classifier() -> LogisticRegression:
    X, y = load_iris(return_X_y=True)
    return LogisticRegression(max_iter=1000).fit(pd.DataFrame(X, columns=COLUMNS), y)


@pytest.fixture(scope="module")
def model(tmp_path_factory, classifier, rows) -> Path:
    path = tmp_path_factory.mktemp("models") / "iris"
    my.save(classifier, path, sample_data=rows)
    return path


@pytest.fixture(scope="module")
def on_arrays(tmp_path_factory, rows) -> tuple[Path, LinearRegression]:
    path = tmp_path_factory.mktemp("models") / "sums"
    X = rows.to_numpy()
    fitted = LinearRegression().fit(X, X.sum(axis=1))
    my.save(fitted, path, sample_data=X)
    return path, fitted


def written(rows: Any, path: Path) -> Path:
    """The rows in a file, in the format of its suffix."""
    return formats.write_path(rows, path)


# Where data comes from


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet", "json", "jsonl"])
def test_tables_are_read_from_files(model, classifier, rows, tmp_path, suffix) -> None:
    file = written(rows, tmp_path / f"rows.{suffix}")
    assert my.apply(model, file).tolist() == classifier.predict(rows).tolist()
    assert my.apply(model, str(file), method="predict_proba").shape == (ROWS, 3)


@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_arrays_are_read_from_files(on_arrays, rows, tmp_path, suffix) -> None:
    path, fitted = on_arrays
    file = tmp_path / f"rows.{suffix}"
    if suffix == "npy":
        np.save(file, rows.to_numpy())
    else:
        np.savez(file, X=rows.to_numpy())
    assert my.apply(path, file).tolist() == fitted.predict(rows.to_numpy()).tolist()


def test_a_table_is_an_array_to_a_model_of_arrays(on_arrays, rows, tmp_path) -> None:
    path, fitted = on_arrays
    expected = fitted.predict(rows.to_numpy()).tolist()
    assert my.apply(path, written(rows, tmp_path / "rows.csv")).tolist() == expected
    assert my.apply(path, rows.to_numpy().tolist()).tolist() == expected


def test_values_of_one_s_own(model, classifier, rows) -> None:
    expected = classifier.predict(rows).tolist()
    assert my.apply(model, rows).tolist() == expected
    assert my.apply(model, rows.to_dict("records")).tolist() == expected
    assert my.apply(classifier, rows).tolist() == expected


def test_a_saved_data_object_and_a_data_set(model, classifier, rows, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    expected = classifier.predict(rows).tolist()
    my.save(rows, "data/rows")
    assert my.apply(model, "data/rows").tolist() == expected
    my.save(rows, "data/named.csv")
    assert my.apply(model, "data/named.csv").tolist() == expected
    with my.Yard() as yard:
        yard.datasets.add(rows, "flowers")
    assert my.apply(model, "flowers@1").tolist() == expected


@pytest.mark.parametrize("suffix", ["csv", "tsv", "json", "jsonl", "parquet"])
def test_standard_input_says_itself_what_it_is(model, classifier, rows, tmp_path, suffix) -> None:
    data = written(rows, tmp_path / f"rows.{suffix}").read_bytes()
    done = apply_in_a_process(model, "-", cwd=tmp_path, stdin=data)
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout) == classifier.predict(rows).tolist()
    assert done.stderr == b""


def test_standard_input_in_pieces_to_a_file(model, classifier, rows, tmp_path) -> None:
    data = written(rows, tmp_path / "rows.csv").read_bytes()
    done = apply_in_a_process(model, "-", "-b", "5", "-o", "out.csv", cwd=tmp_path, stdin=data)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout == b""
    assert (
        pd.read_csv(tmp_path / "out.csv")["predict"].tolist() == classifier.predict(rows).tolist()
    )


def apply_in_a_process(model: Path, *words: str, cwd: Path, stdin: bytes) -> Any:
    command = [sys.executable, "-m", "modelyard", "apply", str(model), *words]
    return subprocess.run(command, cwd=cwd, input=stdin, capture_output=True, timeout=120)


def test_several_files_are_one(model, classifier, rows, tmp_path) -> None:
    parts = [
        written(rows[:5], tmp_path / "a.csv"),
        written(rows[5:6], tmp_path / "b.parquet"),
        written(rows[6:], tmp_path / "c.jsonl"),
    ]
    expected = classifier.predict_proba(rows)
    assert np.allclose(my.apply(model, parts, method="predict_proba"), expected, rtol=1e-12)
    out = my.apply(model, parts, method="predict_proba", output=tmp_path / "o.csv", batch_rows=2)
    assert np.allclose(pd.read_csv(out).to_numpy(), expected, rtol=1e-15)


# Columns


def test_columns_in_another_order_are_put_right(model, classifier, rows, tmp_path) -> None:
    turned = rows[COLUMNS[::-1]]
    expected = classifier.predict(rows).tolist()
    assert my.apply(model, turned).tolist() == expected
    assert my.apply(model, turned.to_dict("records")).tolist() == expected
    for name in ("turned.csv", "turned.parquet", "turned.json"):
        assert my.apply(model, written(turned, tmp_path / name)).tolist() == expected


def test_columns_that_do_not_fit_are_refused_with_the_difference(model, rows, tmp_path) -> None:
    with pytest.raises(SchemaMismatch, match="width"):
        my.apply(model, rows.drop(columns=["width"]))
    with pytest.raises(SchemaMismatch, match="colour"):
        my.apply(model, rows.assign(colour=1.0))
    with pytest.raises(SchemaMismatch, match="depth") as caught:
        my.apply(model, rows.rename(columns={"depth": "depht"}))
    assert "depht" in str(caught.value)
    with pytest.raises(SchemaMismatch, match="height"):
        my.apply(model, rows.assign(height="tall"))
    with pytest.raises(SchemaMismatch, match="height"):
        my.apply(model, rows.assign(height=rows["height"] + 1j))


def test_files_whose_columns_do_not_fit_are_refused_too(model, rows, tmp_path) -> None:
    for name in ("few.csv", "few.parquet", "few.jsonl"):
        few = written(rows.drop(columns=["width"]), tmp_path / name)
        with pytest.raises(SchemaMismatch, match="width"):
            my.apply(model, few)
    more = written(rows.assign(colour=1.0), tmp_path / "more.csv")
    with pytest.raises(SchemaMismatch, match="colour"):
        my.apply(model, more, batch_rows=3)
    text = tmp_path / "text.csv"
    text.write_text("length,width,depth,height\n1,2,3,tall\n")
    with pytest.raises(ModelyardError, match="height") as caught:
        my.apply(model, text)
    assert "tall" in str(caught.value)


def test_integers_fit_where_floats_were(model, classifier, rows) -> None:
    whole = rows.round().astype("int64")
    assert my.apply(model, whole).tolist() == classifier.predict(whole).tolist()


def test_one_column_too_many_for_a_model_of_one(tmp_path) -> None:
    my.save(lambda s: s.str.upper(), tmp_path / "upper", sample_data=pd.Series(["a"], name="t"))
    two = written(pd.DataFrame({"t": ["a"], "u": ["b"]}), tmp_path / "two.csv")
    with pytest.raises(SchemaMismatch, match=r"one column.* has 2"):
        my.apply(tmp_path / "upper", two)
    one = written(pd.DataFrame({"t": ["a", "b"]}), tmp_path / "one.csv")
    assert my.apply(tmp_path / "upper", one).tolist() == ["A", "B"]


# Results


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet", "json", "jsonl", "npy"])
@pytest.mark.parametrize("batch_rows", [None, 5])
def test_results_are_written_in_the_format_of_the_suffix(
    model, classifier, rows, tmp_path, suffix, batch_rows
) -> None:
    data = written(rows, tmp_path / "rows.csv")
    for method in ("predict", "predict_proba"):
        out = tmp_path / f"{method}.{suffix}"
        assert my.apply(model, data, method=method, output=out, batch_rows=batch_rows) == out
        expected = getattr(classifier, method)(rows)
        assert np.allclose(values_in(out), expected, rtol=1e-15), out.read_bytes()[:300]


def values_in(path: Path) -> Any:
    """What a result file holds, read by others' means."""
    readers: dict[str, Any] = {
        ".csv": pd.read_csv,
        ".tsv": lambda p: pd.read_csv(p, sep="\t"),
        ".parquet": pd.read_parquet,
        ".jsonl": lambda p: pd.read_json(p, lines=True),
        ".json": lambda p: np.array(json.loads(p.read_text())),
        ".npy": np.load,
    }
    value = readers[path.suffix](path)
    array = value.to_numpy() if hasattr(value, "to_numpy") else value
    return array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array


def test_columns_of_results_are_named(model, rows, tmp_path) -> None:
    one = my.apply(model, rows, output=tmp_path / "one.csv")
    assert list(pd.read_csv(one).columns) == ["predict"]
    many = my.apply(model, rows, method="predict_proba", output=tmp_path / "many.csv")
    assert list(pd.read_csv(many).columns) == ["0", "1", "2"]


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl"])
@pytest.mark.parametrize("batch_rows", [1, 5, ROWS, 100])
def test_pieces_give_what_the_whole_gives(
    model, classifier, rows, tmp_path, suffix, batch_rows
) -> None:
    data = written(rows, tmp_path / f"rows.{suffix}")
    told: list[int] = []
    found = my.apply(
        model, data, method="predict_proba", batch_rows=batch_rows, progress=told.append
    )
    assert np.allclose(found, classifier.predict_proba(rows), rtol=1e-15)
    assert told[-1] == ROWS
    assert len(told) == -(-ROWS // batch_rows)


def test_values_in_pieces(model, classifier, rows, on_arrays) -> None:
    told: list[int] = []
    found = my.apply(model, rows, batch_rows=5, progress=told.append)
    assert found.tolist() == classifier.predict(rows).tolist()
    assert told == [5, 10, 12]
    path, fitted = on_arrays
    told.clear()
    found = my.apply(path, rows.to_numpy(), batch_rows=5, progress=told.append)
    assert np.allclose(found, fitted.predict(rows.to_numpy()))
    assert told == [5, 10, 12]


def test_results_that_are_tables_are_joined(tmp_path, rows) -> None:
    def summed(frame: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"total": frame.sum(axis=1)})

    my.save(summed, tmp_path / "summed", sample_data=rows)
    data = written(rows, tmp_path / "rows.csv")
    whole, pieces = (my.apply(tmp_path / "summed", data, batch_rows=b) for b in (None, 5))
    assert pieces["total"].tolist() == whole["total"].tolist()
    assert pieces.index.tolist() == whole.index.tolist()


@pytest.mark.parametrize("number", [0, -1])
def test_a_piece_has_a_row(model, rows, number) -> None:
    with pytest.raises(InvalidInput, match="at least 1"):
        my.apply(model, rows, batch_rows=number)


def test_formats_that_are_whole_or_not_at_all(model, rows, tmp_path) -> None:
    data = written(rows, tmp_path / "rows.json")
    with pytest.raises(UnsupportedFormat, match="json cannot be read in batches"):
        my.apply(model, data, batch_rows=5)


# Bad files


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"length,width,depth,height\n", "row"),
        ("länge,width,depth,height\n1,2,3,4\n".encode("latin-1"), "UTF-8"),
        (b"length,width,depth,height\n1,2,3\n", "line 2"),
        (b"length,width,depth,height\n1,2,3,4,5\n", "line 2"),
        (b"length,width,depth,length\n1,2,3,4\n", "length"),
    ],
)
@pytest.mark.parametrize("batch_rows", [None, 5])
def test_bad_csv_files_are_refused_clearly(model, tmp_path, content, words, batch_rows) -> None:
    file = tmp_path / "bad.csv"
    file.write_bytes(content)
    with pytest.raises(ModelyardError) as caught:
        my.apply(model, file, batch_rows=batch_rows, output=tmp_path / "out.csv")
    assert words in str(caught.value)
    assert not (tmp_path / "out.csv").exists()


def test_a_file_that_is_not_there(model, tmp_path) -> None:
    with pytest.raises(FileMissing, match=r"no data file at .*absent\.csv"):
        my.apply(model, tmp_path / "absent.csv")
    with pytest.raises(ModelyardError, match="rows"):
        my.apply(model, tmp_path / "rows.xlsx")


def test_an_output_appears_when_it_is_whole(tmp_path) -> None:
    def picky(frame: pd.DataFrame) -> Any:
        if (frame["x"] > 7).any():
            raise ArithmeticError("seven is enough")
        return frame["x"] * 2

    table = pd.DataFrame({"x": np.arange(10.0)})
    my.save(picky, tmp_path / "picky", sample_data=table[:2])
    data = written(table, tmp_path / "x.csv")
    for name in ("out.csv", "out.parquet", "out.jsonl", "out.json"):
        out = tmp_path / name
        out.write_text("what was there before")
        with pytest.raises(ArithmeticError, match="seven is enough"):
            my.apply(tmp_path / "picky", data, output=out, batch_rows=3)
        assert out.read_text() == "what was there before"
    left = sorted(p.name for p in tmp_path.iterdir() if p.name.startswith("."))
    assert left == [], "nothing half written is left"


# Arguments


def test_further_arguments_of_a_method(tmp_path, rows) -> None:
    def scaled(frame: pd.DataFrame, factor: float = 1.0, absolute: bool = False) -> Any:
        total = frame.sum(axis=1) * factor
        return total.abs() if absolute else total

    my.save(scaled, tmp_path / "scaled", sample_data=rows)
    plain = rows.sum(axis=1)
    found = my.apply(tmp_path / "scaled", rows, options={"factor": -2.0, "absolute": True})
    assert np.allclose(found, plain * 2)
    with pytest.raises(SchemaMismatch, match="has no argument 'factr'") as caught:
        my.apply(tmp_path / "scaled", rows, options={"factr": 2})
    assert "factor" in str(caught.value)
    with pytest.raises(SchemaMismatch, match="factor"):
        my.apply(tmp_path / "scaled", rows, options={"factor": "two"})
    written(rows, tmp_path / "rows.csv")
    words = ("rows.csv", "-a", "factor=3", "--argument", "absolute=true")
    done = apply_in_a_process(tmp_path / "scaled", *words, cwd=tmp_path, stdin=b"")
    assert done.returncode == 0, done.stderr.decode()
    assert np.allclose(json.loads(done.stdout), plain * 3)


def test_models_of_lists(tmp_path) -> None:
    def total(numbers: list[float]) -> float:
        return sum(numbers)

    my.save(total, tmp_path / "total", sample_data=[1.0, 2.0])
    assert my.apply(tmp_path / "total", [1.5, 2.5, 3.0]) == 7.0
    (tmp_path / "numbers.json").write_text("[1, 2.5]")
    assert my.apply(tmp_path / "total", tmp_path / "numbers.json") == 3.5
    (tmp_path / "numbers.csv").write_text("n\n1\n2.5\n")
    assert my.apply(tmp_path / "total", tmp_path / "numbers.csv") == 3.5


def test_models_of_texts(tmp_path) -> None:
    texts = ["good day", "bad day", "very good", "very bad", "good, good"]
    fitted = make_pipeline(CountVectorizer(), MultinomialNB()).fit(texts, [1, 0, 1, 0, 1])
    my.save(fitted, tmp_path / "mood", sample_data=texts)
    unseen = ["a good one", 'a "bad", one', "007"]
    expected = fitted.predict(unseen).tolist()
    assert my.apply(tmp_path / "mood", unseen).tolist() == expected
    pd.DataFrame({"text": unseen}).to_csv(tmp_path / "texts.csv", index=False)
    for batch_rows in (None, 2):
        found = my.apply(tmp_path / "mood", tmp_path / "texts.csv", batch_rows=batch_rows)
        assert found.tolist() == expected
