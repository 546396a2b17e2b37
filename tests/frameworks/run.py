"""Run the tests of every environment, two at a time, and print the table of flavors: a blank cell fails.

``python tests/frameworks/run.py [NAME …]``, as ``make test-frameworks`` does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from frameworks.environments import (
    COLUMNS,
    ENVIRONMENTS,
    LIGHT,
    ROOT,
    locked_environment,
    python_of,
)


def main(names: list[str]) -> int:
    """The exit code: 0 when all tests passed and no cell is blank."""
    chosen = [n for n in ENVIRONMENTS if not names or n in names]
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder, "matrix.jsonl")
        table.touch()
        with ThreadPoolExecutor(2) as pool:
            codes = list(pool.map(lambda name: run(name, table), chosen))
        passed = {tuple(json.loads(line)) for line in table.read_text().splitlines()}
    flavors = [flavor for name in chosen for flavor in ENVIRONMENTS[name]["flavors"]]
    blank = print_table(flavors, passed)
    failed = [name for name, code in zip(chosen, codes, strict=True) if code]
    print(
        f"\n{len(chosen) - len(failed)} environments passed"
        + f", failed: {', '.join(failed)}" * bool(failed)
    )
    return 1 if failed or blank else 0


def run(name: str, table: Path) -> int:
    """The tests of one environment; what they said is printed when they are done."""
    started = time.monotonic()
    python = sys.executable if name == LIGHT else str(python_of(locked_environment(name)))
    lightly = [
        f"tests/frameworks/{test}" for test in ("test_matrix.py", "test_autologgers.py", LIGHT)
    ]
    tests = lightly if name == LIGHT else ["tests/frameworks"]
    tests = ENVIRONMENTS[name].get("tests", tests)
    paths = [str(ROOT / "src"), str(ROOT / "tests"), str(ROOT)]
    done = subprocess.run(
        [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--durations=5", *tests],
        cwd=ROOT,
        env={
            **os.environ,
            "MODELYARD_FRAMEWORK": name,
            "MODELYARD_MATRIX": str(table),
            "PYTHONPATH": os.pathsep.join(paths),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    print(f"\n==== {name}: {time.monotonic() - started:.0f} s\n{done.stdout}", flush=True)
    return done.returncode


def print_table(flavors: list[str], passed: set[tuple[str, ...]]) -> bool:
    """Flavors by what they went through; whether any cell is blank."""
    width = max(map(len, flavors), default=6)
    print("\n" + " | ".join(["flavor".ljust(width), *COLUMNS]))
    blank = False
    for flavor in flavors:
        cells = ["yes" if (flavor, column) in passed else "" for column in COLUMNS]
        blank = blank or "" in cells
        print(
            " | ".join(
                [
                    flavor.ljust(width),
                    *(c.ljust(len(n)) for c, n in zip(cells, COLUMNS, strict=True)),
                ]
            )
        )
    return blank


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
