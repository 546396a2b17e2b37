"""Saving a scikit-learn model with sample data, in a warm process. ``python -m benchmarks.saving --help``"""

from __future__ import annotations

import json
from functools import partial

from benchmarks import peers
from benchmarks.harness import Contest, Measurement, Row, arguments, chosen
from benchmarks.report import publish

TITLES = {
    "pipeline": "save a pipeline (scaler, logistic regression)",
    "forest": "save a forest of 100 trees",
}


def turn(name: str, how: str, model: str) -> Measurement:
    said = peers.environment(name).run("-m", "benchmarks.worker", "save", name, how, model)
    return {TITLES[model]: json.loads(said.splitlines()[-1])}


def main() -> None:
    known = ["modelyard", "handwritten", "mlflow", "mlem"]
    asked = arguments(__doc__, known, rounds=3).parse_args()
    names = chosen(asked, known)
    rows, failures = [], {}
    for model, title in TITLES.items():
        contest = Contest([Row(title, "s", "less")])
        turns = {
            f"{name} {how}": partial(turn, name, how, model)
            for name in names
            for how in peers.peer(name).SAVES
        }
        rows += contest.run(turns, asked.rounds)
        failures |= {f"{name}, {title}": why for name, why in contest.failures.items()}
    publish("saving", rows, failures, names, keep=not asked.no_write)


if __name__ == "__main__":
    main()
