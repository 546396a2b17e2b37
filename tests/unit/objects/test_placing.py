"""Replacing an object: old or new at every moment, whoever dies; nothing foreign is touched."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pytest

from modelyard.base.digests import FileEntry, sha256_bytes
from modelyard.base.errors import AlreadyExists, Corrupted, FileMissing, InvalidPath
from modelyard.objects.card import Card, FormatInfo
from modelyard.objects.card_file import card_path, card_text
from modelyard.objects.placing import ARTIFACT, CARD, placing
from modelyard.objects.saved import local_source, object_exists


def put(path: Path, content: dict[str, bytes] | bytes, word: str) -> None:
    """Place an object whose card is called ``word``: a file, or a folder of files."""
    files = {"": content} if isinstance(content, bytes) else content
    with placing(path) as work:
        entries = []
        for name, data in files.items():
            target = work / ARTIFACT / name if name else work / ARTIFACT
            target.parent.mkdir(exist_ok=True, parents=True)
            target.write_bytes(data)
            inner = f"{path.name}/{name}" if name else path.name
            entries.append(FileEntry(inner, len(data), sha256_bytes(data)))
        card = Card(format=FormatInfo("x", 0), description=word, artifact=tuple(entries))
        (work / CARD).write_text(card_text(card))


def read(path: Path) -> tuple[str, dict[str, bytes]]:
    """Description and verified content of what stands at a path."""
    source = local_source(path)
    return source.card.description, {n: source.files.read(n) for n in source.files.names()}


SHAPES = {
    "file": b"new",
    "folder": {"model.bin": b"new", "modules/f.py": b"x = 1"},
}
OLD_SHAPES = {"file": b"old", "folder": {"model.bin": b"old", "extra.bin": b"gone"}}


def die_at(step: int, path: Path, shape: str) -> None:
    """Replace the object, and die at the n-th rename."""
    count = 0
    real_rename, real_replace = os.rename, os.replace

    def counted(real):
        def call(*args, **named):
            nonlocal count
            count += 1
            if count == step:
                os._exit(9)
            return real(*args, **named)

        return call

    os.rename, os.replace = counted(real_rename), counted(real_replace)
    put(path, SHAPES[shape], "new")


@pytest.mark.parametrize("old", OLD_SHAPES)
@pytest.mark.parametrize("new", SHAPES)
def test_killed_at_any_rename_the_object_is_old_or_new(tmp_path: Path, old: str, new: str) -> None:
    context = multiprocessing.get_context("fork")
    outcomes = []
    for step in range(1, 30):
        path = tmp_path / str(step) / "churn"
        put(path, OLD_SHAPES[old], "old")
        child = context.Process(target=die_at, args=(step, path, new))
        child.start()
        child.join()
        word, files = read(path)
        expected = (OLD_SHAPES if word == "old" else SHAPES)[old if word == "old" else new]
        assert files == (expected if isinstance(expected, dict) else {"artifact": expected})
        assert not list(path.parent.glob(".*next*"))
        outcomes.append(word)
        if child.exitcode == 0:
            break
    assert child.exitcode == 0, "the child never came to its end"
    assert outcomes[0] == "old"
    assert outcomes[-1] == "new"


def test_a_failing_save_leaves_the_old_object(tmp_path: Path) -> None:
    path = tmp_path / "churn"
    put(path, b"old", "old")
    with pytest.raises(FileNotFoundError), placing(path) as work:
        (work / ARTIFACT).write_bytes((work / "nothing").read_bytes())
    assert read(path) == ("old", {"artifact": b"old"})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["churn", "churn.yard.yaml"]


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_is_not_ours_is_refused_and_untouched(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "notes"
    if kind == "file":
        path.write_text("mine")
    else:
        path.mkdir()
        (path / "mine.txt").write_text("mine")
    with pytest.raises(AlreadyExists, match="exists and is not an object of ours"):
        put(path, b"new", "new")
    assert (path if kind == "file" else path / "mine.txt").read_text() == "mine"


def test_parent_folders_are_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "churn"
    put(path, b"x", "new")
    assert object_exists(path)


def test_a_changed_missing_or_extra_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "churn"
    put(path, {"model.bin": b"good", "other.bin": b"good"}, "new")
    (path / "model.bin").write_bytes(b"gooD")
    with pytest.raises(Corrupted, match=r"the file 'churn/model.bin' is not what its card says"):
        read(path)
    (path / "model.bin").unlink()
    with pytest.raises(Corrupted, match=r"the file 'churn/model.bin' of its card is missing"):
        read(path)
    (path / "model.bin").write_bytes(b"good")
    (path / "evil.py").write_text("x")
    with pytest.raises(Corrupted, match=r"the file 'evil.py' is not on its card"):
        read(path)


def test_a_longer_file_is_not_read_as_good(tmp_path: Path) -> None:
    path = tmp_path / "churn"
    put(path, b"good", "new")
    path.write_bytes(b"good and more")
    with pytest.raises(Corrupted):
        read(path)


def test_a_link_in_the_place_of_a_file_is_not_followed(tmp_path: Path) -> None:
    path = tmp_path / "churn"
    put(path, b"good", "new")
    (tmp_path / "elsewhere").write_bytes(b"good")
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InvalidPath, match="runs through a link"):
        read(path)


def test_an_absent_object(tmp_path: Path) -> None:
    with pytest.raises(FileMissing, match="no object at"):
        local_source(tmp_path / "nothing")
    assert not card_path(tmp_path / "nothing").exists()
