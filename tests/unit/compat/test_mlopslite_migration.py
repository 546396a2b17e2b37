"""A registry that mlops-lite itself wrote (``tests/fixtures/mlopslite``), brought into a yard."""

from __future__ import annotations

import pickle
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

import modelyard as my
from cli.program import run
from modelyard.base.errors import FileMissing, ForeignSchema, InvalidInput, Untrusted
from modelyard.base.notes import collected
from modelyard.compat._mlopslite.migrating import migrate

DATABASE = Path(__file__).parents[2] / "fixtures/mlopslite/mlops-lite.db"

LOGGED = {
    "r1": {"no": 0.9991358227213049, "yes": 0.0008641772786951575},
    "r2": {"no": 0.00029941117055465316, "yes": 0.9997005888294453},
}
"""What mlops-lite answered, and kept."""


@pytest.fixture(autouse=True)
def quiet() -> Any:
    with collected() as lines:
        yield lines


@pytest.fixture
def old(tmp_path: Path) -> Path:
    shutil.copy(DATABASE, tmp_path / "mlops-lite.db")
    return tmp_path / "mlops-lite.db"


def changed(old: Path, *statements: tuple[str, tuple[Any, ...]]) -> Path:
    with sqlite3.connect(old) as connection:
        for statement, values in statements:
            connection.execute(statement, values)
    connection.close()
    return old


def test_data_sets_come_with_versions_dtypes_and_missing_values(old: Path, tmp_path: Path) -> None:
    with my.Yard(tmp_path / "yard.db") as yard:
        rows = migrate(str(old), yard)
        assert {r.status for r in rows} == {"migrated"}
        assert [r.target for r in rows if r.kind == "dataset"] == [
            "customers@1",
            "customers@2",
            "ages@1",
        ]
        assert rows[0].hash == "85fbb89db551972bb54524ccdb617876"
        assert yard.datasets.get("customers@1").description == "who stayed"
        data = yard.datasets.get("customers@1").data
        assert [str(d) for d in data.dtypes][:2] == ["int64", "float64"]
        assert data["income"].isna().tolist() == [False, True, False, False, False, False]
        assert data["city"].tolist()[:2] == ["Riga", "Vilnius"]
        assert str(yard.datasets.get("ages").data["age"].dtype) == "uint8"


def test_models_are_registered_with_their_data_target_and_words(old: Path, tmp_path: Path) -> None:
    with my.Yard(tmp_path / "yard.db") as yard:
        migrate(f"sqlite:///{old}", yard)
        version = yard.models.get("churn@2")
        assert version.dataset is not None
        assert (version.dataset.ref, version.target, version.description) == (
            "customers@1",
            "left",
            "C=2.0",
        )
        card = version.card
        assert list(card.methods) == ["predict", "predict_proba"]
        assert card.methods["predict"].args["X"].type.to_dict()["columns"] == {
            "age": "int64",
            "income": "float64",
            "city": {"dtype": "object", "items": "mixed"},
        }
        assert card.metadata["target_mapping"] == {"yes": "leaves", "no": "stays"}
        assert card.metadata["mlopslite"]["version"] == 2
        assert yard.models.list(records=True)[0]["estimator_class"] == "LogisticRegression"
        assert yard.check() == []


def test_predictions_keep_references_times_and_values(old: Path, tmp_path: Path) -> None:
    with my.Yard(tmp_path / "yard.db") as yard:
        migrate(str(old), yard)
        found = {r["reference_id"]: r for r in yard.predictions.list(records=True)}  # type: ignore[index]
        for reference, outputs in LOGGED.items():
            assert found[reference]["outputs"] == outputs
            assert found[reference]["model"] == "churn@2"
        assert found["r1"]["inputs"] == {"age": 30, "income": 2.5, "city": "Riga"}
        assert len(found) == 3
        with sqlite3.connect(old) as connection:
            [(moment,)] = connection.execute(
                "select request_time from model_execution_log where id = 1"
            )
        connection.close()
        assert found["r1"]["at"].startswith(moment[:19].replace(" ", "T"))


