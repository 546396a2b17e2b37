"""Run by torchrun, in each of two processes: a distributed training that logs. ``ranks.py HOW OUTPUT``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

import modelyard as my

HOW, OUTPUT = sys.argv[1], Path(sys.argv[2])


def main() -> None:
    dist.init_process_group("gloo")
    rank = dist.get_rank()
    if HOW == "bare":
        found: dict[str, Any] = {"weights": train(lambda *_: None)}
    elif HOW == "fluent":
        with my.start_run("ranks", experiment="ddp", log_system_metrics=False) as run:
            my.log_param("world_size", dist.get_world_size())
            found = {"weights": train(my.log_metric), "run": run.run_id}
            my.log_text("of the first rank alone", "notes.txt")
    else:
        with my.start_run(f"rank {rank}", experiment="ddp", all_ranks=True) as run:
            found = {"weights": train(run.log_metric), "run": run.run_id}
    (OUTPUT / f"{rank}.json").write_text(json.dumps(found))
    dist.barrier()
    dist.destroy_process_group()


def train(log: Any) -> list[float]:
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
