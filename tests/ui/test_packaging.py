"""The pages are in the wheel and in the source archive, small, and from nowhere else."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import httpx2
import pytest

from hub_cases.server import until

ROOT = Path(__file__).parents[2]
MOST_BYTES = 250_000
"""As the budgets have it: all that a browser loads, packed."""
SOURCES = ("src", "ui", "hatch_build.py", "pyproject.toml", "README.md", "LICENSE")
NOT_SOURCES = ("node_modules", "dist", "static", "__pycache__", "openapi.json", "schema.d.ts")


def test_all_that_a_browser_loads_is_small(built: Path) -> None:
    loaded = [p for p in built.rglob("*") if p.suffix in (".html", ".js", ".css", ".svg")]
    assert {p.suffix for p in loaded} == {".html", ".js", ".css", ".svg"}
    packed = {p: p.with_name(p.name + ".gz").read_bytes() for p in loaded}
    assert all(gzip.decompress(data) == path.read_bytes() for path, data in packed.items())
    assert sum(map(len, packed.values())) <= MOST_BYTES


def test_the_page_has_nothing_that_its_policy_refuses(built: Path) -> None:
    page = (built / "index.html").read_text()
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\bon\w+=|\bstyle=|javascript:", page) == []
    named = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert len(named) == 3
    assert all((built / path.removeprefix("/")).is_file() for path in named)


def test_the_lock_names_no_registry_and_every_digest() -> None:
    locked = json.loads((ROOT / "ui" / "package-lock.json").read_text())["packages"]
    packages = {name: found for name, found in locked.items() if name}
    assert packages
    assert [name for name, found in packages.items() if "resolved" in found] == []
    assert [name for name, found in packages.items() if not found.get("integrity")] == []
    assert [name for name, found in packages.items() if found.get("hasInstallScript")] in (
        [],
        ["node_modules/fsevents"],  # macOS only, and no script is run
    )


def test_what_is_built_is_what_stands_here(builder: ModuleType, tmp_path: Path) -> None:
    copy(tmp_path)
    script = tmp_path / "ui" / "build.py"
    ask = f"import sys; sys.path.insert(0, {str(script.parent)!r}); import build; print(build.digest())"

    def digest() -> str:
        ran = subprocess.run(
            [sys.executable, "-c", ask], capture_output=True, text=True, check=True
        )
        return ran.stdout.strip()

    assert digest() == builder.digest()
    (tmp_path / "ui" / "notes.swp").write_text("not a source")
    assert digest() == builder.digest()
    main = tmp_path / "ui" / "src" / "main.tsx"
    main.write_text(main.read_text() + "// changed")
    assert digest() != builder.digest()


def copy(to: Path) -> None:
    """What a checkout has: nothing built, nothing installed."""
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, to / name, ignore=shutil.ignore_patterns(*NOT_SOURCES))
        else:
            shutil.copy(ROOT / name, to / name)


def uv(*words: object, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["uv", *map(str, words)],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def pages_in(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert not [name for name in names if "node_modules" in name or name.startswith("ui/")]
    start = "modelyard/hub/static/"
    return sorted(name.removeprefix(start) for name in names if name.startswith(start))


@pytest.fixture
def poor(tmp_path: Path) -> Iterator[dict[str, str]]:
    """An environment whose Node is of no use and tells when it is called for more than its version."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("node", "npm"):
        if os.name == "nt":
            script = folder / f"{name}.bat"
            script.write_text(
                f'@if "%1"=="--version" (echo v16.0.0) else (type nul >"{folder}\\called")\n'
            )
        else:
            script = folder / name
            script.write_text(
                f'#!/bin/sh\n[ "$1" = --version ] && echo v16.0.0 || touch "{folder}/called"\n'
            )
        script.chmod(0o755)
    yield {"PATH": os.pathsep.join([str(folder), os.environ["PATH"]])}
    assert not (folder / "called").exists()


