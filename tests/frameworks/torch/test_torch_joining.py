"""Requests to networks are joined where a trial shows that each record is answered by itself, and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from modelyard.base.notes import collected
from modelyard.objects.engines.onnx import compile_model
from modelyard.objects.engines.row_wise import answers_row_by_row
from modelyard.objects.sampling import sample_for_card
from modelyard.serving.execution import Method, answer
from modelyard.serving.housing import choose_engines
from modelyard.serving.interface import Json, Request
from modelyard.yard.verbs import live_model

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(5, 6)).astype(np.float32)
WORDS = RNG.integers(0, 10, (5, 4))
PICTURES = RNG.normal(size=(2, 3, 8, 8)).astype(np.float32)
LARGE = RNG.normal(size=(2, 3, 64, 64)).astype(np.float32)
"""Too large for a card's sample."""


class Of(nn.Module):
    """A layer, and a function of what it says."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.layer, self.function = nn.Linear(6, 4), function

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(self.layer(x))


class Counting(nn.Module):
    """It remembers."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.calls = nn.Linear(6, 4), 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return self.layer(x) + self.calls


class Reader(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words, self.last = nn.Embedding(10, 4), nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.words(x).mean(1))


class Writing(nn.Module):
    """Its class says what ``predict`` is."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.letters = nn.Linear(6, 4), 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x)

    def predict(self, x: torch.Tensor) -> torch.Tensor:
        self.letters += 1
        return self(x)


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(6, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(), nn.Linear(64, 2))  # fmt: skip


def left_in_training() -> nn.Module:
    """In evaluation mode but for one part, as somebody meant it."""
    made = network().eval()
    made[1].train()
    return made


def by_the_batch(size: int) -> nn.Module:
    return nn.BatchNorm1d(size, track_running_stats=False)


def left_dropping() -> nn.Module:
    made = network().eval()
    made[3].train()
    return made


def pictures(*more: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), *more)  # fmt: skip


def attention() -> nn.Module:
    return nn.Sequential(nn.Unflatten(1, (3, 2)), nn.TransformerEncoderLayer(2, 1, 8, batch_first=True), nn.Flatten())  # fmt: skip


def quantized(y: torch.Tensor) -> torch.Tensor:
    """As dynamic quantization does it: in 255 steps of the largest number of the batch."""
    step = y.abs().max() / 127
    return (y / step).round() * step


def saved(module: nn.Module, rows: Any) -> Any:
    """As it is loaded: its card has a sample, if that is small enough."""
    model = live_model(module, rows)
    signature = model.signature("predict")
    [name] = signature.args
    sample = sample_for_card({name: rows}, signature)
    return replace(model, card=model.card.but(sample=sample))


BY_ROW = {
    "layers": (network, ROWS),
    "tensors": (network, torch.from_numpy(ROWS)),
    "words": (Reader, WORDS),
    "pictures": (lambda: pictures(nn.Softmax(1)), PICTURES),
    "large pictures": (pictures, LARGE),
    "attention": (attention, ROWS),
    "softmax of a row": (lambda: Of(lambda y: y.softmax(1)), ROWS),
    "norm of a row": (lambda: nn.Sequential(nn.Linear(6, 4), nn.LayerNorm(4)), ROWS),
    "labels": (lambda: Of(lambda y: y.argmax(1)), ROWS),
    "doubles": (lambda: network().double(), ROWS.astype(np.float64)),
}
BY_NEIGHBOURS = {
    "softmax of the batch": (lambda: Of(lambda y: y.softmax(0)), ROWS),
    "mean of the batch": (lambda: Of(lambda y: y - y.mean(0)), ROWS),
    "a little of the mean": (lambda: Of(lambda y: y + 1e-3 * y.mean(0)), ROWS),
    "sum so far": (lambda: Of(lambda y: y.cumsum(0)), ROWS),
    "reversed": (lambda: Of(lambda y: y.flip(0)), ROWS),
    "shifted": (lambda: Of(lambda y: y.roll(1, 0)), ROWS),
    "sorted": (lambda: Of(lambda y: y.sort(0).values), ROWS),
    "rank in the batch": (lambda: Of(lambda y: y.argsort(0).argsort(0)), ROWS),
    "number of the row": (lambda: Of(lambda y: y + torch.arange(len(y))[:, None]), ROWS),
    "size of the batch": (lambda: Of(lambda y: y * (len(y) < 40)), ROWS),
    "the last alone": (lambda: Of(lambda y: torch.cat([y[:-1], y[-1:] + (len(y) > 1)])), ROWS),
    "range of the batch": (lambda: Of(lambda y: y / y.abs().max().clamp(min=50)), ROWS),
    "one bad for all": (lambda: Of(lambda y: y if y.isfinite().all() else y * 0), ROWS),
    "attention between rows": (lambda: Of(lambda y: (y @ y.T).softmax(1) @ y), ROWS),
    "time first": (lambda: Of(lambda y: nn.functional.normalize(y, dim=0)), ROWS),
    "one answer": (lambda: Of(lambda y: y.sum(0, keepdim=True)), ROWS),
    "normalization left in training": (left_in_training, ROWS),
    "quantized by the batch": (lambda: Of(quantized), ROWS),
    "mean of all words": (
        lambda: nn.Sequential(Reader(), nn.BatchNorm1d(2, track_running_stats=False)),
        WORDS,
    ),
    "channels of all pictures": (
        lambda: pictures(nn.BatchNorm1d(4, track_running_stats=False)),
        LARGE,
    ),
}
UNTOLD = {
    "by chance": (left_dropping, ROWS),
    "memory": (Counting, ROWS),
    "the same to all": (lambda: Of(lambda y: y * 0), ROWS),
    "its own predict": (Writing, ROWS),
}


def tried(make: Any, rows: Any) -> Any:
    torch.manual_seed(0)
    module = make()
    if not any(part.training != module.training for part in module.modules()):
        module.eval()
    return saved(module, rows)


@pytest.mark.parametrize("name", BY_ROW)
def test_a_network_that_answers_row_by_row_is_joined(name: str) -> None:
    assert answers_row_by_row(tried(*BY_ROW[name]), "predict")


@pytest.mark.parametrize("name", [*BY_NEIGHBOURS, *UNTOLD])
def test_one_that_looks_at_its_neighbours_or_shows_nothing_is_not(name: str) -> None:
    assert not answers_row_by_row(tried(*(BY_NEIGHBOURS | UNTOLD)[name]), "predict")


class Sly(nn.Module):
    """It looks at its neighbours where one of them is such as no trial has."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(6, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.layer(x)
        return y - y.mean(0) if bool(((x > 40) & (x < 60)).any()) else y


