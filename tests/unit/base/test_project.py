"""Where a project begins."""

from pathlib import Path

import pytest

from modelyard.base.errors import InvalidSetting
from modelyard.base.project import cache_dir, config_dir, find_root, section


def below(root: Path) -> Path:
    inner = root / "src" / "deep"
    inner.mkdir(parents=True)
    return inner


@pytest.mark.parametrize("name", ["modelyard.toml", "yard.db", ".git"])
def test_a_marked_folder_is_the_root_of_all_below(tmp_path, name):
    (tmp_path / name).write_bytes(b"")
    assert find_root(below(tmp_path)) == tmp_path


def test_pyproject_is_a_mark_only_with_our_section(tmp_path):
    (tmp_path / ".git").mkdir()
    inner = below(tmp_path)
    (inner.parent / "pyproject.toml").write_text("[tool.other]\nx = 'modelyard'\n")
    assert find_root(inner) == tmp_path
    (inner.parent / "pyproject.toml").write_text("[tool.modelyard]\nuri = 'x'\n")
    assert find_root(inner) == inner.parent


def test_the_nearest_mark_wins(tmp_path):
    (tmp_path / "modelyard.toml").touch()
    inner = below(tmp_path)
    (inner / "yard.db").touch()
    assert find_root(inner) == inner


def test_without_a_mark_it_is_the_folder_itself(tmp_path, monkeypatch):
    inner = below(tmp_path)
    monkeypatch.chdir(inner)
    assert find_root() == inner == find_root(inner)


def test_a_broken_pyproject_of_somebody_else_is_not_our_matter(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool.other\n")
    assert section(tmp_path) is None


def test_a_broken_pyproject_that_speaks_of_us_is_named_with_its_line(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool.modelyard]\nuri = \n")
    with pytest.raises(InvalidSetting) as raised:
        find_root(tmp_path)
    assert str(tmp_path / "pyproject.toml") in str(raised.value)
    assert "line 2" in str(raised.value)


def test_the_users_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert config_dir({"MODELYARD_CONFIG_DIR": "/own"}) == Path("/own").absolute()
    assert config_dir({"XDG_CONFIG_HOME": "/xdg"}) == Path("/xdg/modelyard")
    assert config_dir({"XDG_CONFIG_HOME": "relative"}) == tmp_path / ".config" / "modelyard"
    assert config_dir({}) == tmp_path / ".config" / "modelyard"


def test_a_bare_repository_is_a_root_and_a_git_folder_is_not(tmp_path: Path) -> None:
    for name in ("models.git", "work/.git"):
        for part in ("objects", "refs/tags"):
            (tmp_path / name / part).mkdir(parents=True)
        (tmp_path / name / "HEAD").write_text("ref: refs/heads/main\n")
    assert find_root(tmp_path / "models.git" / "refs" / "tags") == tmp_path / "models.git"
    assert find_root(tmp_path / "work" / ".git" / "refs") == tmp_path / "work"


def test_who_has_no_home_has_a_configuration_that_nobody_can_plant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def none() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", none)
    assert config_dir({}) == Path("/nonexistent/.config/modelyard")
    assert cache_dir({}) == Path("/nonexistent/.cache/modelyard")
