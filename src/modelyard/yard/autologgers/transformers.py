"""transformers' Trainer: arguments, the model's config, what the trainer logs at its steps, and the model.

A callback is among the trainer's for as long as it trains. Of several processes the first one logs. Arguments are params
where they differ from what they are by default; all of them, and the whole config, stand in files. `evaluate` and `predict`
go to the active run, or to that of the trainer's last `train`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import tempfile
import weakref
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any

from modelyard.yard.autologging.calls import Call
from modelyard.yard.autologging.interface import Patcher

NAME = "transformers"
EXTRA = "transformers"
LIBRARIES = ("transformers.trainer",)

ARGUMENTS, CONFIG, TOKENIZER = "training_arguments.json", "model_config.json", "tokenizer"

_ALWAYS = (
    *("learning_rate", "num_train_epochs", "per_device_train_batch_size", "weight_decay", "seed"),
    *("gradient_accumulation_steps", "lr_scheduler_type", "warmup_steps", "optim"),
)
_NEVER = (
    *("output_dir", "logging_dir", "run_name", "report_to", "disable_tqdm", "use_cpu"),
    *("do_eval", "dataloader_pin_memory", "log_level"),
)
_runs: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()
"""Trainer -> the run that its last `train` was logged to."""


def install(patcher: Patcher) -> None:
    """Wrap the trainer; those derived from it (TRL's, for one) come by there too."""
    from transformers import trainer

    patcher.wrap(trainer.Trainer, "train", train)
    patcher.wrap(trainer.Trainer, "evaluate", evaluate)
    patcher.wrap(trainer.Trainer, "predict", predict)


def train(call: Call) -> Generator[None, Any, None]:
    """Around one training."""
    trainer = call.arguments["self"]
    if _handed_over(trainer) or not trainer.is_world_process_zero():
        yield
        return

    def start(model: Any, state: Any, train_dataloader: Any) -> None:
        _runs[trainer] = call.run.run_id
        call.log_params(started(trainer.args, model, state, train_dataloader))
        call.log_dict(trainer.args.to_dict(), ARGUMENTS)
        if config := config_of(model):
            call.log_dict(config, CONFIG)

    def told(logs: Mapping[str, Any], step: int) -> None:
        call.log_metrics(numbers(logs), step=step)

    with _calling(trainer, call.guard(start), call.guard(told)):
        yield
    with call.step("best"):
        call.log_metrics(best(trainer.state))
    with call.step("tokenizer"):
        _tell_tokenizer(call, trainer)
    with call.step("model"):
        call.log_model(trainer.model)


def evaluate(call: Call) -> Generator[None, Any, None]:
    """Around an evaluation that the user asked for."""
    metrics = yield
    _tell_measured(call, metrics)


def predict(call: Call) -> Generator[None, Any, None]:
    """Around a prediction: the metrics of its data."""
    output = yield
    _tell_measured(call, output.metrics or {})


def _handed_over(trainer: Any) -> bool:
    """Whether the user gave it a callback of ours."""
    return any(getattr(one, "logs_to_run", False) for one in trainer.callback_handler.callbacks)


def _tell_measured(call: Call, metrics: Mapping[str, Any]) -> None:
    """To the active run, that of the last `train`, or one of its own."""
    from modelyard.yard import fluent

    trainer = call.arguments["self"]
    with call.step("metrics"):
        values, step = numbers(metrics), trainer.state.global_step
        if not values or _handed_over(trainer) or not trainer.is_world_process_zero():
            return
        known = _runs.get(trainer)
        if fluent.active_run() is not None or known is None:
            call.run.log_metrics(values, step=step)
        else:
            with fluent.start_run(run_id=known) as run:
                run.log_metrics(values, step=step)


def _tell_tokenizer(call: Call, trainer: Any) -> None:
    """The model's other half goes beside it."""
    tokenizer = getattr(trainer, "processing_class", None)
    if tokenizer is None or not call.options.log_models:
        return
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save_pretrained(folder)
        call.run.log_artifacts(folder, call.prefix + TOKENIZER)


@contextlib.contextmanager
def _calling(trainer: Any, start: Callable[..., None], told: Callable[..., None]) -> Iterator[None]:
    """A callback of ours, before all others, for this call."""
    from transformers import TrainerCallback

    class Ours(TrainerCallback):
        def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            start(kwargs.get("model"), state, kwargs.get("train_dataloader"))

        def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            told(kwargs.get("logs") or {}, state.global_step)

    ours, callbacks = Ours(), trainer.callback_handler.callbacks
    callbacks.insert(0, ours)  # the one that prints takes something out of what is logged
    try:
        yield
    finally:
        if ours in callbacks:
            callbacks.remove(ours)


# What is told of a training; the callback for those who hand one over themselves tells the same


def started(args: Any, model: Any, state: Any, dataloader: Any) -> dict[str, Any]:
    """What is known when the training begins."""
    params: dict[str, Any] = {"model_class": type(model).__name__, "max_steps": state.max_steps}
    params |= arguments(args)
    if model is not None:
        counts = [(weight.numel(), weight.requires_grad) for weight in model.parameters()]
        params["parameters"] = sum(count for count, _ in counts)
        params["trainable_parameters"] = sum(count for count, trains in counts if trains)
    config: Any = getattr(model, "config", None)
    if hasattr(config, "to_diff_dict"):
        params |= {
            f"model_{key.removeprefix('model_')}": value
            for key, value in config.to_diff_dict().items()
            if isinstance(value, str | int | float) and key != "transformers_version"
        }
    with contextlib.suppress(TypeError):
        params["training_rows"] = len(dataloader.dataset)
    return params


def arguments(args: Any) -> dict[str, Any]:
    """Those that somebody chose, and those that everybody asks for. Secrets and places are none."""
    told = args.to_dict()
    found: dict[str, Any] = {}
    for field in dataclasses.fields(args):
        value = told.get(field.name)
        if field.name in _NEVER or field.name.endswith("_token"):
            continue
        if not isinstance(value, str | int | float):
            continue  # None, and settings that are made of settings
        set_aside = (
            field.default is None and value is False
        )  # how some say that they were not chosen
        if field.name in _ALWAYS or (getattr(args, field.name) != field.default and not set_aside):
            found[field.name] = value
    return found


def config_of(model: Any) -> dict[str, Any] | None:
    """The model's whole config, where it has one."""
    config: Any = getattr(model, "config", None)
    return config.to_dict() if hasattr(config, "to_dict") else None


def best(state: Any) -> dict[str, float]:
    """The best of what the trainer was told to watch."""
    if state.best_metric is None:
        return {}
    step = getattr(state, "best_global_step", None)
    found = {"best_metric": float(state.best_metric)}
    return found if step is None else {**found, "best_step": float(step)}


def numbers(logs: Mapping[str, Any]) -> dict[str, float]:
    """Those that are one number each."""
    found: dict[str, float] = {}
    for name, value in logs.items():
        if not isinstance(value, str | bool):
            with contextlib.suppress(TypeError, ValueError, RuntimeError):
                found[name] = float(value)
    return found
