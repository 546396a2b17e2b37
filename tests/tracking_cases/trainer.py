"""A training process for tests: ``python trainer.py DESTINATION COUNT [WORD]…``. It writes down what was told.

A line of ``acks`` in the current folder is a call that returned. Words: ``end`` ends the run, ``children`` forks two that
log to it too, ``wait`` waits at the end until it is killed, ``kill-sender`` kills the sender now and then,
``memory`` says by how many kB the process grew, ``short`` waits less for a destination that says nothing.
"""

from __future__ import annotations

import os
import random
import resource
import signal
import sys
import time

from modelyard.tracking.interface import Batch, Status
from modelyard.tracking.recording import Recorder, recorder_for
from modelyard.tracking.records import RunBegun, RunEnded, RunLogged
from modelyard.tracking.spool import waiting

destination, count, words = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
run_id = os.environ.get("RUN", os.urandom(16).hex())
chance = random.Random(os.environ.get("SEED", ""))
acks = os.open("acks", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def now() -> int:
    return time.time_ns() // 1_000_000


def train(recorder: Recorder, key: str) -> None:
    for step in range(count):
        recorder.metric(run_id, key, float(step), now(), step)
        os.write(acks, b"%b %d\n" % (key.encode(), step))
        if step % 100 == 99:
            recorder.add(RunLogged(run_id, Batch(params={f"p{step}": str(step)})))
            os.write(acks, b"p%d %d\n" % (step, step))
            if "kill-sender" in words and chance.random() < 0.3:
                kill_sender(recorder)


def kill_sender(recorder: Recorder) -> None:
    pid: int = recorder._starter._pid  # type: ignore[attr-defined]
    if pid:
        os.kill(pid, signal.SIGKILL)


def main() -> None:
    if "short" in words:
        waiting.STILL_SECONDS = 0.5
    recorder = recorder_for(destination)
    recorder.add(RunBegun(run_id, "kills", "trainer", at_ms=now()))
    os.write(acks, b"run 0\n")
    recorder.metric(run_id, "first", 0.0, now(), 0)
    children = []
    for name in ("one", "two") if "children" in words else ():
        if (pid := os.fork()) == 0:
            train(recorder, name)
            os._exit(0)
        children.append(pid)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    train(recorder, "loss")
    if "memory" in words:
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    for pid in children:
        os.waitpid(pid, 0)
    print("told", flush=True)
    while "wait" in words:
        time.sleep(0.05)
    if "end" in words:
        recorder.add(RunEnded(run_id, Status.FINISHED, now()))
        os.write(acks, b"end 0\n")


if __name__ == "__main__":
    main()
