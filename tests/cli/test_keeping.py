"""Commands of the yard: register, promote, demote, alias, history, which; models, data, predictions and db."""

from __future__ import annotations

import io
import json
import sqlite3
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import modelyard as my
from cli.program import run


def test_register(changing: Path) -> None:
    done = run("register", "models/other", "--name", "patience", "-m", "why not", cwd=changing)
    assert (done.code, done.out, done.err) == (0, "patience@1\n", "")
    again = run("register", "models/other", "--name", "patience", "--json", cwd=changing)
    assert again.data == {
        "name": "patience",
        "version": 1,
        "semver": None,
        "digest": my.load_card(changing / "models/other").digest,
        "new": False,
    }
    assert again.err == "equal content: patience@1 was there already\n"
    assert run("history", "patience", "--json", cwd=changing).data[0]["comment"] == "why not"


def test_the_name_is_the_paths_last_segment(changing: Path) -> None:
    assert run("register", "models/double", cwd=changing).out == "double@1\n"


def test_semantic_versions(changing: Path) -> None:
    words = ["register", "--name", "semantic", "--json"]
    assert run(*words, "models/churn", "--version", "v1.2.0", cwd=changing).data["semver"] == "v1.2.0"  # fmt: skip
    assert run(*words, "models/other", "--bump", "minor", cwd=changing).data["semver"] == "v1.3.0"
    assert run("show", "semantic@v1.2.0", cwd=changing).out.startswith("semantic@1:")
    assert run(*words, "models/double", "--version", "one", cwd=changing).code == 2
    assert run(*words, "models/double", "--version", "v1.2.0", cwd=changing).code == 5
    assert run(*words, "models/double", "--version", "v2.0.0", "--bump", "major", cwd=changing).code == 2  # fmt: skip


def test_register_with_the_data_it_was_trained_on(changing: Path) -> None:
    words = ["register", "models/other", "--name", "other", "--dataset", "customers@1"]
    refused = run(*words, "--target", "chruned", cwd=changing)
    assert refused.code == 2
    assert "did you mean 'churned'?" in refused.err
    assert run(*words, "--target", "churned", cwd=changing).code == 0
    (row,) = run("models", "versions", "other", "--json", cwd=changing).data
    assert (row["dataset"], row["target"]) == ("customers@1", "churned")


def test_a_registered_model_under_another_name(changing: Path) -> None:
    assert run("register", "churn@1", "--name", "copied", cwd=changing).out == "copied@1\n"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["models/nope"], 3, "models/nope"),
        (["data/customers"], 2, "data/customers is data, not a model"),
        (
            ["models/other", "--name", "Churn"],
            2,
            "differs from 'churn' by case or normal form only",
        ),
        (["models/other", "--name", "../churn"], 2, "is refused"),
        (["models/other", "--name", "a\u202eb"], 2, "is refused"),
        (["models/other", "--name", ""], 2, "is refused"),
        (["models/other", "--dataset", "nope"], 3, "no data set named 'nope'"),
    ],
)
def test_what_cannot_be_registered(words: list[str], code: int, message: str, changing: Path) -> None:  # fmt: skip
    done = run("register", *words, cwd=changing)
    assert (done.code, done.out) == (code, "")
    assert message in done.err
    assert set(run("show", "--json", cwd=changing).data) == {"churn", "sleepers"}


def test_registering_makes_a_yard_and_ignores_another(project: Path, empty: Path) -> None:
    assert run("register", project / "models/churn", cwd=empty).out == "churn@1\n"
    assert (empty / "yard.db").is_file()
    assert run("register", "models/other", "--project", project / "nowhere", cwd=empty).code == 3


