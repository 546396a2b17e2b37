"""A yard as a whole: where its bytes are, whether they are sound, what a copy of it is worth elsewhere, full disks."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.neighbors import KNeighborsRegressor

from modelyard import Yard
from modelyard.base.errors import Corrupted, InvalidInput, ModelyardError, StorageFull, Untrusted
from modelyard.stores import placing


def noise(seed: int, megabytes: float) -> np.ndarray:
    return np.random.default_rng(seed).random(int(megabytes * (1 << 17)))


def bulky(seed: int, megabytes: float) -> KNeighborsRegressor:
    """A model as large as its data."""
    X = noise(seed, megabytes).reshape(-1, 8)
    return KNeighborsRegressor(1, algorithm="brute").fit(X, X[:, 0])


# Where the bytes are


def test_a_folder_for_all_files(tmp_path: Path) -> None:
    path, marker = tmp_path / "yard.db", "a marker that is easily found"
    with Yard(path, artifacts="files") as yard:
        yard.datasets.add([marker], "d")
    assert marker.encode() not in path.read_bytes()
    assert any(marker.encode() in f.read_bytes() for f in (tmp_path / "files").rglob("*") if f.is_file())  # fmt: skip
    for again in ({}, {"artifacts": "files"}, {"artifacts": tmp_path / "files"}):
        with Yard(path, **again) as yard:
            assert yard.datasets.get("d").data == [marker]
            assert yard.check() == []
    with pytest.raises(InvalidInput, match="keeps its files in files, not in"):
        Yard(path, artifacts="others")
    for root, what in (
        ("carrier://pigeon", "carrier"),
        ("sftp://me:secret@host/x", "password"),
        ("memory://", "in memory"),
    ):
        with pytest.raises(ModelyardError, match=what):
            Yard(tmp_path / "b.db", artifacts=root)
    with Yard(tmp_path / "b.db", artifacts=f"file://{tmp_path}/named") as yard:
        yard.datasets.add([marker], "d")
        assert len(list((tmp_path / "named").rglob("*"))) > 2


def test_a_folder_cannot_be_chosen_later(tmp_path: Path) -> None:
    with Yard(tmp_path / "yard.db") as yard:
        yard.datasets.add([1], "d")
    with pytest.raises(InvalidInput, match="keeps its files in its database"):
        Yard(tmp_path / "yard.db", artifacts="files")
    with Yard(tmp_path / "yard.db") as yard:
        assert yard.datasets.get("d").data == [1]


def test_large_files_lie_beside_the_database(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(placing, "EMBEDDED", 1 << 20)  # 64 MB would take long
    small, large = noise(1, 0.5), noise(2, 5)
    with Yard(tmp_path / "yard.db") as yard:
        yard.datasets.add(small, "small")
        assert not (tmp_path / "yard.files").exists()
        yard.datasets.add(large, "large")
        yard.backup(tmp_path / "other" / "copy.db")
    assert (tmp_path / "yard.db").stat().st_size < 4 << 20
    assert sum(f.stat().st_size for f in (tmp_path / "yard.files").rglob("*")) > 5 << 20
    for path in (tmp_path / "yard.db", tmp_path / "other" / "copy.db"):
        with Yard(path) as yard:
            assert np.array_equal(yard.datasets.get("large").data, large)
            assert np.array_equal(yard.datasets.get("small").data, small)
            assert yard.check() == []
    shutil.rmtree(tmp_path / "yard.files")
    with Yard(tmp_path / "yard.db") as yard:
        [problem] = yard.check()
        assert "large@1" in problem
        assert "missing" in problem


# Whether it is sound


@pytest.mark.parametrize("what", ["model", "data"])
def test_a_flipped_byte_is_found_and_never_served(tmp_path: Path, iris, classifier, what) -> None:
    path = tmp_path / "yard.db"
    X = iris.drop(columns=["kind"])
    with Yard(path) as yard:
        if what == "model":
            digest = yard.models.add(classifier, "m", sample_data=X).card.artifact[0].sha256
        else:
            digest = yard.datasets.add(iris, "d").card.artifact[0].sha256
        assert yard.check() == []
    flip(path, digest)
    with Yard(path) as yard:
        problems = yard.check()
        assert any(digest in line for line in problems), problems
        with pytest.raises(Corrupted):
            yard.models.get("m").load() if what == "model" else yard.datasets.get("d").data


def flip(path: Path, digest: str) -> None:
    """Turn one bit of a stored blob, behind everybody's back."""
    with sqlite3.connect(path) as connection:
        find = "SELECT c.rowid, c.data FROM my_blob_chunks c JOIN my_blobs b USING (upload_id) WHERE b.digest = ?"
        rows = (
            connection.execute(find, (digest,)).fetchall()
            or connection.execute(find, (bytes.fromhex(digest),)).fetchall()
        )
        rowid, data = rows[0]
        changed = bytearray(data)
        changed[len(changed) // 2] ^= 1
        done = connection.execute(
            "UPDATE my_blob_chunks SET data = ? WHERE rowid = ?", (bytes(changed), rowid)
        )
        assert done.rowcount == 1
    connection.close()


# A copy elsewhere

ELSEWHERE = """
import json, sys
from modelyard import Yard
from modelyard.base.errors import Untrusted

with Yard("yard.db") as yard:
    data = yard.datasets.get("iris@1").data
    version = yard.models.get("churn@1")
    rows = data.drop(columns=["kind"]).head(3)
    told = {
        "trusted": yard.trusted,
        "sum": data.to_numpy().sum(),
        "answers": [a["results"] for a in version.predict(rows)],
        "logged": yard.predictions.list(records=True),
        "problems": yard.check(),
    }
    try:
        yard.models.get("tier2").load()
        told["tier2"] = "loaded"
    except Untrusted as error:
        told["tier2"] = error.details["digest"]
print(json.dumps(told))
"""


@pytest.fixture
def copied(tmp_path: Path, iris, classifier) -> tuple[Path, dict[str, Any]]:
    """A folder with the copy of a yard whose process has ended, and what it held."""
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    with Yard(tmp_path / "here" / "yard.db") as yard:
        data = yard.datasets.add(iris, "iris")
        version = yard.models.add(classifier, "churn", dataset=data, target="kind")
        rows = iris.drop(columns=["kind"]).head(3)
        answers = version.predict(rows, log=True)
        tier2 = yard.models.add(lambda x: x + 1, "tier2", sample_data=1)
        assert tier2.load()(1) == 2
        held = {
            "sum": iris.to_numpy().sum(),
            "answers": [a["results"] for a in answers],
            "logged": yard.predictions.list(records=True),
            "problems": [],
            "digest": tier2.digest,
        }
    shutil.copy(tmp_path / "here" / "yard.db", tmp_path / "there" / "yard.db")
    return tmp_path / "there", held


def elsewhere(folder: Path, **environ: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, **environ},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_copy_tells_another_user_the_same_but_runs_no_code(copied, tmp_path: Path) -> None:
    folder, held = copied
    told = elsewhere(folder, MODELYARD_CONFIG_DIR=str(tmp_path / "another-user"))
    digest = held.pop("digest")
    assert told == {**held, "trusted": False, "tier2": digest}
    trusting = elsewhere(
        folder, MODELYARD_CONFIG_DIR=str(tmp_path / "another-user"), MODELYARD_TRUST=digest
    )
    assert trusting["tier2"] == "loaded"


def test_a_yard_found_in_a_folder_is_not_trusted(copied, monkeypatch, tmp_path: Path) -> None:
    folder, held = copied
    monkeypatch.setenv("MODELYARD_CONFIG_DIR", str(tmp_path / "another-user"))
    monkeypatch.chdir(folder)
    with Yard() as yard:
        assert not yard.trusted
        with pytest.raises(Untrusted) as caught:
            yard.models.get("tier2").load()
        assert held["digest"] in str(caught.value)
        assert yard.models.get("tier2").load(trust=held["digest"])(1) == 2
    with Yard(tmp_path / "mine.db") as yard:
        assert yard.trusted
        identity = yard.id
    with Yard(tmp_path / "mine.db") as yard:
        assert yard.trusted
        assert yard.id == identity


def test_a_server_is_trusted_when_its_reader_names_it(postgres_uri: str, monkeypatch) -> None:
    with Yard(postgres_uri) as yard:
        assert yard.trusted
        first = yard.id
    monkeypatch.setenv("MODELYARD_URI", postgres_uri)
    with Yard() as yard:
        assert (yard.trusted, yard.id) == (True, first)


# Full disks


def test_a_full_disk_loses_nothing(small_disk: Path, filler: Callable[[], Path]) -> None:
    X = np.zeros((2, 8))
    with Yard(small_disk / "yard.db") as yard:
        first = bulky(1, 2)
        yard.models.add(first, "m", sample_data=X)
        full = filler()
        with pytest.raises(StorageFull) as caught:
            yard.models.add(bulky(2, 4), "m", sample_data=X)
        assert "no space left" in str(caught.value)
        assert [r["version"] for r in yard.models.versions("m", records=True)] == [1]
        assert yard.models.get("m").load().predict(X).tolist() == first.predict(X).tolist()
        full.unlink()
        assert yard.models.add(bulky(2, 4), "m", sample_data=X).version == 2
        assert yard.check() == []
    with Yard(small_disk / "yard.db") as yard:
        assert yard.models.get("m@2").load().predict(X).shape == (2,)


def test_predictions_on_a_full_disk(small_disk: Path, filler: Callable[[], Path]) -> None:
    rows = pd.DataFrame({"x": np.arange(20_000.0)})
    with Yard(small_disk / "yard.db") as yard:
        version = yard.models.add(lambda frame: frame["x"] * 2, "twice", sample_data=rows[:2])
        version.predict(rows[:10], log=True)
        full = filler()
        with pytest.raises(StorageFull):
            version.predict(rows, log=True)
        assert yard.predictions.count() == 10
        full.unlink()
        version.predict(rows[:10], log=True)
        assert yard.predictions.count() == 20
