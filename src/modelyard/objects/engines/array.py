"""The model's own method on a matrix instead of the table it was fitted on: no table is built for each request.

scikit-learn remembers the names of the columns a model was fitted on and compares them at every call. Here they are looked at
once, when JSON becomes the matrix, so the names are left out of a shallow copy of the model (it shares all arrays and trees).
What addresses columns by name (a ColumnTransformer) raises on a matrix, and keeps its table.
"""

from __future__ import annotations

import io
import pickle
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from modelyard.objects.engines.forms import Matrix
from modelyard.objects.engines.interface import Engine
from modelyard.objects.equality import same_output
from modelyard.objects.model import Model
from modelyard.objects.sampling import required_arguments, sample_arguments
from modelyard.types.interface import DataType

NAME = "array"
TRIAL_ROWS = 64
_SEED = 20_261_126
_NAMES = "feature_names_in_"


def array_engine(model: Model, method: str) -> Engine | None:
    """The engine of a method, or None where the method needs its table, or cannot be tried on a sample."""
    signature = model.signature(method)
    names = required_arguments(signature)
    if len(names) != 1 or model.card.steps or model.card.sample is None:
        return None
    form = Matrix.of(signature.args[names[0]].type)
    sample = sample_arguments(model.card.sample, model.signature()).get(names[0])
    if form is None or sample is None:
        return None
    try:
        bare = without_names(model.object)
        call = getattr(bare, method)
        table = signature.args[names[0]].type
        agrees = _agrees(partial(model.call, method), names[0], call, form, table, sample)
    except Exception:  # noqa: BLE001  whatever it is: then the method is called as it always was
        return None
    return Engine(NAME, names[0], form, call) if agrees else None


def _agrees(
    function: Callable[..., Any],
    argument: str,
    call: Callable[[Any], Any],
    form: Matrix,
    table: DataType,
    sample: Any,
) -> bool:
    """Whether both ways answer the same, to the last bit, on the sample and on rows around it."""
    for records in (sample, sample[:1], _around(table, sample)):
        # Both made from JSON, as requests are: how an array lies in memory decides its last bits.
        frame = table.decode(records)
        if frame.to_numpy().dtype != form.dtype:
            return False
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            expected = function(**{argument: frame})
            before = len(told)
            found = call(form.decode(records))
        # What complains at every call is slower, and fills the log.
        if len(told) > before or not same_output(expected, found):
            return False
    return True


def _around(table: DataType, sample: Any) -> Any:
    """Records like those of the sample, each number within half and twice."""
    import numpy as np

    frame = table.decode(sample)
    random = np.random.default_rng(_SEED)
    more = frame.sample(TRIAL_ROWS, replace=True, random_state=_SEED, ignore_index=True)
    for name in more.columns:
        noise = random.uniform(0.5, 2.0, TRIAL_ROWS)
        more[name] = (more[name].to_numpy() * noise).astype(more[name].dtype)
    return table.encode(more)


def without_names(model: Any) -> Any:
    """A copy of a scikit-learn model, and of all models inside it, that does not know the names of its columns.

    Everything that is no model (arrays, trees, models of other libraries) is shared with the original.
    """
    shared: list[Any] = []
    written = io.BytesIO()
    _Sharing(written, shared).dump(model)
    written.seek(0)
    return _Shared(written, shared).load()


class _Sharing(pickle.Pickler):
    def __init__(self, file: io.BytesIO, shared: list[Any]) -> None:
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self._shared = shared

    def persistent_id(self, obj: Any) -> int | None:
        kind = type(obj)
        if kind in _COPIED or (_is_model(obj) and kind.__module__.startswith("sklearn.")):
            return None
        self._shared.append(obj)
        return len(self._shared) - 1

    def reducer_override(self, obj: Any) -> Any:
        if type(obj) in _COPIED or not _is_model(obj):
            return NotImplemented
        return _rebuilt, (type(obj), {k: v for k, v in vars(obj).items() if k != _NAMES})


class _Shared(pickle.Unpickler):
    """Reads only what `_Sharing` wrote a moment ago in this process."""

    def __init__(self, file: io.BytesIO, shared: list[Any]) -> None:
        super().__init__(file)
        self._shared = shared

    def persistent_load(self, pid: int) -> Any:
        return self._shared[pid]


_COPIED = frozenset((str, int, float, bool, type(None), list, tuple, dict))


def _is_model(obj: Any) -> bool:
    from sklearn.base import BaseEstimator

    return isinstance(obj, BaseEstimator)


def _rebuilt(cls: type, state: Mapping[str, Any]) -> Any:
    copy = object.__new__(cls)
    copy.__dict__.update(state)
    return copy
