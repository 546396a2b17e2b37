"""The documentation tells the truth: its blocks run, its links lead somewhere, its reference is the code's."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import pytest

import modelyard
from docs import generate
from docs.pages import Session, blocks
from modelyard.base import plugins
from modelyard.base.config import SETTINGS, USER_SETTINGS, VARIABLES
from modelyard.base.errors import TABLE
from modelyard.cli.catalog import ALIASES, GROUPS, SECTIONS
from modelyard.types import KIND_FILES

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
ALL_TEXT = "\n".join(page.read_text("utf-8") for page in PAGES)
LANGUAGES = {
    "python",
    "sh",
    "sh not-run",
    "python not-run",
    "console",
    "text",
    "yaml",
    "toml",
    "pycon",
}


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


RUNNING = [page for page in PAGES if {i for _, i, _ in blocks(page)} & {"python", "sh"}]


@pytest.mark.slow
@pytest.mark.parametrize("page", RUNNING, ids=name_of)
def test_a_page_runs_from_top_to_bottom(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "modelyard.toml").write_text("")
    monkeypatch.setenv("MODELYARD_CONFIG_DIR", str(tmp_path / "user"))
    with contextlib.closing(Session(page, tmp_path)) as session:
        session.run()


def test_the_pages_that_should_run_do() -> None:
    without = {
        "docs/README.md",
        "docs/cli.md",
        "docs/python.md",
        "docs/coming-from.md",
        "docs/flavors.md",
        "docs/mlflow-clients.md",  # shows programs of another tool
            "docs/networks.md",  # trains networks, with libraries that few have here
    }
    assert {name_of(page) for page in PAGES} - {name_of(page) for page in RUNNING} == without


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_blocks_say_what_they_are(page: Path) -> None:
    assert {info for _, info, _ in blocks(page)} <= LANGUAGES


def test_what_the_pages_say_a_line_gives_is_what_it_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    names = Session(ROOT / "docs/cards.md", tmp_path).run()
    assert names["card"].methods["predict"].args["city"].required is False
    assert modelyard.load("models/price")(40.0, rooms=3) == 41500.0
    row = names["X"].head(1) / 2.54
    assert modelyard.load("models/named").predict(row) == ["setosa"]
    names = Session(ROOT / "docs/safety.md", tmp_path).run()
    assert [modelyard.load_card(f"models/{m}").format.tier for m in ("ridge", "rule")] == [1, 2]  # type: ignore[union-attr]  # models have one
    names = Session(ROOT / "docs/data.md", tmp_path).run()
    assert modelyard.load("data/customers").equals(names["customers"])


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_inside_the_repository_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)]+)\)", page.read_text("utf-8")):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{name_of(page)} links to {link}"
        if anchor:
            assert anchor in anchors(target), f"{name_of(page)} links to {link}"


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    heads = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("name", generate.PAGES)
def test_reference_pages_are_up_to_date(name: str) -> None:
    written = (ROOT / "docs" / name).read_text("utf-8")
    assert written == generate.PAGES[name](), f"docs/{name} is out of date: python docs/generate.py"


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs/README.md").read_text("utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        assert page.name == "README.md" or f"]({page.name})" in index


WORDS = {
    "command": [n for entries in SECTIONS.values() for n in entries if n not in GROUPS],
    "command of a group": [f"{g} {name}" for g, entries in GROUPS.items() for name in entries],
    "word of other tools": list(ALIASES),
    "error": [row.code for row in TABLE.values()],
    "error class": [cls.__name__ for cls in TABLE],
    "setting": [*SETTINGS, *USER_SETTINGS],
    "variable": list(VARIABLES),
    "type": list(KIND_FILES),
    "route": ["/docs", "/openapi.json", "/interface.json", "/healthz", "/readyz", "/metrics", "/version"],
    **{f"plugin ({group})": plugins.names(group) for group in ("flavors", "formats", "builders", "servers", "protocols")},
}  # fmt: skip


@pytest.mark.parametrize("kind", WORDS)
def test_everything_that_has_a_name_is_documented(kind: str) -> None:
    pages = ALL_TEXT
    if kind.startswith("command"):
        pages = (ROOT / "docs/cli.md").read_text("utf-8")
        missing = [w for w in WORDS[kind] if f"### modelyard {w}\n" not in pages]
    else:
        missing = [w for w in WORDS[kind] if not re.search(rf"`[^`\n]*(?<![\w]){re.escape(w)}(?![\w])[^`\n]*`", pages)]  # fmt: skip
    assert WORDS[kind]
    assert missing == []


@pytest.mark.parametrize("name", [n for n in modelyard.__all__ if n not in ("__version__", "api")])
def test_public_names_are_documented_and_explained(name: str) -> None:
    assert f"### my.{name}\n" in (ROOT / "docs/python.md").read_text("utf-8")
    assert (getattr(modelyard, name).__doc__ or "").strip()


@pytest.mark.parametrize("name", plugins.names("builders"))
def test_help_names_the_options_of_a_builder(name: str) -> None:
    from modelyard.cli.commands.build import command

    for option in plugins.load("builders", name).OPTIONS:
        assert option in (command.help or "")
