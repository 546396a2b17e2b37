"""BentoML: a service class (`bentoml_service`), one worker, without batching, as in its own first example."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.environments import Environment
from benchmarks.peers import handwritten

REQUIREMENTS = ("bentoml==1.4.39",)
DISTRIBUTION = MODULE = COMMAND = "bentoml"
VARIABLES = {"BENTOML_DO_NOT_TRACK": "True"}
PATH = "/predict"
SAVES = {"joblib.dump": handwritten.save}
answer = handwritten.answer


def serve(environment: Environment, folder: Path, port: int) -> list[str]:
    service = "benchmarks.peers.bentoml_service:Classifier"
    return [
        *("env", f"MODEL={folder / 'model.joblib'}", f"BENTOML_HOME={folder / 'bentoml'}"),
        *(str(environment.command(COMMAND)), "serve", service, "--host", "127.0.0.1"),
        *("--port", str(port)),
    ]


def request(records: list[dict[str, Any]]) -> bytes:
    return json.dumps({"records": records}).encode()
