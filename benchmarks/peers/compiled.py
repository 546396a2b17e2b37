"""Ourselves, with models compiled to ONNX: ``modelyard serve --compile auto``."""

from __future__ import annotations

import time
import urllib.request
from pathlib import Path

from benchmarks.environments import Environment, Failed
from benchmarks.peers import modelyard

REQUIREMENTS = ("-c", "constraints.txt", "-e", ".[sklearn,pandas,arrow,onnx]")
DISTRIBUTION = "modelyard"
PATH = modelyard.PATH
SAVE_NETWORK = modelyard.save_network
SAVES = {"save": modelyard.save}
request, answer = modelyard.request, modelyard.answer
PATIENCE = 120.0


def serve(environment: Environment, folder: Path, port: int) -> list[str]:
    return [*modelyard.serve(environment, folder, port), "--compile", "auto"]


def settle(url: str) -> None:
    """Wait until the compiled engine answers."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with urllib.request.urlopen(f"{url}/version", timeout=10) as response:
            if b"onnx" in response.read():
                return
        time.sleep(0.1)
    raise Failed("was not compiled")
