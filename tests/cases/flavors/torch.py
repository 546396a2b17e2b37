"""PyTorch: modules of its own layers, classes of one's own, compiled ones; weights of all kinds."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from modelyard.objects.flavors import torch as flavor
from modelyard.testing.flavors import Example, FlavorCase

ROWS = torch.randn(7, 4, generator=torch.Generator().manual_seed(3))
IDS = torch.tensor([[1, 2, 0], [3, 9, 9], [0, 0, 1], [5, 6, 7]])
IMAGES = torch.randn(5, 3, 8, 8, generator=torch.Generator().manual_seed(3))


def seeded(make: Callable[[], nn.Module], *, training: bool = False) -> Callable[[], Any]:
    """A module with the same weights each time, made when it is first asked for."""

    @cache
    def made() -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(3)
            return make().train(training)

    return made


class Net(nn.Module):
    """Tied weights, buffers kept and not kept, short floats, odd strides, a step chosen by an attribute."""

    def __init__(self, scale: float = 2.0) -> None:
        super().__init__()
        self.table = nn.Embedding(10, 6)
        self.out = nn.Linear(6, 10, bias=False)
        self.out.weight = self.table.weight
        self.register_buffer("scale", torch.tensor(scale))
        self.register_buffer("offset", torch.arange(10.0), persistent=False)
        self.short = nn.Parameter(torch.randn(10).bfloat16(), requires_grad=False)
        self.turned = nn.Parameter(torch.randn(10, 10).T)
        self.drop = nn.Dropout(0.5)

    def forward(self, ids: torch.Tensor, factor: float = 1.0) -> torch.Tensor:
        hidden = self.out(self.drop(self.table(ids))) @ self.turned
        return hidden * self.scale * factor + self.offset + self.short.float()

    def encode(self, ids: torch.Tensor) -> torch.Tensor:
        return self.table(ids).mean(1)


class Pair(NamedTuple):
    mean: torch.Tensor
    sizes: dict[str, torch.Tensor]


class Several(nn.Module):
    """Answers a named tuple, with a dict and a NaN inside; has a `predict` of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> Pair:
        made = self.layer(x)
        return Pair(made, {"largest": made.max(1).values, "nothing": made[:, 0] * torch.nan})

    def predict(self, x: torch.Tensor) -> torch.Tensor:
        return self(x).mean.argmax(1)


class OnArrays(nn.Module):
    """Takes arrays itself, as its hint says."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 1)

    def forward(self, X: np.ndarray) -> np.ndarray:
        return self.layer(torch.from_numpy(np.ascontiguousarray(X))).numpy()


def mlp() -> nn.Module:
    return nn.Sequential(
        nn.Linear(4, 8), nn.ReLU(), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3)
    )


def picture() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1, bias=False),
        nn.BatchNorm2d(4),
        nn.GELU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 4, (1, 3), groups=2, padding_mode="reflect", padding=1),
        nn.AdaptiveAvgPool2d((2, None)),
        nn.Flatten(),
        nn.LazyLinear(2),
    )


def seen(module: nn.Module, rows: torch.Tensor) -> nn.Module:
    """A module whose lazy layers know their sizes."""
    module(rows)
    return module


def quiet(make: Callable[[], Any]) -> Callable[[], Any]:
    """TorchScript is old, as torch says each time."""

    @cache
    def made() -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            return make()

    return made


def exported() -> Any:
    rows = {0: torch.export.Dim("rows", min=1)}
    return torch.export.export(seeded(mlp)(), (ROWS,), dynamic_shapes=(rows,))


def frozen() -> nn.Module:
    module = mlp()
    module[0].requires_grad_(requires_grad=False)
    return module


class Doubled(nn.Linear):
    """A subclass of a layer is code."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return 2 * super().forward(input)


def models() -> dict[str, Example]:
    layers = {
        "rows": ROWS,
        "format": "torch_layers",
        "formats": ["torch_layers", "torch_state", "cloudpickle"],
    }
    code = {"rows": ROWS, "format": "torch_state", "formats": ["torch_state", "cloudpickle"]}
    return {
        "layers": Example(seeded(mlp), labels=["sequential"], **layers),
        "in training": Example(seeded(mlp, training=True), **layers),
        "partly frozen": Example(seeded(frozen), **layers),
        "in half precision": Example(seeded(lambda: nn.Linear(4, 2).bfloat16()), **layers | {"rows": ROWS.bfloat16()}),
        "pictures": Example(seeded(lambda: seen(picture(), IMAGES)), **layers | {"rows": IMAGES}),
        "attention": Example(
            seeded(lambda: nn.TransformerEncoderLayer(4, 2, 6, activation="gelu", batch_first=True)),
            **layers | {"rows": ROWS.reshape(1, 7, 4).expand(3, 7, 4)},
        ),
        "memory": Example(seeded(lambda: nn.LSTM(4, 3, 2, batch_first=True, bidirectional=True)), **layers),
        "tied": Example(seeded(lambda: tied()), **layers | {"rows": IDS}),
        "own class": Example(seeded(Net, training=True), labels=["net"], methods=("predict", "encode"), **code | {"rows": IDS}),
        "own predict": Example(seeded(Several), **code),
        "own arrays": Example(seeded(OnArrays), **code | {"rows": ROWS.numpy()}),
        "subclass of a layer": Example(seeded(lambda: Doubled(4, 2)), **code),
        "with arrays": Example(seeded(mlp), **layers | {"rows": ROWS.numpy()}),
        "script": Example(
            quiet(lambda: torch.jit.script(seeded(mlp)())), ROWS, labels=["sequential"],
            format="torchscript", formats=["torchscript"],
        ),
        "traced": Example(
            quiet(lambda: torch.jit.trace(seeded(Net)(), IDS)), IDS, labels=["net"],
            format="torchscript", formats=["torchscript"],
        ),
        "exported": Example(quiet(exported), ROWS, format="torch_export", formats=["torch_export"]),
    }  # fmt: skip


def tied() -> nn.Module:
    module = nn.Sequential(nn.Embedding(10, 6), nn.Linear(6, 10, bias=False))
    module[1].weight = module[0].weight
    return module


def case() -> FlavorCase:
    return FlavorCase(
        flavor=flavor,
        models=models(),
        strangers={
            "tensor": torch.ones(2),
            "weight": nn.Parameter(torch.ones(2)),
            "optimizer": torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=1),
            "dtype": torch.float32,
        },
        unready={"lazy": nn.Sequential(nn.LazyLinear(2))},
    )
