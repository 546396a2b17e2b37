"""The same promises of a yard behind a hub: the tests of its parts again, over HTTP, and what only a hub can do wrong."""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub_cases.pretender import SERVER, Answer, failure, pretender
from hub_cases.server import hub_thread
from modelyard import Yard
from modelyard.base.errors import (
    Corrupted,
    FileMissing,
    InvalidCard,
    InvalidInput,
    InvalidPath,
    NotSupported,
    Unauthenticated,
    Unreachable,
)
from modelyard.base.events import local_user
from modelyard.base.hub_client import keep_token
from modelyard.base.notes import collected
from modelyard.yard import mlflow_uri
from unit.yard.test_datasets import (  # noqa: F401  run here again, with the yard below
    mixed,
    test_all_kinds_of_columns_come_back,
    test_content_decides_the_version,
    test_every_form_of_a_reference,
    test_info_begins_with_what_mlops_lite_shows,
    test_names_of_every_length_and_form,
    test_names_that_look_alike_are_refused,
    test_the_listing,
)
from unit.yard.test_models import (  # noqa: F401
    scorer,
    test_deleted_numbers_are_never_given_again,
    test_equal_content_is_the_same_version,
    test_from_a_live_object_with_its_data_set,
    test_from_a_path_and_from_another_name,
    test_history_is_newest_first_and_survives_a_rename,
    test_listings,
    test_renaming_and_names,
    test_stages_aliases_and_what_a_version_says_of_them,
    test_which_held_a_stage_at_a_moment,
)
from unit.yard.test_predictions import (  # noqa: F401
    rows,
    test_a_classifier_answers_probabilities,
    test_a_model_that_fails_is_logged_and_told,
    test_a_rename_keeps_the_link,
    test_listing_by_what_one_knows,
    test_references_are_given_where_there_are_none,
    test_what_does_not_fit_is_refused_and_not_logged,
    test_what_is_logged,
    version,
)

RUN = "0" * 32


@pytest.fixture
def yard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Yard]:
    monkeypatch.setenv("MODELYARD_CACHE_DIR", str(tmp_path / "cache"))
    file = tmp_path / "hub.db"

    def checked() -> list[str]:
        with Yard(file) as itself:
            return itself.check()

    with hub_thread(file) as url, Yard(url) as opened:
        monkeypatch.setattr(
            opened, "check", checked
        )  # those tests look whether all is well over there
        yield opened


# What only a yard behind a hub has


def test_runs_their_files_and_their_user(yard: Yard, tmp_path: Path) -> None:
    run = yard.runs.start("first", experiment="e", tags={"a": "b"})
    yard.runs.log(run.run_id, metrics={"acc": 0.5, "loss": math.nan}, params={"depth": "3"})
    owner = yard.runs.owner_of(run.run_id)
    large = bytes(range(256)) * 20_000
    for path, data in {"a/b/c.bin": large, "a/é x.txt": b"", "top.txt": b"top"}.items():
        entry = yard.artifacts.put(owner, path, io.BytesIO(data))
        assert (entry.path, entry.size) == (path, len(data))
    yard.artifacts.put(owner, "top.txt", io.BytesIO(b"other"), size=5)
    assert [e.path for e in yard.runs.files(owner)] == ["a", "top.txt"]
    root = yard.artifacts.stat(owner)
    assert root is not None
    assert (root.files, root.size) == (3, len(large) + 5)
    assert yard.artifacts.stat(owner, "nothing") is None
    with pytest.raises(FileMissing, match="a folder, not a file"):
        yard.artifacts.open(owner, "a")
    with pytest.raises(InvalidPath):
        yard.artifacts.put(owner, "../x", io.BytesIO(b""))
    with pytest.raises(InvalidInput, match="not 7 as announced"):
        yard.artifacts.put(owner, "x", io.BytesIO(b"123"), size=7)
    folder = yard.runs.export(run.run_id, tmp_path / "out")
    assert (folder / "a/b/c.bin").read_bytes() == large
    assert (folder / "top.txt").read_bytes() == b"other"
    assert yard.artifacts.delete(owner, "a") == 2
    yard.runs.end(run.run_id)
    (row,) = yard.runs.search("metrics.acc > 0.4", experiments="e", records=True)
    assert (row["status"], row["params.depth"], row["user"]) == ("FINISHED", "3", local_user())
    copy = yard.runs.copy(run.run_id, 0)
    assert [e.path for e in yard.runs.files(f"run:{copy.run_id}")] == ["top.txt"]


