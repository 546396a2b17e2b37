"""One row and 64 rows, by the model itself, on bare arrays, and compiled. ``python -m benchmarks.compiling --help``

All in one process, as a worker of a server calls them: the model on the table it was fitted on, the array engine and the compiled
one on the arrays that they take. Models are those of `serving`, and a booster.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from benchmarks import environments
from benchmarks.environments import Failed
from benchmarks.harness import Contest, Measurement, Row, arguments
from benchmarks.report import publish

COMPILED, OWN, ARRAYS = "modelyard compiled", "the model itself", "modelyard on arrays"
CONTENDERS = (COMPILED, OWN, ARRAYS)
MODELS = ("pipeline", "forest", "booster")
SIZES = (1, 64)
REQUIREMENTS = ("-c", "constraints.txt", "-e", ".[sklearn,pandas,onnx]")
SECONDS = 0.5
"""How long each is called for one figure."""


def title(model: str, rows: int) -> str:
    return f"{model}, {rows} row{'s' if rows > 1 else ''} a call"


def fitted(name: str) -> tuple[Any, Any]:
    """A model and the table it was fitted on."""
    from benchmarks import work

    if name in work.MODELS:
        return work.MODELS[name]()
    from sklearn.ensemble import GradientBoostingClassifier

    _, data = work.pipeline()
    target = (data["mean area"] > 550).to_numpy() ^ (data["mean texture"] > 19).to_numpy()
    return GradientBoostingClassifier(random_state=0).fit(data, target), data


def calls(name: str) -> dict[str, Callable[[int], Callable[[], Any]]]:
    """Contender -> a call of so many rows."""
    from dataclasses import replace

    from modelyard.objects.engines.array import array_engine
    from modelyard.objects.engines.onnx import compile_model
    from modelyard.yard.verbs import live_model

    model, data = fitted(name)
    live = live_model(model, data)
    signature = live.signature("predict_proba")
    live = replace(live, card=live.card.but(sample=signature.args["X"].type.encode(data.head(5))))
    made = compile_model(live, methods=["predict_proba"])
    if not made.engines:
        raise Failed(str(made.reasons))
    engines = {COMPILED: made.engines["predict_proba"], ARRAYS: array_engine(live, "predict_proba")}

    def of(engine: Any, rows: int) -> Callable[[], Any]:
        fed = engine.form.fit(data.head(rows))
        return lambda: engine.call(fed)

    def own(rows: int) -> Callable[[], Any]:
        part = data.head(rows)
        return lambda: model.predict_proba(part)

    found: dict[str, Callable[[int], Callable[[], Any]]] = {OWN: own}
    for word, engine in engines.items():
        if engine is not None:
            found[word] = lambda rows, engine=engine: of(engine, rows)
    return found


def rate(call: Callable[[], Any]) -> float:
    """Calls in a second."""
    call()
    done, started = 0, time.perf_counter()
    while (seconds := time.perf_counter() - started) < SECONDS:
        call()
        done += 1
    return done / seconds


def work_through() -> None:
    """In a process of its own: all figures once."""
    found: dict[str, dict[str, float]] = {name: {} for name in CONTENDERS}
    for model in MODELS:
        for name, call_of in calls(model).items():
            for rows in SIZES:
                found[name][title(model, rows)] = rate(call_of(rows))
    print(json.dumps(found))


class Turns:
    """One process measures all contenders of a round, so that they meet the same weather."""

    def __init__(self, names: list[str]) -> None:
        self._names = names
        self._said: dict[str, Measurement] = {}

    def take(self, name: str) -> Measurement:
        if name == self._names[0] or not self._said:
            environment = environments.make("compiling", REQUIREMENTS, {})
            said = environment.run("-c", "from benchmarks.compiling import work_through as w; w()")
            self._said = json.loads(said.splitlines()[-1])
        return self._said[name]


def main() -> None:
    parser = arguments(__doc__, CONTENDERS, rounds=3)
    asked = parser.parse_args()
    names = asked.peers.split(",")
    turns = Turns(names)
    contest = Contest([Row(title(m, n), "calls/s", "more") for m in MODELS for n in SIZES])
    rows = contest.run({n: (lambda n=n: turns.take(n)) for n in names}, asked.rounds)
    publish("compiling", rows, contest.failures, (), keep=not asked.no_write)


if __name__ == "__main__":
    main()
