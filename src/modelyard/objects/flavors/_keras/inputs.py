"""What users give a model, as what Keras takes: tables by column, lists as arrays, texts as tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelyard.base.errors import InvalidInput, did_you_mean


def as_inputs(model: Any, X: Any) -> Any:
    """The structure of arrays or tensors that the model's inputs have."""
    named = input_names(model)
    if _is_table(X):
        return _of_table(model, X, named)
    if isinstance(X, Mapping):
        return {name: _array(value) for name, value in X.items()}
    if isinstance(X, tuple) or (isinstance(X, list) and len(named) > 1):
        return [_array(value) for value in X]
    return _array(X, next(iter(named.values()), None))


def count_rows(inputs: Any) -> int:
    """The rows of the first of them."""
    while isinstance(inputs, Mapping | list | tuple):
        inputs = next(iter(inputs.values() if isinstance(inputs, Mapping) else inputs))
    return int(inputs.shape[0]) if len(inputs.shape) else 1


def input_names(model: Any) -> dict[str, Any]:
    """Name -> symbolic tensor of each input; empty for a subclassed model, which has none, and for one that was exported,
    where the list is there and says nothing."""
    inputs = getattr(model, "inputs", None) or []
    whole = _structure(model)
    if isinstance(whole, Mapping):
        return dict(whole)
    return {tensor.name: tensor for tensor in inputs if hasattr(tensor, "name")}


def _structure(model: Any) -> Any:
    try:
        return model.input
    except AttributeError:  # of a model that was only ever called
        return None


def _is_table(X: Any) -> bool:
    return hasattr(X, "columns") and hasattr(X, "to_numpy")


def _of_table(model: Any, X: Any, named: Mapping[str, Any]) -> Any:
    by_name = len(named) > 1 or isinstance(_structure(model), Mapping)
    if not by_name:
        return _array(X, next(iter(named.values()), None))
    columns = list(X.columns)
    for name in named:
        if name not in columns:
            raise InvalidInput(
                f"the table has no column for the input {name!r}",
                hint=did_you_mean(name, map(str, columns)) or f"inputs: {', '.join(named)}",
            )
    found = {name: _array(X[name], tensor) for name, tensor in named.items()}
    return found if isinstance(_structure(model), Mapping) else list(found.values())


def _array(value: Any, wanted: Any = None) -> Any:
    """An array or tensor; one column has the rank that its input wants, as a vector or as a matrix."""
    import numpy as np

    if hasattr(value, "to_numpy"):
        value = value.to_numpy()
    elif isinstance(value, list | float | int | str):
        value = np.asarray(value)
    if isinstance(value, np.ndarray) and value.dtype.kind in "OUS":
        value = _texts(value)
    have, want = tuple(value.shape), tuple(getattr(wanted, "shape", ()))
    if len(have) == 1 and len(want) == 2 and want[1] == 1:
        return value[:, None]
    if len(have) == 2 and have[1] == 1 and len(want) == 1:
        return value[:, 0]
    return value


def _texts(array: Any) -> Any:
    """Texts as a tensor, for Keras takes no arrays of them; numbers in an array of objects as numbers."""
    import numpy as np

    if array.dtype.kind == "O" and not any(isinstance(v, str | bytes) for v in array.ravel()[:1]):
        return np.asarray(array.tolist())
    import tensorflow as tf

    return tf.constant(array.astype(str) if array.dtype.kind == "U" else array)
