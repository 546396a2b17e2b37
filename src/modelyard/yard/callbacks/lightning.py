"""A logger for PyTorch Lightning: ``Trainer(logger=RunLogger())``. Hyperparameters and metrics go to a run, and the best
checkpoint when the training is over.

It serves `lightning` and `pytorch_lightning`.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

try:
    from lightning.pytorch.loggers.logger import Logger, rank_zero_experiment
    from lightning.pytorch.utilities import rank_zero_only
except ModuleNotFoundError:
    from pytorch_lightning.loggers.logger import (  # type: ignore[assignment]
        Logger,
        rank_zero_experiment,
    )
    from pytorch_lightning.utilities import rank_zero_only  # type: ignore[assignment]

from modelyard.yard.autologgers import lightning as told
from modelyard.yard.autologging.params import plain_params
from modelyard.yard.callbacks._runs import Borrowed

if TYPE_CHECKING:
    from modelyard.yard.active_run import ActiveRun


class RunLogger(Logger):
    """Logs what a trainer tells its loggers to a run: the one given, else the active one, else one of its own, which goes
    on when the trainer does (``test`` after ``fit``).

    `autolog` leaves trainers alone that have one. Of several processes the first one logs.
    """

    logs_to_run = True

    def __init__(
        self, run: ActiveRun | None = None, *, prefix: str = "", log_checkpoint: bool = True
    ) -> None:
        super().__init__()
        self._runs = Borrowed("lightning.RunLogger", run)
        self._prefix, self._log_checkpoint = prefix, log_checkpoint
        self._checkpoints: Any = None

    @property
    def name(self) -> str:
        """The experiment, as a part of the path of checkpoints."""
        return str(self.experiment.experiment) if rank_zero_only.rank == 0 else ""

    @property
    def version(self) -> str:
        """The run's id."""
        return self.experiment.run_id if rank_zero_only.rank == 0 else ""

    @property
    @rank_zero_experiment
    def experiment(self) -> ActiveRun:
        """The run, for what else there is to log."""
        return self._runs.run

    @rank_zero_only
    def log_hyperparams(self, params: Mapping[str, Any] | Namespace, *_: Any, **__: Any) -> None:
        """Params of the module and its data."""
        with self._runs.step("params"):
            given = vars(params) if isinstance(params, Namespace) else params
            self._runs.run.log_params(plain_params(given))

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """What the module logs."""
        with self._runs.step("metrics"):
            named = {self._prefix + name: value for name, value in told.numbers(metrics).items()}
            self._runs.run.log_metrics(named, step=step)

    def after_save_checkpoint(self, checkpoint_callback: Any) -> None:
        """Which of them is the best is known in the end."""
        self._checkpoints = checkpoint_callback

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """A training, or a test, is over."""
        with self._runs.step("checkpoint"):
            best = told.best_of(self._checkpoints)
            if best is not None and self._log_checkpoint:
                self._runs.run.log_artifact(best[0], told.CHECKPOINTS)
                self._runs.run.log_metrics(best[1])
            self._checkpoints = None
        self._runs.pause("FINISHED" if status == "success" else "FAILED")
