"""What is in the repository holds for everybody: no path of one machine, no address of one package index, nothing big."""

from __future__ import annotations

import re
import subprocess
from functools import lru_cache
from pathlib import Path

import pytest

from arch.source import ROOT, none_of

KILOBYTES = 600

# Written so that this file does not contain what it looks for. Ana is the user of our examples, at home nowhere.
OF_ONE_MACHINE = re.compile(
    r"(?<![\w.:/-])/(?:home|Users|work)/(?!ana/)[A-Za-z][\w.-]*"
    r"|[A-Z]:\\Users\\\w"
    r"|files[.]pythonhosted[.]|registry[.]npmjs[.]|(?:deb|security)[.]debian[.]org|pypi[.]org/simple"
)


@lru_cache(maxsize=1)
def tracked() -> tuple[Path, ...]:
    """Files that Git knows, and new ones it would not ignore; in an unpacked archive, there is no Git to ask."""
    if not (ROOT / ".git").exists():
        return tuple(path for path in ROOT.rglob("*") if path.is_file())
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    names = listed.stdout.decode().rstrip("\0").split("\0")
    return tuple(ROOT / name for name in names if (ROOT / name).is_file())


@pytest.mark.parametrize(
    "line",
    ["open('/home/bob/data.csv')", "/" + "work/x", "index-url = https://pypi.org" + "/simple"],
)
def test_the_rule_knows_a_machine_when_it_sees_one(line: str) -> None:
    assert OF_ONE_MACHINE.search(line)


@pytest.mark.parametrize(
    "line",
    [
        "/opt/ml/model",
        "https://a.example/home/x",
        "./" + "work/x",
        "/" + "root/folder",
        "/home/ana/churn",
    ],
)
def test_the_rule_lets_ordinary_paths_pass(line: str) -> None:
    assert not OF_ONE_MACHINE.search(line)


def test_no_file_holds_what_only_one_machine_has() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}"
        for path in tracked()
        if path != Path(__file__)
        for number, line in enumerate(path.read_bytes().decode("utf-8", "replace").splitlines(), 1)
        if OF_ONE_MACHINE.search(line)
    ]
    none_of("holds only on one machine", found)


def test_no_file_is_large() -> None:
    """A repository is cloned whole, for ever: data is made by tests and examples, or fetched by them."""
    large = [
        f"{path.relative_to(ROOT)}: {path.stat().st_size // 1024} kB"
        for path in tracked()
        if path.stat().st_size > KILOBYTES * 1024
    ]
    none_of(f"over {KILOBYTES} kB", large)
