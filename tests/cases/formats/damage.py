"""Skops files with one thing wrong, and a process that opens them: a crash or a hang there is a failed test here.

A file is taken apart into its schema and members, changed by a function, and put together again with good checksums.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from modelyard.objects.formats import skops


@dataclass
class Parts:
    """A skops file taken apart."""

    schema: dict[str, Any]
    members: dict[str, bytes]

    def packed(self) -> bytes:
        """The file again, without members that nothing names any more."""
        used = {node["file"] for node in self.nodes() if "file" in node}
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
            for name in self.members.keys() & used:
                target.writestr(name, self.members[name])
            target.writestr("schema.json", json.dumps(self.schema))
        return buffer.getvalue()

    def nodes(self, name: str | None = None) -> Iterator[dict[str, Any]]:
        """All nodes, or those of a class, outermost first."""
        waiting: list[Any] = [self.schema]
        while waiting:
            value = waiting.pop(0)
            if isinstance(value, dict):
                if isinstance(value.get("__loader__"), str) and name in (None, value["__class__"]):
                    yield value
                waiting += value.values()
            elif isinstance(value, list):
                waiting += value

    def state(self, name: str, attribute: str) -> dict[str, Any]:
        """The node of an attribute of the first object of a class that has it."""
        for node in self.nodes(name):
            content = node.get("content", {}).get("content", {})
            if isinstance(content, dict) and attribute in content:
                return content[attribute]
        raise KeyError(f"{name}.{attribute}")

    def edit(self, node: dict[str, Any], change: Callable[[Any], Any]) -> None:
        """Change the array or plain value of a node; `change` may return a new one."""
        if "file" not in node:
            node["content"] = json.dumps(change(json.loads(node["content"])))
            return
        array = np.load(io.BytesIO(self.members[node["file"]]))
        changed = change(array)
        buffer = io.BytesIO()
        np.save(buffer, array if changed is None else changed)
        self.members[node["file"]] = buffer.getvalue()


def taken_apart(model: Any) -> Parts:
    """The parts of what is written for a model."""
    with tempfile.TemporaryDirectory() as folder:
        skops.dump(model, Path(folder))
        with zipfile.ZipFile(Path(folder, skops.FILE)) as source:
            members = {name: source.read(name) for name in source.namelist()}
    return Parts(json.loads(members.pop("schema.json")), members)


_OPENER = """
import json, sys, warnings
from pathlib import Path
warnings.simplefilter("ignore")
import importlib
from modelyard.base.errors import ModelyardError
from modelyard.objects.formats import skops
from modelyard.objects.formats._skops import allowed, building, checks
from modelyard.testing.flavors import FolderFiles

for loader, names in allowed._BY_LOADER.items():  # so that what a file makes us import is told apart
    for module in {name.rpartition(".")[0] for name in names}:
        importlib.import_module(module)
importlib.import_module("scipy.special"), importlib.import_module("scipy.stats")
"names in a zip".encode("cp437")

events, listening = [], False
QUIET = ("object.__", "sys._getframe", "compile", "marshal", "gc.", "array.__new__", "cpython.")

def hook(event, arguments):
    if not listening or event.startswith(QUIET):
        return
    if event == "open" and arguments[1] in ("r", "rb"):
        return
    events.append([event, str(arguments)[:200]])

sys.addaudithook(hook)
for line in sys.stdin:
    folder, rows, methods = json.loads(line)
    answer = {"error": None, "message": "", "type": ""}
    events.clear()
    try:
        listening = True
        model = skops.load(FolderFiles(Path(folder))) if folder else importlib.import_module(rows)
        listening = False
        answer["type"] = type(model).__name__
        for method in methods:
            getattr(model, method)(rows)
    except ModelyardError as error:
        listening = False
        answer |= {"error": type(error).__name__, "message": str(error)}
    except Exception as error:
        listening = False
        answer |= {"error": f"foreign {type(error).__name__}", "message": str(error)}
    print(json.dumps(answer | {"events": events}), flush=True)
"""


@dataclass(frozen=True)
class Opened:
    """What came of opening a file."""

    error: str | None
    """The class of the error, or None when it was loaded and its methods were called."""
    message: str
    type: str
    events: list[list[str]]
    """What the interpreter did while it was loaded: imports, code, writes, processes."""


class Opener:
    """A process that opens files; asked again and again, replaced when it died."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process: subprocess.Popen[str] | None = None

    def open(self, data: bytes, rows: Any = None, methods: tuple[str, ...] = ()) -> Opened:
        """Load a file, and call methods on rows."""
        (self.folder / "model.skops").write_bytes(data)
        return self._ask(str(self.folder), rows, methods)

    def imported(self, module: str) -> Opened:
        """Import a module instead: what it looks like when a file makes the reader act."""
        return self._ask(None, module, ())

    def _ask(self, folder: str | None, rows: Any, methods: tuple[str, ...]) -> Opened:
        """The answer; fails when the process dies."""
        process = self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps([folder, rows, methods]) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if not line:
            self._process = None
            raise AssertionError(f"the process that opened it died with {process.wait()}")
        return Opened(**json.loads(line))

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _OPENER],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        return self._process

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
