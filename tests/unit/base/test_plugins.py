"""Plugins are found by name: a file of ours, else an entry point of another package."""

import importlib
import sys
from types import ModuleType

import pytest

from modelyard.base import plugins
from modelyard.base.errors import MissingExtra, NotFound


@pytest.fixture(autouse=True)
def fresh():
    def forget():
        plugins.find.cache_clear()
        plugins._entry_points.cache_clear()
        importlib.invalidate_caches()

    forget()
    yield
    forget()


@pytest.fixture
def outsider(tmp_path, monkeypatch):
    """An installed package of somebody else, with entry points in our groups."""
    (tmp_path / "strange_yard.py").write_text("NAME = 'strange'\nVALUE = object()\n")
    info = tmp_path / "strange_yard-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: strange-yard\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[modelyard.formats]\nstrange = strange_yard\ncsv = strange_yard\n"
        "[modelyard.types]\nodd.type = strange_yard:VALUE\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("strange_yard", None)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of plugins of our own, whose files are written by the test."""
    package = tmp_path / "own_plugins"
    package.mkdir()
    (package / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(plugins.GROUPS, "flavors", "own_plugins")
    yield package
    for name in [n for n in sys.modules if n.split(".")[0] == "own_plugins"]:
        del sys.modules[name]


def test_ours_is_the_file_of_that_name():
    found = plugins.load("formats", "csv")
    assert isinstance(found, ModuleType)
    assert found.__name__ == "modelyard.objects.formats.csv"


def test_an_outsiders_entry_point_is_found(outsider):
    assert plugins.load("formats", "strange").NAME == "strange"
    assert plugins.load("types", "odd.type") is sys.modules["strange_yard"].VALUE


def test_an_outsider_cannot_take_a_name_of_ours(outsider):
    assert plugins.load("formats", "csv").__name__ == "modelyard.objects.formats.csv"


def test_names_lists_both_and_imports_neither(outsider):
    names = plugins.names("formats")
    assert {"csv", "strange"} <= set(names)
    assert names == sorted(set(names))
    assert "interface" not in names
    assert "strange_yard" not in sys.modules


def test_a_private_file_is_no_plugin(folder):
    (folder / "_shared.py").write_text("")
    (folder / "interface.py").write_text("")
    (folder / "real.py").write_text("")
    assert plugins.names("flavors") == ["real"]
    assert plugins.find("flavors", "_shared") is None
    assert plugins.find("flavors", "interface") is None


@pytest.mark.parametrize("name", ["", "..", "a.b", "a/b", "../errors", "__init__", "a b", "none"])
def test_what_is_no_plugin_is_none_and_imports_nothing(folder, name):
    assert plugins.find("flavors", name) is None


def test_an_unknown_name_lists_the_known_ones(folder):
    (folder / "sklearn.py").write_text("")
    with pytest.raises(NotFound) as raised:
        plugins.load("flavors", "skleran")
    assert str(raised.value) == ("no flavors plugin named 'skleran'\nHint: did you mean 'sklearn'?")
    with pytest.raises(NotFound) as raised:
        plugins.load("flavors", "xyz")
    assert str(raised.value) == "no flavors plugin named 'xyz'\nHint: known: sklearn"


def test_a_plugin_whose_library_is_absent_names_the_extra(folder):
    (folder / "torchlike.py").write_text("import a_library_that_is_not_there\n")
    with pytest.raises(MissingExtra) as raised:
        plugins.load("flavors", "torchlike")
    assert str(raised.value) == (
        "'torchlike' comes with the extra 'torchlike' (a_library_that_is_not_there is not "
        "installed)\nHint: pip install 'modelyard[torchlike]'"
    )


def test_a_mistake_inside_a_plugin_is_shown_as_it_is(folder):
    (folder / "broken.py").write_text("import modelyard.not_there\n")
    with pytest.raises(ModuleNotFoundError, match=r"modelyard\.not_there"):
        plugins.load("flavors", "broken")


def test_a_group_whose_folder_does_not_exist_yet_has_outsiders_only(monkeypatch):
    monkeypatch.setitem(plugins.GROUPS, "engines", "modelyard.no_such_folder")
    assert plugins.names("engines") == []
    assert plugins.find("engines", "local") is None
