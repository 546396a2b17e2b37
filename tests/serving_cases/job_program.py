"""A server of jobs as its own process: ``python job_program.py FOLDER``. Prints its URL; ``x`` under 0 never ends."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from modelyard.serving.servers.fastapi import serve
from serving_cases.models import function_model


def twice(x: float) -> float:
    if x < 0:
        threading.Event().wait()
    return x * 2


if __name__ == "__main__":
    serve(
        function_model("numbers", 1.0, predict=twice),
        port=0,
        jobs={"folder": sys.argv[1]},
        on_ready=lambda running: print(running.url, flush=True),
    )