def test_a_second_run_adds_nothing(old: Path, tmp_path: Path) -> None:
    with my.Yard(tmp_path / "yard.db") as yard:
        migrate(str(old), yard)
        counts = (len(yard.models.versions("churn")), len(yard.datasets.list(records=True)))
        again = migrate(str(old), yard)
        assert {r.status for r in again if r.kind == "predictions"} == {"there already"}
        assert (len(yard.models.versions("churn")), len(yard.datasets.list(records=True))) == counts
        assert len(yard.predictions.list(records=True)) == 3


def test_a_dry_run_adds_nothing(old: Path, tmp_path: Path) -> None:
    with my.Yard(tmp_path / "yard.db") as yard:
        assert {r.status for r in migrate(str(old), yard, dry_run=True)} == {"would migrate"}
        assert yard.models.names() == []


class Runs:
    def __reduce__(self) -> Any:
        return (print, ("ran",))


def test_a_pickle_is_copied_and_never_run(
    old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import hashlib

    evil = pickle.dumps(Runs())
    changed(
        old,
        (
            "update deployable_registry set deployable = ?, hash = ? where id = 2",
            (evil, hashlib.md5(evil).hexdigest()),
        ),
    )
    with my.Yard(tmp_path / "yard.db") as yard:
        migrate(str(old), yard)
        assert yard.trusted  # its own models load without asking; what came from elsewhere does not
        with pytest.raises(Untrusted, match=r"builtins\.print"):
            yard.models.get("churn@2").load()
    assert capsys.readouterr().out == ""


def test_what_was_changed_since_is_told_and_the_rest_goes_on(old: Path, tmp_path: Path) -> None:
    changed(
        old,
        ("update deployable_registry set deployable = ? where id = 1", (b"changed",)),
        ("update dataset_registry set data = '[1]' where id = 3", ()),
    )
    with my.Yard(tmp_path / "yard.db") as yard:
        rows = {r.source: r for r in migrate(str(old), yard)}
        assert rows["model 1 (churn v1)"].error == "its pickle is not what was stored: another md5"
        assert rows["dataset 3 (ages v1)"].status == "failed"
        assert rows["predictions 2"].error == "its model 1 is not there"
        assert rows["model 2 (churn v2)"].target == "churn@1"
        assert rows["model 2 (churn v2)"].notes[0] == "it was version 2"


def test_words_for_types_are_never_evaluated(
    old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed(
        old,
        (
            "update deployable_registry set variables = ? where id = 1",
            ('{"age": "print(1)", "city": "__import__(\'os\')"}',),
        ),
        ("update dataset_registry_columns set original_dtype = 'print(2)' where id = 1", ()),
    )
    with my.Yard(tmp_path / "yard.db") as yard:
        rows = migrate(str(old), yard)
        assert rows[0].status == "migrated"
        columns = (
            yard.models.get("churn@1").card.methods["predict"].args["X"].type.to_dict()["columns"]
        )
        assert {c["dtype"] for c in columns.values()} == {"object"}
    assert capsys.readouterr().out == ""


def test_the_database_is_only_read(old: Path, tmp_path: Path) -> None:
    before = old.read_bytes()
    with my.Yard(tmp_path / "yard.db") as yard:
        migrate(str(old), yard)
    assert old.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir() if p.name.startswith("mlops")) == [
        "mlops-lite.db"
    ]


def test_what_is_no_registry_is_refused(tmp_path: Path) -> None:
    with my.Yard(tmp_path / "yard.db") as yard:
        with pytest.raises(FileMissing, match="no database at"):
            migrate(str(tmp_path / "none.db"), yard)
        assert not (tmp_path / "none.db").exists()
        with pytest.raises(ForeignSchema, match="no registry of mlops-lite"):
            migrate(str(tmp_path / "yard.db"), yard)
        with pytest.raises(InvalidInput, match="is no database"):
            migrate("nonsense://x", yard)


def test_the_command(old: Path, tmp_path: Path) -> None:
    (tmp_path / "modelyard.toml").touch()
    done = run("migrate", "mlopslite", "mlops-lite.db", "--json", cwd=tmp_path)
    assert done.code == 0, done.err
    assert [r["target"] for r in done.data][:4] == [
        "customers@1",
        "customers@2",
        "ages@1",
        "churn@1",
    ]
    changed(old, ("update deployable_registry set hash = 'x' where id = 1", ()))
    done = run("migrate", "mlopslite", "mlops-lite.db", "--dry-run", cwd=tmp_path)
    assert done.code == 1
    assert "1 failed" in done.err
