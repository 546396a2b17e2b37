"""Networks of Keras: arrays with validation, early stopping that puts weights back, a dataset of TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers

from modelyard.testing.autologgers import AutologgerCase, Training, Wrong
from modelyard.yard.active_run import ActiveRun

ROWS = np.random.default_rng(0).random((40, 4)).astype("float32")
WANTED = (ROWS.sum(1) > 2).astype("float32")
OPTIMIZER = {
    "optimizer": "Adam",
    "optimizer_learning_rate": 0.01,
    "optimizer_beta_1": 0.9,
    "optimizer_beta_2": 0.999,
    "optimizer_epsilon": 1e-7,
    "optimizer_amsgrad": False,
    "optimizer_use_ema": False,
    "optimizer_ema_momentum": 0.99,
    "optimizer_loss_scale_factor": None,
}
SIZES = {"layers": 3, "parameters": 19, "trainable_parameters": 19}


def network(loss: Any = "binary_crossentropy") -> Any:
    """Small, the same each time, and run step by step: a graph would take a second for each training."""
    keras.utils.set_random_seed(0)
    inner = [
        keras.Input((4,)),
        layers.Dense(3, "relu"),
        layers.Dropout(0.2),
        layers.Dense(1, "sigmoid"),
    ]
    model = keras.Sequential(inner)
    model.compile(keras.optimizers.Adam(0.01), loss, metrics=["accuracy"], run_eagerly=True)
    return model


def fitted(**asked: Any) -> tuple[Any, Any]:
    model = network()
    return model, model.fit(verbose=0, **asked)


def outputs(model: Any) -> Any:
    return [np.asarray(weight) for weight in model.get_weights()]


def logged(history: Any, run: ActiveRun) -> None:
    """As one writes it by hand: an epoch at a time."""
    for number, epoch in enumerate(history.epoch):
        for name, values in history.history.items():
            run.log_metric(name, values[number], step=epoch)


def told(run: ActiveRun, model: Any, **params: Any) -> None:
    run.log_params({k: v for k, v in OPTIMIZER.items() if v is not None})
    run.log_params({"model_class": "Sequential", "loss": "binary_crossentropy", **SIZES, **params})


ARRAYS: dict[str, Any] = {
    "x": ROWS[:32],
    "y": WANTED[:32],
    "validation_data": (ROWS[32:], WANTED[32:]),
    "epochs": 2,
    "batch_size": 16,
}


def arrays_by_hand(run: ActiveRun) -> Any:
    model, history = fitted(**ARRAYS)
    told(run, model, epochs=2, batch_size=16, training_rows=32, validation_rows=8)
    run.log_input(ROWS[:32])
    logged(history, run)
    return outputs(model)


def stopping() -> Any:
    return keras.callbacks.EarlyStopping(
        "val_loss", patience=1, mode="max", restore_best_weights=True
    )


def early(callback: Any) -> tuple[Any, Any]:
    """The loss falls, and it waits for it to rise: the first epoch was the best."""
    return fitted(
        x=ROWS, y=WANTED, validation_split=0.25, epochs=9, batch_size=10, callbacks=callback
    )


def early_by_hand(run: ActiveRun) -> Any:
    callback = stopping()
    model, history = early([callback])
    assert (callback.stopped_epoch, callback.best_epoch) == (1, 0)
    told(run, model, epochs=9, batch_size=10, validation_split=0.25, training_rows=40)
    run.log_params(
        {
            "early_stopping_monitor": "val_loss",
            "early_stopping_patience": 1,
            "early_stopping_min_delta": 0,
            "early_stopping_restore_best_weights": True,
        }
    )
    run.log_input(ROWS)
    logged(history, run)
    run.log_metrics({"stopped_epoch": 1, "best_epoch": 0, "restored_epoch": 0})
    run.log_metrics({name: values[0] for name, values in history.history.items()}, step=2)
    return outputs(model)


def dataset() -> Any:
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((ROWS, WANTED)).shuffle(40, seed=1).batch(20)


def dataset_by_hand(run: ActiveRun) -> Any:
    model, history = fitted(x=dataset(), epochs=2, shuffle=False)
    told(run, model, epochs=2, shuffle=False, training_batches=2)
    logged(history, run)
    return outputs(model)


def trained(fit: Callable[[], tuple[Any, Any]]) -> Callable[[], Any]:
    return lambda: outputs(fit()[0])


def failing() -> Any:
    def wrong(*_: Any) -> Any:
        raise Wrong

    return network(wrong).fit(ROWS, WANTED, verbose=0)


def case() -> AutologgerCase:
    return AutologgerCase(
        name="keras",
        trainings={
            "arrays": Training(trained(lambda: fitted(**ARRAYS)), arrays_by_hand, outputs=outputs),
            "early stopping": Training(
                trained(lambda: early([stopping()])), early_by_hand, outputs=outputs
            ),
            "a dataset": Training(
                trained(lambda: fitted(x=dataset(), epochs=2, shuffle=False)),
                dataset_by_hand,
                outputs=outputs,
            ),
        },
        failing=failing,
    )
