"""References that mean the same tomorrow."""

from __future__ import annotations

from pathlib import Path

import pytest

import git_servers
import modelyard as my
from modelyard.base.errors import NotFound
from modelyard.yard.pinning import pinned


def double(x: float) -> float:
    return 2 * x


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "modelyard.toml").touch()
    my.save(double, "models/double", sample_data=1.5)
    with my.Yard() as yard:
        yard.models.add("models/double", "double")
        yard.models.promote("double", "prod")
        yard.models.set_alias("double", "best", 1)
    return tmp_path


def git(*words: str) -> str:
    return git_servers.run(Path(), *words)


@pytest.mark.parametrize("ref", ["double", "double#prod", "double@best", "double@latest", "double@1"])  # fmt: skip
def test_what_moves_in_a_yard_becomes_a_version(ref: str, here: Path) -> None:
    assert pinned(ref) == "double@1"


def test_a_path_stays_a_path(here: Path) -> None:
    assert pinned("models/double") == "models/double"
    assert pinned(Path("models/double")) == Path("models/double")


def test_a_branch_becomes_its_commit(here: Path) -> None:
    git("init", "-q", "-b", "main")
    git("add", "models")
    git("commit", "-q", "-m", "one")
    commit = git("rev-parse", "HEAD")
    url = f"git+file://{here.as_posix()}"
    whole = f"{url}@{commit}#models/double"
    assert pinned(f"{url}@main#models/double") == whole
    assert pinned("models/double", project=url) == whole
    assert pinned("models/double", rev="main") == whole
    git("commit", "-q", "--allow-empty", "-m", "two")
    assert my.load_card(whole).digest == my.load_card("models/double").digest


def test_what_is_not_there_is_told_at_once(here: Path) -> None:
    with pytest.raises(NotFound, match="duble"):
        pinned("duble#prod")