def test_comments_lineage_rollback_and_the_audit(yard: Yard) -> None:
    for factor in (1.0, 2.0):
        yard.models.add(scorer(factor), "fn", sample_data=1.0)
    yard.models.promote("fn", "prod", 1)
    yard.models.promote("fn", "prod", 2, comment="better")
    assert yard.models.rollback("fn", "prod", "worse").ref == "fn@1"
    yard.models.comment("fn", "checked", 2)
    yard.models.set_alias("fn", "champion", 2)
    yard.models.get("fn@champion").predict(3.0, log=True)
    told = yard.models.lineage("fn@champion")
    assert (told["version"]["version"], told["aliases"], told["predictions"]) == (
        2,
        ["champion"],
        1,
    )
    history: Any = yard.models.history("fn", records=True)
    assert [h["comment"] for h in history if h["comment"]] == ["checked", "worse", "better"]
    kinds = [row["kind"] for row in yard.audit.list(records=True)]
    assert kinds.index("model.created") < kinds.index("stage.assigned")
    moved: Any = yard.audit.list(kind="alias.moved", records=True)
    assert moved[0]["actor"] == local_user()
    yard.models.remove_alias("fn", "champion")
    assert yard.models.get_aliases("fn") == {}
    found = yard.models.get("fn")
    yard.models.describe_version(found.record, found.card, metrics={"acc": 0.5})
    again = yard.models.get("fn")
    assert dict(again.metrics) == dict(again.card.metrics) == {"acc": 0.5}


def test_a_metric_that_is_no_number_crosses(yard: Yard) -> None:
    made = yard.models.add(scorer(1.0), "fn", sample_data=1.0, metrics={"a": math.nan, "b": 0.5})
    assert math.isnan(made.metrics["a"])
    assert math.isnan(yard.models.get("fn").card.metrics["a"])
    yard.models.describe_version(made.record, made.card, metrics={"c": "-Infinity"})
    assert yard.models.get("fn").metrics["c"] == -math.inf


def test_files_are_fetched_once_and_a_damaged_copy_again(yard: Yard, tmp_path: Path) -> None:
    yard.models.add(scorer(2.0), "fn", sample_data=1.0)
    assert yard.models.get("fn").load()(1.0) == 3.0
    kept = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert kept
    asked = len(yard.audit.list(kind="model.downloaded", records=True))
    assert yard.models.get("fn").load()(1.0) == 3.0
    assert len(yard.audit.list(kind="model.downloaded", records=True)) == asked
    for path in kept:
        path.chmod(0o644)
        path.write_bytes(b"x" * path.stat().st_size)
    assert yard.models.get("fn").load()(1.0) == 3.0
    assert len(yard.audit.list(kind="model.downloaded", records=True)) == 2 * asked


def test_what_needs_the_database_says_where_it_is_done(yard: Yard, tmp_path: Path) -> None:
    for act in (
        lambda: yard.backup(tmp_path / "copy.db"),
        lambda: yard.export(tmp_path / "copy.db"),
        lambda: yard.collect(),
        lambda: yard.predictions.erase(model="fn"),
        lambda: yard.models.problems(),
    ):
        with pytest.raises(NotSupported) as caught:
            act()
        assert "the hub's machine" in str(caught.value)
    with pytest.raises(InvalidInput, match="for the hub itself"):
        Yard(yard.uri, artifacts="files")


# Hubs that are broken or hostile


