"""Data sets: content decides the version, everything comes back, listings have mlops-lite's columns first."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import modelyard as my
from modelyard import Yard
from modelyard.base.errors import InvalidName, ModelyardError, NotFound, VersionNotFound
from modelyard.base.notes import collected

INFO = ["column_name", "original_dtype", "converted_dtype", "null_count", "unique_count", "min_value_num", "max_value_num"]  # fmt: skip
LISTED = ["id", "name", "version", "size_cols", "size_rows", "description", "created_at"]


@pytest.fixture
def mixed() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "flag": [True, False, True],
            "maybe": pd.array([True, None, False], dtype="boolean"),
            "when": pd.to_datetime(
                ["2026-01-01", None, "2026-03-01T12:30:00.000001"], format="ISO8601"
            ),
            "zoned": pd.to_datetime(["2026-01-01", "2026-02-01", "2026-03-01"], utc=True),
            "text": ["a", None, "ünïcode\n\"'"],
            "kind": pd.Categorical(["x", "y", "x"]),
            "nothing": [np.nan, np.nan, np.nan],
            "none": pd.Series([None, None, None], dtype=object),
            "whole": pd.array([1, None, 2**62], dtype="Int64"),
            "float": [0.1, -np.inf, np.nan],
        }
    )


def test_content_decides_the_version(yard: Yard, iris: pd.DataFrame) -> None:
    first = yard.datasets.add(iris, "iris", "flowers")
    assert (first.ref, first.size_rows, first.size_cols) == ("iris@1", 150, 5)
    assert yard.datasets.add(iris.copy(), "iris").id == first.id
    changed = iris.copy()
    changed.iloc[3, 1] += 1e-12
    assert yard.datasets.add(changed, "iris").version == 2
    assert yard.datasets.add(iris, "iris").version == 1, "equal to an earlier one"
    assert yard.datasets.get("iris").version == 2
    pd.testing.assert_frame_equal(yard.datasets.get("iris@1").data, iris)
    pd.testing.assert_frame_equal(yard.datasets.get("iris@2").data, changed)
    with collected() as notes:
        assert yard.datasets.add(iris, "flowers").version == 1
    assert notes == ["the same data is here already as iris@1; 'flowers' is a new entry for it"]
    assert yard.check() == []


def test_every_form_of_a_reference(yard: Yard, iris: pd.DataFrame) -> None:
    first = yard.datasets.add(iris, "iris")
    second = yard.datasets.add(iris[:10], "iris")
    assert yard.datasets.get("iris@latest") == yard.datasets.get("iris") == second
    assert yard.datasets.get("iris@1") == yard.datasets.get(first.id) == first
    with pytest.raises(VersionNotFound, match="'iris@3'") as caught:
        yard.datasets.get("iris@3")
    assert "iris@2" in str(caught.value)
    with pytest.raises(NotFound, match="'irsi'") as missing:
        yard.datasets.get("irsi")
    assert "did you mean 'iris'" in str(missing.value)
    with pytest.raises(NotFound, match="'iris@prod'") as worded:
        yard.datasets.get("iris@prod")
    assert "a version is a number, as in 'iris@2'" in str(worded.value)
    with pytest.raises(NotFound, match="id 77"):
        yard.datasets.get(77)


def test_names_that_look_alike_are_refused(yard: Yard) -> None:
    yard.datasets.add([1], "Straße")
    for twin in ("straße", "STRASSE", "Ｓtraße"):
        with pytest.raises(InvalidName, match="by case or spelling"):
            yard.datasets.add([2], twin)
    for bad in ("", " a", "a/b", "a\nb", "..", "x" * 257):
        with pytest.raises(InvalidName):
            yard.datasets.add([2], bad)
    assert len(yard.datasets.list(records=True)) == 1


def test_names_of_every_length_and_form(yard: Yard) -> None:
    long = "\N{SNOWMAN}" * 256
    assert yard.datasets.add([1], long).name == long
    assert yard.datasets.get(long).data == [1]
    assert yard.datasets.add([2], "team@home").ref == "team@home@1"
    assert yard.datasets.get("team@home").data == yard.datasets.get("team@home@1").data == [2]
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    assert yard.datasets.add([1], decomposed).name == composed
    assert yard.datasets.get(decomposed).name == composed


def test_info_begins_with_what_mlops_lite_shows(yard: Yard, mixed: pd.DataFrame) -> None:
    info = yard.datasets.add(mixed, "mixed").info()
    assert list(info.columns)[:7] == INFO
    facts = {row["column_name"]: row for row in yard.datasets.get("mixed").info(records=True)}
    assert list(facts) == list(mixed.columns)
    assert facts["flag"]["converted_dtype"] == "bool"
    assert facts["maybe"]["null_count"] == 1
    assert (facts["when"]["null_count"], facts["when"]["min"]) == (1, "2026-01-01T00:00:00")
    assert (facts["nothing"]["null_count"], facts["nothing"]["unique_count"]) == (3, 0)
    assert facts["none"]["null_count"] == 3
    assert facts["whole"]["max_value_num"] == 2**62
    assert facts["float"]["unique_count"] == 2


def test_all_kinds_of_columns_come_back(yard: Yard, mixed: pd.DataFrame) -> None:
    kept = yard.datasets.add(mixed, "mixed")
    pd.testing.assert_frame_equal(yard.datasets.get("mixed@1").data, mixed)
    assert yard.datasets.add(yard.datasets.get("mixed").data, "mixed").id == kept.id
    assert "unicode" not in kept._repr_html_()


@pytest.mark.parametrize("data", [pd.DataFrame({"a": pd.Series([], dtype=float)}), pd.DataFrame()])
def test_tables_without_rows(file_yard: Yard, data: pd.DataFrame) -> None:
    kept = file_yard.datasets.add(data, "empty")
    assert (kept.size_rows, kept.size_cols) == data.shape
    assert file_yard.datasets.get("empty").data.shape == data.shape
    assert len(kept.info()) == data.shape[1]


def test_data_that_is_no_table(file_yard: Yard) -> None:
    values = [np.arange(6.0).reshape(2, 3), {"a": [1, None]}, ["x", "y"]]
    for n, value in enumerate(values):
        kept = file_yard.datasets.add(value, f"v{n}")
        found = file_yard.datasets.get(f"v{n}").data
        assert np.array_equal(found, value) if n == 0 else found == value
        assert kept.info(records=True) == []
    assert [r["size_rows"] for r in file_yard.datasets.list(records=True)] == [2, None, None]


def test_files_and_saved_objects(file_yard: Yard, iris: pd.DataFrame, tmp_path: Path) -> None:
    iris.to_csv(tmp_path / "iris.csv", index=False)
    iris.to_parquet(tmp_path / "iris.parquet")
    one = file_yard.datasets.add(tmp_path / "iris.csv", "iris")
    two = file_yard.datasets.add(str(tmp_path / "iris.parquet"), "iris")
    assert one.id == two.id, "the content decides, not the file"
    my.save(iris, tmp_path / "saved", description="of 1936")
    three = file_yard.datasets.add(tmp_path / "saved", "other")
    pd.testing.assert_frame_equal(three.data, iris)
    assert three.description == "of 1936"
    with pytest.raises(ModelyardError, match=r"absent\.csv"):
        file_yard.datasets.add(tmp_path / "absent.csv", "absent")
    (tmp_path / "bad.csv").write_bytes(b"")
    with pytest.raises(ModelyardError, match="empty"):
        file_yard.datasets.add(tmp_path / "bad.csv", "bad")
    assert len(file_yard.datasets.list(records=True)) == 2


def test_the_listing(yard: Yard, iris: pd.DataFrame) -> None:
    assert list(yard.datasets.list().columns) == LISTED
    yard.datasets.add(iris, "iris", "flowers")
    yard.datasets.add(iris[:3], "b")
    yard.datasets.add(iris[:4], "iris")
    found = yard.datasets.list()
    assert list(found.columns) == LISTED
    assert found[["name", "version", "size_cols", "size_rows", "description"]].values.tolist() == [
        ["iris", 1, 5, 150, "flowers"],
        ["b", 1, 5, 3, ""],
        ["iris", 2, 5, 4, ""],
    ]
    assert found["created_at"].str.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z").all()


def test_what_is_shown_in_notebooks_cannot_run(file_yard: Yard) -> None:
    frame = pd.DataFrame({"<script>alert(1)</script>": [1.0]})
    kept = file_yard.datasets.add(frame, "<img src=x>", "<b>bold</b>")
    for tag in ("<script", "<img", "<b>"):
        assert tag not in kept._repr_html_()
    assert "&lt;script&gt;" in kept._repr_html_()


def test_adding_is_in_the_audit_trail(yard: Yard) -> None:
    yard.datasets.add([1], "one")
    yard.datasets.add([1], "one")
    events = yard.audit.list(subject="dataset:one", records=True)
    assert [(e["kind"], e["after"]["version"]) for e in events] == [("dataset.registered", 1)]
