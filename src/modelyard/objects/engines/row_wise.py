"""Whether a network answers each record by itself: asked alone, beside others, in other orders and numbers.

Nothing says of a network whether it looks from one record to the next: batch normalization that was left in training mode,
a softmax over the wrong axis, a recurrent layer whose first dimension is time, numbers that are quantized by the range of
the batch. So it is tried, on the card's sample and rows around it. An answer in a batch must be the one it gives alone:

* floats of 32 and 64 bits within `RELATIVE`, of the value and of the usual size of answers: matrix products of another number
  of rows end in other last bits (of a float32 network about 1e-7), which is no dependence;
* all else (labels, short floats, texts) to the last bit.

A trial is no proof: what depends on its neighbours only where a number passes a threshold may get through. So the answers
of joined calls are compared again now and then while they are served (`modelyard.serving.execution`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from modelyard.objects.model import Model
from modelyard.objects.sampling import required_arguments, sample_arguments

METHODS: Mapping[str, frozenset[str]] = {
    "torch": frozenset(("predict",)),
    "keras": frozenset(("predict",)),
    "onnx": frozenset(("predict", "predict_proba")),
}
"""Flavor -> methods that may be tried: a forward pass is no more than its answer. One that a class of somebody's own puts in
its place may send a letter, and is never called unasked."""
_LIBRARIES = ("torch", "keras", "modelyard")
RELATIVE: Mapping[str, float] = {"float32": 1e-5, "float64": 1e-10}
SIZES = (2, 3, 8, 33, 64)
"""Records of one call. Above 32 Keras takes another way."""
ALONE = 8
"""Rows whose answers alone are known."""
HOSTILE = (0.0, 1e3, -1e6, float("inf"), float("nan"))
"""What neighbours are made of."""
SECONDS = 2.0
"""A network that needs longer for all this stays as it is. Of the processor, so that a busy machine decides nothing."""
_SEED = 20_261_126


def answers_row_by_row(model: Model, method: str) -> bool:
    """Whether requests for a method may be joined, as far as a trial shows; it is called some thirty times."""
    if method not in METHODS.get(model.card.flavor, ()) or _is_own(model.object, method):
        return False
    signature = model.signature(method)
    names = required_arguments(signature)
    if len(names) != 1:
        return False
    until = time.thread_time() + SECONDS

    def ask(value: Any) -> Any:
        if time.thread_time() > until:
            raise TimeoutError
        return model.call(method, **{names[0]: value})

    try:
        sample = sample_arguments(model.card.sample, model.signature()).get(names[0])
        rows = _rows_of(signature.args[names[0]].type, sample)
        return rows is not None and _agrees(ask, rows)
    except Exception:  # noqa: BLE001  whatever it is: then each request is asked alone, as it always was
        return False


def _is_own(network: Any, method: str) -> bool:
    """Whether a method is of a class that is none of the library's."""
    owner = next((cls for cls in type(network).__mro__ if method in vars(cls)), None)
    return owner is not None and owner.__module__.partition(".")[0] not in _LIBRARIES


def near(wanted: Any, got: Any, relative: float | None = None, scale: float | None = None) -> bool:
    """Whether two answers are the same but for the last bits of their floats."""
    import numpy as np

    wanted, got = np.asarray(wanted), np.asarray(got)
    if wanted.shape != got.shape or wanted.dtype != got.dtype:
        return False
    within = RELATIVE.get(wanted.dtype.name) if relative is None else relative
    if within is None or wanted.dtype.kind != "f":
        return bool((wanted == got).all())
    usual = _usual(wanted) if scale is None else scale
    with np.errstate(all="ignore"):
        apart = np.abs(got - wanted) <= within * (np.abs(wanted) + usual)
    same = apart | (wanted == got) | (np.isnan(wanted) & np.isnan(got))
    return bool(same.all())


def _usual(answers: Any) -> float:
    """The median size of floats."""
    import numpy as np

    sizes = np.abs(answers[np.isfinite(answers)])
    return float(np.median(sizes)) if sizes.size else 0.0


