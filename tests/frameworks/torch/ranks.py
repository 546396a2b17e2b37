"""Run by torchrun, in each of two processes: a distributed training without logging and with it. ``ranks.py FOLDER``."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

import modelyard as my


def main() -> None:
    dist.init_process_group("gloo")
    rank = dist.get_rank()
    found: dict[str, Any] = {"bare": train(lambda *_: None)}
    with my.start_run("ranks", experiment="one", log_system_metrics=False) as run:
        my.log_param("world_size", dist.get_world_size())
        found["one"], found["one's run"] = train(my.log_metric), run.run_id
        my.log_text("of the first rank alone", "notes.txt")
    with my.start_run(f"rank {rank}", experiment="each", all_ranks=True) as run:
        found["each"], found["each's run"] = train(run.log_metric), run.run_id
    Path(sys.argv[1], f"{rank}.json").write_text(json.dumps(found))
    dist.barrier()
    dist.destroy_process_group()


def train(log: Callable[[str, float, int], Any]) -> list[float]:
    """Each rank sees rows of its own; the loss that is logged is its own too."""
    torch.manual_seed(0)
    model = DistributedDataParallel(torch.nn.Linear(3, 1))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    rows = torch.rand(8, 3, generator=torch.Generator().manual_seed(dist.get_rank()))
    for step in range(20):
        optimizer.zero_grad()
        loss = ((model(rows) - rows.sum(1, keepdim=True)) ** 2).mean()
        loss.backward()
        optimizer.step()
        log("loss", loss.item(), step)
    return [float(value) for weight in model.parameters() for value in weight.flatten()]


main()
