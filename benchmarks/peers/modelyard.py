"""Ourselves, from the working tree."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.environments import Environment

REQUIREMENTS = ("-c", "constraints.txt", "-e", ".[sklearn,pandas,arrow]")
DISTRIBUTION = MODULE = COMMAND = "modelyard"
PATH = "/predict"


def save(model: Any, sample: Any, folder: Path) -> None:
    import modelyard as my

    my.save(model, folder / "model", sample_data=sample)


def save_network(model: Any, sample: Any, folder: Path) -> None:
    import torch

    save(model, torch.from_numpy(sample[:5]), folder)


SAVE_NETWORK = save_network
SAVES = {"save": save}


def _to(where: str) -> Callable[[str, float, int], None]:
    import os

    os.environ["MODELYARD_URI"] = where
    import modelyard as my

    return my.start_run().log_metric


def to_file(folder: Path, address: str) -> Callable[[str, float, int], None]:
    return _to(f"sqlite:///{folder / 'yard.db'}")


def to_server(folder: Path, address: str) -> Callable[[str, float, int], None]:
    return _to(address)


LOGS = {
    "file": to_file,
    "server": to_server,
    "server absent": to_server,
    "server silent": to_server,
}


def autolog(folder: Path, *, models: bool, on: bool) -> None:
    import os

    os.environ["MODELYARD_URI"] = f"sqlite:///{folder / 'yard.db'}"
    import modelyard as my

    my.autolog(log_models=models, disable=not on)


AUTOLOG = autolog


def model_logger(folder: Path) -> Callable[[Any, Any], None]:
    import modelyard as my

    run = my.Yard(f"sqlite:///{folder / 'yard.db'}").start_run()

    def log_model(model: Any, sample: Any) -> None:
        run.log_model(model, "model", sample_data=sample)

    return log_model


LOG_MODEL = model_logger


def serve(environment: Environment, folder: Path, port: int) -> list[str]:
    return [str(environment.command(COMMAND)), "serve", str(folder / "model"), "--port", str(port)]


def request(records: list[dict[str, Any]]) -> bytes:
    return json.dumps(records).encode()


def answer(body: bytes) -> list[Any]:
    return json.loads(body)


def apply(folder: Path, data: Path, output: Path) -> None:
    import modelyard as my

    my.apply(str(folder / "model"), str(data), output=str(output), batch_rows=100_000)
