"""Ourselves, from the working tree."""

from __future__ import annotations

import json
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


def serve(environment: Environment, folder: Path, port: int) -> list[str]:
    return [str(environment.command(COMMAND)), "serve", str(folder / "model"), "--port", str(port)]


def request(records: list[dict[str, Any]]) -> bytes:
    return json.dumps(records).encode()


def answer(body: bytes) -> list[Any]:
    return json.loads(body)


def apply(folder: Path, data: Path, output: Path) -> None:
    import modelyard as my

    my.apply(str(folder / "model"), str(data), output=str(output), batch_rows=100_000)