def card(path: str = "artifact", content: bytes = b"0123456789") -> dict[str, Any]:
    entry = {"path": path, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    return {"yard": 1, "kind": "data", "format": {"name": "json", "tier": 0}, "artifact": [entry]}


def hostile(data_card: dict[str, Any], sent: Answer) -> Any:
    """A hub with one data set, whose file it sends so."""
    told = {
        **{"id": 1, "name": "d", "version": 1, "size_cols": None, "size_rows": None},
        **{"description": "", "created_at": "2026-11-20T23:17:00Z", "created_by": "eve"},
        **{"digest": "sha256:" + "0" * 64, "card": data_card, "profile": []},
    }

    def answer(method: str, path: str, number: int) -> Answer:
        if path.endswith("/server"):
            return Answer(200, SERVER)
        return sent if "/files/" in path else Answer(200, told)

    return answer


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        (Answer(200, b"0123456780"), Corrupted),
        (Answer(200, b"0123456789" * 100), Corrupted),
        (Answer(200, b"01234"), Corrupted),
        (Answer(200, b"0123456789", cut=5), Unreachable),
        (Answer(404, failure("file_missing")), Corrupted),
    ],
)
def test_what_is_not_what_the_card_says_is_not_taken(
    sent: Answer, error: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELYARD_CACHE_DIR", str(tmp_path / "cache"))
    with pretender(hostile(card(), sent)) as there, Yard(there.url) as yard:
        dataset = yard.datasets.get("d@1")
        with pytest.raises(error):
            _ = dataset.data
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


ESCAPES = [
    "../evil", "a/../../evil", "/evil", "a//evil", "a/./evil", "..\\evil", "C:\\evil", "C:evil", "a\0b",
    "..%2fevil", "\uff0e\uff0e/evil", "con", "a/nul.txt", "evil.", "",
]  # fmt: skip


@pytest.mark.parametrize("path", ESCAPES)
def test_names_that_a_hub_tells_do_not_leave_their_folder(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELYARD_CACHE_DIR", str(tmp_path / "cache"))
    inside = card(f"artifact/{path}")
    with (
        pretender(hostile(inside, Answer(200, b"0123456789"))) as there,
        Yard(there.url) as yard,
        pytest.raises((InvalidCard, InvalidPath)),
    ):
        _ = yard.datasets.get("d@1").data

    def listing(method: str, place: str, number: int) -> Answer:
        if place.endswith("/server"):
            return Answer(200, SERVER)
        if place.startswith("/api/v1/artifact-facts/"):
            root = {"path": "", "size": 10, "sha256": None, "files": 1, "at_ms": 0}
            return Answer(200, root)
        if place.startswith("/api/v1/artifacts/"):
            entry = {"path": path, "size": 10, "sha256": "0" * 64, "name": "x", "is_folder": False}
            return Answer(200, {"items": [entry], "next": None})
        if "/runs/search" in place:
            return Answer(200, {"items": [a_run()], "next": None})
        return Answer(200, a_run())

    with (
        pretender(listing) as there,
        Yard(there.url) as yard,
        pytest.raises((InvalidPath, Corrupted, FileMissing)),
    ):
        yard.runs.export(RUN, tmp_path / "deep/er/out")
    assert not [p for p in tmp_path.rglob("*") if "evil" in p.name]


def a_run() -> dict[str, Any]:
    when = "2026-11-20T23:17:00Z"
    return {
        **{"run_id": RUN, "experiment_id": 0, "name": "r", "status": "RUNNING", "user": "eve"},
        **{"started_at": when, "ended_at": None, "changed_at": when, "deleted_at": None},
        **{"parent_run_id": None, "metrics": [], "params": {}, "tags": {}, "inputs": []},
        **{"model_inputs": [], "model_outputs": []},
    }


# Which hub, and who says so


def test_a_project_cannot_make_its_hub_trusted_nor_take_the_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELYARD_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("MODELYARD_TOKEN", "my_secret")
    with pretender(lambda *_: Answer(200, SERVER)) as there:
        (tmp_path / "modelyard.toml").write_text(f'uri = "{there.url}"\n')
        with Yard(project=tmp_path) as yard:
            assert not yard.trusted
        assert "authorization" not in there.asked[-1][2]
        with Yard(there.url) as yard:
            assert yard.trusted
        assert there.asked[-1][2]["authorization"] == "Bearer my_secret"
        monkeypatch.setenv("MODELYARD_URI", there.url)
        with Yard(project=tmp_path) as yard:
            assert yard.trusted
        assert there.asked[-1][2]["authorization"] == "Bearer my_secret"
        monkeypatch.delenv("MODELYARD_URI")
        monkeypatch.delenv("MODELYARD_TOKEN")
        keep_token(there.url, "my_kept")
        with Yard(project=tmp_path) as yard:
            assert yard.trusted
        assert there.asked[-1][2]["authorization"] == "Bearer my_kept"
        with Yard(there.url, token="my_given"):
            assert there.asked[-1][2]["authorization"] == "Bearer my_given"


def test_mlflows_variable_names_a_hub_when_one_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = hub_in_wait(monkeypatch)
    with pretender(lambda *_: Answer(200, SERVER)) as there:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", there.url)
        with Yard(project=tmp_path) as yard:
            assert (yard.uri, yard.trusted) == (there.url, True)
        assert "authorization" not in there.asked[-1][2]
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "my_token")
        with Yard(project=tmp_path):
            assert there.asked[-1][2]["authorization"] == "Bearer my_token"
        (tmp_path / "modelyard.toml").write_text('uri = "sqlite:///mine.db"\n')
        with Yard(project=tmp_path) as yard:
            assert yard.path == tmp_path / "mine.db"
        (tmp_path / "modelyard.toml").unlink()
    asked.cache_clear()
    with pretender(lambda *_: Answer(401, failure("unauthenticated"))) as there:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", there.url)
        with pytest.raises(Unauthenticated):
            Yard(project=tmp_path)


@pytest.mark.parametrize(
    "stock", [Answer(404, b"<html>"), Answer(200, b"<html>"), Answer(401, b"who?"), Answer(200, {})]
)
def test_a_stock_server_is_said_in_a_line_and_not_used(
    stock: Answer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub_in_wait(monkeypatch)
    with pretender(lambda *_: stock) as there, collected() as lines:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", there.url)
        for _ in range(2):
            with Yard(project=tmp_path) as yard:
                assert yard.path == tmp_path / "yard.db"
        assert len(there.asked) == 1
    assert len(lines) == 1
    assert "$MLFLOW_TRACKING_URI is not used" in lines[0]


def hub_in_wait(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Nothing set, nothing remembered."""
    monkeypatch.delenv("MODELYARD_URI", raising=False)
    mlflow_uri._asked.cache_clear()
    return mlflow_uri._asked
