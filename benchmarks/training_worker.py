"""Runs inside a contender's environment, trains there, and prints one line of JSON.

``python -m benchmarks.training_worker calls NAME HOW FOLDER ADDRESS``  microseconds of a call, half and 99 of 100
``python -m benchmarks.training_worker loop NAME HOW FOLDER ADDRESS``   what a second of training takes when it logs
``python -m benchmarks.training_worker autolog NAME KIND FOLDER MODELS`` what a second of training takes when it logs itself
``python -m benchmarks.training_worker model NAME FOLDER``              seconds of logging a model
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import work
from benchmarks.peers import peer

CALLS, SECONDS = 20_000, 4.0
"""A contender makes so many calls, or as many as it can in that time."""
STEPS, PAIRS = 100, 40
"""A training of steps of a millisecond, that many at a time with and without logging."""


def calls(name: str, how: str, folder: str, address: str) -> Any:
    log = peer(name).LOGS[how](Path(folder), address)
    for step in range(20):
        log("warm", 0.5, step)
    taken: list[int] = []
    begun, clock = time.perf_counter(), time.perf_counter_ns
    for step in range(CALLS):
        before = clock()
        log("loss", 1 / (step + 1), step)
        taken.append(clock() - before)
        if time.perf_counter() - begun > SECONDS:
            break
    taken.sort()
    return {
        "p50": taken[len(taken) // 2] / 1000,
        "p99": taken[int(len(taken) * 0.99)] / 1000,
        "worst": taken[-1] / 1000,
    }


def loop(name: str, how: str, folder: str, address: str) -> Any:
    log = peer(name).LOGS[how](Path(folder), address)
    step_of_training = millisecond()
    number = 0

    def train(logged: bool) -> tuple[float, float]:
        nonlocal number
        wall, processor = time.perf_counter(), time.thread_time()
        for _ in range(STEPS):
            value = step_of_training()
            if logged:
                number += 1
                log("loss", value, number)
        return time.perf_counter() - wall, time.thread_time() - processor

    train(True)
    pairs = [(train(False), train(True)) for _ in range(PAIRS)]
    return {
        title: 1000 * median(logged[i] / bare[i] for bare, logged in pairs)
        for i, title in enumerate(("wall", "processor"))
    }


def millisecond() -> Callable[[], float]:
    """Work of about a millisecond, always the same."""
    import numpy as np

    matrix = np.random.default_rng(0).random((48, 48))

    def work_on(times: int) -> float:
        state = matrix
        for _ in range(times):
            state = state @ matrix
            state = state / state.max()
        return float(state[0, 0])

    begun, times = time.perf_counter(), 0
    while time.perf_counter() - begun < 0.5:
        work_on(10)
        times += 10
    each = max(1, round(times / 500))
    return lambda: work_on(each)


def autolog(name: str, kind: str, folder: str, models: str) -> Any:
    fit, switch = TRAININGS[kind](), peer(name).AUTOLOG

    def timed(on: bool) -> float:
        switch(Path(folder), models=models == "models", on=on)
        begun = time.perf_counter()
        fit()
        return time.perf_counter() - begun

    timed(False), timed(True)
    pairs = [(timed(False), timed(True)) for _ in range(7)]
    return 1000 * median(logged / bare for bare, logged in pairs)


def forest() -> Callable[[], Any]:
    """One long call of scikit-learn, of about two seconds."""
    from sklearn.datasets import make_classification
    from sklearn.ensemble import RandomForestClassifier

    data, target = make_classification(4_000, 30, random_state=0)
    return lambda: RandomForestClassifier(100, random_state=0, n_jobs=1).fit(data, target)


def network() -> Callable[[], Any]:
    """Ten epochs of a small network of Keras, of about two seconds."""
    import keras
    import numpy as np

    random = np.random.default_rng(0)
    data = random.random((20_000, 30)).astype("float32")
    target = (data.sum(1) > 15).astype("int32")
    keras.utils.set_random_seed(0)
    layers = [keras.Input((30,)), keras.layers.Dense(64, "relu"), keras.layers.Dense(1, "sigmoid")]
    model = keras.Sequential(layers)
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return lambda: model.fit(data, target, epochs=10, batch_size=128, verbose=0)


TRAININGS: dict[str, Callable[[], Callable[[], Any]]] = {"forest": forest, "network": network}


def model(name: str, folder: str) -> Any:
    fitted, data = work.pipeline()
    log_model = peer(name).LOG_MODEL(Path(folder))

    def one() -> float:
        begun = time.perf_counter()
        log_model(fitted, data)
        return time.perf_counter() - begun

    one()
    return median(one() for _ in range(3 if name == "mlflow" else 9))


def main(task: str, *arguments: str) -> None:
    tasks: dict[str, Callable[..., Any]] = {
        "calls": calls,
        "loop": loop,
        "autolog": autolog,
        "model": model,
    }
    print("\n" + json.dumps(tasks[task](*arguments)), flush=True)
    os._exit(0)  # what is still on its way to a server that never answers is of no interest here


if __name__ == "__main__":
    main(*sys.argv[1:])
