"""Modules become graphs that give the same answers, for any number of rows."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import modelyard as my
from modelyard.base.errors import UnsupportedType


class Two(nn.Module):
    """Of two inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Linear(3, 2), nn.Linear(2, 2)

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return self.left(a) + self.right(b).sigmoid()


class Answers(nn.Module):
    """No tensor comes in."""

    def forward(self, text: str) -> str:
        return text


ROWS = np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32)
IMAGES = np.random.default_rng(0).normal(size=(4, 1, 8, 8)).astype(np.float32)
MODULES: dict[str, tuple[Any, Any]] = {
    "layers": (lambda: nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Dropout(), nn.Linear(4, 2)), ROWS),
    "images": (
        lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(72, 2)),
        IMAGES,
    ),
    "two inputs": (Two, (ROWS, ROWS[:, :2])),
}  # fmt: skip


@pytest.fixture(params=["onnxscript", "tracing"])
def exporter(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With and without the library that follows modules by ``torch.export``."""
    if request.param == "tracing":
        found = importlib.util.find_spec
        monkeypatch.setattr(
            importlib.util, "find_spec", lambda name, *a: None if name == "onnxscript" else found(name, *a)
        )  # fmt: skip
    return request.param


@pytest.mark.parametrize("word", MODULES)
def test_a_module_becomes_a_graph(word: str, exporter: str, tmp_path: Path) -> None:
    make, rows = MODULES[word]
    module = make()
    card = my.save(module, tmp_path / "m", sample_data=rows, format="onnx")
    assert (card.flavor, card.format.tier, list(card.methods)) == ("onnx", 0, ["predict"])
    assert module.training
    again = my.load(tmp_path / "m")
    values = rows if isinstance(rows, tuple) else (rows,)
    module.eval()
    for count in (len(values[0]), 1, 3):
        part = [value[:count] for value in values]
        with torch.no_grad():
            wanted = module(*map(torch.from_numpy, part)).numpy()
        assert np.allclose(again.predict(*part), wanted, rtol=1e-5, atol=1e-6)


def test_what_takes_no_tensors_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedType, match="that take tensors alone"):
        my.save(Answers(), tmp_path / "m", sample_data="text", format="onnx")
