"""A yard's files wherever they are: checked to the byte, backed up, collected."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from cases.stores import fsspec, local, sql
from modelyard import Yard
from modelyard.base.errors import Corrupted, InvalidInput
from modelyard.stores.collecting import GRACE_MS
from modelyard.stores.tables import blob_marks
from modelyard.testing.stores import MB, Bench, content, sha256

RUN = "run:" + "0" * 32


@pytest.fixture(params=["embedded", "folder", "bucket"])
def root(request: pytest.FixtureRequest) -> str | None:
    if request.param == "bucket":
        return request.getfixturevalue("s3_uri")
    return None if request.param == "embedded" else "files"


def bench_of(yard: Yard, root: str | None) -> Bench:
    """What can damage the yard's store."""
    if root is None:
        return sql.bench(yard.database)
    if root.startswith("s3:"):
        return fsspec.bench(root)
    assert yard.path
    return local.bench(yard.path.parent / root)


def age(yard: Yard, by_ms: int = GRACE_MS + 1000) -> None:
    """Let time pass for all that was put."""
    with yard.database.write() as connection:
        connection.execute(update(blob_marks).values(at_ms=blob_marks.c.at_ms - by_ms))


def test_one_flipped_byte_is_named(tmp_path: Path, root: str | None) -> None:
    with Yard(tmp_path / "yard.db", artifacts=root) as yard:
        yard.datasets.add([1, 2, 3], "numbers")
        data = content(MB + 3)
        yard.artifacts.put(RUN, "model/weights.bin", io.BytesIO(data))
        assert yard.check() == []
        bench = bench_of(yard, root)
        for at in (0, MB + 2):
            bench.damage(sha256(data), at)
            (line,) = yard.check()
            assert sha256(data) in line
            assert f"{RUN}: model/weights.bin" in line
            bench.damage(sha256(data), at)
        card = yard.datasets.get("numbers").card.artifact[0]
        bench.damage(card.sha256, 0)
        assert any(card.sha256 in line for line in yard.check())
        with pytest.raises(Corrupted):
            _ = yard.datasets.get("numbers").data


def test_a_yard_remembers_its_bucket(tmp_path: Path, s3_uri: str) -> None:
    with Yard(tmp_path / "yard.db", artifacts=s3_uri) as yard:
        yard.models.add(tripled, "triple", sample_data=1.0)
    with Yard(tmp_path / "yard.db") as yard:
        assert yard.models.get("triple").predict(2.0)[0]["results"] == 6.0
        assert yard.check() == []
        assert yard.stores.embedded is None
        assert len(list(yard.stores.all()[0].list())) >= 2
    with pytest.raises(InvalidInput, match="keeps its files in s3://"):
        Yard(tmp_path / "yard.db", artifacts=f"{s3_uri}-other")


def tripled(x: float) -> float:
    return 3 * x


def test_a_backup_has_its_files_where_it_looks_for_them(tmp_path: Path, root: str | None) -> None:
    data = content(MB)
    with Yard(tmp_path / "yard.db", artifacts=root) as yard:
        yard.artifacts.put(RUN, "a", io.BytesIO(data))
        (tmp_path / "copy").mkdir()
        yard.backup(tmp_path / "copy" / "yard.db")
        yard.artifacts.delete(RUN)
    with Yard(tmp_path / "copy" / "yard.db") as copy:
        assert copy.artifacts.open(RUN, "a").read() == data
        assert copy.check() == []


def test_gc_keeps_what_versions_and_data_sets_and_runs_need(
    tmp_path: Path, root: str | None
) -> None:
    with Yard(tmp_path / "yard.db", artifacts=root) as yard:
        yard.datasets.add([1, 2, 3], "numbers")
        yard.models.add(tripled, "triple", sample_data=1.0)
        yard.models.add(doubled, "double", sample_data=1.0)
        yard.artifacts.put(RUN, "a", io.BytesIO(b"data"))
        age(yard)
        assert yard.collect(0).blobs == 0
        yard.models.delete("double")
        yard.artifacts.delete(RUN)
        assert yard.collect(0, dry_run=True).blobs == 1
        assert yard.collect(0).blobs == 3  # the file, and card and file of the deleted model
        assert yard.check() == []
        assert yard.models.get("triple").predict(1.0)[0]["results"] == 3.0
        assert yard.datasets.get("numbers").data == [1, 2, 3]


def doubled(x: float) -> float:
    return 2 * x


def test_gc_leaves_a_model_alone_that_is_about_to_be_registered(tmp_path: Path) -> None:
    """Its files are referred to before there is a version."""
    with Yard(tmp_path / "yard.db") as yard:
        yard.models.add(tripled, "triple", sample_data=1.0)
        age(yard)
        yard.models.delete("triple")
        seen: list[int] = []
        refer = yard.models.refer

        def refer_and_collect(kept: Any) -> None:
            refer(kept)
            seen.append(yard.collect(0).blobs)

        yard.models.refer = refer_and_collect  # type: ignore[method-assign]
        yard.models.add(tripled, "triple", sample_data=1.0)
        assert seen == [0]
        assert yard.check() == []
        assert yard.models.get("triple").predict(1.0)[0]["results"] == 3.0
