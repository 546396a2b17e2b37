"""Trackio: `log` collects what it is told, and a thread of the process writes it to SQLite."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

REQUIREMENTS = ("trackio==0.43.0",)
DISTRIBUTION = MODULE = "trackio"
VARIABLES = {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1"}


def to_file(folder: Path, address: str) -> Callable[[str, float, int], None]:
    import os

    os.environ["HF_HOME"] = str(folder)
    import trackio

    run = trackio.init("benchmark", embed=False, auto_log_gpu=False, auto_log_cpu=False)

    def log(key: str, value: float, step: int) -> None:
        run.log({key: value}, step=step)

    return log


LOGS = {"file": to_file}
