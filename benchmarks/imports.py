"""Start-up: processor time of an import, of ``--help`` and of ``--version``. ``python -m benchmarks.imports --help``

Processor time and not the clock, because it depends less on who else is using the machine; start-up runs on one core,
so that on an idle machine both are the same. What a bare interpreter takes is in all figures but the import's.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks import peers
from benchmarks.environments import ROOT, Environment, Failed
from benchmarks.harness import Contest, Measurement, Row, arguments, chosen
from benchmarks.report import publish

REPEATS = 3

ROWS = [
    Row("import, over bare Python", "s", "less"),
    Row("--help", "s", "less"),
    Row("--version", "s", "less"),
]


def processor_seconds(environment: Environment, command: Sequence[str | Path]) -> float:
    """User and system time of one process and its children; the median of a few runs."""
    return median(once(environment, command) for _ in range(REPEATS))


def once(environment: Environment, command: Sequence[str | Path]) -> float:
    process = subprocess.Popen(
        [str(part) for part in command],
        cwd=ROOT,
        env=environment.process_variables(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise Failed(f"exit code {process.returncode} of {Path(command[0]).name} {command[1]} ...")
    return usage.ru_utime + usage.ru_stime


def turn(name: str) -> Measurement:
    environment, contender = peers.environment(name), peers.peer(name)
    bare = processor_seconds(environment, [environment.python, "-c", "pass"])
    imported = [environment.python, "-c", f"import {contender.MODULE}"]
    measured = {ROWS[0].title: processor_seconds(environment, imported) - bare}
    if hasattr(contender, "COMMAND"):
        for row in ROWS[1:]:
            command = [environment.command(contender.COMMAND), row.title]
            measured[row.title] = processor_seconds(environment, command)
    return measured


def main() -> None:
    known = peers.those_with("MODULE")
    asked = arguments(__doc__, known).parse_args()
    names = chosen(asked, known)
    contest = Contest(ROWS)
    rows = contest.run({name: partial(turn, name) for name in names}, asked.rounds, warm_ups=1)
    publish("imports", rows, contest.failures, names, keep=not asked.no_write)


if __name__ == "__main__":
    main()
