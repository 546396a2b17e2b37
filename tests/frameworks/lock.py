"""Write the lock file of every environment (or of those named): ``make lock`` does it."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from frameworks.environments import ENVIRONMENTS, LIGHT, LOCKS, ROOT, run_uv

EXTRAS = ("sklearn", "pandas", "polars", "arrow")
"""Extras of modelyard that every environment has: what the tests' data is made of."""


def main(names: list[str]) -> None:
    """Resolve each environment anew."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    extras = project["project"]["optional-dependencies"]
    tests = ["hypothesis", "jsonschema", "pytest", "pytest-timeout", "uv"]
    LOCKS.mkdir(exist_ok=True)
    for name, environment in ENVIRONMENTS.items():
        if name == LIGHT or (names and name not in names):
            continue
        chosen = environment.get("extras", EXTRAS)
        ours = [*project["project"]["dependencies"], *(r for e in chosen for r in extras[e])]
        wanted = "\n".join([*ours, *tests, *environment["packages"]])
        options = [
            "--quiet",
            "--no-annotate",
            "--no-header",
            "--no-emit-find-links",
            "--python-version",
            "3.11",
        ]
        found = run_uv(["pip", "compile", *options, "-"], wanted)
        # A build for processors only is a local version that an index does not have.
        lines = sorted(line.replace("+cpu", "") for line in found.splitlines() if "==" in line)
        (LOCKS / f"{name}.txt").write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