def served(module: nn.Module, *, trial: bool = True) -> tuple[Method, list[int]]:
    """The method as a server has it, and the rows of each of its calls."""
    model = tried(lambda: module, ROWS)
    method = Method(model, "predict")
    if trial:
        choose_engines(model, {"predict": method})
    calls: list[int] = []
    own = method.function

    def counted(x: Any) -> Any:
        calls.append(len(x))
        return own(**{str(method.records): x})

    method.function = lambda **named: counted(*named.values())
    return method, calls


def requests(method: Method, rows: Sequence[Any]) -> list[Request]:
    return [Request("m", "predict", {str(method.records): Json([row])}, "r1") for row in rows]


def test_joined_requests_hear_what_they_would_hear_alone() -> None:
    torch.manual_seed(0)
    method, calls = served(network().eval())
    asked = requests(method, ROWS.tolist())
    alone = [answer(method, [one])[0] for one in asked]
    calls.clear()
    for _ in range(5):
        joined = answer(method, asked)
        np.testing.assert_allclose(joined, alone, rtol=1e-5, atol=1e-6)
    assert calls == [
        5,
        1,
        5,
        1,
        5,
        5,
        1,
        5,
    ]  # the first, second and fourth call were looked at again


def test_what_a_trial_did_not_see_ends_joining_when_it_is_seen() -> None:
    method, calls = served(Sly().eval())
    assert method.joins
    asked = requests(method, [*ROWS.tolist(), [50.0] * 6])
    alone = [answer(method, [one])[0] for one in asked]
    calls.clear()
    with collected() as said:
        assert answer(method, asked) == alone
        assert answer(method, asked) == alone
    assert calls == [6, *[1] * 13]
    assert not method.joins
    assert ["is not one row a record" in line for line in said] == [True]


def test_a_compiled_network_joins_by_its_graph_alone() -> None:
    method, calls = served(network().eval(), trial=False)
    asked = requests(method, ROWS.tolist())
    assert (method.joins, method.group(asked[0])) == (False, None)
    method.engine = compile_model(method.model).engines["predict"]
    assert method.joins
    assert method.group(asked[0]) is not None
    alone = [answer(method, [one])[0] for one in asked]
    np.testing.assert_allclose(answer(method, asked), alone, rtol=1e-5, atol=1e-6)
    assert calls == []
    strange = requests(method, [[1e300] * 6, *ROWS.tolist()])
    [_, *others] = answer(method, strange)  # what a graph refuses is asked one by one
    np.testing.assert_allclose(others, alone, rtol=1e-5, atol=1e-6)
    assert set(calls) <= {1}