class _Rows:
    """Records as an array or a frame, and as the method takes them."""

    def __init__(self, kind: Any, values: Any) -> None:
        self._kind, self.values = kind, values

    def beside(self, number: float) -> _Rows:
        """The known rows, then as many of nothing but one number."""
        import numpy as np

        known = self.values[:ALONE]
        if self._kind.kind != "dataframe":
            return _Rows(self._kind, np.concatenate([known, np.full_like(known, number)]))
        import pandas

        strange = known.assign(**dict.fromkeys(map(str, self._floats), number)).astype(known.dtypes)
        return _Rows(self._kind, pandas.concat([known, strange], ignore_index=True))

    def take(self, picked: Sequence[int]) -> Any:
        if self._kind.kind == "dataframe":
            return self.values.iloc[list(picked)].reset_index(drop=True)
        return self._kind.check(self.values[list(picked)])

    @property
    def _floats(self) -> Sequence[Any]:
        return list(self.values.select_dtypes("floating").columns)

    @property
    def holds_floats(self) -> bool:
        """Whether any number of it is a float."""
        if self._kind.kind == "dataframe":
            return bool(self._floats)
        return self.values.dtype.kind == "f"


def _rows_of(kind: Any, sample: Any) -> _Rows | None:
    """Rows around a sample, as many as the largest batch; None where none can be made."""
    import numpy as np

    random = np.random.default_rng(_SEED)
    if kind.kind == "dataframe":
        frame = None if sample is None else kind.decode(sample)
        return None if frame is None or not len(frame) else _Rows(kind, _frame(frame, random))
    if kind.kind not in ("array", "tensor"):
        return None
    shape, dtype = kind.table.shape, np.dtype(kind.table.dtype)
    if sample is not None:
        base = kind.table.decode(sample)
    elif dtype.kind == "f" and None not in shape[1:]:  # too large for a card
        base = random.normal(size=(2, *shape[1:])).astype(dtype)
    else:
        return None
    return _Rows(kind, _array(base, random)) if len(base) else None


def _array(base: Any, random: Any) -> Any:
    rows = base[random.integers(0, len(base), max(SIZES))]
    if (
        rows.dtype.kind != "f"
    ):  # words and labels: what the sample has in that place, or else anywhere
        flat = rows.reshape(len(rows), -1)
        return random.permuted(flat, axis=int((flat == flat[0]).all())).reshape(rows.shape)
    noise = random.uniform(-2, 2, rows.shape) * (1 + random.normal(size=rows.shape) / 4)
    return (rows * noise + random.normal(size=rows.shape) * (base.std() / 4)).astype(rows.dtype)


def _frame(base: Any, random: Any) -> Any:
    rows = base.iloc[random.integers(0, len(base), max(SIZES))].reset_index(drop=True)
    for name in rows.columns:
        if rows[name].dtype.kind == "f":
            noise = random.uniform(-2, 2, len(rows))
            rows[name] = (rows[name].to_numpy() * noise).astype(rows[name].dtype)
    return rows


def _agrees(ask: Callable[[Any], Any], rows: _Rows) -> bool:
    import numpy as np

    alone = [np.asarray(ask(rows.take([i]))) for i in range(ALONE)]
    if any(answer.ndim < 1 or len(answer) != 1 for answer in alone):
        return False
    answers = np.concatenate(alone)
    # What changes by itself (dropout, a state) cannot be tried, and equal answers would show nothing.
    again = np.concatenate([np.asarray(ask(rows.take([i]))) for i in range(2)])
    if not near(answers[:2], again) or near(answers, answers[:1].repeat(ALONE, axis=0)):
        return False
    scale = _usual(answers) if answers.dtype.kind == "f" else None
    for picked in _batches():
        found = np.asarray(ask(rows.take(picked)))
        known = [at for at, i in enumerate(picked) if i < ALONE]
        if len(found) != len(picked) or not near(answers[[picked[at] for at in known]], found[known], scale=scale):  # fmt: skip
            return False
    return all(_bears(ask, rows, number, answers, scale) for number in HOSTILE if rows.holds_floats)


def _batches() -> Iterator[list[int]]:
    """Which rows are asked together: each known one first, last, and in between; beside itself, and beside others."""
    import numpy as np

    random = np.random.default_rng(_SEED)
    for size in SIZES:
        rows = [*range(min(ALONE, size)), *range(ALONE, size)]
        yield rows
        yield rows[::-1]
        yield [*random.permutation(max(SIZES))[: size - 1].tolist(), size % ALONE]
    yield [0] * ALONE


def _bears(
    ask: Callable[[Any], Any], rows: _Rows, number: float, answers: Any, scale: float | None
) -> bool:
    """Whether answers stay as they are beside rows of such numbers; a network may refuse these."""
    import numpy as np

    picked = [i for pair in zip(range(ALONE), range(ALONE, 2 * ALONE), strict=True) for i in pair]
    mixed = rows.beside(number).take(picked)
    try:
        found = np.asarray(ask(mixed))
    except TimeoutError:
        raise
    except Exception:  # noqa: BLE001  a joined call that fails is asked again in halves
        return True
    return len(found) == len(picked) and near(answers, found[::2], scale=scale)
