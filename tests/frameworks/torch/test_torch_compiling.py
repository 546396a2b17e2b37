"""Networks compiled: the same answers, of the same kind, for any number of rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from modelyard.objects.engines.onnx import compile_model, with_engines
from modelyard.yard.verbs import live_model


class Reader(nn.Module):
    """Looks words up by their numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.last = nn.Embedding(10, 4), nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.words(x).mean(1))


class Two(nn.Module):
    """Of two inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Linear(3, 2), nn.Linear(3, 2)

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return self.left(a) + self.right(b)


RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(8, 3)).astype(np.float32)
NUMBERS = np.arange(10).repeat(2).reshape(4, 5)


def layers() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Dropout(), nn.Linear(4, 2))


@pytest.mark.parametrize(
    ("make", "rows"),
    [(layers, ROWS), (layers, torch.from_numpy(ROWS)), (Reader, NUMBERS)],
    ids=["array", "tensor", "words"],
)
def test_a_network_compiles(make: Any, rows: Any) -> None:
    torch.manual_seed(0)
    model = live_model(make().eval(), rows)
    made = compile_model(model)
    assert list(made.engines) == ["predict"], made.reasons
    quick, argument = with_engines(model, made), made.engines["predict"].argument
    for part in (rows, rows[:1], rows[:3]):
        wanted, got = (m.call("predict", **{argument: part}) for m in (model, quick))
        assert (type(got), got.dtype) == (type(wanted), wanted.dtype)
        np.testing.assert_allclose(np.asarray(got), np.asarray(wanted), rtol=1e-5, atol=1e-6)


def test_a_number_without_a_word_is_the_networks_own_to_refuse() -> None:
    torch.manual_seed(0)
    model = live_model(Reader().eval(), NUMBERS)
    quick = with_engines(model, compile_model(model))
    with pytest.raises(Exception, match="index out of range"):
        quick.call("predict", x=np.full((1, 5), -1))


def test_two_inputs_are_not_compiled() -> None:
    made = compile_model(live_model(Two().eval(), (ROWS, ROWS)))
    assert dict(made.reasons) == {"predict": "it takes 2 arguments"}
