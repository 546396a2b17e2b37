"""Keras: what `fit` was asked, metrics of each epoch, where early stopping went back to, the summary and the model.

A callback goes into the call of `fit`; the list that the user gave stays as it is. Metrics carry the number of their epoch
as step. When early stopping put the weights of its best epoch back, the metrics of that epoch are told once more after the
last one, so that a run's latest metrics are those of the model that stands beside them.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import Any

from modelyard.yard.autologging.calls import Call
from modelyard.yard.autologging.interface import Patcher

NAME = "keras"
EXTRA = "tensorflow"
LIBRARIES = ("keras",)

SUMMARY = "model_summary.txt"
SAMPLE_ROWS = 5
BATCH_SIZE = 32
"""Of arrays, when none is given."""

_ASKED = (
    *("epochs", "initial_epoch", "steps_per_epoch", "shuffle", "validation_split", "class_weight"),
    *("validation_steps", "validation_batch_size", "validation_freq"),
)
_EARLY = ("monitor", "patience", "min_delta", "baseline", "restore_best_weights")


def install(patcher: Patcher) -> None:
    """Wrap `fit` where Keras defines it for its backend: models of one's own come by there too."""
    import keras

    owner = next(cls for cls in keras.Model.__mro__ if "fit" in vars(cls))
    patcher.wrap(owner, "fit", fit)


def fit(call: Call) -> Generator[None, Any, None]:
    """Around one training."""
    asked = call.arguments
    model, x, given = asked["self"], asked.get("x"), asked.get("callbacks")
    if any(getattr(one, "logs_to_run", False) for one in listed(given)):
        yield  # one of ours, which the user handed over
        return
    with call.step("params"):
        call.log_params(fit_params(asked) | model_params(model))
    with call.step("dataset"):
        if is_table(x):
            call.log_data(x)
    epochs: list[tuple[int, Mapping[str, float]]] = []

    def epoch(number: int, logs: Mapping[str, Any] | None = None) -> None:
        epochs.append((number, numbers(logs)))
        if number % call.options.every == 0 or number + 1 == asked.get("epochs", 1):
            call.log_metrics(epochs[-1][1], step=number)

    with _listening(call, given, call.guard(epoch)):
        yield
    with call.step("early_stopping"):
        params, metrics, again = early_stopping(listed(given), epochs)
        call.log_params(params)
        call.log_metrics(metrics)
        if again:
            call.log_metrics(again, step=epochs[-1][0] + 1)
    with call.step("summary"):
        call.log_params(sizes(model))
        call.run.log_text(summary(model), call.prefix + SUMMARY)
    with call.step("model"):
        call.log_model(model, sample(x))


@contextlib.contextmanager
def _listening(call: Call, given: Any, epoch: Callable[..., None]) -> Iterator[None]:
    """Give the call our callback beside the user's own. A `CallbackList` holds it for as long as the call takes."""
    import keras

    ours = keras.callbacks.LambdaCallback(on_epoch_end=epoch)
    if not isinstance(given, keras.callbacks.CallbackList):
        call.replace("callbacks", [*listed(given), ours])
        yield
        return
    given.append(ours)
    try:
        yield
    finally:
        given.callbacks.remove(ours)


# What is told of a training; the callback for those who hand one over themselves tells the same


def listed(callbacks: Any) -> list[Any]:
    """Callbacks as `fit` takes them: none, one, or a nest of them."""
    import keras

    if isinstance(callbacks, keras.callbacks.CallbackList):
        return list(callbacks.callbacks)
    return keras.tree.flatten(callbacks) if callbacks else []


def fit_params(asked: Mapping[str, Any]) -> dict[str, Any]:
    """What `fit` was asked, with the size of what it was given."""
    params = {name: asked[name] for name in _ASKED if asked.get(name) is not None}
    batch_size = asked.get("batch_size") or (BATCH_SIZE if is_table(asked.get("x")) else None)
    if batch_size:
        params["batch_size"] = batch_size
    validation = asked.get("validation_data")
    if isinstance(validation, tuple) and validation:
        validation = validation[0]
    for name, data in (("training", asked.get("x")), ("validation", validation)):
        params |= {f"{name}_{what}": count for what, count in counted(data)}
    return params


