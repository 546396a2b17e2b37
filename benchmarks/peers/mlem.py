"""MLEM, whose last release needs the libraries of its time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.environments import Environment

REQUIREMENTS = (
    *("mlem==0.4.14", "isort<8", "typer<0.25", "click<8.2", "pydantic<2", "fastapi<=0.125"),
    *("uvicorn", "prometheus-fastapi-instrumentator<7"),
)
DISTRIBUTION = MODULE = COMMAND = "mlem"
VARIABLES = {"MLEM_NO_ANALYTICS": "true", "ITERATIVE_DO_NOT_TRACK": "true"}
PATH = "/predict"


def save(model: Any, sample: Any, folder: Path) -> None:
    import mlem.api

    mlem.api.save(model, str(folder / "model"), sample_data=sample)


SAVES = {"save": save}


def serve(environment: Environment, folder: Path, port: int) -> list[str]:
    return [
        *(str(environment.command(COMMAND)), "serve", "fastapi", "--model", str(folder / "model")),
        *("--host", "127.0.0.1", "--port", str(port)),
    ]


def request(records: list[dict[str, Any]]) -> bytes:
    return json.dumps({"data": {"values": records}}).encode()


def answer(body: bytes) -> list[Any]:
    return json.loads(body)
