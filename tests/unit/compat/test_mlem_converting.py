"""Converting a tree of ``.mlem`` files: each beside its original or elsewhere, one by one, nothing lost."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import modelyard as my
from cases.importers.mlem import DATA, FOLDER, MODELS, ROWS, is_answer, same_value, trusted
from cli.program import run
from modelyard.base.errors import Corrupted, FileMissing
from modelyard.base.notes import collected
from modelyard.compat._mlem.converting import convert


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    shutil.copytree(FOLDER / "v04", tmp_path / "old")
    return tmp_path / "old"


@pytest.fixture(autouse=True)
def quiet() -> Any:
    with collected() as lines:
        yield lines


def snapshot(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def same_as_before(folder: Path) -> None:
    for name, value in DATA.items():
        assert same_value(my.load(folder / "data" / name), value), name
    for name, (flavor, form, tier) in MODELS.items():
        card = my.load_card(folder / "models" / name)
        assert card.format is not None
        assert (card.flavor, card.format.name, card.format.tier) == (flavor, form, tier)
    assert is_answer(my.apply(folder / "models/lgb", ROWS), "lgb.predict")
    forest = my.load_card(folder / "models/forest")
    assert my.load_card(folder / "again").artifact_digest == forest.artifact_digest
    assert (forest.description, forest.labels) == ("a small forest", ("forest", "demo"))


def test_beside_the_originals_which_stay(tree: Path) -> None:
    before = snapshot(tree)
    rows = convert(tree, recursive=True)
    assert {r.status for r in rows} == {"converted"}
    after = snapshot(tree)
    assert {k: after[k] for k in before} == before
    for file in tree.rglob("*.mlem"):
        file.unlink()
    same_as_before(tree)


def test_a_file_that_fits_is_not_copied(tree: Path) -> None:
    convert(tree / "models/forest")
    assert my.load_card(tree / "models/forest").artifact[0].path == "forest"
    assert not (tree / "models/forest.yard").exists()
    convert(tree / "models/lgb.mlem")
    assert my.load_card(tree / "models/lgb").artifact[0].path == "lgb/model.lgb"


def test_again_it_finds_all_there_already(tree: Path) -> None:
    convert(tree, recursive=True)
    before = snapshot(tree)
    again = convert(tree, recursive=True)
    assert {r.status for r in again if r.kind != "link"} == {"there already"}
    assert {
        k: v for k, v in snapshot(tree).items() if k not in ("latest.yard.yaml", "again.yard.yaml")
    } == {k: v for k, v in before.items() if k not in ("latest.yard.yaml", "again.yard.yaml")}


def test_into_another_folder(tree: Path, tmp_path: Path) -> None:
    before = snapshot(tree)
    convert(tree, recursive=True, to=tmp_path / "new")
    assert snapshot(tree) == before
    same_as_before(tmp_path / "new")


def test_originals_go_when_that_is_asked_for(tree: Path) -> None:
    convert(tree, recursive=True, remove=True)
    assert not list(tree.rglob("*.mlem"))
    assert not list(tree.rglob("*.yard"))
    same_as_before(tree)
    my.save([1], tree / "data/text")  # an object of ours like any other
    assert my.load(tree / "data/text") == [1]


def test_out_of_the_index_of_old_versions(tmp_path: Path) -> None:
    for version in ("v01", "v02"):
        shutil.copytree(FOLDER / version, tmp_path / version)
        rows = convert(tmp_path / version, recursive=True)
        assert [r for r in rows if r.status != "converted"] == []
        place = tmp_path / version
        assert my.load_card(place / "models/forest").description == "a small forest"
        assert my.load_card(place / "again").methods.keys() == {"predict", "predict_proba"}
        assert same_value(my.load(place / "data/named.csv"), DATA["named.csv"])


def test_one_that_fails_does_not_stop_the_others(tree: Path) -> None:
    (tree / "data/array").write_bytes(b"changed")
    (tree / "data/int").unlink()
    (tree / "bad.mlem").write_text("object_type: evil.X")
    rows = {Path(r.source).name: r for r in convert(tree, recursive=True)}
    failed = {name: r.error for name, r in rows.items() if r.status == "failed"}
    assert set(failed) == {"array.mlem", "int.mlem", "bad.mlem"}
    assert "md5" in failed["array.mlem"]
    assert my.load(tree / "data/text") == "None"


def test_only_the_folder_itself_unless_below_is_meant(tree: Path) -> None:
    assert {Path(r.source).name for r in convert(tree)} == {"again.mlem", "latest.mlem"}
    with pytest.raises(FileMissing, match=r"no \.mlem file at"):
        convert(tree / "nothing")


def test_a_dry_run_checks_and_writes_nothing(tree: Path) -> None:
    before = snapshot(tree)
    rows = convert(tree, recursive=True, dry_run=True)
    assert {r.status for r in rows} == {"would convert"}
    assert snapshot(tree) == before


def test_a_file_beside_the_artifact_is_found_out(tree: Path) -> None:
    convert(tree / "models/grow")
    (tree / "models/grow.yard/modules/evil.py").write_text("")
    with pytest.raises(Corrupted, match=r"evil\.py"):
        my.load_card(tree / "models/grow")


def test_declarations_keep_their_fields_and_no_secret(tmp_path: Path, quiet: list[str]) -> None:
    shutil.copytree(FOLDER / "declared", tmp_path / "d")
    rows = {Path(r.source).name: r for r in convert(tmp_path / "d")}
    assert {r.kind for r in rows.values()} == {"env", "builder", "deployment"}
    assert "SECRET" not in (tmp_path / "d/dd1.yard.yaml").read_text()
    assert any("env:ENV_TOKEN" in note for note in rows["dd1.mlem"].notes)
    assert my.load_card(tmp_path / "d/dep").options["ports"] == ["8080:8080"]


# The command line


def test_the_command_prints_a_table_and_json(tree: Path) -> None:
    done = run("migrate", "mlem", tree, "-r", "--dry-run", cwd=tree)
    assert done.code == 0, done.err
    assert done.out.splitlines()[0].split()[:3] == ["source", "kind", "format"]
    assert "46 of 46 done" not in done.out
    done = run("migrate", "mlem", "models", "--json", cwd=tree)
    assert done.code == 0
    rows = json.loads(done.out)
    assert {r["status"] for r in rows} == {"converted"}
    assert {r["tier"] for r in rows} == {0, 1, 2}


def test_the_command_ends_with_one_when_something_failed(tree: Path) -> None:
    (tree / "data/array").write_bytes(b"changed")
    done = run("migrate", "mlem", "data", "-r", cwd=tree)
    assert done.code == 1
    assert "md5" in done.out
    assert "1 failed" in done.err
    assert my.load(tree / "data/text") == "None"


def test_a_copy_keeps_what_needs_trust(tree: Path) -> None:
    convert(tree / "models/grow", to=tree / "new")
    card = my.load_card(tree / "new/grow")
    assert card.digest == trusted(FOLDER / "v04/models/grow")
