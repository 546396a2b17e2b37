"""A yard whose writers are killed at random moments stays sound and keeps every version it acknowledged (P1, P2)."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from modelyard import Yard

WRITER = """
import sys
from pathlib import Path
from modelyard import Yard

path, worker, round_ = sys.argv[1:]

def scorer(bias):
    def score(x: float) -> float:
        return x + bias
    return score

with Yard(path) as yard:
    for n in range(1000):
        version = yard.models.add(scorer(int(worker) * 100000 + int(round_) * 1000 + n), "scorer", sample_data=1.0)
        print(version.version, version.digest, flush=True)
"""

WRITERS, ROUNDS = 4, 4


def test_killed_writers_lose_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    path = tmp_path / "yard.db"
    with Yard(path):
        pass
    acked: dict[int, str] = {}
    for round_ in range(ROUNDS):
        outs = [tmp_path / f"acks-{round_}-{w}" for w in range(WRITERS)]
        writers = [start(path, w, round_, out) for w, out in enumerate(outs)]
        wait_for_acks(outs, chance.randint(4, 14))
        for process in chance.sample(writers, WRITERS):
            time.sleep(chance.uniform(0, 0.05))  # when each is hit is left to chance
            os.kill(process.pid, signal.SIGKILL)
        for process in writers:
            process.wait()
        acked |= acknowledged(outs, acked)
    with Yard(path) as yard:
        assert yard.check() == []
        stored = {r["version"]: r["digest"] for r in yard.models.versions("scorer", records=True)}
    assert acked.items() <= stored.items()
    assert sorted(stored) == list(range(1, len(stored) + 1)), "numbers have a gap"
    assert len(acked) >= WRITERS * ROUNDS / 2


def start(path: Path, worker: int, round_: int, out: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", WRITER, str(path), str(worker), str(round_)]
    with out.open("wb") as acks, out.with_suffix(".err").open("wb") as errors:
        return subprocess.Popen(command, stdout=acks, stderr=errors)


def wait_for_acks(outs: list[Path], count: int) -> None:
    deadline = time.monotonic() + 120
    while sum(out.read_bytes().count(b"\n") for out in outs) < count:
        assert time.monotonic() < deadline, [p.read_text() for p in outs[0].parent.glob("*.err")]
        time.sleep(0.01)


def acknowledged(outs: list[Path], before: dict[int, str]) -> dict[int, str]:
    """What the writers were told is kept; a line cut off by the kill was not told."""
    found: dict[int, str] = {}
    for out in outs:
        for line in out.read_text().split("\n")[:-1]:
            version, digest = line.split()
            assert int(version) not in found, "a number was given twice"
            assert int(version) not in before, "a number was given twice"
            found[int(version)] = digest
    return found
