"""One gigabyte of weights, saved and loaded: as a PyTorch module, and as tensors by name. ``python -m benchmarks.tensors --help``

Beside ours stand ``torch.save``, safetensors' own functions, and the raw limit: the bytes written, flushed and digested by
a loop that knows nothing of tensors. Memory is what the process's own grew by at most; pages of a mapped file are not
its own, for the system takes them back when it wants to.
"""

from __future__ import annotations

import json
import tempfile
from functools import partial
from typing import Any

from benchmarks import environments
from benchmarks.harness import Contest, Measurement, Row, arguments
from benchmarks.report import publish

CONTENDERS = ("modelyard", "raw limit", "safetensors", "torch.save")
WHAT = {"module": "a module of a class of one's own", "tensors": "a dict of tensors"}
WORK = ("save", "load and use", "memory to save", "memory to load")
REQUIREMENTS = ("-e", ".", "torch", "safetensors", "numpy")


def turn(name: str, what: str, megabytes: int) -> Measurement:
    """One contender's figures, taken in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        variables = {"MODELYARD_CONFIG_DIR": folder}  # what is saved here need not be trusted later
        environment = environments.make("tensors", REQUIREMENTS, variables)
        said = environment.run("-m", "benchmarks.tensors_worker", name, what, str(megabytes))
    found: dict[str, float] = json.loads(said.splitlines()[-1])
    return {f"{title}: {WHAT[what]}": value for title, value in found.items()}


def rows_of(what: str) -> list[Row]:
    """The empty rows of one kind of weights."""
    units: Any = {"save": "s", "load and use": "s"}
    return [Row(f"{work}: {WHAT[what]}", units.get(work, "MB"), "less") for work in WORK]


def main() -> None:
    parser = arguments(__doc__, CONTENDERS, rounds=3)
    parser.add_argument("--megabytes", type=int, default=1024)
    asked = parser.parse_args()
    rows, failures = [], {}
    for what in WHAT:
        contest = Contest(rows_of(what))
        turns = {n: partial(turn, n, what, asked.megabytes) for n in asked.peers.split(",")}
        rows += contest.run(turns, asked.rounds)
        failures |= contest.failures
    publish("tensors", rows, failures, (), keep=not asked.no_write)


if __name__ == "__main__":
    main()
