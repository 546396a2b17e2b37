"""Files of runs and logged models: like a dictionary of paths, on every database, and safe from bad paths."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from sqlalchemy import select

from modelyard.base.digests import FileEntry, artifact_digest
from modelyard.base.errors import (
    Conflict,
    DigestMismatch,
    FileMissing,
    InvalidInput,
    InvalidPath,
)
from modelyard.stores.overlay import Artifacts
from modelyard.stores.references import PIN
from modelyard.stores.rows import Database, connect
from modelyard.stores.tables import artifacts, blob_refs
from modelyard.testing.stores import MB, Dripping, content, sha256

RUN, OTHER = "run:" + "0" * 32, "model:m-" + "1" * 32


@pytest.fixture
def files(database: Database) -> Artifacts:
    return Artifacts(database)


def paths(files: Artifacts, owner: str = RUN, folder: str = "") -> list[str]:
    return [entry.path for entry in files.walk(owner, folder)]


def refs(database: Database) -> set[tuple[str, str]]:
    with database.read() as connection:
        return {(row.owner, row.digest) for row in connection.execute(select(blob_refs))}


def test_a_file_comes_back_and_is_listed_a_level_at_a_time(files: Artifacts) -> None:
    data = content(2 * MB + 3)
    entry = files.put(
        RUN, "model/weights.bin", io.BytesIO(data), size=len(data), expect=sha256(data)
    )
    files.put(RUN, "model/code/train.py", io.BytesIO(b"pass"))
    files.put(RUN, "readme.md", Dripping(b"hello"))  # type: ignore[arg-type]
    assert (entry.path, entry.size, entry.sha256) == ("model/weights.bin", len(data), sha256(data))
    with files.open(RUN, "model/weights.bin") as stream:
        assert stream.read() == data
        stream.seek(-3, 2)
        assert stream.read() == data[-3:]
    root = files.list(RUN)
    assert [(e.path, e.is_folder, e.size, e.files) for e in root.entries] == [
        ("model", True, len(data) + 4, 2),
        ("readme.md", False, 5, 1),
    ]
    assert [e.path for e in files.list(RUN, "model").entries] == ["model/code", "model/weights.bin"]
    assert paths(files) == ["model/code/train.py", "model/weights.bin", "readme.md"]
    assert paths(files, folder="model/code") == paths(files, folder="model/code/train.py")
    assert files.list(RUN, "nothing").entries == files.list(OTHER).entries == ()
    assert files.stat(RUN) is not None
    assert files.stat(RUN).files == 3  # type: ignore[union-attr]


def test_pages_of_a_folder_join_up(files: Artifacts) -> None:
    names = sorted(f"{n:03}.txt" for n in range(23))
    for name in reversed(names):
        files.put(RUN, f"logs/{name}", io.BytesIO(name.encode()))
    found: list[str] = []
    after = None
    while True:
        page = files.list(RUN, "logs", after=after, limit=5)
        found += [entry.name for entry in page.entries]
        if (after := page.after) is None:
            break
    assert found == names
    for limit in (0, -1, 2**31):
        with pytest.raises(InvalidInput, match="limit"):
            files.list(RUN, limit=limit)


def test_a_new_file_takes_the_place_of_the_old_one(files: Artifacts, database: Database) -> None:
    files.put(RUN, "a/model.bin", io.BytesIO(b"old"))
    files.put(RUN, "a/same.bin", io.BytesIO(b"kept"))
    files.put(RUN, "a/model.bin", io.BytesIO(b"newer"))
    assert files.open(RUN, "a/model.bin").read() == b"newer"
    assert files.stat(RUN, "a").size == 9  # type: ignore[union-attr]
    assert refs(database) == {(RUN, sha256(b"newer")), (RUN, sha256(b"kept"))}


def test_a_file_and_a_folder_never_share_a_path(files: Artifacts) -> None:
    files.put(RUN, "a/b", io.BytesIO(b"1"))
    for path, what in (
        ("a", "a folder is there"),
        ("a/b/c", "'a/b' is a file"),
        ("a/b/c/d", "is a file"),
    ):
        with pytest.raises(Conflict, match=what):
            files.put(RUN, path, io.BytesIO(b"2"))
        with pytest.raises(Conflict, match=what):
            files.put_blob(RUN, path, files.stores.put(io.BytesIO(b"2")))
    assert paths(files) == ["a/b"]
    for path in ("a", "nothing", "a/b/c"):
        with pytest.raises(FileMissing):
            files.open(RUN, path)


def test_deleting_takes_empty_folders_and_references_along(
    files: Artifacts, database: Database
) -> None:
    for path in ("a/b/c/deep", "a/b/shallow", "a/twin", "twin"):
        files.put(RUN, path, io.BytesIO(path.rpartition("/")[2].encode()))
    assert files.delete(RUN, "a/b") == 2
    assert paths(files) == ["a/twin", "twin"]
    assert files.delete(RUN, "a/twin") == 1
    assert [entry.path for entry in files.list(RUN).entries] == ["twin"]
    assert refs(database) == {(RUN, sha256(b"twin"))}
    assert files.delete(RUN, "a") == 0
    assert files.delete(RUN) == 1
    assert refs(database) == set()
    with database.read() as connection:
        assert connection.execute(select(artifacts)).all() == []


def test_copying_copies_no_bytes_and_all_or_nothing(files: Artifacts, database: Database) -> None:
    for path in ("model/a", "model/sub/b", "other"):
        files.put(RUN, path, io.BytesIO(path.encode()))
    assert files.copy(RUN, OTHER, "model") == 2
    assert files.copy(RUN, OTHER, "model", to="") == 2
    assert files.copy(RUN, OTHER, "other", to="renamed/file") == 1
    assert paths(files, OTHER) == ["a", "model/a", "model/sub/b", "renamed/file", "sub/b"]
    assert files.digest(RUN, "model") == files.digest(OTHER, "model")
    files.delete(RUN)
    assert files.open(OTHER, "sub/b").read() == b"model/sub/b"
    third = "run:third"
    files.put(third, "dest/sub", io.BytesIO(b"a file in the way of the second of two"))
    with pytest.raises(Conflict):
        files.copy(OTHER, third, "model", to="dest")
    assert paths(files, third) == ["dest/sub"]
    assert {owner for owner, _ in refs(database)} == {OTHER, third}


def test_the_digest_of_a_folder_is_that_of_its_files(files: Artifacts) -> None:
    for path in ("m/b", "m/a/z", "m/a.txt"):
        files.put(RUN, path, io.BytesIO(path.encode()))
    expected = [FileEntry(p, len(p) + 2, sha256(f"m/{p}".encode())) for p in ("b", "a/z", "a.txt")]
    assert files.files(RUN, "m") == sorted(expected)
    assert files.digest(RUN, "m") == artifact_digest(expected)
    assert [entry.path for entry in files.files(RUN, "m/b")] == ["m/b"]


def test_what_was_announced_is_checked(files: Artifacts, database: Database) -> None:
    for stream in (io.BytesIO(b"other"), Dripping(b"other")):
        with pytest.raises(DigestMismatch):
            files.put(RUN, "a", stream, expect=sha256(b"announced"))  # type: ignore[arg-type]
    for size in (4, 6):
        for stream in (io.BytesIO(b"five!"), Dripping(b"five!")):
            with pytest.raises(InvalidInput, match=f"{size} bytes were announced"):
                files.put(RUN, "a", stream, size=size)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="is not a sha256"):
        files.put(RUN, "a", io.BytesIO(b"x"), expect="../../etc")
    assert paths(files) == []
    assert not [owner for owner, _ in refs(database) if not owner.startswith(PIN)]


BAD = [
    "../../x", "..%2f", "%2e%2e/", "%252e%252e%252f", "a/../../x", "a/..", "..%5c", "..\\x", "C:\\x", "C:/x", "\\\\h\\s",
    ".", "./.", "a/./b", "//etc", "/etc", "a//b", "a/", "a\0b", "a\nb", "a\n", "\uff0e\uff0e/x", "a/\uff0e", "a" * 256,
    "é" * 128, "a/" * 2000 + "b", "a/" * 64 + "b", "/".join(["x" * 250] * 5), "con", "a/nul.txt", "a\u202eb", "a\ud800",
    "e\u0301", "a b ", "a.", " ",
]  # fmt: skip


@pytest.mark.parametrize("path", BAD, ids=lambda path: ascii(path)[:30])
def test_bad_paths_are_refused_everywhere(path: str) -> None:
    with connect("sqlite://") as database:
        files = Artifacts(database)
        files.put(RUN, "good", io.BytesIO(b"good"))
        blob = files.stores.put(io.BytesIO(b"good"))
        calls: list[Any] = [
            lambda: files.put(RUN, path, io.BytesIO(b"bad")),
            lambda: files.put_blob(RUN, path, blob),
            lambda: files.open(RUN, path),
            lambda: files.stat(RUN, path),
            lambda: files.list(RUN, path),
            lambda: list(files.walk(RUN, path)),
            lambda: files.delete(RUN, path),
            lambda: files.copy(RUN, OTHER, path),
            lambda: files.copy(RUN, OTHER, "good", to=path),
        ]
        for call in calls:
            with pytest.raises(InvalidPath):
                call()
        assert paths(files) == ["good"]
        assert paths(files, OTHER) == []


@pytest.mark.parametrize(
    "owner", ["", "run", "pin:x/..", "run:", "run:a b", "run:" + "a" * 121, "RUN:a", "run:é"]
)
def test_bad_owners_are_refused(owner: str) -> None:
    with connect("sqlite://") as database, pytest.raises(InvalidInput):
        Artifacts(database).put(owner, "a", io.BytesIO())


def test_names_are_told_apart_by_case_and_kept_to_the_byte(files: Artifacts) -> None:
    names = ["A", "a", "ä", "Ä", "ÿ" * 127, "x" * 255, "日本語.txt", "#a&b=c+d"]
    for name in names:
        files.put(RUN, name, io.BytesIO(name.encode()))
    assert paths(files) == sorted(names)
    for name in names:
        assert files.open(RUN, name).read() == name.encode()
    long = "/".join(["x" * 127] * 8)
    files.put(OTHER, long, io.BytesIO(b"deep"))
    assert paths(files, OTHER) == [long]


class Overlay(RuleBasedStateMachine):
    """Two owners against two dictionaries."""

    names = st.sampled_from(["a", "b", "c"])
    some_path = st.lists(names, min_size=1, max_size=3).map("/".join)
    owner = st.sampled_from([RUN, OTHER])
    data = st.sampled_from([b"", b"1", b"22", b"333"])

    def __init__(self) -> None:
        super().__init__()
        self.database = connect("sqlite://")
        self.files = Artifacts(self.database)
        self.model: dict[str, dict[str, bytes]] = {RUN: {}, OTHER: {}}

    def teardown(self) -> None:
        self.database.close()

    def fits(self, owner: str, path: str) -> bool:
        taken = self.model[owner]
        return not any(p.startswith(f"{path}/") or path.startswith(f"{p}/") for p in taken)

    @rule(owner=owner, path=some_path, data=data)
    def put(self, owner: str, path: str, data: bytes) -> None:
        if self.fits(owner, path):
            self.files.put(owner, path, io.BytesIO(data))
            self.model[owner][path] = data
        else:
            with pytest.raises(Conflict):
                self.files.put(owner, path, io.BytesIO(data))

    @rule(owner=owner, path=st.one_of(st.just(""), some_path))
    def delete(self, owner: str, path: str) -> None:
        gone = below(self.model[owner], path)
        assert self.files.delete(owner, path) == len(gone)
        for name in gone:
            del self.model[owner][name]

    @rule(path=st.one_of(st.just(""), some_path), to=st.one_of(st.none(), st.just(""), some_path))
    def copy(self, path: str, to: str | None) -> None:
        base = path if to is None else to
        wanted = {
            f"{base}/{name[len(path) :].lstrip('/')}".strip("/"): data
            for name, data in below(self.model[RUN], path).items()
        }
        if "" in wanted:  # a file has no place at the root
            with pytest.raises(InvalidPath):
                self.files.copy(RUN, OTHER, path, to)
        elif all(self.fits(OTHER, name) for name in wanted):
            assert self.files.copy(RUN, OTHER, path, to) == len(wanted)
            self.model[OTHER] |= wanted
        else:
            with pytest.raises(Conflict):
                self.files.copy(RUN, OTHER, path, to)

    @invariant()
    def the_files_are_those(self) -> None:
        for owner, model in self.model.items():
            found = {e.path: self.files.open(owner, e.path).read() for e in self.files.walk(owner)}
            assert found == model

    @invariant()
    def sums_and_references_are_right(self) -> None:
        with self.database.read() as connection:
            rows = connection.execute(select(artifacts)).all()
        for row in rows:
            path = f"{row.folder}/{row.name}".strip("/")
            mine = below(self.model[row.owner], path)
            assert mine, "an empty folder was left"
            assert (row.files, row.size) == (len(mine), sum(map(len, mine.values())))
        assert refs(self.database) == {
            (owner, hashlib.sha256(data).hexdigest())
            for owner, model in self.model.items()
            for data in model.values()
        }


def below(model: dict[str, bytes], path: str) -> dict[str, bytes]:
    return {p: d for p, d in model.items() if not path or p == path or p.startswith(f"{path}/")}


TestOverlay = Overlay.TestCase
TestOverlay.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
