"""A tracker for Accelerate: ``Accelerator(log_with=RunTracker())``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from accelerate.tracking import GeneralTracker, on_main_process

from modelyard.yard.autologging.params import plain_params
from modelyard.yard.callbacks._runs import Borrowed

if TYPE_CHECKING:
    from modelyard.yard.active_run import ActiveRun


class RunTracker(GeneralTracker):
    """Logs what an accelerator is told to a run: the one given, else the active one, else one that ends with
    ``end_training``. Of several processes the main one logs."""

    name = "modelyard"
    requires_logging_directory = False

    def __init__(self, run: ActiveRun | None = None) -> None:
        super().__init__()
        self._runs = Borrowed("accelerate.RunTracker", run)

    @property
    def tracker(self) -> ActiveRun:
        """The run, for what else there is to log."""
        return self._runs.run

    @on_main_process
    def store_init_configuration(self, values: Mapping[str, Any]) -> None:
        """Params."""
        with self._runs.step("params"):
            self._runs.run.log_params(plain_params(values))

    @on_main_process
    def log(self, values: Mapping[str, Any], step: int | None = None, **_: Any) -> None:
        """Numbers are metrics, texts are tags."""
        with self._runs.step("metrics"):
            texts = {name: value for name, value in values.items() if isinstance(value, str)}
            numbers = {name: float(v) for name, v in values.items() if name not in texts}
            self._runs.run.log_metrics(numbers, step=step)
            if texts:
                self._runs.run.set_tags(texts)

    @on_main_process
    def finish(self) -> None:
        """The training is over."""
        self._runs.end()