def test_promote_and_demote(changing: Path) -> None:
    assert run("promote", "churn", "--stage", "prod", cwd=changing).out == "churn@2 is in prod\n"
    done = run("promote", "churn@1", "--stage", "dev", "--json", cwd=changing)
    assert done.data == {"name": "churn", "version": 1, "stage": "dev"}
    assert run("promote", "churn@champion", "--stage", "dev", cwd=changing).out == "churn@2 is in dev\n"  # fmt: skip
    assert run("show", "--json", cwd=changing).data["churn"]["stages"] == {"dev": 2, "prod": 2}

    done = run("demote", "churn@2", "--stage", "prod", cwd=changing)
    assert done.out == "churn@1 is in prod again\n", "the one before holds it again"
    done = run("demote", "churn", "--stage", "prod", "--json", "-m", "enough", cwd=changing)
    assert done.data == {"name": "churn", "stage": "prod", "holder": None}
    assert run("demote", "churn", "--stage", "dev", cwd=changing).out == "dev of churn is empty\n"
    assert run("which", "churn", "--stage", "prod", cwd=changing).code == 3


def test_the_words_of_gto(changing: Path) -> None:
    assert run("assign", "churn@2", "--stage", "dev", cwd=changing).out == "churn@2 is in dev\n"
    assert run("unassign", "churn", "--stage", "dev", cwd=changing).out == "dev of churn is empty\n"


