"""Virtual environments of exactly some packages, made by uv once and kept by what is in them.

They lie in the user's cache, so that a fresh checkout finds those of the last one. Modelyard itself is never installed
in one: its sources come by ``PYTHONPATH``, so that an environment serves every checkout.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
LOCKS = Path(__file__).with_name("locks")
ENVIRONMENTS: dict[str, dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("environments.toml").read_text("utf-8")
)
LIGHT = "light"
"""The environment that all other tests run in; it has no lock of its own."""
COLUMNS = ("fresh process", "one row", "batch", "serve", "wheel")
"""What each flavor goes through in `test_matrix.py`, and `run.py` prints as a table."""
NAME = os.environ.get("MODELYARD_FRAMEWORK", LIGHT)
HERE = ENVIRONMENTS[NAME]
"""What ``MODELYARD_FRAMEWORK`` names: the environment that the tests run in."""


def cache_folder() -> Path:
    """Where environments are kept: ``$XDG_CACHE_HOME/modelyard-tests``, below ``~/.cache`` by default."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base, "modelyard-tests")


def python_of(folder: Path) -> Path:
    """The interpreter of an environment."""
    return folder / "bin" / "python"


def locked_environment(name: str) -> Path:
    """The environment of ``locks/<name>.txt``."""
    lock = LOCKS / f"{name}.txt"
    return _made(f"{name}-{_digest(lock.read_text('utf-8'))}", ["-r", str(lock)])


def environment_of(requirements: Sequence[str]) -> Path:
    """An environment of these requirements, and what they need, alone."""
    return _made(f"only-{_digest(*sorted(requirements))}", list(requirements))


def core_libraries() -> Path:
    """A folder for ``PYTHONPATH`` with what modelyard's core needs, as pinned, and nothing else."""
    constraints = (ROOT / "constraints.txt").read_text("utf-8")
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    folder = cache_folder() / f"core-{_digest(constraints, project)}"
    with _once(folder) as needed:
        if needed:
            wanted = tomllib.loads(project)["project"]["dependencies"]
            into = ["--target", str(folder), "--python", sys.executable]
            run_uv(
                ["pip", "install", "--quiet", *into, *wanted, "-c", str(ROOT / "constraints.txt")]
            )
    return folder


def install(environment: Path, *words: str) -> None:
    """Install into an environment of one's own."""
    run_uv(["pip", "install", "--quiet", "--python", str(python_of(environment)), *words])


def new_environment(folder: Path) -> Path:
    """An empty environment at a path."""
    run_uv(["venv", "--quiet", "--python", sys.executable, str(folder)])
    return folder


def _made(name: str, requirements: Sequence[str]) -> Path:
    folder = cache_folder() / name
    with _once(folder) as needed:
        if needed:
            print(f"Making the environment {name}", file=sys.stderr)
            run_uv(["venv", "--quiet", "--clear", "--python", sys.executable, str(folder)])
            if requirements:
                install(folder, *requirements)
    return folder


@contextmanager
def _once(folder: Path) -> Iterator[bool]:
    """Whether a folder is still to be made; processes that want the same one wait for the first."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ready = folder.with_name(f"{folder.name}.ready")
        if ready.exists() and folder.is_dir():
            yield False
            return
        shutil.rmtree(folder, ignore_errors=True)
        yield True
        ready.touch()


def _digest(*texts: str) -> str:
    return hashlib.sha256("\n".join([sys.version, *texts]).encode()).hexdigest()[:12]


def run_uv(words: Sequence[str], text: str = "") -> str:
    """What uv prints, given a text to read; `RuntimeError` with what it says when it fails."""
    # pip's setting for a folder of wheels (CPU builds of PyTorch, say) is uv's under another name.
    links = os.environ.get("UV_FIND_LINKS") or os.environ.get("PIP_FIND_LINKS", "")
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        [_find_uv(), *words],
        env={**env, "UV_FIND_LINKS": links} if links else env,
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"uv {' '.join(words[:2])} failed:\n{done.stderr}")
    return done.stdout


def _find_uv() -> str:
    found = os.environ.get("UV") or shutil.which("uv")
    found = found or shutil.which("uv", path=str(Path(sys.executable).parent))
    if found is None:
        raise RuntimeError("these tests need uv: `make test-frameworks` brings it")
    return found
