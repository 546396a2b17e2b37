"""A callback for transformers: ``Trainer(…, callbacks=[RunCallback()])`` logs what `autolog` does, of this trainer alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transformers import TrainerCallback

from modelyard.yard.autologgers import transformers as told
from modelyard.yard.autologging.params import plain_params
from modelyard.yard.callbacks._runs import Borrowed

if TYPE_CHECKING:
    from modelyard.yard.active_run import ActiveRun


class RunCallback(TrainerCallback):
    """Logs trainings to a run: the one given, else the active one, else one that begins and ends with the training.

    Of several processes the first one logs. `autolog` leaves trainers alone that have one.
    """

    logs_to_run = True

    def __init__(self, run: ActiveRun | None = None, *, log_model: bool = True) -> None:
        self._runs = Borrowed("transformers.RunCallback", run)
        self._log_model = log_model
        self._training = False

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """The run begins, or is found."""
        if not state.is_world_process_zero:
            return
        self._training = True
        self._runs.renew()
        model = kwargs.get("model")
        with self._runs.step("params"):
            params = told.started(args, model, state, kwargs.get("train_dataloader"))
            self._runs.run.log_params(plain_params(params))
        with self._runs.step("files"):
            self._runs.run.log_dict(args.to_dict(), told.ARGUMENTS)
            if config := told.config_of(model):
                self._runs.run.log_dict(config, told.CONFIG)

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """What the trainer logs, of evaluations too."""
        if state.is_world_process_zero:
            with self._runs.step("metrics"):
                values = told.numbers(kwargs.get("logs") or {})
                self._runs.run.log_metrics(values, step=state.global_step)

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """The best metric and the model; a run of its own ends."""
        if not state.is_world_process_zero:
            return
        with self._runs.step("best"):
            self._runs.run.log_metrics(told.best(state))
        with self._runs.step("model"):
            if self._log_model:
                self._runs.run.log_model(kwargs["model"], "model")
        self._training = False
        self._runs.pause()

    def on_evaluate(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """After a training its run ends again."""
        if not self._training:
            self._runs.pause()