@pytest.mark.slow
def test_a_checkout_gives_an_archive_and_a_wheel_whose_hub_shows_the_pages(
    tmp_path: Path, poor: dict[str, str]
) -> None:
    """From nothing built: the archive first, then the wheel from it; the archive alone gives the same without Node."""
    checkout, dist = tmp_path / "checkout", tmp_path / "dist"
    checkout.mkdir()
    copy(checkout)
    ran = uv("build", "--quiet", "--out-dir", dist, cwd=checkout)
    assert ran.returncode == 0, ran.stderr
    wheel = next(dist.glob("*.whl"))
    hashed = sorted(re.sub(r"-[\w-]{8}\.", "-HASH.", name) for name in pages_in(wheel))
    assert hashed == [
        *("assets/icon-HASH.svg", "assets/icon-HASH.svg.gz", "assets/index-HASH.css"),
        *("assets/index-HASH.css.gz", "assets/index-HASH.js", "assets/index-HASH.js.gz"),
        *("built-from", "index.html", "index.html.gz", "licenses.md"),
    ]

    with tarfile.open(next(dist.glob("*.tar.gz"))) as archive:
        archive.extractall(tmp_path / "source", filter="data")
    source = next((tmp_path / "source").iterdir())
    assert (source / "ui" / "src" / "main.tsx").is_file()
    ran = uv("build", "--quiet", "--wheel", "--out-dir", tmp_path / "again", cwd=source, **poor)
    assert ran.returncode == 0, ran.stderr
    assert pages_in(next((tmp_path / "again").glob("*.whl"))) == pages_in(wheel)

    python = environment_with(wheel, tmp_path / "env")
    with hub_of(python, tmp_path) as url:
        page = httpx2.get(url)
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        for asset in re.findall(r'(?:src|href)="([^"]*)"', page.text):
            answer = httpx2.get(url + asset)
            assert answer.status_code == 200
            assert answer.headers["content-encoding"] == "gzip"
            assert "immutable" in answer.headers["cache-control"]


def environment_with(wheel: Path, folder: Path) -> Path:
    """The Python of a new environment with the wheel and what it asks for."""
    made = uv("venv", "--quiet", "--python", sys.executable, folder, cwd=wheel.parent)
    assert made.returncode == 0, made.stderr
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    words = ("--quiet", "--python", python, "-c", ROOT / "constraints.txt", wheel)
    put = uv("pip", "install", *words, cwd=wheel.parent)
    assert put.returncode == 0, put.stderr
    return python


@contextlib.contextmanager
def hub_of(python: Path, folder: Path) -> Iterator[str]:
    """Where its hub answers."""
    hub = subprocess.Popen(
        [python, "-m", "modelyard", "hub", "--uri", "yard.db", "--port", "0", "--no-access-log"],
        cwd=folder,
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert hub.stderr is not None
        url = hub.stderr.readline().split()[-1]
        assert "docs" in hub.stderr.readline()  # and no word of missing pages between them
        until(lambda: httpx2.get(f"{url}/healthz").status_code == 200)
        yield url
    finally:
        hub.kill()
        hub.communicate()


@pytest.mark.slow
def test_pages_can_be_left_out_and_are_not_built_for_an_editable_install(
    tmp_path: Path, poor: dict[str, str]
) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    copy(checkout)
    left_out = {**poor, "MODELYARD_UI": "skip"}
    ran = uv("build", "--quiet", "--wheel", "--out-dir", tmp_path / "out", cwd=checkout, **left_out)
    assert ran.returncode == 0, ran.stderr
    assert pages_in(next((tmp_path / "out").glob("*.whl"))) == []

    uv("venv", "--quiet", "--python", sys.executable, tmp_path / "env", cwd=tmp_path)
    words = ("pip", "install", "--quiet", "--no-deps", "--python", tmp_path / "env", "-e", checkout)
    put = uv(*words, cwd=tmp_path, **poor)
    assert put.returncode == 0, put.stderr
    assert not (checkout / "src" / "modelyard" / "hub" / "static").exists()


@pytest.mark.slow
def test_what_npm_says_is_shown_when_a_build_fails(tmp_path: Path) -> None:
    copy(tmp_path)
    lock = tmp_path / "ui" / "package-lock.json"
    lock.write_text(
        lock.read_text().replace(
            '"lockfileVersion": 3', '"lockfileVersion": 3, "packages": {}, "x": 1', 1
        )
    )
    (tmp_path / "ui" / "package.json").write_text(
        '{"name": "broken", "dependencies": {"preact": "0.0.0-none"}}'
    )
    ran = uv("build", "--wheel", "--out-dir", "dist", cwd=tmp_path)
    assert ran.returncode != 0
    assert "the hub's pages could not be built" in ran.stderr
    assert "npm" in ran.stderr
    assert "MODELYARD_UI=skip" in ran.stderr
    assert not (tmp_path / "dist").exists() or not list((tmp_path / "dist").glob("*.whl"))
