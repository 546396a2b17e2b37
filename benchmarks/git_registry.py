"""A registry of 1,500 Git tags: shown, and written to, beside GTO. ``python -m benchmarks.git_registry --help``

Processor time of whole processes and what they start, as at start-up (`imports`). GTO gets the very same repository:
ten models of fifty versions, each assigned to two stages; all refs packed, as a clone has them.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks import environments, peers
from benchmarks.environments import Environment, Failed
from benchmarks.harness import OURS, Contest, Measurement, Row, arguments
from benchmarks.imports import once, processor_seconds
from benchmarks.peers import gto
from benchmarks.report import publish

RAW = "git for-each-ref"
CONTENDERS = (OURS, gto.DISTRIBUTION, RAW)
MODELS, VERSIONS = 10, 50
SHOW, HISTORY, PROMOTE = "show", "history of one model", "promote one version"
FOLD = "from tags in memory to all states"

ROWS = [
    Row(SHOW, "s", "less"),
    Row(HISTORY, "s", "less"),
    Row(PROMOTE, "s", "less"),
    Row(FOLD, "s", "less"),
]

_FOLD = """
import sys, time
from pathlib import Path
from modelyard.registry._git.history import states_of, to_events
from modelyard.registry._git.reading import read
tags = read(Path(sys.argv[1])).tags
took = []
for _ in range(15):
    begun = time.process_time()
    assert len(states_of(to_events(tags)[0])) == 10
    took.append(time.process_time() - begun)
print(min(took))
"""


def git(folder: Path, *words: str, text: str | None = None) -> str:
    done = subprocess.run(
        ["git", "-c", "user.name=Ana", "-c", "user.email=ana@example.org", *words],
        cwd=folder, input=text, capture_output=True, text=True, check=True,
        stdin=subprocess.DEVNULL if text is None else None,
    )  # fmt: skip
    return done.stdout


def fill(folder: Path) -> None:
    """Commits, and the tags of every model, a second apart."""
    git(folder, "init", "--quiet", "--initial-branch=main", ".")
    lines = [
        f"commit refs/heads/main\nmark :{n + 1}\ncommitter Ana <ana@example.org> {1_700_000_000 + n} +0000\ndata 1\nx\n"
        for n in range(VERSIONS)
    ]
    at = 1_700_010_000
    for model in range(MODELS):
        for version in range(VERSIONS):
            counter = 2 * version
            for name in (f"@v0.{version}.0", f"#dev#{counter + 1}", f"#prod#{counter + 2}"):
                at += 1
                lines.append(f"tag model{model}{name}\nfrom :{version + 1}\ntagger Ana <ana@example.org> {at} +0000\ndata 3\nfor\n")  # fmt: skip
    git(folder, "fast-import", "--quiet", text="".join(lines))
    git(folder, "pack-refs", "--all")
    git(folder, "reset", "--quiet", "--hard")
    for key, value in (("user.name", "Ana"), ("user.email", "ana@example.org")):
        git(folder, "config", key, value)


def environment_of(name: str) -> Environment:
    return peers.environment(OURS if name == RAW else name)


def command(name: str, folder: Path, row: str, stage: str = "") -> Sequence[str | Path]:
    """What one types."""
    ours = name == OURS
    program = environment_of(name).command("modelyard" if ours else gto.COMMAND)
    where = ["--project" if ours else "-r", str(folder)]
    if row == SHOW:
        return [program, "show", "--json", *where]
    if row == HISTORY:
        return [program, "history", "model3", "--json", *where]
    if ours:
        return [program, "promote", "model3@v0.49.0", "--stage", stage, *where]
    return [program, "assign", "model3", "--version", "v0.49.0", "--stage", stage, *where]


stages = itertools.count()


def turn(name: str, folder: Path) -> Measurement:
    environment = environment_of(name)
    if name == RAW:
        told = ["git", "-C", str(folder), "for-each-ref", "--format=%(refname) %(objecttype) %(tag) %(taggername) %(taggerdate:raw) %(*objectname) %(contents)", "refs/tags"]  # fmt: skip
        return {SHOW: processor_seconds(environment, told)}
    looks = {r: processor_seconds(environment, command(name, folder, r)) for r in (SHOW, HISTORY)}
    stage = f"stage{next(stages)}"  # a version that is in a stage is put there by neither
    written = {PROMOTE: once(environment, command(name, folder, PROMOTE, stage))}
    if name == OURS:
        written[FOLD] = float(environment.run("-c", _FOLD, folder))
    return looks | written


def check(folder: Path) -> None:
    """Both say the same, or nothing is measured."""
    said = []
    for name in CONTENDERS[:2]:
        environment = environment_of(name)
        words = [str(part) for part in command(name, folder, SHOW)]
        said.append(json.loads(environments.output_of(words, env=environment.process_variables())))
    ours, theirs = said
    if {n: row["version"] for n, row in theirs.items()} != {n: row["latest"] for n, row in ours.items()}:  # fmt: skip
        raise Failed("the two do not agree")


def main() -> None:
    asked = arguments(__doc__, CONTENDERS).parse_args()
    names = [name for name in asked.peers.split(",") if name in CONTENDERS]
    contest = Contest(ROWS)
    with tempfile.TemporaryDirectory(prefix="modelyard-bench-") as folder:
        fill(Path(folder))
        check(Path(folder))
        turns = {name: partial(turn, name, Path(folder)) for name in names}
        rows = contest.run(turns, asked.rounds, warm_ups=1)
    known = [name for name in names if name != RAW]
    publish("git_registry", rows, contest.failures, known, keep=not asked.no_write)


if __name__ == "__main__":
    sys.exit(main())
