"""The contract of an environment plugin, as tests: what `modelyard.environments.interface` promises.

A test module subclasses `EnvironmentContract` and gives the fixture ``environment``: the plugin.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from modelyard.base.errors import InvalidInput
from modelyard.environments.interface import Environment


@dataclass(frozen=True)
class Needs:
    """Requirements as a card holds them."""

    python: str = ""
    packages: tuple[str, ...] = ()
    system: tuple[str, ...] = ()


FULL = Needs(
    "3.11.7",
    ("Scikit_Learn==1.9.1", 'tzdata>=2024; sys_platform == "win32"', "numpy==2.4.6"),
    ("libgomp1", "libgl1"),
)

BAD = {
    "option": Needs(packages=("--index-url=http://evil",)),
    "file": Needs(packages=("-r /etc/passwd",)),
    "link": Needs(packages=("numpy @ file:///tmp/numpy.whl",)),
    "second line": Needs(packages=("numpy\n--index-url=http://evil",)),
    "python": Needs(python="3.11\n--index-url=http://evil"),
    "system": Needs(system=("libgomp1\n--index-url=http://evil",)),
}


class EnvironmentContract:
    """Derive from it, name the plugin, and all of these must pass."""

    @pytest.fixture
    def environment(self) -> Environment:
        raise NotImplementedError("give the plugin under test")

    def test_it_says_what_it_is(self, environment: Environment) -> None:
        assert environment.NAME
        assert environment.KIND

    def test_what_is_written_is_read(self, environment: Environment, tmp_path: Path) -> None:
        path = tmp_path / "deep" / "file"
        assert environment.write(FULL, path) == path
        assert sorted(environment.read(path)) == [
            "numpy==2.4.6",
            "scikit-learn==1.9.1",
            'tzdata>=2024; sys_platform == "win32"',
        ]

    def test_nothing_needed_is_a_file_too(self, environment: Environment, tmp_path: Path) -> None:
        assert environment.read(environment.write(Needs(), tmp_path / "file")) == ()

    def test_equal_requirements_give_equal_bytes(
        self, environment: Environment, tmp_path: Path
    ) -> None:
        turned = Needs(FULL.python, FULL.packages[::-1], FULL.system[::-1])
        first = environment.write(FULL, tmp_path / "1").read_bytes()
        assert environment.write(turned, tmp_path / "2").read_bytes() == first
        assert b"\r" not in first

    @pytest.mark.parametrize("needs", BAD.values(), ids=BAD)
    def test_a_card_cannot_smuggle_lines_in(
        self, environment: Environment, tmp_path: Path, needs: Needs
    ) -> None:
        path = tmp_path / "file"
        path.write_text("as before")
        with pytest.raises(InvalidInput):
            environment.write(needs, path)
        assert path.read_text() == "as before"
        assert list(tmp_path.iterdir()) == [path]
