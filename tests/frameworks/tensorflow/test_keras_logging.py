"""What a training of Keras logs besides figures: the user's callbacks stay his, the summary, and the callback to hand over."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import modelyard as my
from cases.autologgers.keras import ROWS, SIZES, WANTED, network
from modelyard.base.errors import InvalidInput
from modelyard.testing.autologgers import parents, told
from modelyard.testing.told import MemoryRecorder
from modelyard.yard.autologging import trouble
from modelyard.yard.callbacks.keras import RunCallback

__all__ = ["told"]  # a fixture


class Seen(keras.callbacks.Callback):
    """A callback of the user's own."""


def graph() -> Any:
    """Not step by step."""
    model = network()
    model.compile("sgd", "mse")
    return model


def test_the_callbacks_of_the_user_stay_as_they_are(told: MemoryRecorder) -> None:
    given = [Seen()]
    held = keras.callbacks.CallbackList([Seen()], add_history=True, epochs=1, verbose=0)
    my.autolog("keras", log_models=False)
    model = graph()
    model.fit(ROWS, WANTED, verbose=0, callbacks=given)
    held.set_model(model)
    model.fit(ROWS, WANTED, verbose=0, callbacks=held)
    assert [type(one) for one in given] == [Seen]
    assert [type(one).__name__ for one in held.callbacks] == ["Seen", "History"]
    assert not trouble.counts
    assert [len(run.points["loss"]) for run in parents(told)] == [1, 1]
    assert "dense" in parents(told)[0].text("model_summary.txt")


def test_a_training_in_a_graph_ends_with_the_same_weights(told: MemoryRecorder) -> None:
    def trained() -> list[Any]:
        model = graph()
        model.fit(ROWS, WANTED, epochs=2, verbose=0)
        return model.get_weights()

    bare = trained()
    my.autolog("keras")
    assert all(map(np.array_equal, bare, trained()))
    handed = graph()
    my.autolog("keras", disable=True)
    handed.fit(ROWS, WANTED, epochs=2, verbose=0, callbacks=[RunCallback()])
    assert all(map(np.array_equal, bare, handed.get_weights()))


def test_a_callback_that_is_handed_over_logs_alone(told: MemoryRecorder) -> None:
    my.autolog("keras")
    model = network()
    callback = RunCallback(every_batches=2, sample_data=ROWS[:2])
    history = model.fit(ROWS, WANTED, epochs=2, batch_size=10, verbose=0, callbacks=[callback])
    (run,) = parents(told)
    assert run.status == "FINISHED"
    assert run.points["loss"] == list(enumerate(history.history["loss"]))
    assert [step for step, _ in run.points["batch_loss"]] == [2, 4, 6, 8]
    assert run.params["optimizer_learning_rate"] == "0.01"
    assert {k: int(run.params[k]) for k in SIZES} == SIZES
    assert run.models["model"].status == "READY"
    assert not trouble.counts


def test_a_callback_logs_to_the_run_it_is_given_and_does_not_end_it(told: MemoryRecorder) -> None:
    with my.start_run() as run:
        network().fit(
            ROWS, WANTED, verbose=0, callbacks=[RunCallback(run.child("fold"), log_model=False)]
        )
        assert run.status == "RUNNING"
    outer, fold = told.runs()
    assert not outer.points
    assert fold.points["loss"]
    with pytest.raises(InvalidInput):
        RunCallback(every_batches=0)
