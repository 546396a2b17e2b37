"""A server as its own process: ``python program.py MODEL LOG SERVER``. Prints its URL when it is up, what was logged at the end."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))


from modelyard.base import plugins
from modelyard.predictions.interface import Prediction
from modelyard.serving.announcing import announce
from modelyard.serving.interface import Running
from serving_cases.models import function_model, iris


class LineLog:
    """Writes one line a prediction to a file, slowly when asked to."""

    def __init__(self, path: str, seconds: float = 0.0) -> None:
        self._path, self._seconds = Path(path), seconds

    def record(self, predictions: list[Prediction]) -> None:
        time.sleep(self._seconds)
        with self._path.open("a") as out:
            out.writelines(f"{p.request_id}\n" for p in predictions)


def slow(x: float) -> float:
    time.sleep(0.02)
    return x


def models(name: str) -> Any:
    return iris() if name == "iris" else function_model("slow", 1.0, predict=slow)


def on_ready(running: Running) -> None:
    announce(running)
    print(running.url, flush=True)


if __name__ == "__main__":
    model, log, server = sys.argv[1:]
    serve = plugins.load("servers", server).serve
    serve(models(model), port=0, log=LineLog(log), on_ready=on_ready)
    print("ended", flush=True)
