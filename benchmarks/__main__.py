"""All families of rows, one after the other; each is a command of its own too: ``python -m benchmarks.serving``."""

from __future__ import annotations

import subprocess
import sys

FAMILIES = (
    "imports",
    "saving",
    "tensors",
    "applying",
    "compiling",
    "serving",
    "concurrency",
    "tracking",
    "training",
    "git_registry",
)


def main() -> None:
    for family in FAMILIES:
        print(f"\n## {family}\n", flush=True)
        subprocess.run([sys.executable, "-m", f"benchmarks.{family}", *sys.argv[1:]], check=True)


if __name__ == "__main__":
    main()
