"""How each end of a process ends its run."""

from __future__ import annotations

import signal
from pathlib import Path

from hub_cases.server import until
from modelyard.yard.yard import Yard
from tracking_cases.programs import ended, folder, program, runs_of, yard

__all__ = ["folder", "yard"]  # fixtures

ENDS = {
    "falls-off": ("", 0, "FINISHED"),
    "raises": ("raise RuntimeError('no token=abc')", 1, "FAILED"),
    "exits": ("import sys; sys.exit(0)", 0, "FINISHED"),
    "interrupted": ("raise KeyboardInterrupt", -signal.SIGINT, "KILLED"),
    "terminated": ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM, "KILLED"),
}  # fmt: skip
"""What ends a program that does not end its run, its exit status, and that of the run."""


def test_each_end_of_a_program_ends_its_run(folder: Path, yard: Yard) -> None:
    begin = "import modelyard as my\nmy.set_experiment('ends')\nmy.start_run({!r})\nmy.log_metric('m', 1)\n"
    running = {
        name: program(folder, name, begin.format(name) + code)
        for name, (code, _, _) in ENDS.items()
    }
    for name, process in running.items():
        ended(process, ENDS[name][1])

    def seen() -> dict[str, str]:
        return {name: str(row["status"]) for name, row in runs_of(yard, "ends").items()}

    expected = {name: status for name, (_, _, status) in ENDS.items()}
    until(lambda: seen() == expected, 60)
    failed = runs_of(yard, "ends")["raises"]
    assert failed["tags.modelyard.error"] == "no token=…"
    assert all(row["metrics.m"] == 1 for row in runs_of(yard, "ends").values())
