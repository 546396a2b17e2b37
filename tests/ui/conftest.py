"""A hub as a process of its own, and a real browser that looks at it; whatever goes wrong in the browser fails the test."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx2
import pytest

from hub_cases import server
from hub_cases.server import Running

ROOT = Path(__file__).parents[2]
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]

Open = Callable[..., Any]


@pytest.fixture(scope="session")
def builder() -> ModuleType:
    """``ui/build.py``."""
    found = importlib.util.spec_from_file_location("modelyard_ui_build", ROOT / "ui" / "build.py")
    assert found is not None
    assert found.loader is not None
    module = sys.modules[found.name] = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def built(builder: ModuleType) -> Path:
    """Where the pages are. `make test` builds them."""
    assert builder.is_built(), "the pages are not built, or of other sources: make ui"
    return builder.STATIC


@pytest.fixture(scope="session")
def hub(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One hub for all tests: each makes experiments, runs and models of its own."""
    with server.hub("--uri", "yard.db", cwd=tmp_path_factory.mktemp("hub")) as running:
        yield running


@pytest.fixture(scope="session")
def rest(hub: Running) -> Iterator[httpx2.Client]:
    with server.client(hub) as opened:
        yield opened


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """Playwright runs an event loop in this thread until it is closed: no longer than one module's tests."""
    from playwright.sync_api import sync_playwright

    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if (path := shutil.which(name))), None)
    assert found is not None, "these tests need a browser: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def browse(chromium: Any, hub: Running) -> Iterator[Open]:
    """Open a page of the hub in a browser that knows nothing yet. At the end of the test, nothing may have been said on
    the console (but what ``expect`` words name), no dialog shown, and nobody else asked for anything."""
    wrong: list[str] = []
    expected: list[str] = []
    contexts: list[Any] = []

    def noted(kind: str, what: str) -> None:
        if not any(word in what for word in expected):
            wrong.append(f"{kind}: {what}")

    def opened(path: str, *, expect: str = "", url: str = hub.url, **options: Any) -> Any:
        expected.extend([expect] if expect else [])
        context = chromium.new_context(viewport={"width": 1280, "height": 800}, **options)
        contexts.append(context)
        context.set_default_timeout(20_000)
        page = context.new_page()
        page.on("console", lambda m: m.type in ("error", "warning") and noted(m.type, m.text))
        page.on("pageerror", lambda error: noted("error", str(error)))
        page.on("dialog", lambda dialog: (noted("dialog", dialog.message), dialog.dismiss()))
        page.on("request", lambda r: r.url.startswith((url, "blob:")) or noted("request", r.url))
        page.goto(url + path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []
