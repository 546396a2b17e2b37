"""The documentation tells the truth: its blocks run, its links lead somewhere, its reference is the code's."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import modelyard
from modelyard.base import plugins
from modelyard.base.config import SETTINGS, USER_SETTINGS
from modelyard.base.errors import TABLE
from modelyard.cli.catalog import GROUPS, SECTIONS
from modelyard.types import KIND_FILES

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
ALL_TEXT = "\n".join(page.read_text("utf-8") for page in PAGES)
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(page: str, language: str) -> list[str]:
    """The code blocks of a page in one language."""
    found = BLOCK.findall((ROOT / page).read_text("utf-8"))
    return [text for word, text in found if word == language]


@contextlib.contextmanager
def serving(path: str) -> Iterator[str]:
    """``modelyard serve`` in the current folder; gives its address."""
    command = [sys.executable, "-m", "modelyard", "serve", path, "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            yield next(
                line.split()[1].removesuffix("/docs")
                for line in process.stderr
                if line.startswith("  docs")
            )
        finally:
            process.terminate()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_readme_runs_from_top_to_bottom(folder: Path) -> None:
    names: dict[str, Any] = {}
    first, client, yard = blocks("README.md", "python")
    exec(compile(first, "README.md", "exec"), names)
    names["X"].head(3).to_csv("new.csv", index=False)
    shell = next(b for b in blocks("README.md", "sh") if "modelyard show" in b)
    for line in shell.splitlines():
        if not line.startswith("modelyard serve"):
            run(line)
    with serving("models/iris") as url:
        exec(compile(client.replace("http://127.0.0.1:8080", url), "README.md", "exec"), names)
        assert (
            names["client"].predict(names["X"]).tolist()
            == names["model"].predict(names["X"]).tolist()
        )
        names["client"].close()
    exec(compile(yard, "README.md", "exec"), names)
    assert (folder / "yard.db").exists()


def run(line: str) -> None:
    """A line of a shell block."""
    words = shlex.split(line, comments=True)
    done = subprocess.run([sys.executable, "-m", *words], capture_output=True, text=True)
    assert done.returncode == 0, f"{line}\n{done.stderr}"


@pytest.mark.parametrize("page", ["docs/cards.md", "docs/yard.md"])
def test_python_blocks_run(page: str, folder: Path) -> None:
    names: dict[str, Any] = {}
    found = blocks(page, "python")
    assert found
    for block in found:
        exec(compile(block, page, "exec"), names)


def test_the_blocks_of_the_serving_page_run(folder: Path) -> None:
    import pandas as pd

    def churn(ages: pd.DataFrame) -> list[bool]:
        return [age > 30 for age in ages["age"]]

    frame = pd.DataFrame({"age": [20, 40]})
    modelyard.save(churn, "models/churn", sample_data=frame)
    names: dict[str, Any] = {"my": modelyard, "frame": frame}
    with serving("models/churn") as url:
        for block in blocks("docs/serving.md", "python"):
            exec(compile(block.replace("http://127.0.0.1:8080", url), "serving.md", "exec"), names)
        assert names["client"].predict(frame) == [False, True]
        names["client"].close()


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_inside_the_repository_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page.read_text("utf-8")):
        if "://" not in target:
            assert (page.parent / target).resolve().exists(), f"{page.name} links to {target}"


def test_the_reference_pages_are_up_to_date() -> None:
    # In a process of its own: what other tests did to the commands must not show.
    code = "import generate, json; print(json.dumps({n: make() for n, make in generate.PAGES.items()}))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "docs", capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    for name, text in json.loads(done.stdout).items():
        written = (ROOT / "docs" / name).read_text("utf-8")
        assert written == text, f"docs/{name} is out of date: python docs/generate.py"


COMMANDS = [name for entries in SECTIONS.values() for name in entries]


@pytest.mark.parametrize(
    "word",
    [
        *COMMANDS,
        *(f"{group} {name}" for group, entries in GROUPS.items() for name in entries),
        *(row.code for row in TABLE.values()),
        *SETTINGS,
        *USER_SETTINGS,
        *(n for n in plugins.names("formats")),
        *(n for n in plugins.names("flavors")),
        *(n for n in plugins.names("builders")),
        *(n for n in plugins.names("servers")),
        *KIND_FILES,
    ],
)
def test_everything_that_has_a_name_is_documented(word: str) -> None:
    assert re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", ALL_TEXT), f"{word!r} is on no page"


@pytest.mark.parametrize("name", [n for n in modelyard.__all__ if n not in ("__version__", "api")])
def test_public_names_are_documented_and_explained(name: str) -> None:
    assert re.search(rf"\b{name}\b", ALL_TEXT), f"my.{name} is on no page"
    assert (getattr(modelyard, name).__doc__ or "").strip()
