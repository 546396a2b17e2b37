"""Runs where torch is: one contender saves and loads weights, and its figures are printed as one line of JSON.

``python -m benchmarks.tensors_worker NAME module|tensors MEGABYTES``
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors import torch as stock

import modelyard as my
from benchmarks.tensors import WORK


class Net(torch.nn.Module):
    """Eight large layers."""

    def __init__(self, megabytes: int) -> None:
        super().__init__()
        layers = [torch.nn.Linear(4096, megabytes * 8, bias=False) for _ in range(8)]
        self.layers = torch.nn.ModuleList(layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([layer(x) for layer in self.layers], 1)


def measured(name: str, what: str, megabytes: int) -> dict[str, float]:
    """Make the weights, save them, forget them, load them and use each once."""
    made: Any = Net(megabytes)
    if what == "tensors":
        made = {str(i): layer.weight.detach() for i, layer in enumerate(made.layers)}
    save, load = WAYS[name](what, megabytes)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "weights")
        with watched() as grown:
            started = time.perf_counter()
            save(made, path)
            os.sync()
            saved = time.perf_counter() - started
        del made
        with watched() as grown_again:
            started = time.perf_counter()
            use(load(path))
            loaded = time.perf_counter() - started
    return dict(zip(WORK, (saved, loaded, grown[0], grown_again[0]), strict=True))


def use(loaded: Any) -> None:
    """Look at every weight once."""
    weights = loaded.parameters() if hasattr(loaded, "parameters") else loaded.values()
    for weight in weights:
        weight.detach().view(-1)[::1024].sum()


@contextmanager
def watched() -> Iterator[list[float]]:
    """How many megabytes the process's own memory grows by at most, meanwhile; 1 stands for less."""
    before, done, grown = own_memory(), threading.Event(), [1.0]

    def watch() -> None:
        while not done.wait(0.002):
            grown[0] = max(grown[0], own_memory() - before)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield grown
    finally:
        done.set()
        watcher.join()


def own_memory() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("RssAnon"))


Way = tuple[Callable[[Any, Path], Any], Callable[[Path], Any]]


def modelyard(what: str, megabytes: int) -> Way:
    my.save(torch.nn.Linear(1, 1), Path(tempfile.mkdtemp(), "warm"))  # its parts are imported
    return my.save, my.load


def raw_limit(what: str, megabytes: int) -> Way:
    """The bytes, their digest, nothing else."""

    def save(made: Any, path: Path) -> None:
        weights = made.parameters() if what == "module" else made.values()
        with path.open("wb") as out:
            for weight in weights:
                out.write(weight.detach().numpy().data)
            out.flush()
            os.fsync(out.fileno())
        digest(path)

    def load(path: Path) -> Any:
        digest(path)
        return {"all": torch.from_file(str(path), shared=False, size=path.stat().st_size // 4)}

    return save, load


def digest(path: Path) -> None:
    with path.open("rb") as stream:
        hashlib.file_digest(stream, "sha256")


def stock_safetensors(what: str, megabytes: int) -> Way:
    if what == "tensors":
        return stock.save_file, stock.load_file

    def load(path: Path) -> Any:
        made = Net(megabytes)  # the library fills a module, it makes none
        stock.load_model(made, path)
        return made

    return stock.save_model, load


def torch_save(what: str, megabytes: int) -> Way:
    return torch.save, partial(torch.load, weights_only=what == "tensors")


WAYS: dict[str, Callable[[str, int], Way]] = {
    "modelyard": modelyard,
    "raw limit": raw_limit,
    "safetensors": stock_safetensors,
    "torch.save": torch_save,
}


if __name__ == "__main__":
    print(json.dumps(measured(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
