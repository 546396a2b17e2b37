"""What logging costs a training: a call, a second of it, `autolog`, a model. ``python -m benchmarks.training --help``

Ours beside MLflow and Trackio, each to a file and, where there is one, to a server; ours to a server that is not there and to
one that takes connections and never answers, too.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import socket
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import peers
from benchmarks.environments import ROOT, Failed
from benchmarks.harness import Contest, Measurement, Row, arguments, chosen
from benchmarks.report import publish
from benchmarks.servers import free_port
from benchmarks.tracking import served

CONTENDERS = ("modelyard", "mlflow", "trackio")
P50, P99, WORST = (f"log_metric, a call: {what}" for what in ("half", "99 of 100", "the worst"))
WALL = "1,000 metrics a second: what a second of training takes"
PROCESSOR = "the same, processor time of the training's thread"
AUTOLOG = "autolog: what a second of {} takes, {}"
MODEL = "log_model, a pipeline with its sample"
TRAININGS = {
    "forest": "training a forest of scikit-learn",
    "network": "training a network of Keras",
}
MODELS = {"models": "models logged", "bare": "no models logged"}


def worker(name: str, *words: str, model: str = "pipeline") -> Any:
    """What a process in the contender's environment measured."""
    environment = peers.environment(name, model)
    said = environment.run("-m", "benchmarks.training_worker", *words)
    return json.loads(said.strip().splitlines()[-1])


@contextlib.contextmanager
def address(name: str, how: str, folder: Path) -> Iterator[str]:
    """That of a server as ``how`` says: one that answers, one that is not there, one that is silent."""
    port = free_port()
    if how.endswith("absent"):
        yield f"http://127.0.0.1:{port}"
    elif how.endswith("silent"):
        with socket.create_server(("127.0.0.1", port), backlog=64):
            yield f"http://127.0.0.1:{port}"
    elif how.startswith("server"):
        with served(name, folder) as (found, _, _):
            yield f"http://127.0.0.1:{found}"
    else:
        yield ""


def measured(task: str, titles: Sequence[str], name: str, how: str) -> Measurement:
    """One turn of ``calls`` or ``loop``, in a folder of its own."""
    with tempfile.TemporaryDirectory(dir=ROOT / "benchmarks" / ".peers") as kept:
        folder = Path(kept)
        with address(name, how, folder) as where:
            found = worker(name, task, name, how, kept, where)
        return dict(zip(titles, found.values(), strict=True))


def autologged(name: str, kind: str, models: str) -> Measurement:
    """One turn of a training that logs itself."""
    with tempfile.TemporaryDirectory(dir=ROOT / "benchmarks" / ".peers") as kept:
        model = "keras" if kind == "network" else "pipeline"
        found = worker(name, "autolog", name, kind, kept, models, model=model)
        return {AUTOLOG.format(TRAININGS[kind], MODELS[models]): found}


def model_logged(name: str) -> Measurement:
    """One turn of logging a model."""
    with tempfile.TemporaryDirectory(dir=ROOT / "benchmarks" / ".peers") as kept:
        return {MODEL: worker(name, "model", name, kept)}


def parsed() -> argparse.Namespace:
    """What is asked for."""
    parser = arguments(__doc__, CONTENDERS, rounds=3)
    parser.add_argument("--only", default="calls,loop,autolog,model")
    parser.add_argument("--trainings", default="forest,network", help="for autolog")
    return parser.parse_args()


def main() -> None:
    asked = parsed()
    names, only = chosen(asked, CONTENDERS), asked.only.split(",")
    rows: list[Row] = []
    failures: dict[str, str] = {}

    def contest(wanted: list[Row], turns: dict[str, Callable[[], Measurement]]) -> None:
        one = Contest(wanted)
        rows.extend(one.run(turns, asked.rounds))
        failures.update(one.failures)

    ways = [(name, how) for name in names for how in peers.peer(name).LOGS]
    for task, unit, titles in (
        ("calls", "µs", (P50, P99, WORST)),
        ("loop", "ms", (WALL, PROCESSOR)),
    ):
        if task in only:
            turns = {f"{n} ({how})": partial(measured, task, titles, n, how) for n, how in ways}
            contest([Row(title, unit, "less") for title in titles], turns)
    for kind in asked.trainings.split(",") if "autolog" in only else ():
        for models in MODELS:
            who = peers.those_with("AUTOLOG", tuple(names))
            row = Row(AUTOLOG.format(TRAININGS[kind], MODELS[models]), "ms", "less")
            contest([row], {n: partial(autologged, n, kind, models) for n in who})
    if "model" in only:
        who = peers.those_with("LOG_MODEL", tuple(names))
        contest([Row(MODEL, "s", "less")], {name: partial(model_logged, name) for name in who})
    if not rows:
        raise Failed("nothing was asked for")
    publish("training", rows, failures, names, keep=not asked.no_write)


if __name__ == "__main__":
    main()
