"""Requirements as a file for another tool."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from modelyard.base import plugins
from modelyard.base.errors import NotFound
from modelyard.environments import pip, write


@dataclass(frozen=True)
class Needs:
    python: str = "3.11.7"
    packages: tuple[str, ...] = ("pandas==3.1.1", "NumPy==2.4.6")
    system: tuple[str, ...] = ("libgomp1",)


def test_a_requirements_file_in_full(tmp_path: Path) -> None:
    path = write(Needs(), tmp_path / "requirements.txt", kind="requirements")
    assert path.read_text() == (
        "# Python 3.11.7\n# system packages: libgomp1\nnumpy==2.4.6\npandas==3.1.1\n"
    )


def test_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no requirements file of kind 'poetry'"):
        write(Needs(), tmp_path / "x", kind="poetry")
    assert list(tmp_path.iterdir()) == []


def test_the_plugin_is_found_by_its_name() -> None:
    assert plugins.load("environments", "pip") is pip
