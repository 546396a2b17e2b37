"""One virtual environment a peer, made when first needed, kept under ``benchmarks/.peers``."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PEERS = ROOT / "benchmarks" / ".peers"


class Failed(Exception):
    """A contender could not do the work; the run goes on without it and says why."""


@dataclass(frozen=True)
class Environment:
    """An interpreter with a peer's packages, and the variables its processes get."""

    folder: Path
    variables: Mapping[str, str]

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def command(self, name: str) -> Path:
        """A console script of the environment."""
        return self.folder / "bin" / name

    def process_variables(self) -> dict[str, str]:
        """This process's, without what would favour or hinder one side (bytecode left unwritten, foreign paths)."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        kept.pop("VIRTUAL_ENV", None)
        path = f"{self.folder / 'bin'}{os.pathsep}{kept.get('PATH', '')}"
        return kept | {"PATH": path} | dict(self.variables)

    def run(self, *arguments: str | Path, cwd: Path = ROOT) -> str:
        """Standard output of ``python <arguments>``."""
        return output_of([self.python, *arguments], cwd=cwd, env=self.process_variables())

    def versions(self, names: Sequence[str]) -> dict[str, str]:
        """Installed versions of the named distributions."""
        code = (
            "import sys; from importlib.metadata import version; print(*map(version, sys.argv[1:]))"
        )
        return dict(zip(names, self.run("-c", code, *names).split(), strict=True))


def make(name: str, requirements: Sequence[str], variables: Mapping[str, str]) -> Environment:
    """The environment of these requirements; another one when they change."""
    told = [sys.version, *requirements]
    if any(requirement.startswith("-e") for requirement in requirements):
        told += [(ROOT / file).read_text() for file in ("pyproject.toml", "constraints.txt")]
    digest = hashlib.sha256("\n".join(told).encode()).hexdigest()[:12]
    environment = Environment(PEERS / f"{name}-{digest}", variables)
    ready = environment.folder / ".ready"
    if not ready.exists():
        print(f"Making the environment of {name}", file=sys.stderr)
        uv = find_uv()
        output_of(
            [uv, "venv", "--quiet", "--clear", "--python", sys.executable, environment.folder]
        )
        install = [uv, "pip", "install", "--quiet", "--compile-bytecode"]
        output_of([*install, "--python", environment.python, *requirements], cwd=ROOT)
        ready.touch()
    return environment


def find_uv() -> str:
    """The uv of this interpreter's environment, else the one on the PATH."""
    beside = str(Path(sys.executable).parent)
    found = shutil.which("uv", path=beside) or shutil.which("uv")
    if found is None:
        raise SystemExit("benchmarks need uv: `make bench` brings it, or `pip install uv`")
    return found


def output_of(
    command: Sequence[str | Path], *, cwd: Path = ROOT, env: Mapping[str, str] | None = None
) -> str:
    """Standard output of a command; `Failed` with the last it said when it fails."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()
        raise Failed(f"exit code {done.returncode}: {said[-1].strip()[:200]}")
    return done.stdout
