"""Copies and links of saved objects."""

from __future__ import annotations

from pathlib import Path

import pytest

import modelyard as my
from cli.program import run
from modelyard.base.errors import AlreadyExists, InvalidReference, ModelyardError, NotFound
from modelyard.objects.linking import MOST, write_link


def double(x: float) -> float:
    return 2 * x


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "modelyard.toml").touch()
    my.save(double, "models/double", sample_data=1.5, description="twice")
    my.save([1, 2], "data/numbers")
    return tmp_path


def test_a_copy_is_the_same_object(here: Path) -> None:
    card = my.clone("models/double", "backup/double")
    assert card.digest == my.load_card("models/double").digest
    assert my.load("backup/double")(2) == 4  # its digest is trusted already
    assert my.load_card("backup/double").description == "twice"
    with my.Yard() as yard:
        yard.models.add("models/double", "double")
    my.clone("double@1", "copy")
    assert my.load("copy")(3) == 6


def test_a_link_is_what_it_leads_to(here: Path) -> None:
    card = my.link("models/double", "latest")
    assert (card.kind, card.options) == ("link", {"ref": "./models/double"})
    assert my.load("latest")(2) == my.apply("latest", 2) == 4
    my.link("data/numbers", "deep/er/numbers")
    assert my.load("deep/er/numbers") == [1, 2]
    assert my.load_card("deep/er/numbers").kind == "data"


def test_both_can_be_moved_together(here: Path) -> None:
    my.link("data/numbers", "data/latest")
    (here / "data").rename(here / "moved")
    assert my.load("moved/latest") == [1, 2]


def test_an_absolute_link_stays_where_it_was(here: Path) -> None:
    assert my.link("data/numbers", "a/latest", absolute=True).options == {
        "ref": (here / "data/numbers").resolve().as_posix()
    }
    (here / "a").rename(here / "b")
    assert my.load("b/latest") == [1, 2]


def test_a_link_to_a_name_follows_it(here: Path) -> None:
    with my.Yard() as yard:
        yard.models.add("models/double", "double")
        my.promote("double", "prod")
        my.link("double#prod", "current")
        assert my.load("current")(2) == 4
        yard.models.add(lambda x: 3 * x, "double", sample_data=1.0)
        my.promote("double", "prod")
        assert my.load("current")(2) == 6


def test_links_lead_to_links_but_not_for_ever(here: Path) -> None:
    my.link("data/numbers", "one")
    my.link("one", "two")
    assert my.load("two") == [1, 2]
    write_link("./b", here / "a")
    write_link("./a", here / "b")
    with pytest.raises(InvalidReference, match="leads back to"):
        my.load_card("a")
    for n in range(MOST + 2):
        write_link(f"./l{n + 1}", here / f"l{n}")
    with pytest.raises(InvalidReference, match=f"over {MOST} links"):
        my.load_card("l0")


def test_a_link_replaces_a_link_and_nothing_else(here: Path) -> None:
    my.link("models/double", "latest")
    my.link("data/numbers", "latest")
    assert my.load("latest") == [1, 2]
    for path in ("data/numbers", "modelyard.toml"):
        with pytest.raises(AlreadyExists):
            my.link("models/double", path)
    assert my.load("data/numbers") == [1, 2]


def test_there_is_no_link_to_nothing(here: Path) -> None:
    with pytest.raises(NotFound):
        my.link("models/nothing", "latest")
    my.link("data/numbers", "latest")
    (here / "data/numbers.yard.yaml").unlink()
    with pytest.raises(ModelyardError, match="numbers"):
        my.load("latest")


def test_the_commands(here: Path) -> None:
    assert run("clone", "models/double", "copy", cwd=here).out == "copy\n"
    assert run("link", "models/double", "latest", "--json", cwd=here).data == {
        "path": "latest",
        "ref": "./models/double",
    }
    done = run("apply", "latest", "-", cwd=here, stdin=b"4")
    assert done.out.strip() in ("8", "8.0"), done.err
    assert run("link", "nothing", "x", cwd=here).code == 3
