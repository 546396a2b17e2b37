"""A callback for Keras: ``model.fit(…, callbacks=[RunCallback()])`` logs what `autolog` does, of this training alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import keras

from modelyard.base.errors import InvalidInput
from modelyard.yard.autologgers import keras as told
from modelyard.yard.autologging.params import plain_params
from modelyard.yard.callbacks._runs import Borrowed

if TYPE_CHECKING:
    from modelyard.yard.active_run import ActiveRun


class RunCallback(keras.callbacks.Callback):
    """Logs a training to a run: the one given, else the active one, else one that begins and ends with the training.

    `autolog` leaves trainings alone that have one. ``every_batches``: metrics of every so many batches too, as ``batch_<name>`` by the number of batches so far.
    """

    logs_to_run = True

    def __init__(
        self,
        run: ActiveRun | None = None,
        *,
        every_batches: int | None = None,
        log_model: bool = True,
        sample_data: Any = None,
    ) -> None:
        super().__init__()
        if every_batches is not None and every_batches < 1:
            raise InvalidInput("every_batches is 1 or more")
        self._runs = Borrowed("keras.RunCallback", run)
        self._log_model, self._sample = log_model, sample_data
        self._batches = 0
        if every_batches:
            # Only then: Keras calls callbacks that look at batches one after the other, and waits for them.
            self._every = every_batches
            self.on_train_batch_end = self._batch

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """The run begins, or is found."""
        with self._runs.step("params"):
            self._batches = 0
            asked = {k: v for k, v in self.params.items() if k in ("epochs", "steps") and v}
            self._runs.run.log_params(plain_params(asked | told.model_params(self.model)))

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Metrics of an epoch."""
        with self._runs.step("epoch"):
            self._runs.run.log_metrics(told.numbers(logs), step=epoch)

    def _batch(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        with self._runs.step("batch"):
            self._batches += 1
            if self._batches % self._every == 0:
                named = {f"batch_{name}": value for name, value in told.numbers(logs).items()}
                self._runs.run.log_metrics(named, step=self._batches)

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """The summary and the model; a run of its own ends."""
        with self._runs.step("summary"):
            self._runs.run.log_params(told.sizes(self.model))
            self._runs.run.log_text(told.summary(self.model), told.SUMMARY)
        with self._runs.step("model"):
            if self._log_model:
                self._runs.run.log_model(self.model, "model", sample_data=self._sample)
        self._runs.end()
