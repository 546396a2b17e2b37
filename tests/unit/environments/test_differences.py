"""What is told when the running environment is not the one a model was saved in."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass, field
from importlib.metadata import version

import pytest

from modelyard.base.errors import InvalidInput
from modelyard.environments import Difference, check, describe, fix_line, python_version

HERE = version("numpy")
MINOR = ".".join(python_version().split(".")[:2])


@dataclass(frozen=True)
class Needs:
    python: str = ""
    packages: list[str] = field(default_factory=list)
    system: list[str] = field(default_factory=list)


def told(*packages: str, python: str = "") -> list[str]:
    return describe(check(Needs(python, list(packages))))


def test_an_environment_that_fits_has_no_differences() -> None:
    assert check(Needs()) == []
    assert told(f"numpy=={HERE}", "NumPy>=1", "numpy", python=python_version()) == []
    assert told(python=f"{MINOR}.99") == []


def test_each_kind_in_words() -> None:
    assert told("numpy==1.8.0") == [f"numpy: saved with 1.8.0, here {HERE}"]
    assert told("numpy<2") == [f"numpy: needs <2, here {HERE}"]
    assert told("no-such-thing==2.2.0") == ["no-such-thing: saved with 2.2.0, not installed here"]
    assert told("no-such-thing>=2,<3") == ["no-such-thing: needs >=2,<3, not installed here"]
    assert told("no-such-thing") == ["no-such-thing: needed, not installed here"]
    assert told(python="3.7.1") == [f"python: saved with 3.7.1, here {python_version()}"]


def test_missing_ones_come_first_then_python() -> None:
    found = check(Needs("3.7.1", ["numpy==1.0", "zzz-absent==1", "pandas==1.0", "aaa-absent==1"]))
    assert [d.package for d in found] == ["aaa-absent", "zzz-absent", "python", "numpy", "pandas"]
    assert [d.kind for d in found] == ["missing", "missing", "python", "version", "version"]
    assert found[0] == Difference("aaa-absent", "1", "", "missing")


def test_spellings_of_one_version_are_equal(project) -> None:
    project.install("torchlike", "2.3.0+cpu")
    assert told("torchlike==2.3.0", "torchlike==2.3", "torchlike>=2.3.0") == []
    assert told("torchlike==2.3.0+cu121") == ["torchlike: saved with 2.3.0+cu121, here 2.3.0+cpu"]


def test_lines_for_other_platforms_are_passed_over() -> None:
    assert told(f"no-such-thing==1; sys_platform != '{sys.platform}'") == []
    assert len(told(f"no-such-thing==1; sys_platform == '{sys.platform}'")) == 1


def test_a_card_with_a_line_that_cannot_be_meant_is_refused() -> None:
    with pytest.raises(InvalidInput, match="it is an option"):
        check(Needs(packages=["--index-url=http://evil"]))
    with pytest.raises(InvalidInput, match="'newest' is not a version"):
        check(Needs(python="newest"))


def test_the_line_that_mends_it() -> None:
    found = check(Needs("3.7.1", ["numpy==1.0", "zzz-absent>=1,<2", "aaa-absent"]))
    line = fix_line(found)
    assert line == (
        "pip install aaa-absent 'zzz-absent>=1,<2' numpy==1.0, in an environment with Python 3.7"
    )
    assert shlex.split(line.partition(", in ")[0])[2:] == [
        "aaa-absent",
        "zzz-absent>=1,<2",
        "numpy==1.0",
    ]
    assert fix_line([]) == ""
    assert fix_line(check(Needs("3.7.1"))) == "an environment with Python 3.7"
