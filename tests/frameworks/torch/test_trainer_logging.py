"""Loggers, callbacks and trackers to hand over to Lightning, transformers and Accelerate; tests after a training."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning
import torch
from accelerate import Accelerator

import modelyard as my
from cases.autologgers import lightning as modules
from cases.autologgers import transformers as trainers
from modelyard.testing.autologgers import parents, same, told
from modelyard.testing.told import MemoryRecorder
from modelyard.yard.autologging import trouble
from modelyard.yard.callbacks.accelerate import RunTracker
from modelyard.yard.callbacks.lightning import RunLogger
from modelyard.yard.callbacks.transformers import RunCallback

__all__ = ["told"]  # a fixture


@pytest.fixture(autouse=True)
def quiet() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # few workers, few batches
        yield


def test_a_logger_of_lightning_logs_alone_and_goes_on_with_a_test(
    told: MemoryRecorder, tmp_path: Path
) -> None:
    bare = modules.stopped()
    my.autolog("lightning")
    trainer = modules.watching(str(tmp_path), logger=RunLogger())
    module = modules.fit(trainer, modules.network())
    trainer.test(module, datamodule=modules.Rows(), verbose=False)
    assert same(modules.weights(module), bare)
    (run,) = parents(told)
    assert not trouble.counts
    assert run.status == "FINISHED"
    assert (run.params["rate"], run.params["size"]) == ("0.1", "8")
    assert {"loss_step", "loss_epoch", "val_loss", "test_loss"} <= set(run.points)
    (checkpoint,) = run.files
    assert checkpoint.startswith("checkpoints/epoch=")
    assert run.files[checkpoint].read_bytes() == Path(trainer.checkpoint_callback.best_model_path).read_bytes()  # fmt: skip


def test_a_test_after_a_training_goes_to_its_run(told: MemoryRecorder, tmp_path: Path) -> None:
    my.autolog("lightning", log_models=False)
    trainer = modules.quiet(str(tmp_path), max_epochs=1, logger=False, enable_checkpointing=False)
    module = modules.fit(trainer, modules.network())
    trainer.test(module, datamodule=modules.Rows(), verbose=False)
    (run,) = parents(told)
    assert not trouble.counts
    assert run.status == "FINISHED"
    assert run.metrics["test_loss"] == float(trainer.callback_metrics["test_loss"])
    assert trainer.callbacks is not None
    assert not [one for one in trainer.callbacks if "Lambda" in type(one).__name__]
    assert "log_metrics" not in vars(trainer._logger_connector)


def test_the_older_package_of_lightning_logs_too(told: MemoryRecorder, tmp_path: Path) -> None:
    class Older(pytorch_lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(4, 1)

        def training_step(self, batch: Any, _: int) -> Any:
            loss = ((self.layer(batch[0]) - batch[1]) ** 2).mean()
            self.log("loss", loss, on_epoch=True, on_step=False)
            return loss

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), 0.1)

    my.autolog("lightning", log_models=False)
    trainer = pytorch_lightning.Trainer(
        accelerator="cpu", max_epochs=2, logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, default_root_dir=tmp_path,
    )  # fmt: skip
    trainer.fit(Older(), modules.Rows().train_dataloader())
    (run,) = parents(told)
    assert not trouble.counts
    assert len(run.points["loss"]) == 2
    assert run.params["optimizer"] == "SGD"


def test_a_callback_of_transformers_logs_alone(told: MemoryRecorder, tmp_path: Path) -> None:
    bare = trainers.trained()
    my.autolog("transformers")
    heard = trainers.Heard()
    one = trainers.trainer(str(tmp_path), callbacks=[heard, RunCallback()])
    assert same(trainers.train(one), bare)
    assert [run.status for run in parents(told)] == ["FINISHED"]
    found = one.evaluate()
    (run,) = parents(told)
    assert not trouble.counts
    assert run.status == "FINISHED"
    assert run.points["eval_loss"][-1] == (6, found["eval_loss"])
    assert run.points["loss"] == [(s, told["loss"]) for told, s in heard.told if "loss" in told]
    assert run.params["learning_rate"] == "0.01"
    assert {"training_arguments.json", "model_config.json"} <= set(run.files)
    assert run.models["model"].status == "READY"


def test_an_evaluation_after_a_training_goes_to_its_run(
    told: MemoryRecorder, tmp_path: Path
) -> None:
    my.autolog("transformers", log_models=False)
    one = trainers.trainer(str(tmp_path))
    trainers.train(one)
    found = one.evaluate()
    one.predict(trainers.ROWS[:4])
    (run,) = parents(told)
    assert not trouble.counts
    assert run.metrics["eval_loss"] == found["eval_loss"]
    assert "test_loss" in run.metrics
    names = [type(callback).__name__ for callback in one.callback_handler.callbacks]
    assert "Ours" not in names
    assert "hub_token" not in run.params


def test_an_accelerator_tells_its_tracker(told: MemoryRecorder) -> None:
    accelerator = Accelerator(cpu=True, log_with=RunTracker())
    accelerator.init_trackers("mine", config={"rate": 0.1, "layers": [3, 4]})
    for step in range(3):
        accelerator.log({"loss": torch.tensor(1 / (step + 1)), "phase": "warm"}, step=step)
    accelerator.end_training()
    (run,) = parents(told)
    assert not trouble.counts
    assert (run.params, run.status) == ({"rate": "0.1", "layers": "[3, 4]"}, "FINISHED")
    assert [step for step, _ in run.points["loss"]] == [0, 1, 2]
    assert run.tags["phase"] == "warm"
    assert "accelerate" in sys.modules
