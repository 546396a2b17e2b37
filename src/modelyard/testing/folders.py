"""The contract of a folder, as tests: what `modelyard.stores.folders.interface` promises, wherever the folder is.

A test module subclasses `FolderContract` and gives the fixture ``folder``: one that holds `FILES` (and `LINKS`, where
links can be), opened anew for each test. Nothing is written, so that what is behind it may be made once for all tests.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

import pytest

from modelyard.base import refs
from modelyard.base.errors import FileMissing, InvalidPath, NotSupported
from modelyard.stores.folders.interface import Entry, Folder


def content(size: int, seed: int = 0) -> bytes:
    """Bytes that do not repeat, the same for every run."""
    return hashlib.shake_256(seed.to_bytes(4, "big")).digest(size)


FILES: Mapping[str, bytes] = {
    "churn": content(3_000_017, 1),
    "churn.yard.yaml": b"modelyard: 1\n",
    "empty": b"",
    "models/deep/er/iris": content(70_000, 2),
    "models/deep.txt": b"beside the folder\n",
    "models/iris.yard.yaml": b"modelyard: 1\nname: iris\n",
    "names/100 sure.txt": b"blank",
    "names/a+b&c=d~e,f@g.txt": b"marks",
    "names/café ü.txt": b"accents",
}
"""Paths and contents."""

LINKS: Mapping[str, str] = {
    "link": "churn.yard.yaml",
    "linked": "models",
    "models/out": "../../secret",
}
"""Symbolic links and what they point to; one leaves the folder."""

NOT_PLAIN = ["../churn", "/churn", "models//deep.txt", "models/../churn", "./churn", "models/", "a\0b", "a\\b"]  # fmt: skip


class FolderContract:
    """Every folder passes these."""

    can_list = True
    """Whether it is known what is in a folder; behind a plain URL it is not."""
    has_links = False
    """Whether the place can hold links, so that `LINKS` are there."""

    @pytest.fixture
    def folder(self) -> Folder:
        """Over `FILES`; a subclass gives it."""
        raise NotImplementedError

    def test_every_file_comes_as_it_is(self, folder: Folder) -> None:
        for path, data in FILES.items():
            with folder.open(path) as stream:
                assert stream.read() == data, path
                assert stream.read() == b""

    def test_a_file_can_be_read_in_pieces_and_again(self, folder: Folder) -> None:
        for _ in range(2):
            with folder.open("churn") as stream:
                parts = list(iter(lambda: stream.read(1_000_000), b""))
            assert b"".join(parts) == FILES["churn"]

    def test_files_are_fetched_together_and_read_then(self, folder: Folder) -> None:
        folder.fetch([])
        folder.fetch([*FILES, "models/absent", "absent/too"])
        folder.fetch(list(FILES))
        for path, data in FILES.items():
            with folder.open(path) as stream:
                assert stream.read() == data
        with pytest.raises(FileMissing):
            folder.open("models/absent")

    def test_several_streams_are_open_at_once(self, folder: Folder) -> None:
        with (
            folder.open("churn") as one,
            folder.open("churn") as two,
            folder.open("empty") as three,
        ):
            assert one.read(10) == two.read(10) == FILES["churn"][:10]
            assert three.read() == b""
            assert one.read() == FILES["churn"][10:]

    def test_an_entry_tells_what_stands_there(self, folder: Folder) -> None:
        folder.fetch(list(FILES))
        for path, data in FILES.items():
            assert folder.entry(path) == Entry(path, len(data))
        for path in ("absent", "models/absent", "churn/below", "mod", "Churn"):
            assert folder.entry(path) is None, path

    def test_an_entry_of_a_folder_has_no_size(self, folder: Folder) -> None:
        self._skip_unless_listed()
        for path in ("", "models", "models/deep", "models/deep/er"):
            entry = folder.entry(path)
            assert entry == Entry(path, None)
            assert entry is not None
            assert entry.is_folder

    def test_a_size_is_right_or_not_known(self, folder: Folder) -> None:
        for path, data in FILES.items():
            entry = folder.entry(path)
            assert entry is not None
            assert entry.size in (len(data), -1)
            assert not entry.is_folder

    def test_a_list_has_what_is_directly_there(self, folder: Folder) -> None:
        self._skip_unless_listed()
        folder.fetch(list(FILES))
        for place in ("", "models", "models/deep", "models/deep/er", "names"):
            assert list(folder.list(place)) == _expected(place)
            assert [e.name for e in folder.list(place)] == [e.path.rpartition("/")[2] for e in _expected(place)]  # fmt: skip

    def test_a_list_of_nothing_is_an_error(self, folder: Folder) -> None:
        self._skip_unless_listed()
        for path in ("absent", "churn", "models/absent/deep"):
            with pytest.raises(FileMissing, match=path):
                folder.list(path)

    def test_where_a_list_cannot_be_that_is_said(self, folder: Folder) -> None:
        if self.can_list:
            assert folder.list()
            return
        with pytest.raises(NotSupported):
            folder.list()

    def test_what_is_missing_is_named(self, folder: Folder) -> None:
        for path in ("absent", "models/absent", "churn/below", "absent/deep/er"):
            with pytest.raises(FileMissing, match=path):
                folder.open(path)

    def test_a_folder_is_no_file(self, folder: Folder) -> None:
        for path in ("models", "models/deep"):
            with pytest.raises((FileMissing, InvalidPath)):
                folder.open(path)

    @pytest.mark.parametrize("path", NOT_PLAIN, ids=repr)
    def test_a_path_that_leaves_or_is_not_plain_is_refused(self, folder: Folder, path: str) -> None:
        with pytest.raises(InvalidPath):
            folder.open(path)
        with pytest.raises(InvalidPath):
            folder.entry(path)
        with pytest.raises(InvalidPath):
            folder.ref(path)
        with pytest.raises((InvalidPath, NotSupported)):
            folder.list(path)
        with pytest.raises(InvalidPath):
            folder.fetch([path])

    def test_links_are_not_followed(self, folder: Folder) -> None:
        if not self.has_links:
            assert not any(folder.entry(path) for path in LINKS)
            return
        for path in ("link", "linked/deep.txt", "linked", "models/out"):
            with pytest.raises(InvalidPath, match="link"):
                folder.open(path)
            with pytest.raises(InvalidPath, match="link"):
                folder.entry(path)
        with pytest.raises(InvalidPath, match="link"):
            folder.list("linked")
        listed = {entry.path for place in ("", "models") for entry in folder.list(place)}
        assert listed.isdisjoint(LINKS)

    def test_the_place_says_what_it_is(self, folder: Folder) -> None:
        assert folder.label
        assert json.loads(json.dumps(dict(folder.provenance))) == dict(folder.provenance)

    def test_a_reference_names_the_same_again(self, folder: Folder) -> None:
        paths = ["churn", "models/deep/er/iris", "names/100 sure.txt", "names/café ü.txt"]
        found = [folder.ref(path) for path in paths]
        assert len(set(found)) == len(paths)
        assert [str(refs.parse(ref)) for ref in found] == found

    def test_it_can_be_read_from_many_threads(self, folder: Folder) -> None:
        from concurrent.futures import ThreadPoolExecutor

        def read(path: str) -> bytes:
            with folder.open(path) as stream:
                return stream.read()

        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(read, [*FILES] * 2)) == [*FILES.values()] * 2

    def _skip_unless_listed(self) -> None:
        if not self.can_list:
            pytest.skip("what is in a folder cannot be known there, which another test checks")


def _expected(place: str) -> list[Entry]:
    start = f"{place}/" if place else ""
    found: dict[str, int | None] = {}
    for path, data in FILES.items():
        if path.startswith(start):
            first, slash, _ = path.removeprefix(start).partition("/")
            found[start + first] = None if slash else len(data)
    return [Entry(path, found[path]) for path in sorted(found)]