def model_params(model: Any) -> dict[str, Any]:
    """The model's class, its loss and its optimizer with all that this was made with."""
    params: dict[str, Any] = {"model_class": type(model).__name__, "loss": _named(model.loss)}
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None:
        params["optimizer"] = type(optimizer).__name__
        config = optimizer.get_config()
        params |= {
            f"optimizer_{k}": _named(v) for k, v in config.items() if v is not None and k != "name"
        }
    return {name: value for name, value in params.items() if value is not None}


def sizes(model: Any) -> dict[str, int]:
    """Layers and weights. A model may have none before it has seen data."""
    if not model.built:
        return {}
    trainable = sum(int(_size(weight.shape)) for weight in model.trainable_weights)
    return {
        "layers": len(model.layers),
        "parameters": model.count_params(),
        "trainable_parameters": trainable,
    }


def summary(model: Any) -> str:
    """The table that `summary` prints."""
    lines: list[str] = []
    model.summary(print_fn=lambda line, *_: lines.append(str(line)), line_length=100)
    return "\n".join(lines) + "\n"


def early_stopping(
    callbacks: Sequence[Any], epochs: Sequence[tuple[int, Mapping[str, float]]]
) -> tuple[dict[str, Any], dict[str, float], Mapping[str, float]]:
    """Params, metrics, and once more the metrics of the epoch whose weights were put back, if any were."""
    import keras

    for one in callbacks:
        if not isinstance(one, keras.callbacks.EarlyStopping):
            continue
        found = {k: getattr(one, k, None) for k in _EARLY}
        params = {f"early_stopping_{k}": v for k, v in found.items() if v is not None}
        metrics: dict[str, float] = {
            "stopped_epoch": one.stopped_epoch,
            "best_epoch": one.best_epoch,
        }
        if not (one.restore_best_weights and one.best_weights is not None):
            return params, metrics, {}
        restored = next((told for number, told in epochs if number == one.best_epoch), {})
        last = epochs[-1][0] if epochs else one.best_epoch
        return (
            params,
            {**metrics, "restored_epoch": one.best_epoch},
            restored if last != one.best_epoch else {},
        )
    return {}, {}, {}


def numbers(logs: Mapping[str, Any] | None) -> dict[str, float]:
    """Those of an epoch that are one number each."""
    found: dict[str, float] = {}
    for name, value in (logs or {}).items():
        with contextlib.suppress(TypeError, ValueError):
            found[name] = float(value)
    return found


def is_table(data: Any) -> bool:
    """Arrays, tensors and tables: what may be looked at without taking anything from a stream."""
    return hasattr(data, "shape") and hasattr(data, "__getitem__") and len(data.shape) > 0


def sample(data: Any) -> Any:
    """The first rows of arrays and tables, None of a stream."""
    if is_table(data):
        return data.iloc[:SAMPLE_ROWS] if hasattr(data, "iloc") else data[:SAMPLE_ROWS]
    if isinstance(data, dict) and data and all(map(is_table, data.values())):
        return {name: sample(part) for name, part in data.items()}
    return None


def counted(data: Any) -> Iterator[tuple[str, int]]:
    """``rows`` of what has rows, ``batches`` of what gives batches and knows how many."""
    one: Any = data
    if isinstance(data, dict | list | tuple) and data:
        one = next(iter(data.values() if isinstance(data, dict) else data))
    if is_table(one):
        yield "rows", int(one.shape[0])
    elif hasattr(one, "cardinality"):  # a dataset of TensorFlow: below zero when it does not know
        if (batches := int(one.cardinality())) >= 0:
            yield "batches", batches
    elif isinstance(batches := getattr(one, "num_batches", None), int):
        yield "batches", batches
    elif (dataset := getattr(one, "dataset", None)) is not None and hasattr(dataset, "__len__"):
        yield "rows", len(dataset)


def _size(shape: Sequence[int]) -> int:
    count = 1
    for side in shape:
        count *= side
    return count


def _as_written(value: float) -> float:
    """The learning rate is kept in 32 bits, where 0.01 is 0.009999999776."""
    import numpy

    short = numpy.float32(value)
    return float(str(short)) if float(short) == value else value


def _named(value: Any) -> Any:
    """A loss, or a value of a config, as something short."""
    if isinstance(value, float):
        return _as_written(value)
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, Mapping) and "class_name" in value:  # a schedule of learning rates
        return json.dumps(
            {"class_name": value["class_name"], **value.get("config", {})}, default=str
        )
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, default=_named)
    return getattr(value, "name", None) or getattr(value, "__name__", type(value).__name__)