@pytest.mark.parametrize(
    ("words", "code", "message", "hint"),
    [
        (["promote", "chrun", "--stage", "prod"], 3, "no model named 'chrun' in yard.db", "did you mean 'churn'?"),
        (["promote", "churn@3", "--stage", "prod"], 3, "no version 3 of 'churn'", "versions: 1, 2; aliases: champion"),
        (["promote", "churn", "--stage", "a b"], 2, "", ""),
        (["promote", "./churn", "--stage", "prod"], 2, "'./churn' is not the name of a registered model", "as in churn, churn@3, churn#prod"),
        (["demote", "churn", "--stage", "dev"], 3, "nothing is in stage 'dev' of 'churn'", "in use: prod (version 1)"),
        (["demote", "churn@2", "--stage", "prod"], 3, "", ""),
        (["which", "chrun", "--stage", "prod"], 3, "no model named 'chrun' in yard.db", "did you mean 'churn'?"),
        (["which", "churn", "--stage", "dev"], 3, "nothing is in stage 'dev' of 'churn'", "in use: prod (version 1)"),
        (["which", "churn", "--stage", "prod", "--at", "noon"], 2, "'noon' is not a time", "as in 2026-11-20T12:00:00Z, or 2026-11-20"),
        (["which", "churn", "--stage", "prod", "--at", "2001-01-01"], 3, "there was no model named 'churn' at 2001-01-01T00:00:00Z", ""),
        (["history", "chrun"], 3, "nothing ever happened to 'chrun' in yard.db", "did you mean 'churn'?"),
        (["alias", "churn", "nope", "--remove"], 3, "'churn' has no alias 'nope'", ""),
        (["alias", "churn", "latest"], 2, "", ""),
        (["alias", "churn", "--remove"], 2, "which alias is to be removed?", ""),
        (["alias", "chrun"], 3, "no model named 'chrun' in yard.db", "did you mean 'churn'?"),
        (["models", "versions", "chrun"], 3, "no model named 'chrun' in yard.db", "did you mean 'churn'?"),
        (["models", "get", "churn@9", "-o", "x"], 3, "no version 9 of 'churn'", ""),
        (["models", "rename", "churn", "sleepers"], 5, "", ""),
        (["models", "rename", "chrun", "x"], 3, "no model named 'chrun'", "did you mean 'churn'?"),
        (["models", "delete", "chrun", "--yes"], 3, "no model named 'chrun'", "did you mean 'churn'?"),
        (["models", "delete", "churn@9", "--yes"], 3, "no version 9 of 'churn'", ""),
        (["models", "delete", "churn"], 2, "this asks 'Delete churn with all its versions (2) for good?', and nobody is here to answer", "add --yes"),
        (["data", "show", "custmers"], 3, "no data set named 'custmers'", "did you mean 'customers'?"),
        (["data", "show", "customers@9"], 3, "no data set 'customers@9'", "the newest is 'customers@1'"),
        (["data", "get", "customers", "-o", "x.docx"], 2, "no data format has the suffix '.docx'", ""),
        (["data", "add", "nope.csv"], 3, "nope.csv", ""),
        (["data", "add", "new.csv", "--name", "a/b"], 2, "", ""),
        (["predictions", "feedback", "order-99", "1"], 3, "no logged prediction has the reference 'order-99'", "modelyard predictions list shows the references"),
        (["predictions", "list", "--since", "noon"], 2, "'noon' is not a time", ""),
        (["predictions", "erase"], 2, "say which predictions to erase", "--reference-id, --request-id, --model, --since, --until"),
        (["predictions", "erase", "--model", "churn"], 2, "this asks 'Erase 2 predictions for good?', and nobody is here to answer", "add --yes"),
        (["predictions", "export", "-o", "x.docx"], 2, "", ""),
        (["db", "backup", "yard.db"], 5, "yard.db is there already", ""),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)  # fmt: skip
def test_what_is_refused(words: list[str], code: int, message: str, hint: str, changing: Path) -> None:  # fmt: skip
    before = run("history", "--json", cwd=changing).data
    done = run(*words, cwd=changing)
    assert (done.code, done.out) == (code, ""), done.err
    first, *rest = done.err.splitlines()
    assert first.startswith("error: ")
    assert message in first
    if hint:
        assert rest == [f"Hint: {hint}"]
    assert "MODELYARD_DEBUG" not in done.err, "an error nobody foresaw"
    assert run("history", "--json", cwd=changing).data == before, "something changed"
    assert run("predictions", "list", "--json", cwd=changing).data, "something went"


def test_which(changing: Path) -> None:
    found = run("which", "churn", "--stage", "prod", "--json", cwd=changing).data
    assert list(found) == ["name", "version", "stage", "since", "by", "commit", "digest"]
    assert (found["name"], found["version"], found["stage"], found["commit"]) == ("churn", 1, "prod", None)  # fmt: skip
    shown = run("which", "churn", "--stage", "prod", cwd=changing).out
    assert shown == f"churn@1  since {found['since']} by {found['by']}\n"
    run("promote", "churn@2", "--stage", "prod", cwd=changing)
    then = run("which", "churn", "--stage", "prod", "--at", found["since"], "--json", cwd=changing)
    assert then.data == found
    now = run("which", "churn", "--stage", "prod", "--json", cwd=changing).data
    assert now["version"] == 2


def test_aliases(changing: Path) -> None:
    assert run("alias", "churn", cwd=changing).out == "alias     version\nchampion  2\n"
    assert run("alias", "churn@1", "safe", "--json", cwd=changing).data == {"champion": 2, "safe": 1}  # fmt: skip
    assert run("alias", "churn#prod", "champion", "--json", cwd=changing).data == {"champion": 1, "safe": 1}  # fmt: skip
    run("alias", "churn", "safe", "--remove", cwd=changing)
    assert run("alias", "churn", "champion", "--remove", "--json", cwd=changing).data == {}
    done = run("alias", "churn", cwd=changing)
    assert (done.out, done.err) == ("", "churn has no aliases\n")


def test_history(changing: Path) -> None:
    rows = run("history", "churn", "--json", cwd=changing).data
    assert [r["event"] for r in reversed(rows)] == ["model.created", "version.registered", "version.registered", "stage.assigned", "alias.moved"]  # fmt: skip
    assert {r["comment"] for r in rows} >= {"first", "more care", "good enough"}
    everything = run("history", "--json", cwd=changing).data
    assert {r["name"] for r in everything} == {"churn", "sleepers"}
    assert run("history", "churn", cwd=changing).out.startswith("at  ")


def test_models(changing: Path) -> None:
    rows = run("models", "list", "--json", cwd=changing).data
    assert [(r["name"], r["version"], r["stages"], r["aliases"]) for r in rows] == [("churn", 1, ["prod"], []), ("churn", 2, [], ["champion"]), ("sleepers", 1, [], [])]  # fmt: skip
    assert [r["version"] for r in run("models", "versions", "churn", "--json", cwd=changing).data] == [1, 2]  # fmt: skip
    assert run("models", "list", cwd=changing).out.count("\n") == 4


def test_a_registered_model_as_files(changing: Path) -> None:
    done = run("models", "get", "churn#prod", "-o", "got/churn", cwd=changing)
    assert (done.code, done.out, done.err) == (0, "", "wrote churn@1 to got/churn\n")
    mine, theirs = (run("apply", ref, "new.csv", cwd=changing).data for ref in ("got/churn", "models/churn"))  # fmt: skip
    assert mine == theirs
    facts = run("models", "get", "churn@2", "-o", "got/two", "--json", cwd=changing).data
    assert facts == {"ref": "churn@2", "path": "got/two", "digest": my.load_card(changing / "models/other").digest}  # fmt: skip


def test_rename(changing: Path) -> None:
    done = run("models", "rename", "churn", "leavers", cwd=changing)
    assert (done.out, done.err) == ("", "churn is leavers now\n")
    assert run("which", "leavers", "--stage", "prod", "--json", cwd=changing).data["version"] == 1
    assert run("history", "leavers", "--json", cwd=changing).data[-1]["name"] == "churn"
    assert run("models", "rename", "leavers", "churn", "--json", cwd=changing).data == {"from": "leavers", "name": "churn"}  # fmt: skip


def test_delete(changing: Path) -> None:
    dry = run("models", "delete", "churn", "--dry-run", cwd=changing)
    assert dry.err == "would delete churn with all its versions (2)\n"
    done = run("models", "delete", "churn@1", "--yes", "-m", "too old", "--json", cwd=changing)
    assert done.data == {"name": "churn", "versions": [1], "deleted": True}
    assert run("show", "--json", cwd=changing).data["churn"] == {"latest": 2, "stages": {}, "aliases": {"champion": 2}}  # fmt: skip
    assert run("models", "delete", "churn", "--yes", cwd=changing).err == "deleted churn with all its versions (1)\n"  # fmt: skip
    assert "churn" not in run("show", "--json", cwd=changing).data
    assert run("history", "--json", cwd=changing).data[0]["event"] == "model.deleted"


def test_data_sets(changing: Path) -> None:
    done = run("data", "add", "new.csv", "--description", "five of them", cwd=changing)
    assert (done.code, done.out, done.err) == (0, "new@1  5 rows, 2 columns\n", "")
    same = run("data", "add", "new.csv", "--json", cwd=changing).data
    assert (same["name"], same["version"]) == ("new", 1), "equal content is the same version"
    (changing / "more.csv").write_text("age,income\n20,1.5\n21,\n22,3.5\n")
    assert run("data", "add", "more.csv", "--name", "new", cwd=changing).out == "new@2  3 rows, 2 columns\n"  # fmt: skip
    twin = run("data", "add", "new.csv", "--name", "twin", cwd=changing)
    assert "new@1" in twin.err, "a note on stderr says where it is already"

    rows = run("data", "list", "--json", cwd=changing).data
    assert [(r["name"], r["version"], r["size_rows"]) for r in rows] == [("customers", 1, 200), ("new", 1, 5), ("new", 2, 3), ("twin", 1, 5)]  # fmt: skip
    facts = run("data", "show", "new@1", "--json", cwd=changing).data
    assert facts["description"] == "five of them"
    assert [c["column_name"] for c in facts["columns"]] == ["age", "income"]
    shown = run("data", "show", "new", cwd=changing).out.splitlines()
    assert shown[0] == "new@2  3 rows, 2 columns"
    assert shown[1].split() == ["column", "type", "missing", "distinct", "min", "median", "max", "most", "frequent"]  # fmt: skip
    assert shown[3].split() == ["income", "float64", "1", "2", "1.5", "2.5", "3.5", "-"]


@pytest.mark.parametrize("suffix", ["csv", "parquet", "json", "jsonl"])
def test_a_data_set_as_a_file(suffix: str, changing: Path) -> None:
    file = changing / f"out.{suffix}"
    done = run("data", "get", "customers", "-o", file.name, cwd=changing)
    assert (done.code, done.out, done.err) == (0, "", f"wrote customers@1 to {file.name}\n")
    again = run("data", "add", file.name, "--name", "again", "--json", cwd=changing).data
    assert (again["size_rows"], again["size_cols"]) == (200, 3)


@pytest.mark.parametrize("suffix", ["empty.csv", "latin.csv"])
def test_a_data_set_that_is_no_good(suffix: str, changing: Path) -> None:
    (changing / "empty.csv").write_bytes(b"")
    (changing / "latin.csv").write_bytes("größe\n1\n".encode("latin-1"))
    done = run("data", "add", suffix, cwd=changing)
    assert done.code in (1, 2)
    assert done.err.startswith("error: ")
    assert "MODELYARD_DEBUG" not in done.err, "an error nobody foresaw"
    assert len(run("data", "list", "--json", cwd=changing).data) == 1


def logged(project: Path, *words: str) -> list[dict[str, Any]]:
    return run("predictions", "list", "--json", *words, cwd=project).data


def test_predictions(changing: Path) -> None:
    rows = logged(changing)
    assert [r["reference_id"] for r in rows] == ["order-18", "order-17"]
    assert rows[0]["model"] == "churn@1"
    assert set(rows[0]["inputs"]) == {"age", "income"}
    assert set(rows[0]["outputs"]) == {"0", "1"}
    assert len(logged(changing, "--limit", "1")) == 1
    assert logged(changing, "--model", "churn@2") == []
    assert len(logged(changing, "--reference-id", "order-17")) == 1
    assert len(logged(changing, "--request-id", rows[0]["request_id"])) == 2
    assert logged(changing, "--until", "2001-01-01") == []
    assert len(logged(changing, "--since", "2001-01-01")) == 2
    head = run("predictions", "list", cwd=changing).out.splitlines()[0].split()
    assert head == ["at", "model", "method", "reference_id", "outputs", "actual", "error", "inputs"]


def test_what_turned_out_to_be_true(changing: Path) -> None:
    done = run("predictions", "feedback", "order-17", "1", cwd=changing)
    assert (done.out, done.err) == ("", "noted for 1 prediction\n")
    run("predictions", "feedback", "order-18", "stayed", "--json", cwd=changing)
    assert {r["reference_id"]: r["actual"] for r in logged(changing)} == {"order-17": 1, "order-18": "stayed"}  # fmt: skip


@pytest.mark.parametrize("suffix", ["jsonl", "csv"])
def test_predictions_as_a_file(suffix: str, changing: Path) -> None:
    file = changing / f"out.{suffix}"
    done = run("predictions", "export", "-o", file.name, "--model", "churn", cwd=changing)
    assert (done.out, done.err) == ("", f"wrote 2 predictions to {file.name}\n")
    if suffix == "jsonl":
        found = [json.loads(line)["reference_id"] for line in file.read_text("utf-8").splitlines()]
    else:
        found = pd.read_csv(file)["reference_id"].tolist()
    assert sorted(found) == ["order-17", "order-18"]


def test_predictions_are_erased(changing: Path) -> None:
    dry = run("predictions", "erase", "--model", "churn", "--dry-run", cwd=changing)
    assert dry.err == "would erase 2 predictions\n"
    done = run("predictions", "erase", "--reference-id", "order-17", "--yes", cwd=changing)
    assert done.err == "erased 1 prediction\n"
    assert [r["reference_id"] for r in logged(changing)] == ["order-18"]
    none = run("predictions", "erase", "--reference-id", "order-17", "--json", cwd=changing)
    assert none.data == {"erased": 0}, "nothing to ask about"
    assert b"order-17" not in (changing / "yard.db").read_bytes()


def test_a_sound_yard(changing: Path) -> None:
    assert run("db", "check", cwd=changing).out == "yard.db is sound\n"
    assert run("db", "check", "--json", cwd=changing).data == []
    assert run("db", "upgrade", cwd=changing).err == "yard.db is up to date\n"


def test_a_damaged_yard(changing: Path) -> None:
    with sqlite3.connect(changing / "yard.db") as rows:
        table, column = next(
            (t, "data") for (t,) in rows.execute("SELECT name FROM sqlite_master WHERE name LIKE 'my_blob_%'") if "chunk" in t
        )  # fmt: skip
        rows.execute(f"UPDATE {table} SET {column} = zeroblob(length({column}))")
    rows.close()
    done = run("db", "check", cwd=changing)
    assert done.code == 6
    assert done.out.count("\n") >= 1
    assert run("db", "check", "--json", cwd=changing).data
    used = run("apply", "churn@1", "new.csv", cwd=changing)
    assert used.code == 6
    assert used.out == ""


def test_a_backup(changing: Path) -> None:
    done = run("db", "backup", "copy/yard.db", "--json", cwd=changing)
    assert done.code == 0, done.err
    assert done.data == {"path": "copy/yard.db"}
    assert run("show", "--project", "copy", "--json", cwd=changing).data == run("show", "--json", cwd=changing).data  # fmt: skip
    assert run("db", "check", "--project", "copy", cwd=changing).code == 0


def test_gc(changing: Path) -> None:
    assert run("db", "gc", "--json", cwd=changing).data == {
        "blobs": 0,
        "dry_run": False,
        "size": 0,
        "unfinished": 0,
        "purged": 0,
    }
    with my.Yard(changing / "yard.db") as yard:
        yard.artifacts.put("run:1", "a", io.BytesIO(b"data"))
        yard.artifacts.delete("run:1")
    time.sleep(0.01)
    assert (
        run("db", "gc", "--dry-run", cwd=changing).err
        == "would remove 0 files (0 bytes) that nothing needs\n"
    )
    would = run("db", "gc", "--grace", "0", "--dry-run", cwd=changing)
    assert would.err == "would remove 1 files (4 bytes) that nothing needs\n"
    assert run("db", "gc", "--grace", "0", "--json", cwd=changing).data["size"] == 4
    assert run("db", "check", cwd=changing).out == "yard.db is sound\n"
    for grace in ("soon", "-1h", "1y", "", "h"):
        refused = run("db", "gc", "--grace", grace, cwd=changing)
        assert refused.code == 2, refused.err


def test_somebody_elses_database(empty: Path) -> None:
    with sqlite3.connect(empty / "yard.db") as theirs:
        theirs.execute("CREATE TABLE alembic_version (version_num TEXT)")
        theirs.execute("CREATE TABLE runs (run_uuid TEXT)")
    theirs.close()
    done = run("models", "list", cwd=empty)
    assert (done.code, done.out) == (5, "")
    assert "Hint: " in done.err


def test_gc_purges_what_was_deleted_long_ago_when_asked_or_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with my.Yard(tmp_path / "yard.db") as yard:
        first, second = (yard.tracker.create_run(0).run_id for _ in range(2))
        yard.tracker.delete_runs([first])
    assert run("db", "gc", "--json", cwd=tmp_path).data["purged"] == 0
    assert run("db", "gc", "--purge-deleted", "30d", "--json", cwd=tmp_path).data["purged"] == 0
    time.sleep(0.01)  # what was deleted in this very millisecond stays
    told = run("db", "gc", "--purge-deleted", "0", cwd=tmp_path)
    assert "purged 1 that were deleted" in told.err + told.out
    with my.Yard(tmp_path / "yard.db") as yard:
        yard.tracker.delete_runs([second])
    time.sleep(0.01)
    monkeypatch.setenv("MODELYARD_RETENTION_DELETED", "0")
    assert run("db", "gc", "--dry-run", "--json", cwd=tmp_path).data["purged"] == 0
    assert run("db", "gc", "--json", cwd=tmp_path).data["purged"] == 1
    assert run("db", "gc", "--dry-run", "--purge-deleted", "0", cwd=tmp_path).code == 2
