"""PyTorch Lightning, as `lightning` and as `pytorch_lightning`: hyperparameters, optimizers, what loggers are told, the best
checkpoint and the module.

Metrics are those that the module logs for loggers, at the steps that the trainer gives them, with or without a logger. Of
several processes the first one logs. `validate` and `test` go to the active run, or to that of the trainer's last `fit`.
"""

from __future__ import annotations

import contextlib
import math
import sys
import weakref
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any

from modelyard.yard.autologging.calls import Call
from modelyard.yard.autologging.interface import Patcher

NAME = "lightning"
EXTRA = "torch"
LIBRARIES = ("lightning.pytorch", "pytorch_lightning")

SUMMARY = "model_summary.txt"
CHECKPOINTS = "checkpoints"
SAMPLE_ROWS = 5

_SETTINGS = ("max_epochs", "max_steps", "accumulate_grad_batches", "gradient_clip_val", "precision")
_EARLY = ("monitor", "patience", "min_delta", "mode")
_runs: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()
"""Trainer -> the run that its last `fit` was logged to."""


def install(patcher: Patcher) -> None:
    """Wrap the trainer of each of the two packages that is there."""
    for library in LIBRARIES:
        trainer = getattr(sys.modules.get(library), "Trainer", None)
        if trainer is not None:
            patcher.wrap(trainer, "fit", fit)
            patcher.wrap(trainer, "validate", evaluate)
            patcher.wrap(trainer, "test", evaluate)


def fit(call: Call) -> Generator[None, Any, None]:
    """Around one training."""
    trainer, module = call.arguments["self"], call.arguments["model"]
    if _handed_over(trainer):
        yield
        return
    leads = trainer.is_global_zero
    if leads:
        with call.step("params"):
            call.log_params(hyperparameters(module, call.arguments.get("datamodule")))
            _runs[trainer] = call.run.run_id

    def start(trainer: Any, module: Any) -> None:
        if trainer.is_global_zero:
            call.log_params(started(trainer, module))

    def told(metrics: Mapping[str, Any], step: int | None) -> None:
        if trainer.is_global_zero:
            call.log_metrics(*told_as(trainer, metrics, step))

    if _elsewhere(trainer):
        yield
        with call.step("metrics"):
            call.log_metrics(numbers(trainer.callback_metrics), step=trainer.global_step)
    else:
        with _calling(trainer, call.guard(start)), _hearing(trainer, call.guard(told)):
            yield
    if not (leads and trainer.is_global_zero):
        return
    with call.step("early_stopping"):
        params, metrics = early_stopping(trainer)
        call.log_params(params)
        call.log_metrics(metrics)
    with call.step("checkpoint"):
        best = best_of(trainer.checkpoint_callback) if call.options.log_models else None
        if best is not None:
            call.run.log_artifact(best[0], call.prefix + CHECKPOINTS)
            call.log_metrics(best[1])
    with call.step("summary"):
        call.run.log_text(f"{module!r}\n", call.prefix + SUMMARY)
    with call.step("model"):
        call.log_model(module, sample(trainer, module))


def evaluate(call: Call) -> Generator[None, Any, None]:
    """Around `validate` and `test`."""
    trainer = call.arguments["self"]
    if _handed_over(trainer):
        yield
        return
    heard: list[tuple[dict[str, float], int]] = []

    def told(metrics: Mapping[str, Any], step: int | None) -> None:
        heard.append(told_as(trainer, metrics, step))

    with contextlib.nullcontext() if _elsewhere(trainer) else _hearing(trainer, call.guard(told)):
        yield
    with call.step("metrics"):
        if heard and trainer.is_global_zero:
            with _run_of(call, trainer) as run:
                for metrics, step in heard:
                    run.log_metrics(metrics, step=step)


def _handed_over(trainer: Any) -> bool:
    """Whether the user gave it a logger of ours."""
    return any(getattr(one, "logs_to_run", False) for one in trainer.loggers)


def _elsewhere(trainer: Any) -> bool:
    """Whether the training runs in processes that get a pickled trainer: what is ours cannot go along."""
    return getattr(trainer.strategy.launcher, "_start_method", "fork") != "fork"


@contextlib.contextmanager
def _run_of(call: Call, trainer: Any) -> Iterator[Any]:
    """The active run, that of the last `fit`, or one of its own."""
    from modelyard.yard import fluent

    known = _runs.get(trainer)
    if fluent.active_run() is not None or known is None:
        yield call.run
    else:
        with fluent.start_run(run_id=known) as run:
            yield run


@contextlib.contextmanager
def _calling(trainer: Any, start: Callable[..., None]) -> Iterator[None]:
    """A callback of ours among the trainer's, for this call."""
    callbacks = sys.modules[type(trainer).__module__.partition(".trainer")[0] + ".callbacks"]
    ours = callbacks.LambdaCallback(on_train_start=start)
    trainer.callbacks.append(ours)
    try:
        yield
    finally:
        if ours in trainer.callbacks:
            trainer.callbacks.remove(ours)


