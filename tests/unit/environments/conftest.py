"""A project folder and a site-packages folder of their own, both on the path, gone from the process afterwards."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import Any

import pytest


class Project:
    """Modules of a user, packages installed beside them, and scripts that run among them."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "project"
        self.site = root / "site-packages"
        self.folder.mkdir()
        self.site.mkdir()

    def file(self, path: str, source: str | bytes = "") -> Path:
        """Write a file of the project."""
        return _write(self.folder / path, source)

    def load(self, name: str) -> ModuleType:
        """Import a module of the project or of an installed package."""
        importlib.invalidate_caches()
        return importlib.import_module(name)

    def install(
        self,
        name: str,
        version: str = "1.0",
        files: Mapping[str, str] | None = None,
        direct_url: Mapping[str, Any] | None = None,
    ) -> None:
        """What an installer leaves: the files and a dist-info folder."""
        files = {f"{name}.py": ""} if files is None else files
        info = f"{name.replace('-', '_')}-{version}.dist-info"
        for path, source in files.items():
            _write(self.site / path, source)
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nName: not-this\n"
        _write(self.site / info / "METADATA", metadata)
        if direct_url is not None:
            _write(self.site / info / "direct_url.json", json.dumps(direct_url))
        record = [*files, f"{info}/METADATA", f"{info}/RECORD"]
        _write(self.site / info / "RECORD", "".join(f"{path},,\n" for path in record))

    def run(self, source: str, name: str = "train.py") -> dict[str, Any]:
        """Run a script that sets ``model``; what was captured of it."""
        self.file(name, dedent(source) + _REPORT)
        return json.loads(self.python(self.folder / name).splitlines()[-1])

    def python(self, *arguments: str | Path, path: list[Path] | None = None) -> str:
        """The output of a fresh interpreter."""
        folders = path if path is not None else [self.folder, self.site]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders))}
        done = subprocess.run(
            [sys.executable, *map(str, arguments)],
            capture_output=True,
            text=True,
            env=environment,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


_REPORT = """
import json as _json
from modelyard.environments import capture as _capture
_found = _capture(model)
print(_json.dumps({
    "packages": dict(_found.packages),
    "modules": [m.name for m in _found.modules],
    "reasons": dict(_found.reasons),
    "notes": list(_found.notes),
}))
"""


def _write(path: Path, source: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(dedent(source).encode() if isinstance(source, str) else source)
    return path


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    made = Project(tmp_path)
    monkeypatch.setattr(sys, "path", [str(made.folder), str(made.site), *sys.path])
    before = set(sys.modules)
    yield made
    for name in set(sys.modules) - before:
        places = [getattr(sys.modules[name], "__file__", None) or ""]
        places += list(getattr(sys.modules[name], "__path__", ()))
        if any(place.startswith((str(tmp_path), "/tmp/modelyard-modules-")) for place in places):
            del sys.modules[name]
    importlib.invalidate_caches()
