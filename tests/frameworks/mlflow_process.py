"""MLflow's own client as a process that does not see modelyard."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

CLIENT = Path(__file__).with_name("mlflow_client.py")


def client(*words: str) -> str:
    """What the client prints."""
    done = subprocess.run(
        [sys.executable, str(CLIENT), *words],
        env=client_environment(),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


def client_environment() -> dict[str, str]:
    """Ours without modelyard, and without anything to report to."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "MODELYARD"))}
    return {**kept, "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}


def answers_of(questions: list[dict[str, Any]], folder: Path) -> list[Any]:
    """What the client answers to questions as `mlflow_client.ask` takes them."""
    file = folder / "questions.json"
    file.write_text(json.dumps(questions))
    printed = client("ask", str(file)).splitlines()
    return json.loads(next(line for line in printed if line.startswith("ANSWERS "))[8:])
