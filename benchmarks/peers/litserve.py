"""LitServe: an API class (`litserve_service`), one worker, without batching."""

from __future__ import annotations

from pathlib import Path

from benchmarks.environments import Environment
from benchmarks.peers import handwritten

REQUIREMENTS = ("litserve==0.2.19",)
DISTRIBUTION = MODULE = "litserve"
VARIABLES = {"LIT_DISABLE_TELEMETRY": "1"}
PATH = "/predict"
SAVES = {"joblib.dump": handwritten.save}
request = handwritten.request
answer = handwritten.answer


def serve(environment: Environment, folder: Path, port: int) -> list[str]:
    model = f"MODEL={folder / 'model.joblib'}"
    module = "benchmarks.peers.litserve_service"
    return ["env", model, str(environment.python), "-m", module, str(port)]