@contextlib.contextmanager
def _hearing(trainer: Any, told: Callable[[Any, int | None], None]) -> Iterator[None]:
    """Hear what the trainer tells its loggers. A logger of ours among them would change where checkpoints lie."""
    connector = trainer._logger_connector
    tell = connector.log_metrics

    def log_metrics(metrics: Any, step: int | None = None) -> None:
        tell(metrics, step)
        if metrics:
            told(metrics, step)

    connector.log_metrics = log_metrics
    try:
        yield
    finally:
        vars(connector).pop("log_metrics", None)


# What is told of a training; the logger for those who hand one over themselves tells the same


def hyperparameters(module: Any, datamodule: Any = None) -> dict[str, Any]:
    """What `save_hyperparameters` kept of the module and its data."""
    params: dict[str, Any] = {"model_class": type(module).__name__}
    for one in (datamodule, module):
        params |= dict(getattr(one, "hparams", None) or {})
    return params


def started(trainer: Any, module: Any) -> dict[str, Any]:
    """What is known when the training begins: the trainer's settings, optimizers, sizes of the model and its data."""
    params = {name: getattr(trainer, name, None) for name in _SETTINGS}
    if params["max_steps"] == -1:
        del params["max_steps"]
    if trainer.world_size > 1:
        params["world_size"] = trainer.world_size
    params |= optimizers(trainer.optimizers) | sizes(module)
    for name, loaders, batches in (
        ("training", trainer.train_dataloader, [trainer.num_training_batches]),
        ("validation", trainer.val_dataloaders, trainer.num_val_batches),
    ):
        if loaders is not None:
            params |= {f"{name}_{what}": count for what, count in counted(loaders, batches)}
    return {name: value for name, value in params.items() if value is not None}


def optimizers(found: list[Any]) -> dict[str, Any]:
    """The class of each optimizer, and what it was made with."""
    params: dict[str, Any] = {}
    for number, one in enumerate(found):
        inner = getattr(one, "optimizer", one)
        prefix = "optimizer" if number == 0 else f"optimizer{number + 1}"
        params[prefix] = type(inner).__name__
        params |= {f"{prefix}_{k}": v for k, v in inner.defaults.items() if v is not None}
    return params


def sizes(module: Any) -> dict[str, int]:
    """Numbers of weights; layers that have not seen data yet have none."""
    counts = [
        (int(weight.numel()), weight.requires_grad)
        for weight in module.parameters()
        if not hasattr(weight, "materialize")
    ]
    return {
        "parameters": sum(count for count, _ in counts),
        "trainable_parameters": sum(count for count, trains in counts if trains),
    }


def counted(loaders: Any, batches: list[int | float]) -> Iterator[tuple[str, int]]:
    """Rows where the data set knows them, and batches of an epoch where they end."""
    dataset = getattr(
        loaders[0] if isinstance(loaders, list) and loaders else loaders, "dataset", None
    )
    with contextlib.suppress(TypeError):
        yield "rows", len(dataset)  # type: ignore[arg-type]
    if batches and math.isfinite(batches[0]):
        yield "batches", int(batches[0])


def told_as(
    trainer: Any, metrics: Mapping[str, Any], step: int | None
) -> tuple[dict[str, float], int]:
    """Metrics and their step as loggers get them."""
    values = numbers(metrics)
    if step is not None:
        return values, step
    if "step" in values:
        return values, int(values.pop("step"))
    values.setdefault("epoch", trainer.current_epoch)
    return values, int(trainer.fit_loop.epoch_loop._batches_that_stepped)


def numbers(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Those that are one number each."""
    found: dict[str, float] = {}
    for name, value in metrics.items():
        with contextlib.suppress(TypeError, ValueError, RuntimeError):
            found[name] = float(value)
    return found


def early_stopping(trainer: Any) -> tuple[dict[str, Any], dict[str, float]]:
    """Params and metrics of the first callback that may stop the training early."""
    one = trainer.early_stopping_callback
    if one is None:
        return {}, {}
    params = {f"early_stopping_{name}": getattr(one, name) for name in _EARLY}
    return params, {"stopped_epoch": one.stopped_epoch, "best_score": float(one.best_score)}


def best_of(one: Any) -> tuple[str, dict[str, float]] | None:
    """Path and score of the best checkpoint of a callback, where it chooses by a metric."""
    path = getattr(one, "best_model_path", "")
    if not path or getattr(one, "monitor", None) is None:
        return None
    return path, numbers({"best_checkpoint_score": one.best_model_score})


def sample(trainer: Any, module: Any) -> Any:
    """A few rows, where looking at them runs nobody's code and draws no random number."""
    example = getattr(module, "example_input_array", None)
    if example is not None:
        return example
    dataset = getattr(trainer.train_dataloader, "dataset", None)
    tensors = getattr(dataset, "tensors", None)
    plain = type(dataset).__module__.startswith("torch.utils.data")
    return tensors[0][:SAMPLE_ROWS] if plain and tensors else None
