"""Objects in folders of every kind: here, at a commit, in a bucket."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import modelyard as my
from modelyard.base.errors import Corrupted, FileMissing, InvalidReference, NotSupported
from modelyard.objects.load import load_object
from modelyard.objects.opening import Place, exists_at, source_at
from modelyard.stores.folders.git import git_folder
from modelyard.stores.folders.interface import Folder
from modelyard.stores.folders.local import LocalFolder

KINDS = ["local", "git", "memory"]


def double(x: float) -> float:
    return 2 * x


def half(x: float) -> float:
    return x / 2


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """Objects, links and files of others below a folder."""
    root = tmp_path / "written"
    my.save({"answer": 42}, root / "deep/answer", description="of all")
    my.save(double, root / "pair", preprocess=half, sample_data=1.0)
    my.link(root / "deep/answer", root / "deep/latest")
    my.link(root / "deep/latest", root / "current")
    (root / "table.csv").write_text("a,b\n1,2\n")
    return root


def folder_of(kind: str, root: Path) -> Folder:
    if kind == "local":
        return LocalFolder(root)
    if kind == "git":
        git = ["git", "-C", str(root), "-c", "user.name=ana", "-c", "user.email=ana@example.com"]
        subprocess.run([*git, "init", "-q", "-b", "main"], check=True)
        subprocess.run([*git, "add", "-A"], check=True)
        subprocess.run([*git, "commit", "-q", "-m", "one"], check=True)
        return git_folder(root, "main")
    import fsspec

    from modelyard.base.refs import RemoteRef, parse
    from modelyard.stores.folders.remote import open_remote

    bucket = f"memory://bucket{abs(hash(str(root)))}"
    fsspec.filesystem("memory").put(str(root), f"{bucket}/x", recursive=True)
    ref = parse(f"{bucket}/x/any")
    assert isinstance(ref, RemoteRef)
    return open_remote(ref)[0]


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, written: Path) -> Place:
    return Place(folder_of(request.param, written))


def opened(place: Place, path: str) -> object:
    return load_object(source_at(place.at(path)))


def test_an_object_and_what_leads_to_it(place: Place) -> None:
    assert opened(place, "deep/answer") == {"answer": 42}
    assert opened(place, "deep/answer.yard.yaml") == {"answer": 42}
    assert opened(place, "current") == {"answer": 42}
    source = source_at(place.at("current"))
    assert (source.name, source.card.description) == ("current", "of all")
    assert source.provenance == place.folder.provenance
    several = source_at(place.at("pair"))
    assert len(several.files.names()) == 3
    several.files.verify()


def test_what_another_tool_wrote(place: Place) -> None:
    source = source_at(place.at("table.csv"))
    assert source.card.kind == "data"
    assert load_object(source).to_dict("records") == [{"a": 1, "b": 2}]
    assert source.card.path == ""  # it is not here


def test_nothing_there_is_told_with_what_there_is(place: Place) -> None:
    assert not exists_at(place.at("deep/nothing"))
    with pytest.raises(FileMissing, match=r"no object at .*deep/answr") as missing:
        source_at(place.at("deep/answr"))
    assert missing.value.hint == "did you mean 'answer'?"
    with pytest.raises(FileMissing, match="is a folder of objects") as folder:
        source_at(place.at("deep"))
    assert folder.value.hint == "it has: answer, latest"


@pytest.mark.parametrize("path", ["../written/pair", "/etc/passwd", "deep/../../x", "~/x"])
def test_a_path_stays_in_its_folder(path: str, written: Path) -> None:
    with pytest.raises(InvalidReference, match="leads out of"):
        Place(LocalFolder(written)).at(path)
    assert Place(LocalFolder(written), "deep").at("../pair").path == "pair"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ref", ["/etc/passwd", "../../x", "git+file:///etc#x", "s3://other/x"])
def test_a_link_leads_nowhere_else(kind: str, ref: str, written: Path) -> None:
    card = (written / "current.yard.yaml").read_text()
    (written / "current.yard.yaml").write_text(card.replace("./deep/latest", ref))
    with pytest.raises((InvalidReference, NotSupported), match="leads"):
        source_at(Place(folder_of(kind, written)).at("current"))


@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_named(kind: str, written: Path) -> None:
    my.save({"answer": f"in {kind}"}, written / "deep/answer")  # not in any cache yet
    artifact = written / "deep/answer"
    artifact.write_bytes(artifact.read_bytes().replace(b"in", b"IN"))
    with pytest.raises(Corrupted, match="answer"):
        opened(Place(folder_of(kind, written)), "deep/answer")
    artifact.unlink()
    with pytest.raises(Corrupted, match="is missing"):
        opened(Place(LocalFolder(written)), "deep/answer")


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_the_card_does_not_name_is_refused(kind: str, written: Path) -> None:
    (written / "pair" / "more").write_text("x")
    with pytest.raises(Corrupted, match="'pair/more' is not on its card"):
        source_at(Place(folder_of(kind, written)).at("pair"))
