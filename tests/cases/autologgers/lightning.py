"""Modules of Lightning: with validation, early stopping and a best checkpoint; with a data module and a schedule."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from torch.utils.data import DataLoader, TensorDataset

from modelyard.testing.autologgers import AutologgerCase, Training, Wrong
from modelyard.yard.active_run import ActiveRun

ROWS = torch.rand(40, 4, generator=torch.Generator().manual_seed(0))
WANTED = (ROWS.sum(1, keepdim=True) > 2).float()
OPTIMIZER = {
    "optimizer": "SGD",
    "optimizer_lr": 0.1,
    "optimizer_momentum": 0.5,
    "optimizer_dampening": 0,
    "optimizer_weight_decay": 0,
    "optimizer_nesterov": False,
    "optimizer_maximize": False,
    "optimizer_differentiable": False,
}
SIZES = {"parameters": 5, "trainable_parameters": 5, "training_rows": 32, "training_batches": 4}


class Network(pl.LightningModule):
    def __init__(self, rate: float = 0.1, wrong: bool = False) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.layer = torch.nn.Linear(4, 1)
        self.drop = torch.nn.Dropout(0.1)

    def forward(self, rows: Any) -> Any:
        return self.layer(self.drop(rows))

    def training_step(self, batch: Any, _: int) -> Any:
        if self.hparams["wrong"]:
            raise Wrong
        loss = torch.nn.functional.mse_loss(self(batch[0]), batch[1])
        self.log("loss", loss, on_step=True, on_epoch=True)
        return loss

    def validation_step(self, batch: Any, _: int) -> None:
        self.log("val_loss", torch.nn.functional.mse_loss(self(batch[0]), batch[1]))

    def test_step(self, batch: Any) -> None:
        self.log("test_loss", torch.nn.functional.mse_loss(self(batch[0]), batch[1]))

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=self.hparams["rate"], momentum=0.5)


class Rows(pl.LightningDataModule):
    def __init__(self, size: int = 8) -> None:
        super().__init__()
        self.save_hyperparameters()

    def train_dataloader(self) -> Any:
        return DataLoader(TensorDataset(ROWS[:32], WANTED[:32]), self.hparams["size"], shuffle=True)

    def val_dataloader(self) -> Any:
        return DataLoader(TensorDataset(ROWS[32:], WANTED[32:]), 8)

    test_dataloader = val_dataloader


class Heard(CSVLogger):
    """A logger that keeps what it is told."""

    def __init__(self, folder: str) -> None:
        super().__init__(folder)
        self.told: list[tuple[dict[str, float], int | None]] = []

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        self.told.append((dict(metrics), step))


def quiet(folder: str, **asked: Any) -> Any:
    """A trainer on the processor that says nothing."""
    told = {"enable_progress_bar": False, "enable_model_summary": False, "log_every_n_steps": 3}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pl.Trainer(accelerator="cpu", default_root_dir=folder, **told, **asked)


def fit(trainer: Any, module: Any, data: Any = None) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # few workers, few batches
        trainer.fit(module, datamodule=data or Rows())
    return module


def weights(module: Any) -> Any:
    return [weight.detach().numpy().copy() for weight in module.parameters()]


def network(**given: Any) -> Any:
    torch.manual_seed(0)
    return Network(**given)


def plain() -> Any:
    with tempfile.TemporaryDirectory() as folder:
        trainer = quiet(folder, max_epochs=2, logger=False, enable_checkpointing=False)
        return weights(fit(trainer, network()))


def plain_by_hand(run: ActiveRun) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        heard = Heard(folder)
        trainer = quiet(folder, max_epochs=2, logger=heard, enable_checkpointing=False)
        found = weights(fit(trainer, network()))
    told(run, heard, max_epochs=2)
    return found


def told(run: ActiveRun, heard: Heard, **params: Any) -> None:
    run.log_params({"model_class": "Network", "rate": 0.1, "wrong": False, "size": 8, **params})
    run.log_params({"accumulate_grad_batches": 1, "precision": "32-true", **OPTIMIZER, **SIZES})
    run.log_params({"validation_rows": 8, "validation_batches": 1})
    for metrics, step in heard.told:
        run.log_metrics(metrics, step=step)


def watching(folder: str, **asked: Any) -> Any:
    """The loss falls, and what waits for it to rise is soon tired of that."""
    stop = EarlyStopping("val_loss", patience=1, mode="max")
    best = ModelCheckpoint(Path(folder, "kept"), monitor="val_loss", mode="max", save_top_k=1)
    return quiet(folder, max_epochs=9, callbacks=[stop, best], **asked)


def stopped() -> Any:
    with tempfile.TemporaryDirectory() as folder:
        return weights(fit(watching(folder, logger=False), network()))


def stopped_by_hand(run: ActiveRun) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        heard = Heard(folder)
        trainer = watching(folder, logger=heard)
        found = weights(fit(trainer, network()))
        told(run, heard, max_epochs=9)
        stop, best = trainer.early_stopping_callback, trainer.checkpoint_callback
        run.log_artifact(best.best_model_path, "checkpoints")
        run.log_metric("best_checkpoint_score", float(best.best_model_score))
    given = {"monitor": "val_loss", "patience": 1, "min_delta": 0.0, "mode": "max"}
    run.log_params({f"early_stopping_{name}": value for name, value in given.items()})
    run.log_metrics({"stopped_epoch": stop.stopped_epoch, "best_score": float(stop.best_score)})
    return found


def failing() -> Any:
    with tempfile.TemporaryDirectory() as folder:
        fit(quiet(folder, max_epochs=1, logger=False), network(wrong=True))


def case() -> AutologgerCase:
    return AutologgerCase(
        name="lightning",
        trainings={
            "plain": Training(plain, plain_by_hand, outputs=weights),
            "stopping early": Training(stopped, stopped_by_hand, outputs=weights),
        },
        failing=failing,
    )
